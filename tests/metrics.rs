//! The counters of a trail through the `metrics` facade.

use std::time::{Duration, Instant};

use metrics_util::debugging::{DebugValue, DebuggingRecorder};

#[test]
fn the_counters_are_published_every_second() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().expect("the first");
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .open()
        .expect("a trail");
    for _ in 0..10 {
        audit.log(stinger_audit::prompt("p")).expect("recorded");
    }
    let value = |name: &str| {
        let found = snapshotter.snapshot().into_vec().into_iter();
        found
            .filter(|(key, ..)| key.key().name() == name)
            .find_map(|(.., value)| match value {
                DebugValue::Counter(count) => Some(count as f64),
                DebugValue::Gauge(value) => Some(value.into_inner()),
                DebugValue::Histogram(_) => None,
            })
            .unwrap_or(-1.0)
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    // A snapshot takes the counters with it: the next second brings them again.
    while value("stinger_audit_written_total") < 11.0 {
        assert!(Instant::now() < deadline, "not published");
        std::thread::sleep(Duration::from_millis(1_100));
    }
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(value("stinger_audit_writable"), 1.0);
    audit.close().expect("closed");
}
