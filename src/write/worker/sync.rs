//! When what is written is synced, and what follows from that.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::{GaveUp, Worker};
use crate::write::worker::progress::Watermark;
use crate::write::worker::seal::Sealer;
use crate::write::worker::seal_key::KeyWrite;
use crate::write::worker::sink::Sink;
use crate::write::{lock, take_flag};

/// What is written is synced at least this often; a medium that refuses is tried less and less.
const SYNC_EVERY: Duration = Duration::from_secs(1);
const SYNC_PAUSE_LAST: Duration = Duration::from_secs(60);

/// How far a sync reaches, and how many written records that are.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    watermark: Watermark,
    records: u64,
}

impl Worker {
    /// Somebody waits for the medium: everything up to here is synced as soon as it is written.
    pub(super) fn note_sync_request(&mut self) {
        if self.sync_at.is_none() && take_flag(&self.core.sync_wanted) {
            self.sync_at = Some(self.core.watermark());
        }
    }

    /// How long until a sync is due, if nobody asks for it.
    pub(super) fn until_sync(&self) -> Duration {
        let every = SYNC_EVERY.max(self.sync_pause);
        every.saturating_sub(self.last_sync.elapsed())
    }

    /// Syncs what is written when its time has come or somebody waits for it: beside the worker, if that is possible.
    pub(super) fn sync_if_due(&mut self) -> Result<(), GaveUp> {
        if let Some(reached) = self.syncing {
            match self.sink.sync_outcome() {
                None => return Ok(()),
                Some(outcome) => self.end_sync(reached, outcome)?,
            }
        }
        let is_wanted = self.sync_at.is_some_and(|at| self.written.reaches(at));
        let is_time = self.unsynced && self.last_sync.elapsed() >= SYNC_EVERY;
        if !(is_wanted || is_time) || self.last_sync.elapsed() < self.sync_pause {
            return Ok(());
        }
        let (reached, keys) = self.begin_sync()?;
        self.syncing = Some(reached);
        match self.sink.begin_sync(keys) {
            Ok(()) => {
                self.unsynced = false;
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
        let (reached, keys) = self.begin_sync()?;
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
    fn begin_sync(&mut self) -> Result<(Reached, Option<KeyWrite>), GaveUp> {
        self.last_sync = Instant::now();
        self.sync_at = None;
        let reached = Reached {
            watermark: self.written,
            records: self.core.counts.written.load(Ordering::Relaxed),
        };
        let keys = self.sealer.as_mut().and_then(Sealer::begin_sync);
        Ok((reached, keys))
    }

    fn end_sync(&mut self, reached: Reached, outcome: io::Result<()>) -> Result<(), GaveUp> {
        self.syncing = None;
        if let Err(error) = outcome {
            self.note_failure(&error);
            self.unsynced = true;
            let Sink::Files(files) = &mut self.sink else {
                return Ok(());
            };
            if let Err(error) = files.distrust() {
                self.note_failure(&error);
                // Each attempt leaves a file behind.
                self.sync_pause = (self.sync_pause * 2).clamp(SYNC_EVERY, SYNC_PAUSE_LAST);
                return Ok(());
            }
        } else if !self.sink.is_in_place() {
            // What was synced is in a file that nobody finds any more. It is written again and synced there.
            self.restore_files()?;
            self.unsynced = true;
            self.sync_at.get_or_insert(reached.watermark);
            return Ok(());
        }
        self.sync_pause = Duration::ZERO;
        // What was written while the sync was underway is not on the medium yet.
        self.unsynced = self.core.counts.written.load(Ordering::Relaxed) != reached.records;
        self.core.failing.store(false, Ordering::Relaxed);
        let counts = &self.core.counts;
        counts.synced.store(reached.records, Ordering::Relaxed);
        *lock(&counts.last_sync) = Some(Utc::now());
        self.report(|progress| progress.synced = reached.watermark);
        self.write_system_records()
    }
}
