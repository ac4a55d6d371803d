//! The worker: takes frames from the journal, makes lines of them, and writes these.
//!
//! It is an `io::Write` on tracing-appender's non-blocking thread. The one byte that is ever
//! sent there lets it in, and it stays until the trail is closed: a channel send per event
//! would cost the emitting thread a system call to wake it, looking for work every few
//! milliseconds costs it nothing.
//!
//! Errors do not leave it, because tracing-appender would drop the message and go on; they
//! are tried again here.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::copies::CopyFeed;
use super::journal::Reader;
use super::lines::{LARGEST_KEPT, Lines, Rooms};
use super::render::Renderer;
use super::seal::Sealer;
use super::sink::Sink;
use super::{Core, Progress, lock, say, take_flag};
use crate::destination::Place;
use crate::record::SystemEvent;
use crate::record::system::WorkerRestarted;

mod batch;
mod put;
mod sync;
mod upkeep;

use put::Writing;
use sync::Reached;

/// How long to sleep when there is nothing to do: short while events come, longer when not.
const BUSY: Duration = Duration::from_millis(2);
const IDLE: Duration = Duration::from_millis(8);
/// Rounds without work after which the worker counts as idle.
const BUSY_ROUNDS: u32 = 20;

/// While there is nothing to write, its files are looked after once in so many rounds, and while there is, before
/// it is written; where full batches follow each other and nobody waits, not sooner than this after the last time.
const LOOK_EVERY: u32 = 8;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

pub(super) struct Worker {
    core: Arc<Core>,
    journal: Reader,
    sink: Sink,
    copies: Vec<CopyFeed>,
    renderer: Renderer,
    /// The `seq` of the next record.
    seq: u64,
    entries: Vec<u8>,
    /// The batch in the making.
    lines: Lines,
    rooms: Rooms,
    /// The batch before it, where it is being written beside the worker.
    writing: Option<Writing>,
    /// How far the journal is written.
    position: u64,
    /// What stands in front of this in the journal is of an earlier process.
    inherited_to: u64,
    /// Something was written that is not synced.
    unsynced: bool,
    /// When it was last seen to that its files are in place.
    last_look: Instant,
    /// The last batch was full.
    was_full: bool,
    last_sync: Instant,
    /// A sync is underway.
    syncing: Option<Reached>,
    /// Sync when the journal is written up to here: somebody waits for it.
    sync_at: Option<u64>,
    closing_since: Option<Instant>,
    /// How long to leave a medium alone that refused to sync.
    sync_pause: Duration,
    /// Records of the trail's own that wait until the batch is released: behind a mark only
    /// its entries may take seqs.
    to_tell: Vec<SystemEvent>,
    /// `None`: the trail is not sealed.
    sealer: Option<Sealer>,
    /// That the trail was opened is not sealed yet.
    opens: bool,
    /// Why a seal is due. It is made when the next lines are ready to follow it, or there are none:
    /// meanwhile the lines before it are hashed.
    seal_due: Option<&'static str>,
}

/// The trail was closed while it could not be written.
struct GaveUp;

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        journal: Reader,
        sink: Sink,
        copies: Vec<CopyFeed>,
        renderer: Renderer,
        sealer: Option<Sealer>,
        seq: u64,
    ) -> Worker {
        Worker {
            position: journal.head(),
            inherited_to: journal.tail(),
            core,
            journal,
            sink,
            copies,
            renderer,
            seq,
            entries: Vec::new(),
            lines: Lines::default(),
            rooms: Rooms::default(),
            writing: None,
            unsynced: false,
            last_look: Instant::now(),
            was_full: false,
            last_sync: Instant::now(),
            syncing: None,
            sync_at: None,
            closing_since: None,
            sync_pause: Duration::ZERO,
            to_tell: Vec::new(),
            sealer,
            opens: true,
            seal_due: None,
        }
    }

    /// Works until the trail is closed.
    fn work(&mut self) -> Result<(), GaveUp> {
        let _ = self.core.worker.set(std::thread::current());
        let mut is_pruned = false;
        let mut idle_rounds = 0;
        loop {
            if self.sync_at.is_none() && take_flag(&self.core.sync_wanted) {
                self.sync_at = Some(self.journal.tail());
            }
            let is_due = match self.has_work() {
                true => !self.is_pressed() || self.last_look.elapsed() >= LOOK_AGAIN,
                false => idle_rounds % LOOK_EVERY == 0,
            };
            let rolls = self.has_lines() && self.sink.rolls();
            // A file that is gone is told of, and made again, before it is left.
            if rolls || is_due {
                self.put_back()?;
                self.last_look = Instant::now();
            }
            if rolls {
                self.roll()?;
            }
            let worked = self.write_entries()?;
            self.tell()?;
            self.report_losses()?;
            self.heal()?;
            self.seal_if_due();
            self.sync_if_due()?;
            if rolls || !is_pruned && self.is_opened() {
                self.prune()?;
                is_pruned = true;
            }
            if self.core.closing.load(Ordering::SeqCst) {
                let end_at = *lock(&self.core.end_at);
                if end_at.is_some_and(|end| self.position >= end) {
                    return self.end();
                }
            }
            if worked {
                idle_rounds = 0;
                // A large record leaves large buffers; they are not kept.
                if self.entries.capacity() > LARGEST_KEPT {
                    self.entries = Vec::new();
                }
                continue;
            }
            idle_rounds += 1;
            if idle_rounds == BUSY_ROUNDS {
                self.rooms.shrink();
            }
            std::thread::park_timeout(if idle_rounds < BUSY_ROUNDS {
                BUSY
            } else {
                IDLE
            });
        }
    }

    /// Whether what it tells of the writer before is written, and sealed where it is.
    fn is_opened(&self) -> bool {
        let is_written = self.position >= self.core.opened_at.load(Ordering::SeqCst);
        let is_sealed = !self.opens && self.seal_due.is_none();
        is_written && (is_sealed || self.sealer.is_none())
    }

    fn has_work(&self) -> bool {
        self.journal.tail() > self.position || self.core.is_closed()
    }

    /// Whether a new file would get lines: a sealed trail has its seal.
    fn has_lines(&self) -> bool {
        self.sealer.is_some() || self.has_work() || !self.to_tell.is_empty()
    }

    /// Whether there is more to write than time, and nobody waits for the end of it.
    fn is_pressed(&self) -> bool {
        self.was_full && self.sync_at.is_none() && !self.core.is_closed()
    }

    /// Goes on after a panic as the next process would after a crash: the trail says what is
    /// written, and the journal has the rest.
    fn resume(&mut self) -> Result<(), GaveUp> {
        say(&format!(
            "{}: the worker panicked; it goes on from the journal",
            self.core.name
        ));
        self.lines = Lines::default();
        self.seal_due = None;
        self.take_appended();
        self.syncing = None;
        if let Some(sealer) = &self.sealer {
            // What another thread still writes to the file of keys is not to come behind what the next sealer does.
            sealer.wait_for_keys();
        }
        let core = self.core.clone();
        let place = &core.settings.places.trail;
        if matches!(place, Place::Files(_)) {
            // Frees the lock for the opening that follows.
            self.sink = Sink::Special("reopened".into(), None);
            let found = self.insist(|sink| {
                let (reopened, found) =
                    Sink::open(place, &core.settings).map_err(io::Error::other)?;
                *sink = reopened;
                Ok(found)
            })?;
            let last = found.last.map(|last| last.seq);
            self.journal.skip_written(last);
            self.seq = last.map_or(0, |last| last + 1);
            if self.sealer.is_some() {
                let reopened =
                    self.insist(|_| Sealer::open(&core.settings, false).map_err(io::Error::other))?;
                self.sealer = Some(reopened.0);
            }
        } else if let Some(seq) = self.journal.marked_seq() {
            // Nobody can ask stdout what it has: lines come again with the seqs they had.
            self.seq = seq;
        }
        self.position = self.journal.head();
        self.progress(|progress, worker| progress.written = worker.position);
        self.to_tell.push(WorkerRestarted {}.into());
        Ok(())
    }

    /// Tells those who wait how far the worker has come.
    fn progress(&self, set: impl FnOnce(&mut Progress, &Worker)) {
        let mut progress = lock(&self.core.progress);
        set(&mut progress, self);
        let wakers = std::mem::take(&mut progress.wakers);
        drop(progress);
        self.core.progressed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl io::Write for Worker {
    /// Works until the trail is closed, and takes whatever woke it for written.
    fn write(&mut self, doorbell: &[u8]) -> io::Result<usize> {
        // A panic here would end tracing-appender's thread, and the trail with it.
        let ended = loop {
            match catch_unwind(AssertUnwindSafe(|| self.work())) {
                Ok(ended) => break ended,
                Err(_) => match catch_unwind(AssertUnwindSafe(|| self.resume())) {
                    Ok(Ok(())) => {}
                    Ok(Err(GaveUp)) | Err(_) => break Err(GaveUp),
                },
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
        self.progress(|progress, _| progress.ended = true);
        Ok(doorbell.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
