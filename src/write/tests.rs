//! The writing half over a destination that fails when it is told to.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::journal::frame::Value;
use super::worker::files::ExistingTrail;
use super::worker::sink::Sink;
use super::{Core, lock, open};
use crate::config::BuilderConfig;
use crate::environment::EnvSource;
use crate::error::ErrorKind;

mod disk;
mod forged_journal;
mod large_records;

pub(crate) use disk::Disk;

/// A trail over this destination, with its journal in memory.
pub(crate) fn trail(disk: &Disk, config: BuilderConfig) -> Arc<Core> {
    trail_to("stdout", disk, config)
}

/// A trail over this destination, with its journal in a file of this directory.
pub(crate) fn trail_in(directory: &Path, disk: &Disk, config: BuilderConfig) -> Arc<Core> {
    let path = directory.join("audit.log");
    trail_to(path.to_str().expect("UTF-8"), disk, config)
}

fn trail_to(destination: &str, disk: &Disk, config: BuilderConfig) -> Arc<Core> {
    let config = BuilderConfig {
        destinations: Some(destination.into()),
        redact_pii: Some(false),
        ..config
    };
    let config = config.resolve(&EnvSource::default()).expect("settings");
    let sink = Sink::Faulty(disk.clone());
    open::run(config, sink, ExistingTrail::default(), Vec::new(), |_| {}).expect("a trail")
}

pub(crate) fn record(core: &Core, event_type: &str, prompt: &str) -> crate::error::Result<()> {
    core.record(None, |fields| {
        fields.field("event_type", Value::Str(event_type));
        fields.field("prompt", Value::Str(prompt));
    })
}

pub(crate) fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_write_that_fails_is_tried_again_and_nothing_is_lost() {
    let disk = Disk::default();
    let core = trail(&disk, BuilderConfig::default());
    disk.broken.store(true, Ordering::SeqCst);
    for number in 0..100 {
        record(&core, "e", &number.to_string()).expect("the application goes on");
    }
    let error = core.flush().expect_err("it cannot be written");
    assert!(matches!(error.kind(), ErrorKind::Unwritable { .. }));
    let status = core.status();
    assert!(
        !status.writer.writable
            && status.writer.write_errors > 0
            && status.writer.backlog_bytes > 0
    );
    assert_eq!(
        status.writer.last_error.as_deref(),
        Some("no storage space")
    );

    disk.broken.store(false, Ordering::SeqCst);
    // The attempt that is under way may still fail.
    until("it is written", || core.flush().is_ok());
    assert!(core.status().writer.writable && core.status().records.lost == 0);
    core.close().expect("closed");
    let prompts: Vec<_> = disk
        .records()
        .into_iter()
        .filter_map(|record| record.prompt)
        .collect();
    assert_eq!(
        prompts,
        (0..100)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    );
}

#[test]
fn writes_that_take_a_part_are_continued() {
    let disk = Disk::default();
    disk.at_most.store(7, Ordering::Relaxed);
    let core = trail(&disk, BuilderConfig::default());
    for number in 0..50 {
        record(&core, "e", &"x".repeat(number)).expect("recorded");
    }
    core.close().expect("closed");
    assert_eq!(disk.records().len(), 52);
}

#[test]
fn callers_wait_for_a_slow_disk_and_nothing_is_lost() {
    let disk = Disk::default();
    disk.slow.store(30, Ordering::Relaxed);
    let core = trail(
        &disk,
        BuilderConfig {
            buffer_capacity: Some(64 << 10),
            ..BuilderConfig::default()
        },
    );
    let long = "x".repeat(10_000);
    for _ in 0..40 {
        record(&core, "e", &long).expect("recorded");
    }
    core.close().expect("closed");
    assert_eq!(disk.records().len(), 42);
    assert_eq!(core.status().records.lost, 0);
}

#[test]
fn what_no_longer_fits_is_counted_and_stands_in_the_trail_as_a_gap() {
    let disk = Disk::default();
    let enqueue_timeout = Some(Duration::from_millis(50));
    let core = trail(
        &disk,
        BuilderConfig {
            buffer_capacity: Some(64 << 10),
            enqueue_timeout,
            ..BuilderConfig::default()
        },
    );
    disk.broken.store(true, Ordering::SeqCst);
    let long = "x".repeat(10_000);
    let begun = Instant::now();
    for number in 0..100 {
        let event_type = if number % 2 == 0 { "even" } else { "odd" };
        record(&core, event_type, &long).expect("the application goes on");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "only the first of them waited"
    );
    let lost = core.status().records.lost;
    assert!((80..100).contains(&lost), "{lost}");

    disk.broken.store(false, Ordering::SeqCst);
    until("the gap is written", || {
        core.status().records.lost == lost && core.flush().is_ok() && {
            let records = disk.records();
            records
                .iter()
                .any(|record| record.event_type.as_str() == "trail_gap")
        }
    });
    core.close().expect("closed");
    let records = disk.records();
    let gap = records
        .iter()
        .find(|record| record.event_type.as_str() == "trail_gap")
        .expect("a gap");
    assert_eq!(gap.other["lost"], lost);
    let types = gap.other["types"].as_object().expect("types");
    let sum: u64 = types.values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(sum, lost);
    assert!(types.contains_key("even") && types.contains_key("odd"));
    for key in ["from", "to", "reason"] {
        assert!(gap.other[key].is_string(), "{key}");
    }
    let kept = records
        .iter()
        .filter(|record| record.prompt.is_some())
        .count() as u64;
    assert_eq!(kept + lost, 100);
}

#[test]
fn under_fail_safe_the_typed_functions_say_that_the_trail_cannot_be_written() {
    let disk = Disk::default();
    let core = trail(
        &disk,
        BuilderConfig {
            fail_safe: Some(true),
            ..BuilderConfig::default()
        },
    );
    record(&core, "e", "before").expect("recorded");
    core.flush().expect("written");
    disk.broken.store(true, Ordering::SeqCst);
    let error = loop {
        // The first of them may come before the first write fails.
        if let Err(error) = record(&core, "e", "meanwhile") {
            break error;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(
        matches!(error.kind(), ErrorKind::Unwritable { .. }),
        "{error}"
    );
    disk.broken.store(false, Ordering::SeqCst);
    // The attempt that is under way may still fail.
    until("it is written", || core.flush().is_ok());
    until("it heals by itself", || record(&core, "e", "after").is_ok());
    core.close().expect("closed");
    assert_eq!(core.status().records.lost, 0);
}

#[test]
fn an_error_says_whether_the_record_waits_or_was_lost() {
    let disk = Disk::default();
    let core = trail(
        &disk,
        BuilderConfig {
            fail_safe: Some(true),
            buffer_capacity: Some(64 << 10),
            enqueue_timeout: Some(Duration::ZERO),
            ..BuilderConfig::default()
        },
    );
    core.flush().expect("written");
    disk.broken.store(true, Ordering::SeqCst);
    let (mut waiting, mut lost) = (0, 0);
    while lost == 0 {
        match record(&core, "e", &"x".repeat(1000)) {
            Ok(()) => waiting += 1,
            Err(error) => match error.kind() {
                ErrorKind::Unwritable { lost: false, .. } => waiting += 1,
                ErrorKind::Unwritable { lost: true, .. } => lost += 1,
                _ => panic!("{error}"),
            },
        }
    }
    disk.broken.store(false, Ordering::SeqCst);
    until("it is written", || core.flush().is_ok());
    core.close().expect("closed");
    assert_eq!(core.status().records.lost, lost);
    let records = disk.records();
    let kept = records.iter().filter(|record| record.prompt.is_some());
    assert_eq!(kept.count(), waiting);
}

#[test]
fn a_trail_that_is_closed_while_it_cannot_be_written_says_so() {
    let disk = Disk::default();
    let core = trail(&disk, BuilderConfig::default());
    core.flush().expect("written");
    disk.broken.store(true, Ordering::SeqCst);
    record(&core, "e", "p").expect("recorded");
    let begun = Instant::now();
    assert!(core.close().is_err());
    assert!(begun.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_fault_at_any_write_or_sync_loses_and_doubles_nothing() {
    for fault in 1..60 {
        let disk = Disk::default();
        let core = trail(&disk, BuilderConfig::default());
        core.flush().expect("written");
        disk.fails_at.store(fault, Ordering::SeqCst);
        for number in 0..20 {
            record(&core, "e", &number.to_string()).expect("recorded");
            if number % 2 == 1 {
                // May say that a sync failed; what is recorded is recorded all the same.
                let _ = core.confirm();
            }
        }
        core.close().expect("closed");
        let prompts: Vec<_> = disk
            .records()
            .into_iter()
            .filter_map(|record| record.prompt)
            .collect();
        let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
        assert_eq!(prompts, expected, "fault {fault}");
    }
}

#[test]
fn a_clock_that_jumps_is_a_record() {
    let disk = Disk::default();
    let core = trail(&disk, BuilderConfig::default());
    for (hours, expected) in [(0, 0), (1, -3_600_000), (-1, 3_600_000)] {
        let seen = Utc::now() + chrono::Duration::hours(hours);
        super::worker::monitor::Monitor::new(&core, seen).check_clock(&core);
        core.flush().expect("written");
        let records = disk.records();
        let reported = records
            .iter()
            .rev()
            .find_map(|record| record.other.get("milliseconds")?.as_i64());
        assert!(
            reported.unwrap_or(0).abs_diff(expected) < 1_000,
            "{reported:?}"
        );
    }
    core.close().expect("closed");
}

#[test]
fn a_worker_that_panics_is_replaced_and_that_is_a_record() {
    let disk = Disk::default();
    let core = trail(&disk, BuilderConfig::default());
    core.flush().expect("written");
    disk.panics.store(true, Ordering::SeqCst);
    for number in 0..20 {
        record(&core, "e", &number.to_string()).expect("recorded");
    }
    until("it goes on", || core.flush().is_ok());
    core.close().expect("closed");
    let written = lock(&disk.written).clone();
    let text = String::from_utf8(written).expect("UTF-8");
    assert!(text.contains("trail_worker_restarted"), "{text}");
    for number in 0..20 {
        assert!(
            text.contains(&format!("\"prompt\":\"{number}\"")),
            "{number}"
        );
    }
}
