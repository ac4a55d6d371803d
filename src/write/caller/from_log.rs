//! Records of the crate `log` with the audit target. They have no fields that could be recorded, so they are refused:
//! hidden from the other layers, counted, and reported in a record.
//!
//! With the feature `log-always` of tracing, each macro makes a `log` record as well. That twin is hidden and not
//! counted: the event itself is recorded.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use crate::record::system::LogRefused;
use crate::write::{Core, TARGET, lock};

/// The target of all events that tracing-log makes of `log` records. The true one stands in a field.
const BRIDGE: &str = "log";

/// Where the macros of audit events stand.
static MACROS: Mutex<BTreeSet<(&'static str, u32)>> = Mutex::new(BTreeSet::new());

/// Takes note of the place of an audit event's macro.
pub(super) fn note_macro(metadata: &'static Metadata<'static>) {
    if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
        lock(&MACROS).insert((file, line));
    }
}

/// What tracing-log says of a `log` record, but for its text.
#[derive(Default)]
pub(super) struct LogRecord {
    is_audit: bool,
    file: String,
    line: u64,
}

impl LogRecord {
    /// The `log` record that an event was made of, if that has the audit target.
    #[inline]
    pub(super) fn of(event: &Event<'_>) -> Option<LogRecord> {
        if event.metadata().target() != BRIDGE {
            return None;
        }
        let mut record = LogRecord::default();
        event.record(&mut record);
        record.is_audit.then_some(record)
    }

    /// Counts it as refused, unless a macro made it beside its event.
    pub(super) fn refuse(&self, core: &Core) {
        let is_twin =
            |&(file, line): &(&str, u32)| file == self.file && u64::from(line) == self.line;
        if lock(&MACROS).iter().any(is_twin) {
            return;
        }
        core.counts.log_unreported.fetch_add(1, Ordering::Relaxed);
        if core.counts.log_refused.fetch_add(1, Ordering::Relaxed) == 0 {
            core.warn(format_args!(
                "refused a record of the crate `log` with the target {TARGET}, from {}:{}: it has no fields to record. \
                 Use a macro of tracing or a typed function there; further ones are counted in status()",
                self.file, self.line
            ));
        }
    }
}

impl Visit for LogRecord {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.is_audit = value == TARGET,
            "log.file" => value.clone_into(&mut self.file),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = value;
        }
    }

    /// The message, which stays unread.
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Core {
    /// Records how many records of `log` were refused since this was last recorded.
    pub(crate) fn report_log_refusals(&self) {
        let refused = self.counts.log_unreported.swap(0, Ordering::Relaxed);
        if refused > 0 {
            self.queue_system_record(LogRefused { refused });
        }
    }
}
