//! What an event costs the thread that emits it, beside time: no memory from the allocator, and no
//! call of the system.
//!
//! Two threads may have to wait for each other where the system stops one of them at the wrong moment; a
//! hundredth of the events is allowed that.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use stinger_audit::{Audit, TARGET};
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_subscriber::prelude::*;

mod common;

/// Set in the process that emits under strace.
const EMITS: &str = "STINGER_TEST_EMITS";

/// Paths that are asked for before and behind the events, to be seen in the trace.
const BEGINS: &str = "/stinger-audit-events-begin";
const ENDS: &str = "/stinger-audit-events-end";

/// Each by a macro and by a typed function.
const EVENTS: usize = 1_000;

/// Emits events until the thread has all that it keeps, then has `around` run those that count.
fn emit(audit: &Audit, around: impl FnOnce(&dyn Fn())) {
    let prompt = "What is the capital of France, and how long does the train take? ".repeat(8);
    let event = || {
        info!(
            target: TARGET,
            event_type = "user_prompt",
            prompt = prompt.as_str(),
            user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
            model_used = "large-model-1",
            confidence = 0.97,
            tokens_processed = 321_u64,
            tenant = "t-17",
        );
        let typed = stinger_audit::emit::prompt(&prompt)
            .request_id("01935c2e-8f3c-7d20-a7b9-4e65d1c20f11")
            .tokens_processed(321)
            .field("tenant", "t-17")
            .field("stream", true);
        audit.log(typed).expect("recorded");
    };
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(audit.layer()));
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request", user_id = "u-7", session_id = "s-1").entered();
        (0..300).for_each(|_| event());
        audit.flush().expect("written");
        around(&|| (0..EVENTS).for_each(|_| event()));
    });
}

fn open(directory: &Path, redact: bool) -> Audit {
    stinger_audit::to(directory.join("audit.log"))
        .redact_pii(redact)
        .open()
        .expect("a trail")
}

#[test]
fn an_event_allocates_nothing() {
    for redact in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        let audit = open(dir.path(), redact);
        let mut count = None;
        emit(&audit, |events| {
            count = Some(allocation_counter::measure(events).count_total);
        });
        assert_eq!(count, Some(0), "redacting: {redact}");
        audit.flush().expect("written");
        assert!(audit.status().records.written > 2 * EVENTS as u64);
        audit.close().expect("closed");
    }
}

#[test]
fn an_event_makes_no_system_call() {
    if let Ok(directory) = std::env::var(EMITS) {
        let audit = open(Path::new(&directory), true);
        emit(&audit, |events| {
            let _ = fs::metadata(BEGINS);
            events();
            let _ = fs::metadata(ENDS);
        });
        return audit.close().expect("closed");
    }
    if !common::strace::can_trace() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("trace");
    let status = Command::new("strace")
        .arg("-f")
        .arg("-o")
        .arg(&trace)
        .arg(std::env::current_exe().expect("a path"))
        .args(["--exact", "an_event_makes_no_system_call"])
        .env(EMITS, dir.path())
        .stdout(Stdio::null())
        .status()
        .expect("strace runs");
    assert!(status.success());
    let trace = fs::read_to_string(trace).expect("a trace");
    let begin = trace.lines().find(|line| line.contains(BEGINS));
    let thread = begin.and_then(|line| line.split_whitespace().next());
    let thread = thread.expect("the thread that emits");
    let calls: Vec<&str> = trace
        .lines()
        .filter(|line| line.split_whitespace().next() == Some(thread))
        .skip_while(|line| !line.contains(BEGINS))
        .skip(1)
        .take_while(|line| !line.contains(ENDS))
        // The second half of a call during which another thread made one.
        .filter(|line| !line.contains(" resumed>"))
        .collect();
    assert!(trace.contains(ENDS), "the events were emitted");
    // A thread may meet the worker at the journal just when that is stopped there, and wait for it.
    println!("{} system calls in {EVENTS} events", calls.len());
    assert!(calls.len() * 100 < EVENTS, "{calls:#?}");
}
