//! When what is written is synced, and what follows from that.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::{GaveUp, Worker};
use crate::write::lock;
use crate::write::seal::Sealer;
use crate::write::seal_key::KeyWrite;
use crate::write::sink::Sink;

/// What is written is synced at least this often; a medium that refuses is tried less and less.
const SYNC_EVERY: Duration = Duration::from_secs(1);
const SYNC_PAUSE_LAST: Duration = Duration::from_secs(60);

/// How far a sync reaches: up to where in the journal, and how many records that are written.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    position: u64,
    written: u64,
}

impl Worker {
    /// Syncs what is written, when its time has come or somebody waits for it: beside the worker, where
    /// that can be.
    pub(super) fn sync_if_due(&mut self) -> Result<(), GaveUp> {
        if let Some(reached) = self.syncing {
            match self.sink.sync_outcome() {
                None => return Ok(()),
                Some(outcome) => self.end_sync(reached, outcome)?,
            }
        }
        let is_wanted = self.sync_at.is_some_and(|at| self.position >= at);
        let is_time = self.unsynced && self.last_sync.elapsed() >= SYNC_EVERY;
        if !(is_wanted || is_time) || self.last_sync.elapsed() < self.sync_pause {
            return Ok(());
        }
        let (reached, keys) = self.begin_sync()?;
        match self.sink.begin_sync(keys) {
            Ok(()) => {
                self.syncing = Some(reached);
                self.unsynced = false;
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
        let (reached, keys) = self.begin_sync()?;
        self.sync_here(reached, keys)
    }

    fn sync_here(&mut self, reached: Reached, keys: Option<KeyWrite>) -> Result<(), GaveUp> {
        let outcome = self.sink.sync();
        if let Some(keys) = keys.filter(|_| outcome.is_ok()) {
            keys.run();
        }
        self.end_sync(reached, outcome)
    }

    /// How far a sync reaches that begins now, and what the file of the seal keys is to say behind it.
    fn begin_sync(&mut self) -> Result<(Reached, Option<KeyWrite>), GaveUp> {
        self.settle()?;
        // So that it becomes durable with what it seals.
        self.put_seal_due()?;
        self.last_sync = Instant::now();
        self.sync_at = None;
        let reached = Reached {
            position: self.position,
            written: self.core.counts.written.load(Ordering::Relaxed),
        };
        let keys = self.sealer.as_mut().and_then(Sealer::begin_sync);
        Ok((reached, keys))
    }

    fn end_sync(&mut self, reached: Reached, outcome: io::Result<()>) -> Result<(), GaveUp> {
        self.syncing = None;
        let mut rewritten = Vec::new();
        if let Err(error) = outcome {
            self.note_failure(&error);
            self.unsynced = true;
            self.recall();
            let Sink::Files(files) = &mut self.sink else {
                return Ok(());
            };
            match files.distrust() {
                Ok(()) => {
                    rewritten = files.take_untold();
                    self.begin_line_anew();
                }
                Err(error) => {
                    self.note_failure(&error);
                    // Each attempt leaves a file behind.
                    self.sync_pause = (self.sync_pause * 2).clamp(SYNC_EVERY, SYNC_PAUSE_LAST);
                    return Ok(());
                }
            }
        }
        if let Some(sealer) = &mut self.sealer {
            sealer.synced();
        }
        self.sync_pause = Duration::ZERO;
        // What was written while it was underway is not on the medium yet.
        self.unsynced = self.core.counts.written.load(Ordering::Relaxed) != reached.written;
        self.core.failing.store(false, Ordering::Relaxed);
        let counts = &self.core.counts;
        counts.synced.store(reached.written, Ordering::Relaxed);
        *lock(&counts.last_sync) = Some(Utc::now());
        self.progress(|progress, _| progress.synced = reached.position);
        for event in rewritten {
            self.put_own(event)?;
        }
        Ok(())
    }
}
