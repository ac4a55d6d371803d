//! Standard input, devices, long lines and unreadable files.

use std::fs;

use crate::fixtures::{golden, line};
use crate::process::{piped, run, stderr, stdout};

#[test]
fn standard_input_may_hold_other_lines() {
    let trail = fs::read(golden().join("audit.2026-11-24-10.log")).expect("readable");
    let mixed = [
        &b"starting up\n"[..],
        &trail,
        b"\n{\"level\":\"info\"}\nbye",
    ]
    .concat();
    let output = piped(
        &golden(),
        &["query", "-", "--user", "u-8", "--json"],
        &mixed,
    );
    assert_eq!(stdout(&output).lines().count(), 2);
    assert!(
        stderr(&output).contains("skipped 3 lines of other programs"),
        "{}",
        stderr(&output)
    );
    let output = piped(&golden(), &["show", "c-42", "-"], &mixed);
    assert!(stdout(&output).contains("turns 3 to 4 are missing"));
    let output = piped(
        &golden(),
        &["redact", "-", "--dry-run", "--rules", "../rules.toml"],
        b"see E-4711\nand 10.1.2.3\n",
    );
    let printed = stdout(&output);
    assert!(
        printed.contains("hides    line 1 STAFF (STAFF): E-4711"),
        "{printed}"
    );
    assert!(
        printed.contains("EXPOSES  line 2 IP (ip): 10.1.2.3"),
        "{printed}"
    );
}

#[test]
fn long_lines_are_read_and_devices_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let long = format!(
        "{{\"seq\":0,\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"user_prompt\",\"conversation_id\":\"c\",\"prompt\":\"{}\"}}\n",
        "x ".repeat(4 << 20)
    );
    fs::write(dir.path().join("audit.2026-11-24.log"), long).expect("written");
    let output = run(dir.path(), &["check", "audit.log"]);
    assert!(
        stdout(&output).contains(" 1 record,"),
        "{}",
        stdout(&output)
    );
    let shown = stdout(&run(
        dir.path(),
        &["query", "audit.log", "--limit", "1", "--json"],
    ));
    assert_eq!(
        shown.len(),
        fs::metadata(dir.path().join("audit.2026-11-24.log"))
            .expect("there")
            .len() as usize
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("zero.log")).expect("linked");
        let output = run(dir.path(), &["query", "zero.log"]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "a device is no file of a trail: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        use std::path::Path;

        use crate::process::{PROGRAM, unprivileged};

        let dir = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permitted");
        };
        mode(dir.path(), 0o755);
        let program = dir.path().join("command");
        fs::copy(PROGRAM, &program).expect("copied");
        mode(&program, 0o755);
        for hour in 10..13 {
            let rest = ",\"conversation_id\":\"c-1\",\"turn_number\":1,\"prompt\":\"x\"";
            let path = dir.path().join(format!("audit.2026-11-24-{hour}.log"));
            fs::write(&path, line(hour - 10, "user_prompt", rest)).expect("written");
            mode(&path, 0o644);
        }
        for closed in 10..13 {
            let path = dir.path().join(format!("audit.2026-11-24-{closed}.log"));
            mode(&path, 0);
            for arguments in [
                &["query", "audit.log"][..],
                &["query", "audit.log", "--reverse"],
                &["query", "audit.log", "--user", "nobody"],
                &["show", "c-1", "audit.log"],
                &["show", "c-2", "audit.log"],
                &["stats", "audit.log"],
                &["export", "audit.log"],
                &["export", "audit.log", "--format", "jsonl"],
                &["tail", "audit.log", "--no-follow", "-n", "1"],
                &["check", "audit.log"],
            ] {
                let output = unprivileged(dir.path(), &program, arguments);
                let told = stdout(&output) + &stderr(&output);
                assert_eq!(
                    output.status.code(),
                    Some(2),
                    "{closed} {arguments:?}: {told}"
                );
                for says in ["Permission denied", "run this as the user"] {
                    assert!(told.contains(says), "{arguments:?}: {told}");
                }
                let is_empty = told.contains("nobody") || arguments.contains(&"c-2");
                let has_rest = told.contains("10:00:0") || told.contains("2 records");
                assert!(
                    is_empty || has_rest || arguments.contains(&"nobody"),
                    "{told}"
                );
            }
            mode(&path, 0o644);
        }
    }
}
