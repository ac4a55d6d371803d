//! Journals that dead processes, or a loss of power, leave.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use stinger_audit::error::trail::{ErrorKind, Unreadable};
use stinger_audit::read::{Trail, VerifyOptions};
use stinger_audit::record::Record;

use crate::child_process::{CHILD, child_command, this_program};
use crate::common::all_records;
use crate::{log, numbers, open, until};

/// The records of processes that were killed: what cannot be read is what they were writing then, and
/// `trail_recovered` says how much that is.
fn records_of_killed(trail: &Trail) -> Vec<Record> {
    let (mut records, mut torn, mut told) = (Vec::new(), 0, 0);
    for record in trail.records() {
        match record {
            Ok(record) => {
                let files = record.other.get("torn").and_then(|torn| torn.as_array());
                for file in files.into_iter().flatten() {
                    told += file["bytes"].as_u64().expect("a number");
                }
                records.push(record);
            }
            Err(error) => match error.kind() {
                ErrorKind::Unreadable {
                    length,
                    reason: Unreadable::Torn,
                    ..
                } => torn += length,
                _ => panic!("{error}"),
            },
        }
    }
    assert_eq!(torn, told, "bytes that were torn, and told");
    records
}

#[test]
fn what_a_dead_process_left_is_adopted_and_trails_of_several_are_merged() {
    let dir = tempfile::tempdir().expect("a directory");
    let pattern = dir.path().join("audit.{pid}.log");
    let shown = pattern.to_str().expect("UTF-8");
    let mut pids = Vec::new();
    for _ in 0..2 {
        let child = child_command(&this_program(), "orphan", shown)
            .args(CHILD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        pids.push(child.id());
        child.wait_with_output().expect("it ends");
    }
    let audit = open(&pattern);
    log(&audit, 0..500);
    audit.close().expect("closed");
    for pid in pids {
        let path = dir.path().join(format!("audit.{pid}.log"));
        let records = records_of_killed(&Trail::open(&path).expect("a trail"));
        let is_next = |pair: &[Record]| pair[0].seq + 1 == pair[1].seq;
        assert!(records.windows(2).all(is_next), "a hole, or out of order");
        assert_eq!(numbers(&records), (0..500).collect::<Vec<_>>());
        let types = records.iter().map(|record| record.event_type.as_str());
        let last: Vec<_> = types.rev().take(2).collect();
        assert_eq!(last, ["trail_sealed", "trail_closed"]);
        assert!(!dir.path().join(format!("audit.{pid}.log.journal")).exists());
    }
    let merged = records_of_killed(&Trail::open(&pattern).expect("trails"));
    assert_eq!(numbers(&merged).len(), 1_500);
    assert!(
        merged
            .windows(2)
            .all(|pair| pair[0].timestamp <= pair[1].timestamp)
    );
}

/// A journal as it stood while entries waited in it.
fn journal_with_entries(journal: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(journal).expect("readable");
    let word = |at: usize| bytes[at..][..8].first_chunk().copied();
    let [head, tail] = [word(16)?, word(24)?].map(u64::from_le_bytes);
    (head < tail).then_some(bytes)
}

#[test]
fn a_journal_older_than_the_trail_as_after_a_loss_of_power_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let journal = dir.path().join("audit.log.journal");
    let mut next = 0;
    for _ in 0..3 {
        let audit = open(&path);
        let mut kept = None;
        until("entries wait in the journal", || {
            log(&audit, next..next + 500);
            next += 500;
            kept = journal_with_entries(&journal);
            kept.is_some()
        });
        // What waits is written and sealed, and more behind it.
        audit.flush().expect("written");
        log(&audit, next..next + 1_500);
        next += 1_500;
        audit.close().expect("closed");
        fs::write(&journal, kept.expect("entries wait")).expect("put back");
    }
    open(&path).close().expect("closed");
    let trail = Trail::open(&path).expect("a trail");
    let read = all_records(&path);
    assert_eq!(numbers(&read), (0..next).collect::<Vec<_>>());
    let recovered = read
        .iter()
        .filter(|record| record.event_type.as_str() == "trail_recovered");
    let replayed = recovered.filter_map(|record| record.other["replayed"].as_u64());
    assert_eq!(replayed.sum::<u64>(), 0);
    let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
    assert!(verified.is_intact(), "{verified:#?}");
}
