//! The worker: takes frames from the journal, renders them as lines, and writes the lines to the trail.
//!
//! It is an `io::Write` on tracing-appender's non-blocking thread. The only byte ever sent to that thread lets the worker
//! in, and the worker stays until the trail is closed. A channel send per event would cost the emitting thread a system
//! call to wake the worker.
//!
//! [`Worker::work`] is the whole of it, one step after the other on one thread. Only the sync of the medium runs beside it.
//! What the worker has begun is in its fields: after a panic it goes on with the step that it had come to. Errors stay
//! here and are tried again, because tracing-appender would drop the message and go on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Core, lock};
use crate::record::system::WorkerRestarted;
use append::InFlight;
use batcher::Batcher;
use copies::CopyFeed;
use maintenance::Pruning;
use progress::Watermark;
use render::Renderer;
use seal::Sealer;
use sink::Sink;
use sync_schedule::SyncState;

mod append;
mod batcher;
pub(super) mod copies;
pub(super) mod files;
mod line_batch;
mod maintenance;
mod merkle;
pub(super) mod monitor;
pub(super) mod parking;
pub(super) mod progress;
pub(super) mod record_queue;
pub(super) mod render;
pub(super) mod seal;
mod seal_key;
pub(super) mod sink;
mod sync_schedule;
mod syncer;
pub(super) mod system_records;
mod terminal;
#[cfg(test)]
mod tests;
pub(super) mod turn_tracker;

/// The worker polls while events are less than this apart, and parks when none came for so long.
const POLL_FOR: Duration = Duration::from_secs(1);
/// How often it polls: soon after an event, and later.
const POLL_SOON: Duration = Duration::from_millis(2);
const POLL_LATER: Duration = Duration::from_millis(8);
/// For so long after an event it polls often.
const SOON: Duration = Duration::from_millis(40);
/// It never rests longer, so that a lost wake-up costs no more.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// The pause after a panic.
const PAUSE_AFTER_PANIC: Duration = Duration::from_millis(20);

pub(super) struct Worker {
    core: Arc<Core>,
    sink: Sink,
    copies: Vec<CopyFeed>,
    /// `None`: the trail is not sealed.
    sealer: Option<Sealer>,
    /// The `seq` of the next record.
    seq: u64,
    batcher: Batcher,
    /// The batch that is being written.
    in_flight: Option<InFlight>,
    /// How far everything is written.
    written: Watermark,
    /// The system records up to `trail_opened`.
    opening_records: u64,
    last_entry: Instant,
    sync: SyncState,
    /// Why a seal must be written before any other record.
    seal_due: Option<&'static str>,
    is_opening_sealed: bool,
    pruning: Pruning,
    /// `trail_write_resumed` is recorded and not durable yet.
    is_resuming: bool,
    /// `trail_closed` is recorded.
    is_closing: bool,
    /// Since when a trail that is being closed cannot be written.
    failing_since: Option<Instant>,
}

/// The trail was closed while it could not be written.
struct GaveUp;

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        sink: Sink,
        copies: Vec<CopyFeed>,
        renderer: Renderer,
        sealer: Option<Sealer>,
        seq: u64,
    ) -> Worker {
        Worker {
            written: Watermark {
                position: core.journal.head(),
                queued: 0,
            },
            opening_records: core.watermark().queued,
            batcher: Batcher::new(core.clone(), renderer),
            core,
            sink,
            copies,
            sealer,
            seq,
            in_flight: None,
            last_entry: Instant::now(),
            sync: SyncState::new(),
            seal_due: None,
            is_opening_sealed: false,
            pruning: Pruning::at_opening(),
            is_resuming: false,
            is_closing: false,
            failing_since: None,
        }
    }

    /// Works until the trail is closed.
    fn work(&mut self) -> Result<(), GaveUp> {
        self.core.parking.register();
        loop {
            // What a panic has interrupted comes first.
            self.write_in_flight()?;
            self.write_rendered()?;
            self.write_seal_due()?;
            self.note_sync_request();
            self.restore_files()?;
            self.step("looked");
            self.roll_if_due()?;
            let had_entries = self.write_entries()?;
            self.write_queue()?;
            self.end_trip()?;
            self.seal_if_due()?;
            self.sync_if_due()?;
            self.prune_if_due()?;
            if self.core.is_closed() {
                let end_at = *lock(&self.core.requests.end_at);
                if end_at.is_some_and(|end| self.written.position >= end) {
                    self.prune_if_due()?;
                    return self.end();
                }
            }
            self.rest(had_entries);
        }
    }

    /// Whether `trail_opened` and what comes before it are written.
    fn is_opened(&self) -> bool {
        self.written.position >= self.batcher.inherited_to
            && self.written.queued >= self.opening_records
    }

    fn has_entries(&self) -> bool {
        self.core.journal.tail() > self.written.position
    }

    fn has_queued_records(&self) -> bool {
        !lock(&self.core.queue).is_empty()
    }

    /// Polls while events come, and parks while none do.
    fn rest(&mut self, had_entries: bool) {
        self.step("rest");
        if had_entries {
            self.last_entry = Instant::now();
            return;
        }
        self.batcher.shrink();
        let idle = self.last_entry.elapsed();
        if idle < POLL_FOR {
            std::thread::park_timeout(match idle < SOON {
                true => POLL_SOON,
                false => POLL_LATER,
            });
        } else {
            self.park();
        }
    }

    /// Parks until an event, a request, or the next deadline.
    fn park(&self) {
        let core = &*self.core;
        core.parking.rest(self.next_deadline(), || {
            self.has_entries()
                || self.has_queued_records()
                || lock(&core.losses).lost > 0
                || core.requests.sync.load(Ordering::SeqCst)
                || core.is_closed()
        });
    }

    /// How long until there is something to do, if nobody asks for anything.
    fn next_deadline(&self) -> Duration {
        let until_sync = self.sync.due_in().unwrap_or(LONGEST_REST);
        let until_seal = self.sealer.as_ref().map_or(LONGEST_REST, Sealer::due_in);
        // A deadline that has passed and could not be kept is tried again a little later.
        until_sync.min(until_seal).clamp(POLL_LATER, LONGEST_REST)
    }

    /// After a panic: counts what the sink took meanwhile, and goes on.
    fn resume(&mut self) {
        self.core
            .warn("the worker panicked; it goes on where it was");
        std::thread::sleep(PAUSE_AFTER_PANIC);
        // The sink waits for a sync that is underway. What it was to sync is synced again.
        self.sync.begin_again();
        match self.sink.recount() {
            Ok(appended) => {
                if let Some(in_flight) = &mut self.in_flight {
                    in_flight.appended += appended;
                }
            }
            Err(error) => self.note_failure(&error),
        }
        self.core.queue_system_record(WorkerRestarted {});
    }

    /// Between two steps: tests look at the trail here, or panic.
    #[inline]
    fn step(&self, _name: &'static str) {
        #[cfg(test)]
        {
            let hook = lock(&self.core.hook).take();
            if let Some(mut hook) = hook {
                hook(_name);
                lock(&self.core.hook).get_or_insert(hook);
            }
        }
    }
}

impl io::Write for Worker {
    /// Works until the trail is closed, and takes the byte that let it in for written.
    fn write(&mut self, doorbell: &[u8]) -> io::Result<usize> {
        // A panic here would end tracing-appender's thread, and the trail with it.
        let ended = loop {
            match catch_unwind(AssertUnwindSafe(|| self.work())) {
                Ok(ended) => break ended,
                Err(_) => {
                    if catch_unwind(AssertUnwindSafe(|| self.resume())).is_err() {
                        break Err(GaveUp);
                    }
                }
            }
        };
        if ended.is_err() {
            self.core.warn(format_args!(
                "closed while it could not be written; {} bytes of records wait in the journal",
                self.core.backlog()
            ));
        }
        for copy in self.copies.drain(..) {
            copy.close();
        }
        if self.core.journal.is_closed() {
            // Frees the files and their lock before those who wait go on. If only the process ends, they are kept: the
            // journal still takes what other threads emit.
            self.sink = Sink::Special("closed".into(), None);
        }
        lock(&self.core.queue).end();
        self.core.report(|progress| progress.ended = true);
        Ok(doorbell.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
