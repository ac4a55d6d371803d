//! Group commit: when what is written is synced (fsync), and what follows from that.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::progress::Watermark;
use super::seal::Sealer;
use super::seal_key::KeyWrite;
use super::sink::Sink;
use super::{GaveUp, Worker};
use crate::write::{lock, take_flag};

/// What is written is synced at least this often; a medium that refuses is tried less and less.
const SYNC_EVERY: Duration = Duration::from_secs(1);
const SYNC_PAUSE_LAST: Duration = Duration::from_secs(60);

pub(super) struct SyncState {
    /// Something is written that is not synced.
    pub(super) is_behind: bool,
    last: Instant,
    pub(super) underway: Option<Reached>,
    /// Somebody waits until everything up to here is synced.
    wanted: Option<Watermark>,
    /// How long to leave a medium alone that refused to sync.
    pause: Duration,
}

/// How far a sync reaches, and how many written records that are.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    watermark: Watermark,
    records: u64,
}

impl SyncState {
    pub(super) fn new() -> SyncState {
        SyncState {
            is_behind: false,
            last: Instant::now(),
            underway: None,
            wanted: None,
            pause: Duration::ZERO,
        }
    }

    /// How long until a sync is due, if nobody asks for it. `None`: none will be.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let every = SYNC_EVERY.max(self.pause);
        let is_waiting = self.is_behind && self.underway.is_none();
        is_waiting.then(|| every.saturating_sub(self.last.elapsed()))
    }

    /// The live file is another one now: those who wait for the sync of the last one wait for this one's.
    pub(super) fn begin_again(&mut self) {
        self.is_behind = true;
        if let Some(reached) = self.underway.take() {
            self.wanted.get_or_insert(reached.watermark);
        }
    }
}

impl Worker {
    /// Somebody waits for the medium: everything up to here is synced as soon as it is written.
    pub(super) fn note_sync_request(&mut self) {
        if self.sync.wanted.is_none() && take_flag(&self.core.requests.sync) {
            self.sync.wanted = Some(self.core.watermark());
        }
    }

    /// Syncs what is written when its time has come or somebody waits for it: beside the worker, if that is possible.
    pub(super) fn sync_if_due(&mut self) -> Result<(), GaveUp> {
        if let Some(reached) = self.sync.underway {
            match self.sink.sync_outcome() {
                None => return Ok(()),
                Some(outcome) => self.end_sync(reached, outcome)?,
            }
        }
        let is_wanted = self.sync.wanted.is_some_and(|to| self.written.reaches(to));
        let since = self.sync.last.elapsed();
        let is_time = self.sync.is_behind && since >= SYNC_EVERY;
        if !(is_wanted || is_time) || since < self.sync.pause {
            return Ok(());
        }
        let (reached, keys) = self.begin_sync();
        match self.sink.begin_sync(keys) {
            Ok(()) => {
                self.sync.underway = Some(reached);
                self.sync.is_behind = false;
                self.step("sync begun");
                Ok(())
            }
            Err(keys) => self.sync_here(reached, keys),
        }
    }

    /// Syncs what is written, and waits for it.
    pub(super) fn sync(&mut self) -> Result<(), GaveUp> {
        if let Some(sealer) = &mut self.sealer {
            sealer.wait_for_keys();
        }
        let (reached, keys) = self.begin_sync();
        self.sync_here(reached, keys)
    }

    fn sync_here(&mut self, reached: Reached, keys: Option<KeyWrite>) -> Result<(), GaveUp> {
        let outcome = self.sink.sync();
        self.step("synced");
        if let Some(keys) = keys.filter(|_| outcome.is_ok()) {
            keys.run();
        }
        self.end_sync(reached, outcome)
    }

    /// How far a sync reaches that begins now, and what the key file must say after it.
    fn begin_sync(&mut self) -> (Reached, Option<KeyWrite>) {
        self.sync.last = Instant::now();
        self.sync.wanted = None;
        let reached = Reached {
            watermark: self.written,
            records: self.core.counts.written.load(Ordering::Relaxed),
        };
        (reached, self.sealer.as_mut().and_then(Sealer::begin_sync))
    }

    fn end_sync(&mut self, reached: Reached, outcome: io::Result<()>) -> Result<(), GaveUp> {
        if outcome.is_ok() && !self.sink.is_in_place() {
            // What was synced is in a file that nobody finds any more. It is restored, and synced again.
            self.sync.underway = Some(reached);
            return self.restore_files();
        }
        self.sync.underway = None;
        if let Err(error) = outcome {
            self.note_failure(&error);
            self.sync.is_behind = true;
            let Sink::Files(files) = &mut self.sink else {
                return Ok(());
            };
            let distrusted = files.distrust();
            self.queue_rewrites();
            if let Err(error) = distrusted {
                self.note_failure(&error);
                // Each attempt leaves a file behind.
                self.sync.pause = (self.sync.pause * 2).clamp(SYNC_EVERY, SYNC_PAUSE_LAST);
                return Ok(());
            }
        }
        self.sync.pause = Duration::ZERO;
        // What was written while the sync was underway is not on the medium yet.
        self.sync.is_behind = self.core.counts.written.load(Ordering::Relaxed) != reached.records;
        self.core.faults.failing.store(false, Ordering::Relaxed);
        let counts = &self.core.counts;
        counts.synced.store(reached.records, Ordering::Relaxed);
        *lock(&counts.last_sync) = Some(Utc::now());
        self.core
            .report(|progress| progress.synced = reached.watermark);
        Ok(())
    }
}
