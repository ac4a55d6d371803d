//! What a trail says about itself while it runs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Core, lock};
use crate::config::Config;
use crate::environment::Environment;
use crate::redact::RedactorStatus;
use crate::redact::internal::CustomRedactor;

/// Counters of a trail. Each stands for itself; they are not read at one instant.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) written: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) write_errors: AtomicU64,
    pub(super) after_close: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
    pub(super) copies: Mutex<Vec<CopyStatus>>,
    pub(super) last_sync: Mutex<Option<DateTime<Utc>>>,
    pub(super) gaps: AtomicU64,
    pub(super) synced: AtomicU64,
    pub(super) log_refused: AtomicU64,
    /// Those that no record speaks of yet.
    pub(super) log_unreported: AtomicU64,
}

/// How a trail is doing, and under which settings it runs. Serialises to JSON.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Whether events are recorded. `false` only in development, by `STINGER_AUDIT_ENABLED`.
    pub enabled: bool,
    /// Whether the trail was closed.
    pub closed: bool,
    /// Where the trail is written.
    pub destination: String,
    /// The other destinations.
    pub copies: Vec<CopyStatus>,
    /// The first key of the trail, which stands for it, as `verify --key` takes it. `None`: it is not
    /// sealed.
    pub identity: Option<String>,
    /// The settings that are in force.
    pub config: EffectiveConfig,
    /// The redactors of the application's own, and how they do.
    pub custom_redactors: Vec<RedactorStatus>,
    /// How many records there are.
    pub records: RecordCounts,
    /// How writing goes.
    pub writer: WriterStatus,
    /// Why bare macros do not reach the trail, if they do not.
    pub events_filtered: Option<String>,
    /// Why a backend of the crate `log` shows the texts of bare macros, if one does.
    pub log_backend: Option<String>,
}

/// The settings that are in force, from code, environment and defaults.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EffectiveConfig {
    /// What the process was found to run in.
    pub environment: Environment,
    /// Why it was found to be that.
    pub environment_reason: String,
    /// Whether the built-in rules redact.
    pub redact_pii: bool,
    /// Whether the typed functions return errors while the trail cannot be written.
    pub fail_safe: bool,
    /// How often a new file is begun: `minutely`, `hourly`, `daily`, `weekly` or `never`.
    pub rotation: &'static str,
    /// How long closed files are kept. `None`: for ever.
    pub retention: Option<String>,
}

/// How many records a trail took in, wrote and lost, since this process opened it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RecordCounts {
    /// Records of the application that were taken in. The trail's own are not among them.
    pub accepted: u64,
    /// Records written, the trail's own with them.
    pub written: u64,
    /// Records known to be on the medium.
    pub synced: u64,
    /// Records lost. Each is counted in a `trail_gap` record once writing works again.
    pub lost: u64,
    /// `trail_gap` records written by this process.
    pub gaps: u64,
    /// Events that came after `close()`.
    pub after_close: u64,
    /// Records of the crate `log` with the audit target, which are refused: they have no fields to record.
    pub log_refused: u64,
}

/// How writing goes.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct WriterStatus {
    /// Whether the last write succeeded.
    pub writable: bool,
    /// Whether the trail has tripped: under fail-safe, from the moment at which it could not be
    /// written until a record is durable again.
    pub tripped: bool,
    /// Bytes of records that wait to be written, in the form in which they wait.
    pub backlog_bytes: u64,
    /// Writes and syncs that failed; each is tried again.
    pub write_errors: u64,
    /// The last error of writing.
    pub last_error: Option<String>,
    /// When everything written before was last known to be on the medium.
    pub last_sync: Option<DateTime<Utc>>,
}

/// How a further destination is doing.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CopyStatus {
    /// Where the copy is written.
    pub destination: String,
    /// Records that the copy misses because it was too slow; the trail has them.
    pub missed: u64,
    /// The last error of writing the copy.
    pub last_error: Option<String>,
}

/// Whether a service that depends on its trail should take requests: an answer for a
/// readiness probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "health", content = "why", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Health {
    /// The trail records.
    Ok,
    /// The trail records, but somebody should look at it.
    Degraded(String),
    /// The trail does not record, or has tripped under fail-safe.
    Down(String),
}

impl Health {
    /// Whether requests may be taken.
    pub fn is_ready(&self) -> bool {
        !matches!(self, Health::Down(_))
    }
}

impl Status {
    /// What the status comes to.
    pub fn health(&self) -> Health {
        let error = || self.writer.last_error.as_deref().unwrap_or_default();
        if self.closed {
            Health::Down("the trail is closed".to_owned())
        } else if self.writer.tripped {
            Health::Down(format!("the trail has tripped: {}", error()))
        } else if !self.writer.writable {
            Health::Degraded(format!("records wait to be written: {}", error()))
        } else if let Some(why) = &self.events_filtered {
            Health::Degraded(why.clone())
        } else if let Some(why) = &self.log_backend {
            Health::Degraded(why.clone())
        } else if self.records.lost > 0 {
            Health::Degraded(format!("{} records were lost", self.records.lost))
        } else {
            Health::Ok
        }
    }

    /// The status of a trail that records nothing.
    pub(crate) fn idle(config: &Config) -> Status {
        let custom = config.redactors.custom().iter();
        Status {
            enabled: config.enabled,
            closed: false,
            destination: config.outputs.trail.to_string(),
            copies: Vec::new(),
            identity: None,
            config: EffectiveConfig {
                environment: config.environment,
                environment_reason: config.environment_reason.clone(),
                redact_pii: config.redact_pii,
                fail_safe: config.fail_safe,
                rotation: config.rotation.as_str(),
                retention: config.retention.map(|retention| retention.to_string()),
            },
            custom_redactors: custom.map(CustomRedactor::status).collect(),
            records: RecordCounts::default(),
            writer: WriterStatus {
                writable: true,
                ..WriterStatus::default()
            },
            events_filtered: None,
            log_backend: None,
        }
    }
}

impl Core {
    /// Bytes of records that wait to be written.
    pub(super) fn backlog(&self) -> u64 {
        self.journal.backlog() + lock(&self.queue).bytes()
    }

    pub(crate) fn status(&self) -> Status {
        let counts = &self.counts;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Status {
            closed: self.is_closed(),
            copies: lock(&counts.copies).clone(),
            identity: self.identity.get().cloned(),
            records: RecordCounts {
                accepted: self.journal.accepted(),
                written: count(&counts.written),
                synced: count(&counts.synced),
                lost: count(&counts.lost) + lock(&self.losses).lost,
                gaps: count(&counts.gaps),
                after_close: count(&counts.after_close),
                log_refused: count(&counts.log_refused),
            },
            writer: WriterStatus {
                writable: !self.faults.failing.load(Ordering::Relaxed),
                tripped: self.faults.tripped.load(Ordering::Relaxed),
                backlog_bytes: self.backlog(),
                write_errors: count(&counts.write_errors),
                last_error: lock(&counts.last_error).clone(),
                last_sync: *lock(&counts.last_sync),
            },
            events_filtered: lock(&self.faults.events_filtered).clone(),
            log_backend: lock(&self.faults.log_backend).clone(),
            ..Status::idle(&self.config)
        }
    }
}
