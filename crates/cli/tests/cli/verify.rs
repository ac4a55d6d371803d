//! `verify`, `checkpoint` and `prove`.

use std::fs;
use std::path::Path;

use crate::fixtures::ended;
use crate::process::{run, stderr, stdout};

/// The exit code, stdout and stderr of a command.
fn outcome(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(directory, arguments);
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn verify_checkpoint_and_prove_say_their_verdict_by_their_exit_code() {
    let dir = tempfile::tempdir().expect("a directory");
    let trail = ended(dir.path());
    let records = trail.iter().filter(|byte| **byte == b'\n').count();
    let command = |arguments: &[&str]| outcome(dir.path(), arguments);
    let (code, said, _) = command(&["verify", "audit.log"]);
    assert_eq!(code, Some(0), "{said}");
    let proven = format!("proven: records 0 to {}", records - 1);
    assert!(
        said.ends_with("\nintact\n") && said.contains(&proven),
        "{said}"
    );
    let (code, note, _) = command(&["checkpoint", "audit.log"]);
    assert_eq!(code, Some(0));
    fs::write(dir.path().join("kept"), &note).expect("written");
    let (code, said, _) = command(&["verify", "audit.log", "--checkpoint", "kept"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, talk) = command(&["prove", "audit.log", "--seq", "3", "-o", "evidence"]);
    assert_eq!(code, Some(0), "{talk}");
    let page = fs::read_to_string(dir.path().join("evidence.md")).expect("a page");
    assert!(
        page.contains("| 3 |") && page.contains("does not show"),
        "{page}"
    );
    let (code, said, _) = command(&["verify", "evidence"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = command(&["verify", "evidence", "--checkpoint", "kept"]);
    assert_eq!(code, Some(0), "{said}");
    // The first key did not sign it, and evidence does not show which keys follow the first one.
    let first = String::from_utf8(trail.clone()).expect("UTF-8");
    let first = first.split_once("\"identity\":\"").expect("a first key").1;
    let first = first.split('"').next().expect("a first key");
    let (code, said, _) = command(&["verify", "audit.log", "--key", first]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = command(&["verify", "evidence", "--key", first]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("not checked: "), "{said}");
    // A file is replaced only with --force, and a file of a trail never.
    let again = ["prove", "audit.log", "--seq", "3", "-o", "evidence"];
    assert_eq!(command(&again).0, Some(2));
    assert_eq!(command(&[&again[..], &["--force"]].concat()).0, Some(0));
    let over = ["prove", "audit.log", "--seq", "4", "--force", "-o"];
    for name in ["audit.log", "audit.log.checkpoint", "audit.log.sealkey"] {
        let (code, _, talk) = command(&[&over[..], &[name]].concat());
        assert_eq!(code, Some(2), "{name}: {talk}");
    }
    assert_eq!(command(&["verify", "audit.log"]).0, Some(0));
    let evidence = fs::read_to_string(dir.path().join("evidence")).expect("evidence");
    let forged = evidence.replace("prompt", "pr0mpt");
    assert_ne!(forged, evidence);
    fs::write(dir.path().join("evidence"), forged).expect("written");
    assert_eq!(command(&["verify", "evidence"]).0, Some(1));

    let text = String::from_utf8(trail).expect("UTF-8");
    let changed = text.replace("\"prompt\":\"two\"", "\"prompt\":\"TWO\"");
    assert_ne!(changed, text);
    fs::write(dir.path().join("audit.log"), changed).expect("written");
    let (code, said, _) = command(&["verify", "audit.log"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("changed  ") && said.contains("NOT intact"),
        "{said}"
    );
    for wrong in [
        &["verify", "nowhere.log"][..],
        &["verify", "audit.log", "--key", "nonsense"],
        &["verify", "audit.log", "--checkpoint", "nowhere"],
        &["prove", "audit.log", "--seq", "99"],
    ] {
        let (code, said, talk) = command(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert!(!talk.is_empty(), "{wrong:?}");
    }
}

#[test]
fn a_trail_without_seals_cannot_be_verified() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .redact_pii(false)
        .sealing(false)
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::emit::prompt("one"))
        .expect("recorded");
    audit.close().expect("closed");
    for command in ["verify", "checkpoint"] {
        let (code, said, talk) = outcome(dir.path(), &[command, "audit.log"]);
        assert_eq!((code, said.as_str()), (Some(2), ""), "{talk}");
        assert!(talk.contains("there is no seal in"), "{talk}");
    }
}
