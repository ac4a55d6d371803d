//! Heartbeats, and the warning of low disk space that they carry.

use std::fs;
use std::time::Duration;

use serde_json::Value as Json;
use stinger_audit::config::Rotation;

use crate::common::disk::SmallDisk;
use crate::common::lines_of;
use crate::{log, until};

#[test]
fn a_heartbeat_has_the_counts_of_its_moment() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .sealing(false)
        .rotation(Rotation::NEVER)
        .heartbeat_interval(Duration::from_secs(1))
        .low_disk_threshold(0)
        .open()
        .expect("a trail");
    // On this thread no subscriber has the layer.
    assert!(!audit.check_event_delivery().is_complete());
    // So that the record of that comes before the events.
    audit.flush().expect("written");
    log(&audit, 0..10);
    // A heartbeat may come between the events. The second one after them is written when all is quiet.
    let mut beats = Vec::new();
    until("two heartbeats", || {
        audit.flush().expect("written");
        beats = lines_of(&path);
        let last_event = beats.iter().rposition(|line| line["event_type"] == "e");
        beats.drain(..=last_event.expect("the events are written"));
        beats.len() >= 2
    });
    assert_eq!(beats[1]["event_type"], "trail_heartbeat");
    let before = beats[1]["seq"].as_u64().expect("a number");
    assert!(before >= 13, "{before}");
    let counts = ["accepted", "written", "lost", "backlog_bytes"].map(|name| &beats[1][name]);
    // Of those written, ten are the application's.
    assert_eq!(counts, [10, before, 0, 0]);
    let events_filtered = audit.status().events_filtered.expect("it was probed");
    assert_eq!(beats[1]["events_filtered"], events_filtered);
    audit.close().expect("closed");
    let is_warning = |line: &Json| line["event_type"] == "trail_low_disk";
    assert!(
        !lines_of(&path).iter().any(is_warning),
        "0 bytes are never too few"
    );
}

#[test]
fn a_disk_that_fills_up_is_warned_of_once_with_what_is_left() {
    let Some(disk) = SmallDisk::mount("16m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let threshold = 8 << 20;
    let audit = stinger_audit::to(&path)
        .rotation(Rotation::NEVER)
        .buffer_capacity(128 << 10)
        .heartbeat_interval(Duration::from_secs(1))
        .low_disk_threshold(threshold)
        .open()
        .expect("a trail");
    let of_type = |event_type: &str| -> Vec<Json> {
        audit.flush().expect("written");
        let mut lines = lines_of(&path);
        lines.retain(|line| line["event_type"] == event_type);
        lines
    };
    // The disk is looked at with the first heartbeat, and with each fifth from then on.
    until("a look", || !of_type("trail_heartbeat").is_empty());
    assert_eq!(of_type("trail_low_disk"), [Json::Null; 0], "half is free");
    fs::write(disk.path().join("filler"), vec![b'x'; 9 << 20]).expect("written");
    until("a warning", || !of_type("trail_low_disk").is_empty());
    let beats = of_type("trail_heartbeat").len();
    until("the next look", || {
        of_type("trail_heartbeat").len() >= beats + 6
    });
    let warnings = of_type("trail_low_disk");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["threshold_bytes"], threshold);
    // 16 MiB without the filler and what the trail itself takes, which is less than 1 MiB.
    let available = warnings[0]["available_bytes"].as_u64().expect("a number");
    assert!((6 << 20..7 << 20).contains(&available), "{available} bytes");
    audit.close().expect("closed");
}
