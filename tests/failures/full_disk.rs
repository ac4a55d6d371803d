//! Disks and devices without space.

use std::fs;
use std::path::Path;
use std::time::Duration;

use stinger_audit::config::Rotation;

use crate::common::disk::SmallDisk;
use crate::common::{all_records, records, skip};
use crate::{log, numbers, until};

#[test]
fn a_disk_without_room_for_the_journal_is_an_error_that_fills_nothing() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    for _ in 0..2 {
        let error = stinger_audit::to(&path).open().expect_err("no room");
        let says = format!("{error:?}");
        for part in [
            "audit.log.journal",
            "8392704 bytes",
            "buffer_capacity(",
            "free some space",
        ] {
            assert!(says.contains(part), "{says}");
        }
        assert!(!disk.path().join("audit.log.journal.new").exists());
    }
    let opened = stinger_audit::to(&path).buffer_capacity(128 << 10).open();
    opened.expect("room").close().expect("closed");
}

#[test]
fn a_full_disk_holds_records_back_and_loses_none_that_fit() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .buffer_capacity(128 << 10)
        .open()
        .expect("a trail");
    log(&audit, 0..10);
    audit.flush().expect("written");
    let filler = disk.fill();
    log(&audit, 10..500);
    until("the write fails", || !audit.status().writer.writable);
    assert!(
        audit
            .status()
            .writer
            .last_error
            .is_some_and(|error| error.contains("No space left"))
    );
    assert!(audit.confirm().is_err());
    fs::remove_file(filler).expect("removed");
    until("it is written", || audit.flush().is_ok());
    audit.close().expect("closed");
    let records = all_records(&path);
    assert_eq!(numbers(&records), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_disk_that_stays_full_costs_a_counted_gap() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .buffer_capacity(64 << 10)
        .enqueue_timeout(Duration::from_millis(20))
        .open()
        .expect("a trail");
    let filler = disk.fill();
    log(&audit, 0..5_000);
    let lost = audit.status().records.lost;
    assert!(lost > 0);
    fs::remove_file(filler).expect("removed");
    until("it is written", || audit.flush().is_ok());
    audit.close().expect("closed");
    let records = all_records(&path);
    let counted: u64 = records
        .iter()
        .filter(|record| record.event_type.as_str() == "trail_gap")
        .filter_map(|record| record.other["lost"].as_u64())
        .sum();
    assert_eq!(numbers(&records).len() as u64 + counted, 5_000);
}

#[test]
fn under_fail_safe_a_full_disk_trips_the_trail_and_it_heals_by_itself() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .rotation(Rotation::NEVER)
        .buffer_capacity(64 << 10)
        .fail_safe(true)
        .open()
        .expect("a trail");
    let filler = disk.fill();
    let try_once = || audit.log(stinger_audit::emit::event("e").field("pad", "x".repeat(500)));
    until("it trips", || try_once().is_err());
    assert!(audit.status().writer.tripped);
    fs::remove_file(filler).expect("removed");
    until("it heals", || !audit.status().writer.tripped);
    try_once().expect("recorded");
    audit.close().expect("closed");
    let types: Vec<_> = all_records(&path)
        .iter()
        .map(|r| r.event_type.to_string())
        .collect();
    let place = |name: &str| types.iter().position(|found| found == name).expect("told");
    assert!(place("trail_write_failed") < place("trail_write_resumed"));
}

#[test]
fn a_copy_on_a_full_device_costs_the_trail_nothing() {
    if !Path::new("/dev/full").exists() {
        return skip("there is no /dev/full");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to([path.as_path(), Path::new("/dev/full")])
        .redact_pii(false)
        .open()
        .expect("a trail");
    log(&audit, 0..1_000);
    audit.flush().expect("written");
    until("the copy's error is told", || {
        audit.status().copies[0].last_error.is_some()
    });
    assert!(audit.status().writer.writable && audit.status().records.lost == 0);
    audit.close().expect("closed");
    assert_eq!(records(&path).len(), 1_000);
}
