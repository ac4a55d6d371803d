//! Writing: from an event on some thread to lines in files.
//!
//! ```text
//! caller    layer / emit -> fields, encode -> frame
//! journal   frames wait here until their lines are written
//! worker    frame -> render -> line -> sink, copies
//! ```
//!
//! The caller's thread and the worker's thread meet only in the journal, and share the [`Core`] of the trail.
//! `open`, `exit` and `registry` open and end a trail; `confirm` and `status` report on it.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Span;
use tracing_appender::non_blocking::WorkerGuard;

use crate::config::Config;
use crate::destination::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::record::SystemEvent;
use crate::trail::internal::Key;

mod caller;
mod confirm;
mod diagnostics;
mod exit;
mod journal;
mod open;
mod registry;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod worker;

pub(crate) use caller::attribution::RecordContext;
pub use caller::emit::{
    Entry, event, guardrail, log_guardrail_decision, log_prompt, log_response, prompt, response,
};
pub(crate) use caller::emit::{common_texts, texts, turn_end};
pub use caller::event_delivery::EventDelivery;
pub use caller::field_value::FieldValue;
pub(crate) use caller::layer::filtered;
#[cfg(feature = "tower")]
pub(crate) use caller::span_usage::SpanUsage;
pub use confirm::Confirm;
pub(crate) use diagnostics::say;
pub(crate) use open::{open, record_refusal};
pub(crate) use registry::current;
pub use status::{CopyStatus, EffectiveConfig, Health, RecordCounts, Status, WriterStatus};

use caller::fields::FieldWriter;
use caller::layer::AuditLayer;
use caller::trace::Trace;
use caller::{attribution, encode};
use journal::{Journal, Refusal};
use registry::Recording;
use worker::parking::Parking;
use worker::progress::Progress;
use worker::system_records::{self, Losses, SystemRecord, SystemRecords};

/// The `tracing` target of security events: `stinger::audit`.
///
/// ```
/// tracing::info!(target: stinger_audit::TARGET, event_type = "session_ended", user_id = "u-7");
/// ```
pub const TARGET: &str = "stinger::audit";

/// What the emitting threads, the worker and the handles of one trail share.
pub(crate) struct Core {
    /// Tells this trail from others of the process.
    id: u64,
    pid: u32,
    config: Config,
    /// The trail's name, for messages.
    name: String,
    journal: Arc<Journal>,
    system_records: Mutex<SystemRecords>,
    losses: Apart<Mutex<Losses>>,
    counts: Apart<status::Counts>,
    progress: Apart<Mutex<Progress>>,
    progressed: Condvar,
    /// A write failed and none has succeeded since.
    failing: AtomicBool,
    /// A thread waited for room in vain, and no room has come up since.
    full: AtomicBool,
    /// Under fail-safe: the trail could not be written, and no record has become durable since.
    tripped: AtomicBool,
    /// When and why it tripped, until that is annotations.
    trip: Mutex<Option<(DateTime<Utc>, String)>>,
    /// Somebody waits in `confirm`.
    sync_wanted: AtomicBool,
    closing: AtomicBool,
    /// Where in the journal a trail that is being closed ends.
    end_at: Mutex<Option<u64>>,
    events_filtered: Mutex<Option<String>>,
    /// The first key of the trail, where it is sealed.
    identity: OnceLock<String>,
    /// Tells this run of a writer from all others.
    run_id: String,
    parking: Apart<Parking>,
    guard: Mutex<Option<WorkerGuard>>,
    /// Called by the worker between its steps.
    #[cfg(test)]
    hook: Mutex<Option<Hook>>,
}

#[cfg(test)]
type Hook = Box<dyn FnMut(&'static str) + Send>;

/// Stands in cache lines of its own: what the worker writes again and again must not lie beside what the
/// emitting threads read.
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T> Deref for Apart<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Clears a flag that is mostly clear, and says whether it was set. One that is clear is only read: so it
/// stays in everybody's cache.
fn take_flag(flag: &AtomicBool) -> bool {
    flag.load(Ordering::SeqCst) && flag.swap(false, Ordering::SeqCst)
}

impl Core {
    fn new(config: Config, journal: Arc<Journal>) -> Core {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Core {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            pid: std::process::id(),
            name: config.targets.trail.to_string(),
            journal,
            config,
            system_records: Mutex::default(),
            losses: Apart::default(),
            counts: Apart::default(),
            progress: Apart::default(),
            progressed: Condvar::new(),
            failing: AtomicBool::new(false),
            full: AtomicBool::new(false),
            tripped: AtomicBool::new(false),
            trip: Mutex::default(),
            sync_wanted: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            end_at: Mutex::default(),
            events_filtered: Mutex::default(),
            identity: OnceLock::new(),
            run_id: format!("{:016x}", RandomState::new().hash_one(Utc::now())),
            parking: Apart::default(),
            guard: Mutex::default(),
            #[cfg(test)]
            hook: Mutex::default(),
        }
    }

    /// What surrounds the calling thread, as far as this trail sees it.
    pub(crate) fn context(&self) -> RecordContext {
        RecordContext {
            scope: attribution::current(|layer| layer.trail == self.id),
            trace: Trace::current(),
        }
    }

    /// What surrounds the records of a turn that begins here and says this.
    pub(crate) fn turn_context(&self, texts: &[(Key, String)]) -> RecordContext {
        self.context().with_texts(&self.config.redactors, texts)
    }

    /// Changes what the records of a turn say.
    pub(crate) fn set_in_turn(&self, turn: &RecordContext, key: Key, text: &str) {
        turn.set_text(&self.config.redactors, key, text);
    }

    /// Attributes what happens in a span to a turn.
    pub(crate) fn attribute_span(&self, turn: &RecordContext, span: &Span) {
        span.with_subscriber(|(id, dispatch)| {
            if let Some(recorder) = dispatch.downcast_ref::<AuditLayer>() {
                recorder.adopt(id, self, turn);
            }
        });
    }

    /// Whether the trail takes no records: it was closed, or has tripped under fail-safe.
    #[cfg(feature = "tower")]
    pub(crate) fn is_down(&self) -> bool {
        self.is_closed() || self.tripped.load(Ordering::Relaxed)
    }

    /// Records one event: `fill` adds its fields, and the context adds what they leave out.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written: the record waits then, or was lost, as the error
    /// says. A record that could not be taken in is counted as lost either way.
    fn record(
        &self,
        context: impl Into<RecordContext>,
        fill: impl FnOnce(&mut FieldWriter<'_>),
    ) -> Result<()> {
        if exit::is_forked() {
            return Err(Error::from(ErrorKind::Forked));
        }
        let _recording = Recording::in_trail(self.id);
        let RecordContext { scope, trace } = context.into();
        let trace = Trace::current().or(trace);
        let taken = encode::encode(
            &self.config.redactors,
            |fields| {
                fill(fields);
                if let Some(scope) = scope {
                    scope.attribute(|values| fields.attribute(values));
                }
                if let Some(trace) = trace {
                    fields.trace(trace);
                }
            },
            |frame| self.append(frame),
        );
        match taken {
            Some(Ok(())) if !self.config.fail_safe => Ok(()),
            Some(Ok(())) => match self.tripped.load(Ordering::Relaxed) {
                false => Ok(()),
                true => Err(self.unwritable(false)),
            },
            Some(Err(Refusal::Closed)) => Err(Error::from(ErrorKind::Closed)),
            Some(Err(Refusal::Full { .. })) if self.config.fail_safe => Err(self.unwritable(true)),
            Some(Err(Refusal::Full { .. })) => Ok(()),
            None => {
                self.lose(
                    None,
                    "an event was emitted from inside events without end, or past 4 GiB",
                );
                Ok(())
            }
        }
    }

    #[inline]
    fn append(&self, frame: &[u8]) -> Result<(), Refusal> {
        // Once a wait has been in vain, nobody waits again until there is room.
        let timeout = match self.full.load(Ordering::Relaxed) {
            true => Duration::ZERO,
            false => self.config.enqueue_timeout,
        };
        let appended = self.journal.append(frame, timeout);
        match appended {
            Ok(false) => self.parking.wake(),
            Ok(true) => self.parking.unpark(),
            Err(Refusal::Full { stalled }) => {
                if stalled && !self.full.swap(true, Ordering::Relaxed) {
                    say(&format!(
                        "{}: the buffer is full and the trail is not being written; records are being lost and counted",
                        self.name
                    ));
                }
                self.trip("the buffer was full");
                self.lose(Some(frame), "the buffer was full");
            }
            Err(Refusal::Closed) => {
                if self.counts.after_close.fetch_add(1, Ordering::Relaxed) == 0 {
                    say(&format!(
                        "{}: an event came after close() and is not in the trail; further ones are counted in status()",
                        self.name
                    ));
                }
            }
        }
        appended.map(|_| ())
    }

    /// Queues a record of the trail's own.
    fn queue_system_record(&self, event: impl Into<SystemEvent>) {
        let frame = system_records::frame(&event.into());
        let queued = lock(&self.system_records).push(SystemRecord { frame, losses: 0 });
        if let Err(SystemRecord { frame, .. }) = queued {
            self.lose(Some(&frame), "too many records of the trail itself waited");
        }
        self.parking.wake();
    }

    /// Counts a record as lost, in the journal too: the count outlives the process.
    fn lose(&self, frame: Option<&[u8]>, why: &'static str) {
        let now = Utc::now();
        // First in the journal: what is told is taken off there.
        self.journal.note_loss(now.timestamp_micros());
        lock(&self.losses).add(frame, now, why);
    }

    /// Under fail-safe, has the typed functions return errors from now on.
    fn trip(&self, why: &str) {
        if !self.config.fail_safe || self.tripped.load(Ordering::SeqCst) {
            return;
        }
        // The reason first: whoever sees the flag finds it.
        lock(&self.trip).get_or_insert_with(|| (Utc::now(), why.to_owned()));
        if !self.tripped.swap(true, Ordering::SeqCst) {
            say(&format!(
                "{}: tripped: {why}; typed functions return errors until a record is durable again",
                self.name
            ));
        }
    }

    fn unwritable(&self, lost: bool) -> Error {
        Error::from(ErrorKind::Unwritable {
            trail: self.name.clone(),
            lost,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// What every record says of this run of the writer: nothing in files, where `trail_opened` says it.
    fn run_id_of_records(&self) -> Option<String> {
        let is_stream = !matches!(self.config.targets.trail, Target::Files(_));
        is_stream.then(|| self.run_id.clone())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

/// Locks what no code that can panic runs under, or whose state a panic leaves whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
