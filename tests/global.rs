//! `enable()` and the process's own trail. One test, because it is one process.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use stinger_audit::TARGET;
use stinger_audit::error::ErrorKind;
use tracing::{info, info_span};

mod common;

struct Logs;

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(target: TARGET, event_type = "macro inside");
        stinger_audit::emit::event("typed inside")
            .log()
            .expect("recorded");
        f.write_str("logged")
    }
}

struct LogsItself;

impl fmt::Debug for LogsItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        assert!(CALLS.fetch_add(1, Ordering::Relaxed) < 1_000, "without end");
        info!(target: TARGET, event_type = "again", value = ?LogsItself);
        f.write_str("done")
    }
}

#[test]
fn the_life_of_the_processs_trail() {
    let error = stinger_audit::log_prompt("too early").expect_err("no trail");
    assert!(matches!(error.kind(), ErrorKind::NotOpen));
    assert!(
        error
            .to_string()
            .contains("call stinger_audit::enable() first")
    );
    assert!(stinger_audit::audit().is_none());

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .enable()
        .expect("a trail");
    let again = stinger_audit::enable().expect_err("a second time");
    assert!(
        matches!(again.kind(), ErrorKind::AlreadyEnabled { .. }),
        "{again}"
    );
    assert!(stinger_audit::audit().is_some());

    // Values that log, under a global subscriber, where tracing lets them.
    info!(target: TARGET, event_type = "outer", value = ?Logs);
    info!(target: TARGET, event_type = "outer", value = ?LogsItself);
    audit.flush().expect("written");
    let records = common::records(&path);
    let count = |name: &str| {
        records
            .iter()
            .filter(|record| record.event_type.as_str() == name)
            .count()
    };
    assert_eq!(
        (count("macro inside"), count("typed inside"), count("outer")),
        (1, 1, 2)
    );
    assert!((1..10).contains(&count("again")), "{}", count("again"));
    assert_eq!(audit.status().records.lost, 1, "the cut is counted");

    // A plain span carries the attribution of the one it was made in to another thread, and
    // brings its own, none, into another's.
    let work = info_span!("request", user_id = "bob").in_scope(|| info_span!("work"));
    let other = info_span!("other");
    std::thread::scope(|scope| {
        scope.spawn(|| work.in_scope(|| info!(target: TARGET, event_type = "carried")));
    });
    info_span!("request", user_id = "alice").in_scope(|| {
        other.in_scope(|| info!(target: TARGET, event_type = "nobody's"));
        work.in_scope(|| info!(target: TARGET, event_type = "bob's"));
    });
    audit.flush().expect("written");
    let users: Vec<_> = common::records(&path)
        .into_iter()
        .filter(|record| ["carried", "nobody's", "bob's"].contains(&record.event_type.as_str()))
        .map(|record| record.user_id)
        .collect();
    assert_eq!(
        users,
        [Some("bob".to_owned()), None, Some("bob".to_owned())]
    );

    // Eight threads at once, through macros and typed functions.
    const THREADS: u64 = 8;
    let each: u64 = 20_000;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..each {
                    let _span =
                        info_span!("request", user_id = format!("t{thread}-{number}")).entered();
                    if number % 2 == 0 {
                        info!(target: TARGET, event_type = "load", thread, number);
                    } else {
                        stinger_audit::emit::event("load")
                            .field("thread", thread)
                            .field("number", number)
                            .log()
                            .expect("recorded");
                    }
                }
            });
        }
    });
    println!(
        "emitted {} records in {:?}",
        THREADS * each,
        begun.elapsed()
    );
    audit.flush().expect("written");
    let mut next = [0; THREADS as usize];
    for record in common::records(&path) {
        if record.event_type.as_str() != "load" {
            continue;
        }
        let thread = record.other["thread"].as_u64().expect("a number");
        let number = record.other["number"].as_u64().expect("a number");
        assert_eq!(record.user_id, Some(format!("t{thread}-{number}")));
        // Of one thread, in order: none lost, none doubled.
        assert_eq!(number, next[thread as usize]);
        next[thread as usize] += 1;
    }
    assert_eq!(next, [each; THREADS as usize]);

    audit.close().expect("closed");
    let error = stinger_audit::log_prompt("too late").expect_err("closed");
    assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
    audit.close().expect("closing again is nothing");
}
