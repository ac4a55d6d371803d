//! The indexes that the command keeps.

use std::fs;

use crate::process::{command, stderr, stdout};

#[test]
fn a_large_trail_gets_indexes_and_the_same_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let cache = directory.join("cache");
    let prompt = "a".repeat(8_000);
    for file in 0..4 {
        let mut lines = String::new();
        for number in 0..1_500 {
            let seq = file * 1_500 + number;
            let (second, minute, hour) = (seq % 60, seq / 60 % 60, seq / 3_600);
            lines += &format!(
                "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T{hour:02}:{minute:02}:{second:02}Z\",\
                 \"event_type\":\"user_prompt\",\"user_id\":\"u-{}\",\"conversation_id\":\"c-{}\",\
                 \"prompt\":\"{prompt}\"}}\n",
                seq / 40,
                seq / 20,
            );
        }
        let path = directory.join(format!("audit.2026-11-24-{file:02}.log"));
        fs::write(path, lines).expect("written");
    }
    let run = |arguments: &[&str]| {
        let mut command = command(directory);
        command.env("XDG_CACHE_HOME", &cache).args(arguments);
        command.output().expect("it runs")
    };
    let index = || cache.join("stinger-audit").exists();
    // Nothing that reads everything makes one.
    assert!(run(&["query", "--json"]).status.success());
    assert!(run(&["check"]).stdout.ends_with(b"\n"));
    assert!(!index());
    for arguments in [
        &["query", "--json", "--user", "u-30"][..],
        &["query", "--json", "--conversation", "c-299"],
        &["query", "--json", "--since", "2026-11-24T01:39:00Z"],
        &["query", "--json", "--user", "u-3"],
        &["query", "--json", "--user", "nobody"],
        &["show", "c-150"],
        &["stats", "--json"],
        &["stats", "--since", "2026-11-24T01:00:00Z"],
    ] {
        let scanned = run(&[arguments, &["--no-index"]].concat());
        for _ in 0..2 {
            let indexed = run(arguments);
            assert!(indexed.stdout == scanned.stdout, "{arguments:?}");
            assert_eq!(indexed.status, scanned.status, "{arguments:?}");
            assert_eq!(stderr(&indexed), stderr(&scanned), "{arguments:?}");
        }
    }
    let made = stdout(&run(&["index"]));
    assert!(made.starts_with("3 files, 0 new: 36."), "{made}");
    fs::remove_dir_all(&cache).expect("removed");
    let made = stdout(&run(&["index"]));
    assert!(made.starts_with("3 files, 3 new: 36."), "{made}");
    // Where none can be kept the files are read.
    fs::remove_dir_all(&cache).expect("removed");
    fs::write(&cache, "a file").expect("written");
    let found = run(&["query", "--json", "--conversation", "c-299"]);
    assert_eq!(stdout(&found).lines().count(), 20);
    assert!(stderr(&found).contains("reading the files without indexes"));
    assert_eq!(run(&["index"]).status.code(), Some(2));
}
