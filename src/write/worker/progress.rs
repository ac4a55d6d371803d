//! How far the worker has come, and those who wait for it: `flush`, `confirm` (group commit), `close`, and threads that
//! record something large.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::error::{Error, ErrorKind, Result};
use crate::write::journal::Refusal;
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

    /// Takes a frame that is too large for the journal, and waits until it is written: in memory, a killed process
    /// would lose it. As from a full journal, the thread returns after `timeout` all the same. A trail without a file
    /// for its journal keeps everything in memory, and waits for room only.
    #[cold]
    pub(in crate::write) fn append_large(
        &self,
        frame: &[u8],
        timeout: Duration,
    ) -> Result<bool, Refusal> {
        // close() waits for those who came before it.
        let waiter = self.journal.enter()?;
        let begun = Instant::now();
        let left = || timeout.saturating_sub(begun.elapsed());
        let before = lock(&self.progress).written;
        let mut pushed = Ok(None);
        self.wait(left(), |_| {
            let most_bytes = self.journal.capacity();
            pushed = lock(&self.queue).push_large(frame, waiter.place, most_bytes);
            match pushed {
                Ok(number) => number.is_some(),
                // If only the process ends, it waits as for room: nothing returns that is lost.
                Err(_) => self.journal.is_closed(),
            }
        });
        let is_withdrawn = match pushed {
            Ok(Some(number)) => self.journal.is_in_file() && !self.is_written(number, left())?,
            Err(refusal) if self.journal.is_closed() => return Err(refusal),
            Ok(None) | Err(_) => true,
        };
        if is_withdrawn {
            let stalled = lock(&self.progress).written == before;
            return Err(Refusal::Full { stalled });
        }
        self.journal.note_accepted();
        Ok(true)
    }

    /// Waits until a large record is written. `false`: the worker has not begun with it in time, and it was withdrawn.
    fn is_written(&self, number: u64, timeout: Duration) -> Result<bool, Refusal> {
        let is_over = |progress: &Progress| {
            progress.written.queued >= number || progress.ended && self.journal.is_closed()
        };
        let withdraw = || lock(&self.queue).withdraw(number);
        self.wait(timeout, is_over);
        let mut is_withdrawn = withdraw();
        if !is_withdrawn {
            // It may be in the file in part: what becomes of the attempt decides.
            self.wait(WAIT_FOR_DISK, |progress| {
                is_over(progress) || self.faults.failing.load(Ordering::Relaxed)
            });
            is_withdrawn = withdraw();
        }
        if is_withdrawn {
            // Others may wait for its room.
            self.report(|_| {});
            return Ok(false);
        }
        let mut queue = lock(&self.queue);
        let Some(record) = queue.get_mut(number) else {
            return Ok(true);
        };
        // If the process dies now, the record is lost, and the next process finds that in the journal. LIMIT: if it
        // dies after the line is written and before the record leaves the queue, the count is one too high.
        self.journal.note_loss(Utc::now().timestamp_micros());
        record.losses += 1;
        Err(Refusal::Unwritten)
    }

    /// Reports to those who wait how far the worker has come.
    pub(crate) fn report(&self, set: impl FnOnce(&mut Progress)) {
        let mut progress = lock(&self.progress);
        set(&mut progress);
        let wakers = std::mem::take(&mut progress.wakers);
        drop(progress);
        self.progressed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
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
        while self.journal.waiters() > 0 && Instant::now() < deadline {
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
        let target = self.watermark();
        *lock(&self.requests.end_at) = Some(target.position);
        self.requests.close.store(true, Ordering::SeqCst);
        self.wait(WAIT_FOR_DISK, |progress| progress.ended);
        match lock(&self.progress).written.reaches(target) {
            true => Ok(()),
            false => Err(self.unwritable(false)),
        }
    }

    /// Waits until `reached`, or so much time has passed.
    fn wait(&self, timeout: Duration, mut reached: impl FnMut(&Progress) -> bool) {
        let begun = Instant::now();
        self.parking.unpark();
        let mut progress = lock(&self.progress);
        while !reached(&progress) {
            let left = timeout.saturating_sub(begun.elapsed());
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
