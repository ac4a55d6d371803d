//! How far the worker has come, and those who wait for it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::write::{Core, lock, registry};

/// How long `flush` and `close` wait for a destination that does not answer.
const WAIT_FOR_DISK: Duration = Duration::from_secs(10);

/// How many records: those before a position of the journal, and the first so many system records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) position: u64,
    pub(crate) system_records: u64,
}

impl Watermark {
    pub(crate) fn reaches(self, other: Watermark) -> bool {
        self.position >= other.position && self.system_records >= other.system_records
    }
}

/// How far the worker has come.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) written: Watermark,
    pub(crate) synced: Watermark,
    /// Attempts to write or to sync that failed.
    pub(crate) failures: u64,
    pub(crate) ended: bool,
    /// Tasks that wait in `confirm_async`.
    pub(crate) wakers: Vec<Waker>,
}

impl Core {
    /// All records so far.
    pub(crate) fn watermark(&self) -> Watermark {
        Watermark {
            position: self.journal.tail(),
            system_records: lock(&self.system_records).queued,
        }
    }

    /// Waits until everything that was recorded before is written.
    pub(crate) fn flush(&self) -> Result<()> {
        self.reach(self.watermark(), |progress| progress.written)
    }

    /// Waits until everything that was recorded before is on the medium.
    pub(crate) fn confirm(&self) -> Result<()> {
        // First the place, then the wish: the worker syncs no less than what it finds behind it.
        let target = self.watermark();
        self.sync_wanted.store(true, Ordering::SeqCst);
        self.reach(target, |progress| progress.synced)
    }

    fn reach(&self, target: Watermark, reached: impl Fn(&Progress) -> Watermark) -> Result<()> {
        let failures = lock(&self.progress).failures;
        self.wait(|progress| {
            reached(progress).reaches(target) || progress.failures > failures || progress.ended
        });
        let progress = lock(&self.progress);
        if reached(&progress).reaches(target) {
            self.refused_nothing()
        } else if progress.ended {
            Err(Error::from(ErrorKind::Closed))
        } else {
            Err(self.unwritable(false))
        }
    }

    /// What came after `close()` is in no journal that could be waited for.
    pub(crate) fn refused_nothing(&self) -> Result<()> {
        match self.counts.after_close.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Error::from(ErrorKind::Closed)),
        }
    }

    /// Writes what is recorded, ends the trail in order and frees it for another writer.
    pub(crate) fn close(&self) -> Result<()> {
        self.journal.close();
        registry::forget(self);
        let deadline = Instant::now() + self.config.enqueue_timeout.min(WAIT_FOR_DISK);
        while self.journal.has_waiters() && Instant::now() < deadline {
            self.parking.unpark();
            std::thread::sleep(Duration::from_millis(1));
        }
        self.end()?;
        drop(lock(&self.guard).take());
        Ok(())
    }

    /// Ends the trail in order because the process ends. Other threads may still emit: the
    /// journal goes on taking, and the next process finds what this one did not write.
    pub(crate) fn close_at_exit(&self) -> Result<()> {
        // A child of a fork has the memory of its parent, but none of its threads.
        match self.pid == std::process::id() {
            true => self.end(),
            false => Ok(()),
        }
    }

    fn end(&self) -> Result<()> {
        let target = self.journal.tail();
        *lock(&self.end_at) = Some(target);
        self.closing.store(true, Ordering::SeqCst);
        self.wait(|progress| progress.ended);
        match lock(&self.progress).written.position >= target {
            true => Ok(()),
            false => Err(self.unwritable(false)),
        }
    }

    /// Waits until `reached`, and says whether it was within the time.
    fn wait(&self, reached: impl Fn(&Progress) -> bool) -> bool {
        let deadline = Instant::now() + WAIT_FOR_DISK;
        self.parking.unpark();
        let mut progress = lock(&self.progress);
        while !reached(&progress) {
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            progress = self
                .progressed
                .wait_timeout(progress, deadline - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}
