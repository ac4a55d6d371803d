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
use std::task::Waker;
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::{Core, lock, say};
use crate::record::system::WorkerRestarted;
use copies::CopyFeed;
use files::Prunable;
use line_batch::{LARGEST_REUSED, LineBatch};
use progress::{Progress, Watermark};
use render::Renderer;
use seal::Sealer;
use sink::Sink;

mod batch;
pub(super) mod copies;
pub(super) mod files;
mod line_batch;
mod merkle;
pub(super) mod monitor;
pub(super) mod parking;
pub(super) mod progress;
pub(super) mod render;
pub(super) mod seal;
mod seal_key;
pub(super) mod sink;
mod sync;
mod syncer;
pub(super) mod system_records;
mod terminal;
#[cfg(test)]
mod tests;
pub(super) mod turn_tracker;
mod upkeep;
mod write;

use sync::Reached;
use write::InFlight;

/// The worker polls while events are less than this apart, and parks when none came for so long.
const POLL_FOR: Duration = Duration::from_secs(1);
/// How often it polls: soon after an event, and later.
const POLL_SOON: Duration = Duration::from_millis(2);
const POLL_LATER: Duration = Duration::from_millis(8);
/// For so long after an event it polls often.
const SOON: Duration = Duration::from_millis(40);
/// It never rests longer, so that a lost wake-up costs no more.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Retention lists the directory, which takes milliseconds if files are many. It waits until nothing was recorded for
/// so long, so that nobody who confirms a record waits for that.
const PRUNE_IN_QUIET: Duration = Duration::from_millis(100);
/// It waits no longer than this.
const PRUNE_WITHIN: Duration = Duration::from_secs(1);

/// How often the worker looks whether its files are in place while it has nothing to write.
const LOOK_EVERY: Duration = Duration::from_millis(64);

/// The pause after a panic.
const PAUSE_AFTER_PANIC: Duration = Duration::from_millis(20);

pub(super) struct Worker {
    core: Arc<Core>,
    journal: Arc<Journal>,
    sink: Sink,
    copies: Vec<CopyFeed>,
    renderer: Renderer,
    /// `None`: the trail is not sealed.
    sealer: Option<Sealer>,
    /// The `seq` of the next record.
    seq: u64,
    /// Entries as they were copied from the journal.
    entries: Vec<u8>,
    /// The batch that is being rendered, and where its entries end in the journal.
    rendered: LineBatch,
    rendered_to: u64,
    /// The batch that is being written.
    in_flight: Option<InFlight>,
    /// How far everything is written.
    written: Watermark,
    /// Entries before this position of the journal are an earlier process's.
    inherited_to: u64,
    /// The system records up to `trail_opened`.
    opening_records: u64,
    last_entry: Instant,
    last_look: Instant,
    /// Something was written that is not synced.
    unsynced: bool,
    last_sync: Instant,
    /// A sync is underway.
    syncing: Option<Reached>,
    /// Sync when everything up to here is written: somebody waits for it.
    sync_at: Option<Watermark>,
    /// How long to leave a medium alone that refused to sync.
    sync_pause: Duration,
    /// Why a seal must be written before any other record.
    seal_due: Option<&'static str>,
    is_opening_sealed: bool,
    /// Files that retention removes once their record is durable.
    pruning: Option<Prunable>,
    /// Since when retention must look at the files, if it must.
    prune_due: Option<Instant>,
    /// `trail_write_resumed` is recorded and not durable yet.
    is_healing: bool,
    /// `trail_closed` is recorded.
    is_closing: bool,
    closing_since: Option<Instant>,
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
        let now = Instant::now();
        let journal = core.journal.clone();
        Worker {
            written: Watermark {
                position: journal.head(),
                system_records: 0,
            },
            rendered_to: journal.head(),
            inherited_to: journal.tail(),
            opening_records: core.watermark().system_records,
            core,
            journal,
            sink,
            copies,
            renderer,
            sealer,
            seq,
            entries: Vec::new(),
            rendered: LineBatch::default(),
            in_flight: None,
            last_entry: now,
            last_look: now,
            unsynced: false,
            last_sync: now,
            syncing: None,
            sync_at: None,
            sync_pause: Duration::ZERO,
            seal_due: None,
            is_opening_sealed: false,
            pruning: None,
            prune_due: Some(now),
            is_healing: false,
            is_closing: false,
            closing_since: None,
        }
    }

    /// Works until the trail is closed.
    fn work(&mut self) -> Result<(), GaveUp> {
        self.core.parking.register();
        loop {
            // What a panic has interrupted comes first.
            self.put_in_flight()?;
            self.put_rendered()?;
            self.put_seal_due()?;
            self.note_sync_request();
            self.look_after_files()?;
            self.roll_if_due()?;
            let had_entries = self.write_entries()?;
            self.write_system_records()?;
            self.heal()?;
            self.seal_if_due()?;
            self.sync_if_due()?;
            self.prune_if_due()?;
            if self.core.is_closed() {
                let end_at = *lock(&self.core.end_at);
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
        self.written.position >= self.inherited_to
            && self.written.system_records >= self.opening_records
    }

    fn has_entries(&self) -> bool {
        self.journal.tail() > self.written.position
    }

    fn has_system_records(&self) -> bool {
        !lock(&self.core.system_records).is_empty()
    }

    /// Polls while events come, and parks while none do.
    fn rest(&mut self, had_entries: bool) {
        self.step("rest");
        if had_entries {
            self.last_entry = Instant::now();
            return;
        }
        if self.entries.capacity() > LARGEST_REUSED {
            self.entries = Vec::new();
        }
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
                || self.has_system_records()
                || lock(&core.losses).count() > 0
                || core.sync_wanted.load(Ordering::SeqCst)
                || core.is_closed()
        });
    }

    /// How long until there is something to do, if nobody asks for anything.
    fn next_deadline(&self) -> Duration {
        let until_sync = match self.unsynced && self.syncing.is_none() {
            true => self.until_sync(),
            false => LONGEST_REST,
        };
        let until_seal = self.sealer.as_ref().map_or(LONGEST_REST, Sealer::due_in);
        // A deadline that has passed and could not be kept is tried again a little later.
        until_sync.min(until_seal).clamp(POLL_LATER, LONGEST_REST)
    }

    /// After a panic: counts what the sink took meanwhile, and goes on.
    fn resume(&mut self) {
        say(&format!(
            "{}: the worker panicked; it goes on where it was",
            self.core.name
        ));
        std::thread::sleep(PAUSE_AFTER_PANIC);
        // Its outcome is taken here. What it was to sync is synced again.
        if self.syncing.take().is_some() {
            self.unsynced = true;
        }
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

    /// Reports to those who wait how far the worker has come.
    fn report(&self, set: impl FnOnce(&mut Progress)) {
        let mut progress = lock(&self.core.progress);
        set(&mut progress);
        let wakers = std::mem::take(&mut progress.wakers);
        drop(progress);
        self.core.progressed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
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
            say(&format!(
                "{}: closed while it could not be written; {} bytes of records wait in the journal",
                self.core.name,
                self.core.journal.backlog()
            ));
        }
        for copy in self.copies.drain(..) {
            copy.close();
        }
        if self.core.journal.is_closed() {
            // Frees the files and their lock before anybody who waits goes on. Where only the
            // process ends, they are kept: the journal still takes what other threads emit.
            self.sink = Sink::Special("closed".into(), None);
        }
        self.report(|progress| progress.ended = true);
        Ok(doorbell.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
