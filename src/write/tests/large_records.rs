//! Records that are too large for the journal, and wait in memory with their callers.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{Disk, record, trail, trail_in, until};
use crate::config::BuilderConfig;
use crate::error::{Error, ErrorKind};
use crate::record::system::ClockJumped;
use crate::write::{Core, lock};

fn config(enqueue_timeout: Duration) -> BuilderConfig {
    BuilderConfig {
        buffer_capacity: Some(64 << 10),
        enqueue_timeout: Some(enqueue_timeout),
        // A seal may come between what these tests hold up.
        sealing: Some(false),
        ..BuilderConfig::default()
    }
}

fn fail_safe(enqueue_timeout: Duration) -> BuilderConfig {
    BuilderConfig {
        fail_safe: Some(true),
        ..config(enqueue_timeout)
    }
}

fn open(directory: &Path, disk: &Disk, config: BuilderConfig) -> Arc<Core> {
    let core = trail_in(directory, disk, config);
    core.flush().expect("written");
    core
}

fn large(name: &str) -> String {
    format!("{name} {}", "x".repeat(100_000))
}

/// Records on a thread of its own.
fn record_beside(core: &Arc<Core>, name: &str) -> thread::JoinHandle<Result<(), Error>> {
    let (core, prompt) = (core.clone(), large(name));
    thread::spawn(move || record(&core, "e", &prompt))
}

/// The first words of the prompts in the trail.
fn names(disk: &Disk) -> Vec<String> {
    let records = disk.records().into_iter();
    let prompts = records.filter_map(|record| record.prompt);
    let names = prompts.map(|prompt| prompt.split(' ').next().map(str::to_owned));
    names.flatten().collect()
}

fn is_unwritable(recorded: &Result<(), Error>, is_lost: bool) -> bool {
    matches!(recorded, Err(error)
        if matches!(error.kind(), ErrorKind::Unwritable { lost, .. } if *lost == is_lost))
}

fn gaps(disk: &Disk) -> Vec<u64> {
    let records = disk.records().into_iter();
    let gaps = records.filter(|record| record.event_type.as_str() == "trail_gap");
    gaps.filter_map(|gap| gap.other["lost"].as_u64()).collect()
}

#[test]
fn a_large_record_is_written_when_the_call_returns() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(directory.path(), &disk, config(Duration::MAX));
    for number in 0..5 {
        // A worker that panics with it goes on with it.
        disk.panics.store(number == 2, Ordering::SeqCst);
        record(&core, "e", &large(&number.to_string())).expect("recorded");
        assert_eq!(names(&disk).len(), number + 1);
    }
    core.close().expect("closed");
    assert_eq!(core.status().records.lost, 0);
}

#[test]
fn a_caller_waits_for_a_large_record_through_failures_as_long_as_enqueue_timeout_says() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(directory.path(), &disk, config(Duration::MAX));
    disk.broken.store(true, Ordering::SeqCst);
    record(&core, "e", "before").expect("recorded");
    let caller = record_beside(&core, "large");
    until("writing fails again and again", || {
        core.status().writer.write_errors >= 5
    });
    assert!(!caller.is_finished());
    disk.broken.store(false, Ordering::SeqCst);
    caller.join().expect("no panic").expect("recorded");
    assert_eq!(names(&disk), ["before", "large"]);
    core.close().expect("closed");
    assert_eq!(core.status().records.lost, 0);
}

#[test]
fn a_record_too_large_for_the_journal_keeps_its_place_among_what_its_thread_records() {
    let directory = tempfile::tempdir().expect("a directory");
    for is_in_file in [true, false] {
        let disk = Disk::default();
        disk.slow.store(2, Ordering::Relaxed);
        let config = BuilderConfig {
            buffer_capacity: Some(1 << 20),
            ..BuilderConfig::default()
        };
        let core = match is_in_file {
            true => trail_in(directory.path(), &disk, config),
            false => trail(&disk, config),
        };
        for number in 0..500 {
            // Several batches wait before each large record, and some after it.
            let filler = if number % 100 == 80 { 300_000 } else { 9_000 };
            disk.broken.store(number % 100 == 90, Ordering::SeqCst);
            let prompt = format!("{number} {}", "x".repeat(filler));
            record(&core, "e", &prompt).expect("recorded");
        }
        core.close().expect("closed");
        let expected: Vec<_> = (0..500).map(|number| number.to_string()).collect();
        assert_eq!(names(&disk), expected, "journal in a file: {is_in_file}");
        assert_eq!(core.status().records.accepted, 500);
    }
}

#[test]
fn a_large_record_that_still_waits_after_enqueue_timeout_is_lost_and_counted() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(
        directory.path(),
        &disk,
        fail_safe(Duration::from_millis(50)),
    );
    disk.hangs.store(true, Ordering::SeqCst);
    let taken = record_beside(&core, "taken");
    until("the worker writes it", || {
        disk.hung.load(Ordering::SeqCst) == 1
    });
    // For the first there is room in the queue, for the second there is not.
    for name in ["waiting", "late"] {
        let recorded = record(&core, "e", &large(name));
        assert!(is_unwritable(&recorded, true), "{name}: {recorded:?}");
    }
    assert_eq!(core.status().records.lost, 2);
    disk.hangs.store(false, Ordering::SeqCst);
    // It is written. Whether the trail still counts as tripped by then depends on which thread is faster.
    let recorded = taken.join().expect("no panic");
    assert!(
        recorded.is_ok() || is_unwritable(&recorded, false),
        "{recorded:?}"
    );
    until("it heals by itself", || record(&core, "e", "after").is_ok());
    record(&core, "e", &large("last")).expect("there is room again");
    core.close().expect("closed");
    let names = names(&disk);
    assert_eq!(names.first().map(String::as_str), Some("taken"));
    assert_eq!(names.last().map(String::as_str), Some("last"));
    assert!(!names.contains(&"waiting".to_owned()) && !names.contains(&"late".to_owned()));
    assert_eq!(gaps(&disk).iter().sum::<u64>(), 2);
}

#[test]
fn a_large_record_that_the_worker_cannot_write_counts_as_lost_until_it_is_written() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(
        directory.path(),
        &disk,
        fail_safe(Duration::from_millis(50)),
    );
    disk.broken.store(true, Ordering::SeqCst);
    let recorded = record(&core, "e", &large("large"));
    assert!(is_unwritable(&recorded, false), "{recorded:?}");
    // A process that dies now leaves this to the next one.
    let lost = core.journal.unrecorded_losses().map(|gap| gap.lost);
    assert_eq!(lost, Some(1));
    disk.broken.store(false, Ordering::SeqCst);
    until("it is written", || {
        core.flush().is_ok() && core.journal.unrecorded_losses().is_none()
    });
    core.close().expect("closed");
    assert_eq!(names(&disk), ["large"]);
    assert_eq!((core.status().records.lost, gaps(&disk)), (0, Vec::new()));
}

#[test]
fn a_large_record_that_a_closed_trail_could_not_write_is_left_to_the_next_process_as_a_loss() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(
        directory.path(),
        &disk,
        fail_safe(Duration::from_millis(200)),
    );
    disk.broken.store(true, Ordering::SeqCst);
    let recorded = record(&core, "e", &large("large"));
    assert!(is_unwritable(&recorded, false), "{recorded:?}");
    core.close().expect_err("it cannot be written");
    let lost = core.journal.unrecorded_losses().map(|gap| gap.lost);
    assert_eq!(lost, Some(1));
}

#[test]
fn close_waits_for_large_records_that_came_before_it() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(directory.path(), &disk, config(Duration::from_secs(20)));
    disk.hangs.store(true, Ordering::SeqCst);
    // One is being written, and the others wait for its room.
    let callers: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| record_beside(&core, name))
        .into();
    until("all of them wait", || {
        disk.hung.load(Ordering::SeqCst) == 1 && core.journal.waiters() == 4
    });
    let closing = {
        let core = core.clone();
        thread::spawn(move || core.close())
    };
    until("close() has begun", || core.journal.is_closed());
    disk.hangs.store(false, Ordering::SeqCst);
    for caller in callers {
        caller.join().expect("no panic").expect("recorded");
    }
    closing.join().expect("no panic").expect("closed");
    let mut names = names(&disk);
    names.sort();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let records = disk.records();
    let last = records.last().map(|record| record.event_type.as_str());
    assert_eq!(last, Some("trail_closed"));
}

#[test]
fn a_large_record_that_comes_when_the_process_ends_waits_for_that_and_does_not_follow_trail_closed()
{
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(
        directory.path(),
        &disk,
        fail_safe(Duration::from_millis(50)),
    );
    let recorded = Arc::new(Mutex::new(None));
    let (beside, outcome) = (core.clone(), recorded.clone());
    // At exit other threads still record. The next system record is `trail_closed`.
    *lock(&core.hook) = Some(Box::new(move |step| {
        if step == "system record rendered" && lock(&outcome).is_none() {
            let begun = Instant::now();
            let recorded = record(&beside, "e", &large("late"));
            *lock(&outcome) = Some((recorded, begun.elapsed()));
        }
    }));
    core.close_at_exit().expect("ended");
    let (recorded, waited) = lock(&recorded).take().expect("it was recorded");
    assert!(is_unwritable(&recorded, true), "{recorded:?}");
    assert!(waited >= Duration::from_millis(50), "{waited:?}");
    let records = disk.records();
    let last = records.last().map(|record| record.event_type.as_str());
    assert_eq!((names(&disk).len(), last), (0, Some("trail_closed")));
    let left = core.journal.unrecorded_losses().map(|gap| gap.lost);
    assert_eq!(left, Some(1), "the next process says so");
    *lock(&core.hook) = None;
}

#[test]
fn a_large_record_that_came_before_close_and_finds_the_trail_ended_is_refused_and_counted() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(directory.path(), &disk, config(Duration::from_secs(20)));
    disk.hangs.store(true, Ordering::SeqCst);
    let taken = record_beside(&core, "taken");
    until("the worker writes it", || {
        disk.hung.load(Ordering::SeqCst) == 1
    });
    let waiting: Vec<_> = ["a", "b"].map(|name| record_beside(&core, name)).into();
    until("one waits for the other's room", || {
        core.journal.waiters() == 3
    });
    // As after the last look of the worker.
    core.journal.close();
    lock(&core.queue).refuse_large();
    disk.hangs.store(false, Ordering::SeqCst);
    taken.join().expect("no panic").expect("recorded");
    let outcomes = waiting
        .into_iter()
        .map(|caller| caller.join().expect("no panic"));
    let refused = outcomes.filter_map(Result::err);
    let refused: Vec<_> = refused
        .map(|error| matches!(error.kind(), ErrorKind::Closed))
        .collect();
    assert!(!refused.is_empty() && refused.iter().all(|is_closed| *is_closed));
    assert_eq!(core.status().records.after_close, refused.len() as u64);
    core.close().expect("closed");
    assert_eq!(names(&disk).len(), 3 - refused.len());
}

#[test]
fn large_records_take_no_room_from_the_records_of_the_trail_itself() {
    let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
    let core = open(directory.path(), &disk, config(Duration::from_secs(20)));
    disk.hangs.store(true, Ordering::SeqCst);
    let prompt = "x".repeat(1 << 20);
    thread::scope(|scope| {
        scope.spawn(|| record(&core, "e", &prompt).expect("recorded"));
        until("the worker writes it", || {
            disk.hung.load(Ordering::SeqCst) == 1
        });
        core.queue_system_record(ClockJumped { milliseconds: 7 });
        disk.hangs.store(false, Ordering::SeqCst);
    });
    core.close().expect("closed");
    let records = disk.records();
    let jumps = records
        .iter()
        .filter(|record| record.event_type.as_str() == "trail_clock_jumped");
    assert_eq!((jumps.count(), gaps(&disk)), (1, Vec::new()));
}

#[test]
fn a_large_record_holds_nobody_up_where_the_journal_has_no_file_and_counts_in_the_backlog() {
    let disk = Disk::default();
    let core = trail(&disk, config(Duration::from_secs(20)));
    core.flush().expect("written");
    disk.hangs.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    record(&core, "e", &large("large")).expect("recorded");
    record(&core, "e", "small").expect("recorded");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(core.status().writer.backlog_bytes > 100_000);
    disk.hangs.store(false, Ordering::SeqCst);
    core.flush().expect("written");
    assert_eq!(core.status().writer.backlog_bytes, 0);
    core.close().expect("closed");
    assert_eq!(names(&disk), ["large", "small"]);
}
