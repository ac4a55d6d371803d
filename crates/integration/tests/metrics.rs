//! The counters of a trail through the `metrics` facade.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use metrics_util::debugging::{DebugValue, DebuggingRecorder};

#[test]
fn the_status_is_published_every_second() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().expect("the first");
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .low_disk_threshold(0)
        .open()
        .expect("a trail");
    // No subscriber of this thread has the layer.
    assert!(!audit.check_event_delivery().is_complete());
    for _ in 0..10 {
        audit
            .log(stinger_audit::emit::prompt("p"))
            .expect("recorded");
    }
    let published = || -> BTreeMap<String, f64> {
        let found = snapshotter.snapshot().into_vec().into_iter();
        found
            .map(|(key, _, _, value)| {
                let value = match value {
                    DebugValue::Counter(count) => count as f64,
                    DebugValue::Gauge(value) => value.into_inner(),
                    DebugValue::Histogram(_) => f64::NAN,
                };
                (key.key().name().to_owned(), value)
            })
            .collect()
    };
    let expected = || {
        let status = audit.status();
        let values = [
            ("accepted_total", status.records.accepted as f64),
            ("written_total", status.records.written as f64),
            ("synced_total", status.records.synced as f64),
            ("lost_total", 0.0),
            ("gaps_total", 0.0),
            ("write_errors_total", 0.0),
            ("backlog_bytes", 0.0),
            ("writable", 1.0),
            ("tripped", 0.0),
            ("events_filtered", 1.0),
        ];
        BTreeMap::from(values.map(|(name, value)| (format!("stinger_audit_{name}"), value)))
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        // A snapshot takes the values with it; the next second brings them again.
        std::thread::sleep(Duration::from_millis(1_100));
        let (published, expected) = (published(), expected());
        if published == expected && expected["stinger_audit_synced_total"] >= 12.0 {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{published:#?} instead of {expected:#?}"
        );
    }
    assert_eq!(audit.status().records.accepted, 10);
    audit.close().expect("closed");
}
