//! A prefork server: children that open trails of their own. A fork wants a process with no other tests in it.
#![cfg(unix)]

use std::path::Path;

use stinger_audit::TARGET;
use tracing::{info, info_span};

mod common;

/// Records what a worker process records, and says whether all of it worked.
fn serve(path: &Path) -> Result<(), stinger_audit::Error> {
    // The trail of the parent is not this process's.
    if stinger_audit::log_prompt("before the child has a trail").is_ok() {
        return stinger_audit::log_prompt("the trail of the parent took it");
    }
    let audit = stinger_audit::to(path).redact_pii(false).enable()?;
    stinger_audit::log_prompt("typed")?;
    info!(target: TARGET, event_type = "bare");
    let mut turn = audit.turn("c-1").begin("of a turn")?;
    let _ = turn
        .guardrail("any")
        .run(|| Ok::<_, String>(stinger_audit::record::Decision::Allow));
    turn.block("enough")?;
    audit.confirm()?;
    audit.close()
}

#[test]
fn a_trail_that_a_forked_child_opens_records_what_the_child_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let of_parent = dir.path().join("parent.log");
    let audit = stinger_audit::to(&of_parent)
        .redact_pii(false)
        .enable()
        .expect("a trail");
    let _request = info_span!("request", user_id = "u-7").entered();
    stinger_audit::log_prompt("of the parent").expect("recorded");
    let mut turns = Vec::new();
    for number in 0..2 {
        let path = dir.path().join(format!("child-{number}.log"));
        #[expect(unsafe_code, reason = "the test is about fork")]
        // SAFETY: no other thread of this process holds a lock that the child takes, and the child ends by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let served = serve(&path);
            #[expect(unsafe_code, reason = "exit handlers are the parent's")]
            // SAFETY: it only ends the process.
            unsafe {
                libc::_exit(i32::from(served.is_err()))
            }
        }
        let mut status = 0;
        #[expect(unsafe_code, reason = "the test is about fork")]
        // SAFETY: the pointer is to a local that lives.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0), "the child recorded");

        let records = common::records(&path);
        let types: Vec<_> = records
            .iter()
            .map(|record| record.event_type.to_string())
            .collect();
        assert_eq!(
            types,
            [
                "user_prompt",
                "bare",
                "user_prompt",
                "guardrail_decision",
                "turn_blocked"
            ]
        );
        for record in &records {
            assert_eq!(record.user_id.as_deref(), Some("u-7"), "{record:#?}");
        }
        turns.push(records[2].turn_id.clone().expect("a turn"));
    }
    assert_ne!(
        turns[0], turns[1],
        "a turn has an id of its own in each child"
    );
    info!(target: TARGET, event_type = "of the parent, later");
    audit.close().expect("closed");
    let types: Vec<_> = common::records(&of_parent)
        .iter()
        .map(|record| record.event_type.to_string())
        .collect();
    assert_eq!(types, ["user_prompt", "of the parent, later"]);
}
