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

use std::fmt::Display;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Span;
use tracing_appender::non_blocking::WorkerGuard;

use crate::config::Config;
use crate::destination::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::format::internal::Key;
use crate::record::SystemEvent;
use crate::record::system::Gap;

mod caller;
mod confirm_future;
mod diagnostics;
mod exit;
mod fork;
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
pub(crate) use caller::field_schema::is_fixed;
pub use caller::field_value::FieldValue;
pub(crate) use caller::layer::filtered;
#[cfg(feature = "tower")]
pub(crate) use caller::span_usage::SpanUsage;
pub use confirm_future::Confirm;
pub(crate) use diagnostics::warn;
pub(crate) use fork::process;
pub(crate) use open::{open, record_refusal};
pub(crate) use registry::current;
pub use status::{CopyStatus, EffectiveConfig, Health, RecordCounts, Status, WriterStatus};

use caller::fields::FieldWriter;
use caller::find_layer::with_layer;
use caller::trace::Trace;
use caller::{attribution, encode};
use journal::{Journal, Refusal};
use registry::Recording;
use worker::parking::Parking;
use worker::progress::Progress;
use worker::record_queue::RecordQueue;
use worker::system_records;

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
    /// The process that opened it, see [`fork::process`].
    process: u32,
    /// The trail of the parent whose layers feed this one in a forked child.
    stands_for: OnceLock<u64>,
    /// Tells this run of a writer from all others.
    run_id: String,
    config: Config,
    /// The trail's name, for messages.
    name: String,
    /// The first key of the trail, if it is sealed.
    identity: OnceLock<String>,
    journal: Arc<Journal>,
    queue: Mutex<RecordQueue>,
    /// Records that were lost and are in no `trail_gap` yet.
    losses: Apart<Mutex<Gap>>,
    counts: Apart<status::Counts>,
    progress: Apart<Mutex<Progress>>,
    progressed: Condvar,
    faults: Faults,
    requests: Requests,
    parking: Apart<Parking>,
    guard: Mutex<Option<WorkerGuard>>,
    /// Called by the worker between its steps.
    #[cfg(test)]
    hook: Mutex<Option<Hook>>,
}

/// What is wrong with a trail at the moment.
#[derive(Default)]
struct Faults {
    /// A write failed and none has succeeded since.
    failing: AtomicBool,
    /// A thread waited for room in vain, and nothing was released since.
    full: AtomicBool,
    /// Under fail-safe: the trail could not be written, and no record has become durable since.
    tripped: AtomicBool,
    /// When and why it tripped, until a record says so.
    trip: Mutex<Option<(DateTime<Utc>, String)>>,
    /// Why events of the application do not arrive, if they do not.
    events_filtered: Mutex<Option<String>>,
    /// Why a backend of the crate `log` shows what they say, if one does.
    log_backend: Mutex<Option<String>>,
}

/// What the worker is asked to do.
#[derive(Default)]
struct Requests {
    /// Somebody waits in `confirm`.
    sync: AtomicBool,
    close: AtomicBool,
    /// Where in the journal a trail that is being closed ends.
    end_at: Mutex<Option<u64>>,
}

#[cfg(test)]
type Hook = Box<dyn FnMut(&'static str) + Send>;

/// Stands in cache lines of its own: what the worker writes often must not lie beside what the emitting threads read.
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T> Deref for Apart<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Clears a flag that is mostly clear, and says whether it was set. A clear flag is only read, so that it stays in the
/// caches of all threads.
fn take_flag(flag: &AtomicBool) -> bool {
    flag.load(Ordering::SeqCst) && flag.swap(false, Ordering::SeqCst)
}

impl Core {
    fn new(config: Config, journal: Arc<Journal>) -> Core {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Core {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            process: fork::process(),
            stands_for: OnceLock::new(),
            name: config.outputs.trail.to_string(),
            journal,
            config,
            run_id: format!(
                "{:016x}",
                RandomState::new().hash_one((Utc::now(), std::process::id()))
            ),
            identity: OnceLock::new(),
            queue: Mutex::default(),
            losses: Apart::default(),
            counts: Apart::default(),
            progress: Apart::default(),
            progressed: Condvar::new(),
            faults: Faults::default(),
            requests: Requests::default(),
            parking: Apart::default(),
            guard: Mutex::default(),
            #[cfg(test)]
            hook: Mutex::default(),
        }
    }

    /// What surrounds the calling thread, as far as this trail sees it.
    pub(crate) fn context(&self) -> RecordContext {
        RecordContext {
            scope: attribution::current(|layer| {
                layer.trail == self.id || self.stands_for.get() == Some(&layer.trail)
            }),
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
            with_layer(dispatch, |layer| layer.adopt(id, self, turn));
        });
    }

    /// Whether the trail takes no records: it was closed, or has tripped under fail-safe.
    #[cfg(feature = "tower")]
    pub(crate) fn is_down(&self) -> bool {
        self.is_closed() || self.faults.tripped.load(Ordering::Relaxed)
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
        if self.is_forked() {
            return Err(Error::from(ErrorKind::Forked));
        }
        let _recording = Recording::in_trail(self.id);
        let RecordContext { scope, trace } = context.into();
        let trace = Trace::current().or(trace);
        let taken = encode::encode(
            &self.config.redactors,
            |fields| {
                if let Some(scope) = scope.as_ref().filter(|_| fields.withholds_tenants()) {
                    scope.each(|values| fields.tenant_of(values));
                }
                fill(fields);
                if let Some(scope) = scope {
                    scope.attribute(fields);
                }
                if let Some(trace) = trace {
                    fields.trace(trace);
                }
            },
            |frame| self.append(frame),
        );
        match taken {
            Some(Ok(())) if !self.config.fail_safe => Ok(()),
            Some(Ok(())) => match self.faults.tripped.load(Ordering::Relaxed) {
                false => Ok(()),
                true => Err(self.unwritable(false)),
            },
            Some(Err(Refusal::Closed)) => Err(Error::from(ErrorKind::Closed)),
            Some(Err(Refusal::Full { .. })) if self.config.fail_safe => Err(self.unwritable(true)),
            Some(Err(Refusal::Unwritten)) if self.config.fail_safe => Err(self.unwritable(false)),
            Some(Err(Refusal::Full { .. } | Refusal::Unwritten)) => Ok(()),
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
        let timeout = match self.faults.full.load(Ordering::Relaxed) {
            true => Duration::ZERO,
            false => self.config.enqueue_timeout,
        };
        let is_large = self.journal.is_too_large(frame);
        let appended = match is_large {
            false => self.journal.append(frame, timeout),
            true => self.append_large(frame, timeout),
        };
        match appended {
            Ok(false) => self.parking.wake(),
            Ok(true) => self.parking.unpark(),
            Err(Refusal::Full { stalled }) => {
                if stalled && !self.faults.full.swap(true, Ordering::Relaxed) {
                    self.warn("the buffer is full and the trail is not being written; records are being lost and counted");
                }
                let why = match is_large {
                    false => "the buffer was full",
                    true => "a record too large for the buffer was not written in time",
                };
                self.trip(why);
                self.lose(Some(frame), why);
            }
            Err(Refusal::Unwritten) => self.trip("a record is not written in time"),
            Err(Refusal::Closed) => {
                if self.counts.after_close.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.warn("an event came after close() and is not in the trail; further ones are counted in status()");
                }
            }
        }
        appended.map(|_| ())
    }

    /// Queues a record of the trail's own.
    fn queue_system_record(&self, event: impl Into<SystemEvent>) {
        let frame = system_records::frame(&event.into());
        let most_bytes = self.journal.capacity().saturating_mul(2);
        if !lock(&self.queue).push_system(&frame, most_bytes) {
            self.lose(Some(&frame), "too many records of the trail itself waited");
        }
        self.parking.wake();
    }

    /// Counts a record as lost, in the journal too: the count outlives the process.
    fn lose(&self, frame: Option<&[u8]>, why: &'static str) {
        let now = Utc::now();
        // The journal first: its count goes down when the record of the loss is written.
        self.journal.note_loss(now.timestamp_micros());
        system_records::count_loss(&mut lock(&self.losses), frame, now, why);
    }

    /// Warns the operator of something about this trail.
    fn warn(&self, message: impl Display) {
        warn(&format!("{}: {message}", self.name));
    }

    /// Under fail-safe, has the typed functions return errors from now on.
    fn trip(&self, why: &str) {
        if !self.config.fail_safe || self.faults.tripped.load(Ordering::SeqCst) {
            return;
        }
        // The reason first: a thread that sees the flag finds it.
        lock(&self.faults.trip).get_or_insert_with(|| (Utc::now(), why.to_owned()));
        if !self.faults.tripped.swap(true, Ordering::SeqCst) {
            self.warn(format_args!(
                "tripped: {why}; typed functions return errors until a record is durable again"
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
        let is_stream = !matches!(self.config.outputs.trail, Output::Files(_));
        is_stream.then(|| self.run_id.clone())
    }

    /// Whether this process was forked from the one that opened the trail.
    #[inline]
    pub(crate) fn is_forked(&self) -> bool {
        self.process != fork::process()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.requests.close.load(Ordering::Relaxed)
    }
}

/// Locks what no code that can panic runs under, or whose state a panic leaves whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
