//! `confirm` and `confirm_async`.

use std::fs;
use std::future::Future;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread;

use crate::child_process::{CHILD, child_command, this_program};
use crate::common::strace::can_trace;
use crate::{log, open};

#[test]
fn confirm_returns_when_it_is_on_the_medium_and_waits_for_all_threads() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (audit, path) = (&audit, &path);
            scope.spawn(move || {
                for round in 0..20 {
                    let number = thread * 1_000 + round;
                    log(audit, number..number + 1);
                    let before = audit.status().records.accepted;
                    audit.confirm().expect("confirmed");
                    assert!(audit.status().records.synced >= before);
                    let text = fs::read_to_string(path).expect("readable");
                    assert!(text.contains(&format!("\"number\":{number}}}")));
                }
            });
        }
    });
    assert!(audit.status().writer.last_sync.is_some());
    audit.close().expect("closed");
}

#[test]
fn confirm_returns_behind_a_sync_of_the_file_that_began_behind_the_write() {
    if !can_trace() {
        return;
    }
    for role in ["confirm", "confirm_async"] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let shown = path.to_str().expect("UTF-8");
        let trace = dir.path().join("trace");
        let status = child_command("strace", role, shown)
            .args(["-f", "-qq", "-y", "-s", "100000", "-e"])
            .args(["trace=write,writev,pwrite64,fdatasync,fsync", "-o"])
            .arg(&trace)
            .arg(this_program())
            .args(CHILD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it runs");
        assert!(status.success());
        let trace = fs::read_to_string(&trace).expect("a trace");
        let mut calls = trace.lines();
        for number in 0..CONFIRMED {
            let mut next = |what: &str, is_it: &dyn Fn(&str) -> bool| -> &str {
                let found = calls.find(|call| is_it(call));
                found.unwrap_or_else(|| panic!("{role}: no {what} of record {number}"))
            };
            let record = format!("\\\"number\\\":{number}}}");
            next("write", &|call| {
                call.contains(shown) && call.contains(&record)
            });
            let sync = next("sync", &|call| {
                call.contains("sync(") && call.contains(&format!("{shown}>"))
            });
            if sync.contains("<unfinished") {
                let thread = sync.split_whitespace().next();
                next("end of the sync", &|call| {
                    call.contains("sync resumed>") && call.split_whitespace().next() == thread
                });
            }
            next("return", &|call| {
                call.contains(&format!("\"CONFIRMED {number}"))
            });
        }
    }
}

/// The smallest executor there is: parks the thread until it is woken.
pub(super) fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    loop {
        match std::pin::Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn confirm_async_needs_no_runtime() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(&dir.path().join("audit.log"));
    for number in 0..20 {
        log(&audit, number..number + 1);
        let before = audit.status().records.accepted;
        block_on(audit.confirm_async()).expect("confirmed");
        assert!(audit.status().records.synced >= before);
    }
    audit.close().expect("closed");
}

/// How many records are confirmed one by one under strace.
pub(super) const CONFIRMED: u64 = 10;
