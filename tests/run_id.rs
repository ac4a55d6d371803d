//! Which run of the process wrote a record: on a stream each record says it, in files the first of the run.

use std::process::Command;

use serde_json::Value;
use stinger_audit::read::{Trail, VerifyOptions};

mod common;
use common::Bench;

/// The child: writes a trail to stdout and ends in order.
#[test]
fn child() {
    if std::env::var_os("STINGER_TEST_CHILD").is_some() {
        let audit = stinger_audit::to("stdout").enable().expect("a trail");
        stinger_audit::log_prompt("a prompt").expect("recorded");
        audit.close().expect("closed");
    }
}

/// The lines of a run, as a collector gets them.
fn collect() -> String {
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env("STINGER_TEST_CHILD", "1")
        .env("STINGER_ENV", "docker")
        .output()
        .expect("it runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = stdout.lines();
    let lines = lines.filter_map(|line| line.get(line.find("{\"seq\"")?..));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn on_stdout_every_record_and_every_seal_says_which_run_wrote_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("collected.log");
    let is_intact = || {
        let trail = Trail::open(&path).expect("a trail");
        trail
            .verify(&VerifyOptions::new())
            .expect("sealed")
            .is_intact()
    };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let text = collect();
        std::fs::write(&path, &text).expect("written");
        let lines = common::lines_of(&path);
        let types: Vec<_> = lines.iter().map(|line| &line["event_type"]).collect();
        for event_type in [
            "trail_opened",
            "user_prompt",
            "trail_closed",
            "trail_sealed",
        ] {
            assert!(types.iter().any(|found| *found == event_type), "{types:?}");
        }
        let run_id = lines[0]["run_id"].as_str().expect("a run").to_owned();
        assert!(lines.iter().all(|line| line["run_id"] == *run_id), "{text}");
        assert!(is_intact());
        // The last seal has no other over it.
        let at = text.rfind(&run_id).expect("in the last line");
        let other = format!("{}x{}", &text[..at], &text[at + 1..]);
        std::fs::write(&path, other).expect("written");
        assert!(!is_intact(), "a seal is made another run's");
        let member = format!("\"run_id\":\"{run_id}\",");
        let at = text.rfind(&member).expect("in the last line");
        let without = format!("{}{}", &text[..at], &text[at + member.len()..]);
        std::fs::write(&path, without).expect("written");
        assert!(!is_intact(), "a seal is no run's");
        runs.push(run_id);
    }
    assert_ne!(runs[0], runs[1]);
}

#[test]
fn in_files_only_the_first_record_of_a_run_says_which_it_is() {
    let bench = Bench::new();
    let audit = &bench.audit;
    audit
        .log(stinger_audit::emit::event("e"))
        .expect("recorded");
    audit.close().expect("closed");
    let again = stinger_audit::to(bench.path()).open().expect("a trail");
    again.close().expect("closed");
    let lines = common::lines_of(&bench.path());
    let runs: Vec<&Value> = lines.iter().filter_map(|line| line.get("run_id")).collect();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_ne!(runs[0], runs[1]);
    let opened = lines
        .iter()
        .filter(|line| line["event_type"] == "trail_opened");
    assert!(opened.map(|line| &line["run_id"]).eq(runs));
}
