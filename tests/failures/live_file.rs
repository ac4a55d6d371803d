//! The live file, or its directory, is removed, renamed, replaced, cut or closed to all but appends.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use stinger_audit::read::Trail;
use stinger_audit::record::Record;

use crate::child_process::{CHILD, child_command, this_program};
use crate::common::{all_records, skip};
use crate::{log, numbers, open, until};

/// Takes the live file away, and checks that nothing is lost by it and that the trail says so.
fn taken_away(how: &str, take: impl FnOnce(&Path)) -> (tempfile::TempDir, Vec<Record>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("logs/audit.log");
    let audit = open(&path);
    log(&audit, 0..100);
    audit.flush().expect("written");
    take(&path);
    log(&audit, 100..200);
    audit.close().expect("closed");
    let records = match how {
        // The reader is given the renamed file's records too.
        "renamed" => {
            let aside = all_records(&path.with_file_name("moved.log"));
            [aside, all_records(&path)].concat()
        }
        _ => all_records(&path),
    };
    assert_eq!(numbers(&records), (0..200).collect::<Vec<_>>(), "{how}");
    let told = records
        .iter()
        .find(|record| record.event_type.as_str() == "trail_file_restored")
        .expect("the trail says so");
    assert_eq!(told.other["happened"], how);
    (dir, records)
}

#[test]
fn a_live_file_that_is_removed_is_written_again() {
    taken_away("removed", |path| fs::remove_file(path).expect("removed"));
}

#[test]
fn a_live_file_that_is_renamed_is_left_and_a_new_one_begun() {
    taken_away("renamed", |path| {
        fs::rename(path, path.with_file_name("moved.log")).expect("renamed");
    });
}

#[test]
fn a_directory_that_is_removed_is_made_again() {
    taken_away("removed", remove_directory_of);
}

/// The trail may make a file in it while it goes.
pub(super) fn remove_directory_of(path: &Path) {
    let directory = path.parent().expect("a directory");
    until("it is removed", || fs::remove_dir_all(directory).is_ok());
}

#[test]
fn a_directory_that_is_removed_takes_no_crash_safety_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("logs/audit.log");
    let ended = child_command(
        &this_program(),
        "directory removed",
        path.to_str().expect("UTF-8"),
    )
    .args(CHILD)
    .output()
    .expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("EMITTED") && !ended.status.success(),
        "it aborts behind its last event: {said}"
    );
    open(&path).close().expect("opened again");
    assert_eq!(numbers(&all_records(&path)), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_live_file_that_is_replaced_is_written_again_and_the_other_kept() {
    let (dir, records) = taken_away("replaced", |path| {
        let forged = path.with_file_name("forged");
        fs::write(&forged, "{\"seq\":0}\n").expect("written");
        fs::rename(forged, path).expect("replaced");
    });
    let told = records
        .iter()
        .find_map(|record| record.other.get("set_aside")?.as_str())
        .expect("a name");
    let kept = fs::read_to_string(dir.path().join("logs").join(told)).expect("kept");
    assert_eq!(kept, "{\"seq\":0}\n");
}

#[test]
fn a_live_file_that_is_cut_is_told_and_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    log(&audit, 0..100);
    audit.flush().expect("written");
    let half = path.metadata().expect("metadata").len() / 2;
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("opened")
        .set_len(half)
        .expect("cut");
    log(&audit, 100..110);
    audit.close().expect("closed");
    let records: Vec<_> = Trail::open(&path)
        .expect("a trail")
        .records()
        .filter_map(Result::ok)
        .collect();
    let told = records
        .iter()
        .find(|record| record.event_type.as_str() == "trail_file_restored")
        .expect("the trail says so");
    assert_eq!(told.other["happened"], "cut");
    assert!(numbers(&records).ends_with(&(100..110).collect::<Vec<_>>()));
}

#[test]
fn a_live_file_that_only_takes_appends_is_written_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    let chattr = |flag: &str| {
        Command::new("chattr")
            .arg(flag)
            .arg(&path)
            .stderr(Stdio::null())
            .status()
    };
    if !chattr("+a").is_ok_and(|status| status.success()) {
        audit.close().expect("closed");
        return skip("chattr is not installed, not allowed, or not known to this file system");
    }
    log(&audit, 0..100);
    let confirmed = audit.confirm();
    let closed = audit.close();
    open(&path).close().expect("opened again");
    chattr("-a").expect("it runs");
    confirmed.and(closed).expect("written");
    assert_eq!(numbers(&all_records(&path)), (0..100).collect::<Vec<_>>());
}
