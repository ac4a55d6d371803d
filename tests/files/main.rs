//! The files of a trail: names, order, restarts, rolls, retention, copies.

use std::fs;
use std::path::Path;
use std::time::Duration;

use stinger_audit::Audit;
use stinger_audit::config::{Retention, Rotation};
use stinger_audit::error::ErrorKind;
use stinger_audit::error::trail::{self, Unreadable};
use stinger_audit::read::{Trail, VerifyOptions};
use stinger_audit::record::{Record, SystemEvent};

#[path = "../common/mod.rs"]
mod common;
mod copies;
mod retention;
use common::{Bench, all_records, records};

fn open(path: &Path, rotation: Rotation) -> Audit {
    stinger_audit::to(path)
        .redact_pii(false)
        .rotation(rotation)
        .open()
        .expect("a trail")
}

fn log(audit: &Audit, prompt: &str) {
    audit
        .log(stinger_audit::emit::prompt(prompt))
        .expect("recorded");
}

/// The types of all records but the seals, which come when they are due.
fn types(path: &Path) -> Vec<String> {
    let types = unsealed(path).into_iter();
    types.map(|record| record.event_type.to_string()).collect()
}

fn unsealed(path: &Path) -> Vec<Record> {
    let mut records = all_records(path);
    records.retain(|record| record.event_type.as_str() != "trail_sealed");
    records
}

fn open_without_seals(path: &Path, rotation: Rotation) -> Audit {
    stinger_audit::to(path)
        .redact_pii(false)
        .rotation(rotation)
        .sealing(false)
        .open()
        .expect("a trail")
}

/// A record of the application, as a line of a file.
fn line_of(seq: u64, time: &str) -> String {
    format!("{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"e\"}}\n")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("readable");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_trail_goes_on_where_the_last_process_left_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("logs/audit.log");
    for rotation in [
        Rotation::DAILY,
        Rotation::NEVER,
        Rotation::MINUTELY,
        Rotation::HOURLY,
    ] {
        let audit = open(&path, rotation);
        log(&audit, "p");
        audit.close().expect("closed");
    }
    // `all_records` asserts that seq has no hole.
    let types = types(&path);
    assert_eq!(types.len(), 12);
    assert_eq!(types[..3], ["trail_opened", "user_prompt", "trail_closed"]);
    assert!(!types.contains(&"trail_recovered".to_owned()));
}

#[test]
fn conversations_go_on_where_the_last_process_left_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    for _ in 0..3 {
        let audit = open(&path, Rotation::DAILY);
        audit
            .log(stinger_audit::emit::prompt("p").conversation_id("c"))
            .expect("recorded");
        audit.close().expect("closed");
    }
    let turns: Vec<_> = records(&path)
        .iter()
        .map(|record| record.turn_number)
        .collect();
    assert_eq!(turns, [Some(1), Some(2), Some(3)]);
}

#[test]
fn a_conversation_goes_on_after_a_roll_and_a_restart_or_its_number_is_left_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let ask = |conversation: &str, rotation| {
        let audit = open(&path, rotation);
        audit
            .log(stinger_audit::emit::prompt("p").conversation_id(conversation))
            .expect("recorded");
        audit.close().expect("closed");
    };
    let numbers = |path: &Path| -> Vec<_> {
        let number = |record: &Record| (record.turn_number, record.turn_number_unknown);
        records(path).iter().map(number).collect()
    };
    ask("c", Rotation::DAILY);
    ask("d", Rotation::HOURLY);
    ask("c", Rotation::MINUTELY);
    ask("e", Rotation::MINUTELY);
    let known = [1, 1, 2, 1].map(|number| (Some(number), None));
    assert_eq!(numbers(&path), known);

    // Of this trail the beginning is gone.
    let path = dir.path().join("rest.log");
    fs::write(&path, line_of(7, "2026-11-24T10:00:00Z")).expect("written");
    for _ in 0..2 {
        let audit = open(&path, Rotation::NEVER);
        for entry in [
            stinger_audit::emit::prompt("p"),
            stinger_audit::emit::prompt("p").turn_number(4),
        ] {
            audit.log(entry.conversation_id("c")).expect("recorded");
        }
        audit.close().expect("closed");
    }
    let expected = [
        (None, None),
        (None, Some(true)),
        (Some(4), None),
        (Some(5), None),
        (Some(4), None),
    ];
    assert_eq!(numbers(&path), expected);
}

#[cfg(unix)]
#[test]
fn the_trail_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench
        .audit
        .log(stinger_audit::emit::prompt("p"))
        .expect("recorded");
    bench.audit.flush().expect("written");
    for entry in fs::read_dir(bench.dir.path()).expect("readable") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_file() {
            let mode = entry.metadata().expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        }
    }
    // A file from before that others may read is made private too.
    let path = bench.dir.path().join("other.log");
    fs::write(&path, "").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    let audit = open(&path, Rotation::NEVER);
    assert_eq!(
        path.metadata().expect("metadata").permissions().mode() & 0o777,
        0o600
    );
    audit.close().expect("closed");
}

#[cfg(unix)]
#[test]
fn the_name_is_a_relative_link_to_the_newest_file() {
    let bench = Bench::new();
    let target = fs::read_link(bench.path()).expect("a link");
    assert!(target.is_relative() && target.starts_with(target.file_name().expect("a name")));
    assert!(bench.path().is_file(), "the link leads somewhere");
}

#[test]
fn a_file_that_is_no_trail_is_refused_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    fs::write(&path, "evidence of something else\n").expect("written");
    let error = stinger_audit::to(&path).open().expect_err("refused");
    assert!(
        error.to_string().contains("no audit trail; move it away"),
        "{error}"
    );
    assert_eq!(
        fs::read_to_string(&path).expect("kept"),
        "evidence of something else\n"
    );
}

#[cfg(unix)]
#[test]
fn what_is_somebody_elses_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let today = chrono::Utc::now().format("audit.%Y-%m-%d.log").to_string();
    fs::write(dir.path().join(&today), "somebody else's\n").expect("written");
    fs::write(dir.path().join("target.txt"), "text\n").expect("written");
    fs::write(dir.path().join("plain.log"), "text\n").expect("written");
    std::os::unix::fs::symlink("target.txt", dir.path().join("link.log")).expect("linked");
    let before = names(dir.path());
    for name in ["audit.log", "link.log"] {
        stinger_audit::to(dir.path().join(name))
            .open()
            .expect_err("refused");
    }
    stinger_audit::to(dir.path().join("plain.log"))
        .rotation(Rotation::NEVER)
        .open()
        .expect_err("refused");
    assert_eq!(names(dir.path()), before, "no lock, no journal, no file");
    // Retention removes none of it either, only the trail's own files.
    fs::rename(
        dir.path().join(&today),
        dir.path().join("audit.2020-01-01.log"),
    )
    .expect("renamed");
    let own = dir.path().join("audit.2020-01-02.log");
    fs::write(&own, line_of(0, "2020-01-02T00:00:00Z")).expect("written");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .retention(Retention::files(1))
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    assert!(!own.exists(), "retention ran");
    let kept = fs::read_to_string(dir.path().join("audit.2020-01-01.log"));
    assert_eq!(kept.expect("kept"), "somebody else's\n");
}

#[test]
fn a_last_line_that_lacks_only_its_end_keeps_its_seq() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    open(&path, Rotation::NEVER).close().expect("closed");
    let whole = fs::read_to_string(&path).expect("readable");
    fs::write(&path, whole.trim_end()).expect("cut by one byte");
    open(&path, Rotation::NEVER).close().expect("closed");
    assert_eq!(
        types(&path),
        [
            "trail_opened",
            "trail_closed",
            "trail_opened",
            "trail_closed"
        ]
    );
}

#[test]
fn each_run_of_a_writer_has_an_id_of_its_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    for _ in 0..2 {
        open(&path, Rotation::NEVER).close().expect("closed");
    }
    let opened = |record: &Record| match record.system_event() {
        Some(SystemEvent::Opened(opened)) => Some(opened),
        _ => None,
    };
    let opened: Vec<_> = all_records(&path).iter().filter_map(opened).collect();
    let [first, second] = opened.as_slice() else {
        panic!("{opened:?}");
    };
    assert_eq!((first.format, first.pid), (1, std::process::id()));
    let ids = [first, second].map(|opened| opened.run_id.clone().expect("an id"));
    assert!(ids.iter().all(|id| id.len() == 16), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    let line = fs::read_to_string(&path).expect("readable");
    let behind = line.split("\"event_type\":\"trail_opened\",").nth(1);
    assert!(behind.is_some_and(|behind| behind.starts_with("\"run_id\":\"")));
}

#[test]
fn a_second_writer_is_told_who_holds_the_trail() {
    let bench = Bench::new();
    let error = stinger_audit::to(bench.path()).open().expect_err("locked");
    assert!(matches!(
        error.kind(),
        ErrorKind::Locked { pid: Some(pid), .. } if *pid == std::process::id()
    ));
    assert!(error.to_string().contains("this very process"), "{error}");
    bench.audit.close().expect("closed");
    open(&bench.path(), Rotation::DAILY)
        .close()
        .expect("free again");
}

#[test]
fn a_torn_line_is_ended_kept_and_declared() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open_without_seals(&path, Rotation::NEVER);
    log(&audit, "kept");
    audit.close().expect("closed");
    let whole = fs::read_to_string(&path).expect("readable");
    let torn = whole.rfind("{\"seq\":2").expect("the trail_closed record");
    let cut = &whole[..torn + 30];
    fs::write(&path, cut).expect("cut");

    let audit = open_without_seals(&path, Rotation::NEVER);
    log(&audit, "after");
    audit.close().expect("closed");

    let now = fs::read_to_string(&path).expect("readable");
    assert!(
        now.starts_with(&format!("{cut}\n")),
        "what was there is kept"
    );
    let (read, unreadable): (Vec<_>, Vec<_>) = Trail::open(&path)
        .expect("a trail")
        .records()
        .partition(Result::is_ok);
    let read: Vec<_> = read.into_iter().flatten().collect();
    let seqs: Vec<_> = read.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [0, 1, 2, 3, 4, 5]);
    assert_eq!(read[2].event_type.as_str(), "trail_recovered");
    assert_eq!(read[2].other["torn"][0]["bytes"], 30);
    assert_eq!(read[2].other["last_seq"], 1);
    let [Err(error)] = unreadable.as_slice() else {
        panic!("{unreadable:?}");
    };
    let position = error.position().expect("a position");
    assert_eq!((position.line, position.byte), (3, torn as u64));
    assert!(matches!(
        error.kind(),
        trail::ErrorKind::Unreadable {
            reason: Unreadable::Torn,
            length: 30,
            ..
        }
    ));
}

#[test]
fn an_event_behind_close_is_an_error_and_is_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let logs = dir.path().join("logs");
    let path = logs.join("audit.log");
    let audit = stinger_audit::to(&path)
        .rotation(Rotation::MINUTELY)
        .redact_pii(false)
        .open()
        .expect("a trail");
    log(&audit, "before");
    audit.close().expect("closed");
    let confirm_async = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(audit.confirm_async())
    };
    for all_is_there in [audit.flush(), audit.confirm(), confirm_async()] {
        all_is_there.expect("nothing came late");
    }
    let error = audit
        .log(stinger_audit::emit::prompt("late"))
        .expect_err("closed");
    assert!(matches!(error.kind(), ErrorKind::Closed));
    assert_eq!(audit.status().records.after_close, 1);
    for late_is_not in [audit.flush(), audit.confirm(), confirm_async()] {
        let error = late_is_not.expect_err("it is not in the trail");
        assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_a_clear_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    let error = stinger_audit::to(file.join("audit.log"))
        .open()
        .expect_err("an error");
    let said = format!("{error:?}");
    assert!(
        said.contains("create the directory") && said.contains("file"),
        "{said}"
    );
}

#[test]
fn a_reader_changes_nothing() {
    let bench = Bench::new();
    log(&bench.audit, "p");
    bench.audit.close().expect("closed");
    let state = |dir: &Path| {
        let look = |name: String| {
            let metadata = dir.join(&name).symlink_metadata().expect("metadata");
            (name, metadata.len(), metadata.modified().expect("a time"))
        };
        names(dir).into_iter().map(look).collect::<Vec<_>>()
    };
    let before = state(bench.dir.path());
    let trail = Trail::open(bench.path()).expect("a trail");
    assert_eq!(types(&bench.path()).len(), 3);
    assert!(
        trail
            .verify(&VerifyOptions::new())
            .expect("sealed")
            .is_intact()
    );
    trail
        .export_csv(Default::default(), std::io::sink())
        .expect("exported");
    assert_eq!(trail.conversation("c").turns.len(), 0);
    assert_eq!(state(bench.dir.path()), before);
}
