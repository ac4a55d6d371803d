//! The worker, disturbed between any two of its steps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::BuilderConfig;
use crate::environment::EnvSource;
use crate::read::{Query, Trail, VerifyOptions};
use crate::record::Record;
use crate::write::tests::{Disk, record, trail};
use crate::write::worker::files::AHEAD;
use crate::write::{Core, lock, open};

/// Every step after which the worker can be disturbed.
const STEPS: [&str; 13] = [
    "looked",
    "rendered",
    "marked",
    "appended",
    "released",
    "hashed",
    "copied",
    "system record rendered",
    "seal drafted",
    "sync begun",
    "synced",
    "rolled",
    "rest",
];

/// Calls `act` at the `nth` time that the worker comes to a step.
fn at_step(core: &Core, step: &'static str, nth: usize, act: impl FnOnce() + Send + 'static) {
    let (mut left, mut act) = (nth, Some(act));
    *lock(&core.hook) = Some(Box::new(move |name| {
        if name == step {
            left = left.saturating_sub(1);
            if left == 0
                && let Some(act) = act.take()
            {
                act();
            }
        }
    }));
}

fn trail_in(directory: &Path) -> Arc<Core> {
    let file = directory.join("audit.log");
    let config = BuilderConfig {
        destinations: Some(file.to_str().expect("UTF-8").into()),
        redact_pii: Some(false),
        ..BuilderConfig::default()
    };
    let config = config.resolve(&EnvSource::default()).expect("settings");
    open::open(config).expect("it opens").expect("a trail")
}

fn emit(core: &Core, numbers: std::ops::Range<usize>) {
    for number in numbers {
        record(core, "e", &number.to_string()).expect("recorded");
        if number % 10 == 9 {
            core.confirm().expect("on the medium");
        }
    }
}

fn prompts(records: &[Record]) -> Vec<String> {
    let prompts = records.iter().filter_map(|record| record.prompt.clone());
    prompts.collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn restarts(records: &[Record]) -> usize {
    let is_restart = |record: &&Record| record.event_type.as_str() == "trail_worker_restarted";
    records.iter().filter(is_restart).count()
}

fn read(directory: &Path) -> Vec<Record> {
    let trail = Trail::open(directory.join("audit.log")).expect("a trail");
    let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
    assert!(verified.is_intact(), "{verified:#?}");
    let records = trail.query(Query::new());
    let records: Vec<Record> = records
        .collect::<stinger_audit_trail::Result<_>>()
        .expect("readable");
    let seqs = records.iter().map(|record| record.seq);
    assert!(seqs.eq(0..records.len() as u64), "each seq once, in order");
    records
}

/// Panics at each step, the first few times that the worker comes to it, and returns the steps at which it did.
fn panic_everywhere(
    open: impl Fn() -> Arc<Core>,
    check: impl Fn(&str, usize, bool),
) -> BTreeSet<&'static str> {
    let mut panicked_at = BTreeSet::new();
    for step in STEPS {
        for nth in [1, 3] {
            let core = open();
            let panicked = Arc::new(AtomicUsize::new(0));
            let count = panicked.clone();
            at_step(&core, step, nth, move || {
                count.fetch_add(1, Ordering::SeqCst);
                panic!("a bug in the worker");
            });
            emit(&core, 0..30);
            core.close().expect("closed in order");
            let has_panicked = panicked.load(Ordering::SeqCst) == 1;
            check(step, nth, has_panicked);
            if has_panicked {
                panicked_at.insert(step);
            }
        }
    }
    panicked_at
}

/// The steps that come in any trail: no file rolls here, and over stdout nothing is synced beside the worker.
fn usual_steps(except: &[&str]) -> BTreeSet<&'static str> {
    let steps = STEPS.into_iter().filter(|step| !except.contains(step));
    steps.collect()
}

#[test]
fn a_panic_between_any_two_steps_over_files_loses_and_doubles_nothing() {
    let directory = Mutex::new(tempfile::tempdir().expect("a directory"));
    let panicked_at = panic_everywhere(
        || {
            *lock(&directory) = tempfile::tempdir().expect("a directory");
            trail_in(lock(&directory).path())
        },
        |step, nth, has_panicked| {
            let records = read(lock(&directory).path());
            assert_eq!(prompts(&records), numbers(30), "{step} {nth}");
            assert_eq!(
                restarts(&records),
                usize::from(has_panicked),
                "{step} {nth}"
            );
            let files = fs::read_dir(lock(&directory).path()).expect("readable");
            let names = files.map(|file| file.expect("a file").file_name());
            let is_journal = |name: std::ffi::OsString| name.to_string_lossy().contains("journal");
            assert!(!names.into_iter().any(is_journal), "closed in order");
        },
    );
    assert_eq!(panicked_at, usual_steps(&["rolled"]));
}

#[test]
fn a_panic_after_a_roll_keeps_the_seal_at_the_beginning_of_the_new_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let core = trail_in(directory.path());
    let (mut batches, mut panics) = (0, true);
    *lock(&core.hook) = Some(Box::new(move |step| match step {
        "copied" => {
            batches += 1;
            if batches == 1 {
                AHEAD.set(chrono::Duration::days(1));
            }
        }
        "rolled" if panics => {
            panics = false;
            panic!("a bug in the worker");
        }
        _ => {}
    }));
    emit(&core, 0..30);
    core.close().expect("closed in order");
    let records = read(directory.path());
    assert_eq!(prompts(&records), numbers(30));
    assert_eq!(restarts(&records), 1);
    let files = Trail::open(directory.path().join("audit.log")).expect("a trail");
    let files = files.names()[0].files().expect("readable");
    assert_eq!(files.len(), 2);
    let newest = fs::read_to_string(&files[1]).expect("readable");
    let first = newest.lines().next().expect("a line");
    assert!(
        first.contains("trail_sealed") && first.contains("\"reason\":\"rolled\""),
        "{first}"
    );
}

#[test]
fn a_panic_between_any_two_steps_over_stdout_loses_and_doubles_nothing() {
    let disk = Mutex::new(Disk::default());
    let panicked_at = panic_everywhere(
        || {
            *lock(&disk) = Disk::default();
            trail(&lock(&disk), BuilderConfig::default())
        },
        |step, nth, has_panicked| {
            let text = lock(&disk).text();
            let directory = tempfile::tempdir().expect("a directory");
            fs::write(directory.path().join("audit.log"), text).expect("written");
            let records = read(directory.path());
            assert_eq!(prompts(&records), numbers(30), "{step} {nth}");
            assert_eq!(
                restarts(&records),
                usize::from(has_panicked),
                "{step} {nth}"
            );
        },
    );
    assert_eq!(panicked_at, usual_steps(&["rolled", "sync begun"]));
}

#[test]
fn a_live_file_that_is_replaced_at_any_step_loses_nothing() {
    let mut replaced_at = BTreeSet::new();
    for step in STEPS {
        for nth in [1, 4] {
            let directory = tempfile::tempdir().expect("a directory");
            let core = trail_in(directory.path());
            let live = fs::read_dir(directory.path())
                .expect("readable")
                .map(|file| file.expect("a file").path())
                .find(|path| path.extension() == Some("log".as_ref()) && !path.is_symlink());
            let live = live.expect("a live file");
            let other = directory.path().join("other");
            fs::write(&other, b"something else\n").expect("written");
            at_step(&core, step, nth, move || {
                fs::rename(other, live).expect("replaced");
            });
            emit(&core, 0..100);
            core.close().expect("closed");
            if !directory.path().join("other").exists() {
                replaced_at.insert(step);
            }
            let trail = Trail::open(directory.path().join("audit.log")).expect("a trail");
            let records = trail.query(Query::new());
            let records: Vec<Record> = records.filter_map(Result::ok).collect();
            assert_eq!(prompts(&records), numbers(100), "{step} {nth}");
        }
    }
    assert_eq!(replaced_at, usual_steps(&["rolled"]));
}

#[test]
fn what_was_confirmed_is_in_the_file_that_has_the_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let core = trail_in(directory.path());
    let live = fs::canonicalize(directory.path().join("audit.log")).expect("a live file");
    let other = directory.path().join("other");
    fs::write(&other, b"").expect("written");
    let target = live.clone();
    at_step(&core, "sync begun", 1, move || {
        fs::rename(other, target).expect("replaced");
    });
    record(&core, "e", "one").expect("recorded");
    core.confirm().expect("on the medium");
    let text = fs::read_to_string(&live).expect("readable");
    assert!(text.contains("\"prompt\":\"one\""), "{text}");
    core.close().expect("closed");
}

#[test]
fn an_event_wakes_a_worker_that_rests() {
    let disk = Disk::default();
    let core = trail(&disk, BuilderConfig::default());
    core.flush().expect("written");
    for number in 0..3 {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !core.parking.is_parked() {
            assert!(
                Instant::now() < deadline,
                "it rests after a second without events"
            );
            thread::sleep(Duration::from_millis(5));
        }
        record(&core, "e", &number.to_string()).expect("recorded");
        // Nobody asks for it: the event alone wakes the worker.
        let begun = Instant::now();
        while prompts(&disk.records()).len() <= number {
            assert!(begun.elapsed() < Duration::from_millis(500), "it was woken");
            thread::sleep(Duration::from_millis(1));
        }
    }
    core.close().expect("closed");
}
