//! System calls that fail.

use std::fs;

use stinger_audit::read::{Trail, VerifyOptions};
use stinger_audit::record::Record;

use crate::child_process::{CHILD, child_command, this_program};
use crate::common::all_records;
use crate::common::strace::can_trace;
use crate::{numbers, open};

#[test]
fn an_error_of_the_system_says_what_to_do_and_has_its_reason_as_source_and_only_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a file");
    fs::write(&path, "").expect("written");
    let error = stinger_audit::to(path.join("audit.log"))
        .open()
        .expect_err("no directory");
    let source = std::error::Error::source(&error).expect("the system's error");
    let source: &std::io::Error = source.downcast_ref().expect("the system's error");
    let line = error.to_string();
    assert!(!line.contains(&source.to_string()), "{line}");
    assert_eq!(format!("{error:?}"), format!("{line}: {source}"));
    let error = stinger_audit::to("/proc/nowhere/audit.log")
        .open()
        .expect_err("no directory")
        .to_string();
    assert!(
        error.ends_with(" (create it, or choose another path)"),
        "{error}"
    );
}

#[test]
fn faults_of_the_kernel_lose_no_record_that_was_confirmed_and_double_none() {
    if !can_trace() {
        return;
    }
    // Of the calls that the test harness makes as well, only those for some files fail.
    let trail = &["", ".journal"][..];
    // How many of twelve must come about at least, and how many of them may refuse the start.
    let faults = [
        ("write:error=EIO", trail, 10, 3),
        ("write:error=ENOSPC", trail, 10, 3),
        ("write:error=EDQUOT", trail, 10, 3),
        ("write:error=EROFS", trail, 10, 3),
        ("fdatasync:error=EIO", trail, 8, 2),
        ("fsync:error=EIO", &[".journal.new"], 1, 1),
        // An opening opens the trail's file once.
        ("openat:error=EMFILE", trail, 1, 12),
        ("/^rename:error=EACCES", &[".sealkey"], 1, 1),
        ("/^rename:error=EACCES", &[".journal.new"], 1, 1),
        ("/^rename:error=EACCES", &[".checkpoint.new"], 1, 0),
        ("/^unlink:error=EACCES", &[], 1, 0),
        ("statx:error=EIO", trail, 10, 4),
    ];
    let mut told = 0;
    for (fault, files, least, most) in faults {
        let (mut injected, mut refused) = (0, 0);
        for when in 1..=12 {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("audit.log");
            let shown = path.to_str().expect("UTF-8");
            let trace = dir.path().join("trace");
            let mut command = child_command("strace", "faults", shown);
            command.args(["-f", "-qq", "-o"]).arg(&trace);
            for file in files {
                command.args(["-P", &format!("{shown}{file}")]);
            }
            let output = command
                .arg("-e")
                .arg(format!("inject={fault}:when={when}"))
                .arg(this_program())
                .args(CHILD)
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let trace = fs::read_to_string(&trace).expect("a trace");
            let is_injected = trace.contains("(INJECTED)");
            let is_refused = said.contains("REFUSED");
            assert!(
                match is_refused {
                    true => is_injected,
                    false => said.contains("EMITTED"),
                },
                "{fault} at {when}: {said}"
            );
            injected += u64::from(is_injected);
            refused += u64::from(is_refused);
            open(&path).close().expect("opened once more");
            let records = all_records(&path);
            let expected = if is_refused { 0..0 } else { 0..100 };
            assert_eq!(
                numbers(&records),
                expected.collect::<Vec<_>>(),
                "{fault} at {when}: {said}"
            );
            let verified = Trail::open(&path)
                .expect("a trail")
                .verify(&VerifyOptions::new())
                .expect("sealed");
            assert!(verified.is_intact(), "{fault} at {when}: {verified:#?}");
            let is_told = |record: &&Record| record.event_type.as_str() == "trail_sync_failed";
            told += records.iter().filter(is_told).count();
        }
        let outcome = format!("{injected} of 12 injected, {refused} refused to start");
        println!("{fault} of {files:?}: {outcome}");
        assert!(
            injected >= least && refused <= most,
            "{fault} of {files:?}: {outcome}"
        );
    }
    assert!(told > 0, "a failed sync is told");
}
