//! However a process ends by itself, its trail is complete. No guard is kept.
//!
//! The children end their `main` in ways that a test harness would not let them.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::thread;

use stinger_audit::TARGET;
use tracing::info;

mod common;
#[path = "common/harness.rs"]
mod harness;

const RECORDS: usize = 5_000;

const ENDINGS: [&str; 7] = [
    "return from main",
    "return an error",
    "exit in main",
    "exit in another thread",
    "panic in main",
    "panic in another thread",
    "exit while others emit",
];

fn main() -> Result<(), String> {
    if let Ok(ending) = std::env::var("STINGER_TEST_ENDING") {
        return child(&ending);
    }
    harness::run(ENDINGS.map(|ending| (ending.replace(' ', "_"), move || parent(ending))))
}

fn child(ending: &str) -> Result<(), String> {
    let path = PathBuf::from(std::env::var_os("STINGER_TEST_TRAIL").expect("set"));
    let _ = stinger_audit::to(path).enable().expect("a trail");
    for number in 0..RECORDS {
        info!(target: TARGET, event_type = "e", number);
    }
    match ending {
        "return an error" => return Err("as it should".to_owned()),
        "exit in main" => exit(3),
        "exit in another thread" => {
            let _ = thread::spawn(|| exit(3)).join();
        }
        "panic in main" => panic!("as it should"),
        "panic in another thread" => {
            let _ = thread::spawn(|| panic!("as it should")).join();
        }
        "exit while others emit" => {
            for _ in 0..4 {
                thread::spawn(|| {
                    loop {
                        info!(target: TARGET, event_type = "other");
                    }
                });
            }
            thread::sleep(std::time::Duration::from_millis(20));
            exit(3);
        }
        _ => {}
    }
    Ok(())
}

fn parent(ending: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let output = Command::new(std::env::current_exe().expect("a path"))
        .env("STINGER_TEST_ENDING", ending)
        .env("STINGER_TEST_TRAIL", &path)
        .output()
        .expect("it runs");
    let expected = match ending {
        "return from main" | "panic in another thread" => 0,
        "return an error" => 1,
        "panic in main" => 101,
        _ => 3,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(expected), "{ending}: {said}");
    check(&path, ending);
}

fn check(path: &Path, ending: &str) {
    let records = common::all_records(path);
    let numbers: Vec<_> = records
        .iter()
        .filter_map(|record| record.other.get("number")?.as_u64())
        .collect();
    assert_eq!(numbers, (0..RECORDS as u64).collect::<Vec<_>>(), "{ending}");
    let types = records.iter().map(|record| record.event_type.as_str());
    let last: Vec<_> = types.rev().take(2).collect();
    assert_eq!(last, ["trail_sealed", "trail_closed"], "{ending}");
}
