//! Records of the crate `log` that LogTracer brings to tracing.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use stinger_audit::TARGET;
use stinger_audit::read::Trail;
use stinger_audit::record::SystemEvent;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_record_with_the_audit_target_is_hidden_counted_and_reported() {
    tracing_log::LogTracer::init().expect("the only logger");
    for is_audit_first in [true, false] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let audit = stinger_audit::to(&path).open().expect("a trail");
        let shown = Shown::default();
        let copy = shown.clone();
        let writer = move || copy.clone();
        let emit = || {
            for number in 0..3 {
                log::info!(target: TARGET, "user u-7 asks for secret {number}");
                log::info!("an ordinary line {number}");
                tracing::info!("a line of tracing {number}");
                tracing::info!(target: TARGET, event_type = "bare");
            }
        };
        let registry = tracing_subscriber::registry();
        match is_audit_first {
            true => tracing::subscriber::with_default(
                registry
                    .with(audit.layer())
                    .with(fmt::layer().with_writer(writer)),
                emit,
            ),
            false => tracing::subscriber::with_default(
                registry
                    .with(fmt::layer().with_writer(writer))
                    .with(audit.layer()),
                emit,
            ),
        }
        assert_eq!(audit.status().records.log_refused, 3);
        audit.close().expect("closed");

        let shown =
            String::from_utf8(shown.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert!(!shown.contains("secret"), "{shown}");
        for number in 0..3 {
            assert!(
                shown.contains(&format!("an ordinary line {number}")),
                "{shown}"
            );
            assert!(
                shown.contains(&format!("a line of tracing {number}")),
                "{shown}"
            );
        }
        let trail = Trail::open(&path).expect("a trail");
        let records: Vec<_> = trail
            .records()
            .map(|record| record.expect("a record"))
            .collect();
        let bare = records
            .iter()
            .filter(|record| record.event_type.to_string() == "bare");
        assert_eq!(bare.count(), 3);
        let refused = records
            .iter()
            .filter_map(|record| match record.system_event() {
                Some(SystemEvent::LogRefused(refused)) => Some(refused.refused),
                _ => None,
            });
        assert_eq!(refused.sum::<u64>(), 3);
    }
}
