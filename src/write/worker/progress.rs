//! How far the worker has come, and those who wait for it: `flush`, `confirm` (group commit) and `close`.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::write::{Core, lock, registry};

/// How long `flush` and `close` wait for a destination that does not answer.
const WAIT_FOR_DISK: Duration = Duration::from_secs(10);

/// How many records: those before a position of the journal, and the first so many of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) position: u64,
    pub(crate) queued: u64,
}

impl Watermark {
    pub(crate) fn reaches(self, other: Watermark) -> bool {
        self.position >= other.position && self.queued >= other.queued
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
            queued: lock(&self.queue).queued,
        }
    }

    /// Waits until everything that was recorded before is written.
    pub(crate) fn flush(&self) -> Result<()> {
        self.reach(self.watermark(), |progress| progress.written)
    }

    /// Waits until everything that was recorded before is on the medium.
    pub(crate) fn confirm(&self) -> Result<()> {
        // First the watermark, then the request: the worker syncs no less than what it finds after the request.
        let target = self.watermark();
        self.requests.sync.store(true, Ordering::SeqCst);
        self.reach(target, |progress| progress.synced)
    }

    fn reach(&self, target: Watermark, reached: impl Fn(&Progress) -> Watermark) -> Result<()> {
        let failures = lock(&self.progress).failures;
        let ended =
            |progress: &Progress| self.outcome(progress, reached(progress), target, failures);
        self.wait(WAIT_FOR_DISK, |progress| ended(progress).is_some());
        let outcome = ended(&lock(&self.progress));
        outcome.unwrap_or_else(|| Err(self.unwritable(false)))
    }

    /// What those are told who wait for a watermark, since when there were so many failures. `None`: they wait on.
    pub(crate) fn outcome(
        &self,
        progress: &Progress,
        reached: Watermark,
        target: Watermark,
        failures: u64,
    ) -> Option<Result<()>> {
        if reached.reaches(target) {
            Some(self.refused_nothing())
        } else if progress.ended {
            Some(Err(Error::from(ErrorKind::Closed)))
        } else {
            let has_failed = progress.failures > failures;
            has_failed.then(|| Err(self.unwritable(false)))
        }
    }

    /// Waits until everything up to a watermark is written, a write fails, or so much time has passed. Says whether it
    /// is written. If the process exits and the worker has ended, waiting is right: nothing returned that is lost.
    pub(crate) fn is_written_within(&self, target: Watermark, timeout: Duration) -> bool {
        let failures = lock(&self.progress).failures;
        self.wait(timeout.min(WAIT_FOR_DISK), |progress| {
            progress.written.reaches(target) || progress.failures > failures
        });
        lock(&self.progress).written.reaches(target)
    }

    /// What came after `close()` is in no journal that could be waited for.
    fn refused_nothing(&self) -> Result<()> {
        match self.counts.after_close.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Error::from(ErrorKind::Closed)),
        }
    }

    /// Writes what is recorded, ends the trail in order and frees it for another writer.
    pub(crate) fn close(&self) -> Result<()> {
        self.check_log_backend_here();
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
        match self.is_forked() {
            true => Ok(()),
            false => self.end(),
        }
    }

    fn end(&self) -> Result<()> {
        self.report_log_refusals();
        let target = self.journal.tail();
        *lock(&self.requests.end_at) = Some(target);
        self.requests.close.store(true, Ordering::SeqCst);
        self.wait(WAIT_FOR_DISK, |progress| progress.ended);
        match lock(&self.progress).written.position >= target {
            true => Ok(()),
            false => Err(self.unwritable(false)),
        }
    }

    /// Waits until `reached`, or so much time has passed.
    fn wait(&self, timeout: Duration, reached: impl Fn(&Progress) -> bool) {
        let deadline = Instant::now() + timeout;
        self.parking.unpark();
        let mut progress = lock(&self.progress);
        while !reached(&progress) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            progress = self
                .progressed
                .wait_timeout(progress, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
