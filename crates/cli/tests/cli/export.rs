//! `export`.

use std::fs;
use std::process::Command;
use std::thread;

use crate::fixtures::{ended, golden};
use crate::process::{PROGRAM, run, stderr, stdout};
use crate::strace::{can_trace, is_durable, trace};

#[test]
fn an_export_gets_its_name_when_it_is_complete() {
    let dir = tempfile::tempdir().expect("a directory");
    let target = dir.path().join("audit.json");
    let to = target.to_str().expect("UTF-8");
    let output = run(
        &golden(),
        &[
            "export",
            "audit.log",
            "--format",
            "json",
            "--user",
            "u-8",
            "-o",
            to,
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let exported: serde_json::Value =
        serde_json::from_slice(&fs::read(&target).expect("there")).expect("JSON");
    assert_eq!(exported["summary"]["records"], 5);
    assert_eq!(exported["summary"]["unreadable"], 2);
    assert_eq!(exported["export"]["filters"][0], "user=u-8");
    assert_eq!(exported["records"].as_array().map(Vec::len), Some(5));
    let output = run(
        &golden(),
        &[
            "export",
            "audit.log",
            "-o",
            dir.path().join("no/such/x.csv").to_str().expect("UTF-8"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    let names: Vec<_> = fs::read_dir(dir.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["audit.json"], "no half of an export is left");
}

#[test]
fn an_export_replaces_a_file_only_with_force_and_a_trail_never() {
    let dir = tempfile::tempdir().expect("a directory");
    let logs = dir.path().join("logs");
    let audit = stinger_audit::to(logs.join("audit.log"))
        .rotation(stinger_audit::config::Rotation::DAILY)
        .redact_pii(true)
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::emit::prompt("I am ann@example.com"))
        .expect("recorded");
    audit.close().expect("closed");
    let names = || -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&logs)
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    };
    let content = || -> Vec<Vec<u8>> {
        let read = |name: &String| fs::read(logs.join(name)).expect("readable");
        names().iter().map(read).collect()
    };
    let before = (names(), content());
    for beside in [".lock", ".sealkey", ".checkpoint"] {
        let name = format!("audit.log{beside}");
        assert!(before.0.contains(&name), "{name} {before:?}");
    }
    let link = dir.path().join("link.csv");
    let mut targets: Vec<String> = before.0.iter().map(|name| format!("logs/{name}")).collect();
    targets.extend(
        [
            "logs/audit.2031-01-01.log",
            "logs/audit.log.journal",
            "logs/../logs/audit.log.journal.1",
            "logs/audit.log.replaced-1",
            "elsewhere/redaction.keys",
            "elsewhere/audit.log.sealkey",
            "no-cache/stinger-audit/index",
        ]
        .map(str::to_owned),
    );
    fs::create_dir(dir.path().join("elsewhere")).expect("made");
    fs::create_dir_all(dir.path().join("no-cache/stinger-audit")).expect("made");
    #[cfg(unix)]
    {
        let dated = before.0.iter().find(|name| name.starts_with("audit.2"));
        let dated = logs.join(dated.expect("a file"));
        std::os::unix::fs::symlink(&dated, &link).expect("linked");
        targets.push("link.csv".to_owned());
    }
    for target in &targets {
        let output = run(
            dir.path(),
            &["export", "logs/audit.log", "--force", "-o", target],
        );
        let told = stderr(&output);
        assert!(
            told.contains("belongs to an audit trail"),
            "{target}: {told}"
        );
        assert_eq!(output.status.code(), Some(2), "{target}");
    }
    // Of a stream it is not known which trail it is of.
    let output = run(
        dir.path(),
        &["export", "-", "--force", "-o", "logs/audit.log"],
    );
    assert!(stderr(&output).contains("belongs to an audit trail"));
    let other = dir.path().join("other.csv");
    fs::write(&other, "mine").expect("written");
    let refused = run(dir.path(), &["export", "logs/audit.log", "-o", "other.csv"]);
    assert!(
        stderr(&refused).contains("it exists"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(fs::read(&other).expect("readable"), b"mine");
    let forced = run(
        dir.path(),
        &["export", "logs/audit.log", "-o", "other.csv", "--force"],
    );
    assert_eq!(forced.status.code(), Some(0), "{}", stderr(&forced));
    assert!(fs::read(&other).expect("readable").starts_with(b"seq,"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&other).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let dashed = run(dir.path(), &["export", "logs/audit.log", "-o", "-"]);
    assert!(stdout(&dashed).starts_with("seq,"));
    assert!(!dir.path().join("-").exists());
    assert!(
        (names(), content()) == before,
        "nothing of the trail changed"
    );
}

#[test]
fn an_export_is_written_into_a_pipe() {
    #[cfg(unix)]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let pipe = dir.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|made| made.success()), "a pipe");
        let reader = {
            let pipe = pipe.clone();
            thread::spawn(move || fs::read(pipe).expect("readable"))
        };
        let target = pipe.to_str().expect("UTF-8");
        let output = run(&golden(), &["export", "audit.log", "-o", target]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        use std::os::unix::fs::FileTypeExt as _;
        let found = fs::symlink_metadata(&pipe).expect("there").file_type();
        assert!(found.is_fifo(), "nothing took its place");
        assert!(reader.join().expect("read").starts_with(b"seq,"));
        let output = run(&golden(), &["export", "audit.log", "-o", "/dev/null"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let found = fs::metadata("/dev/null").expect("there").file_type();
        assert!(found.is_char_device());
    }
}

#[test]
fn an_export_is_synced_before_it_has_its_name_and_its_directory_after_that() {
    if !can_trace() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    ended(dir.path());
    for force in [&[][..], &["--force"]] {
        let mut export = Command::new(PROGRAM);
        export.arg("export").arg(dir.path().join("audit.log"));
        export.arg("--output").arg(dir.path().join("out.csv"));
        let calls = trace(export.args(force));
        assert!(is_durable(&calls, dir.path(), "out.csv"), "{calls:#?}");
    }
}
