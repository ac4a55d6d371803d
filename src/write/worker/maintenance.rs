//! What the worker does beside writing lines: it restores files, records losses, seals, applies retention, and ends the
//! trail.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::copies::CopyFeed;
use super::files::Prunable;
use super::sink::Sink;
use super::{GaveUp, Worker, system_records};
use crate::record::system::{Closed, FileRestored, Pruned, WriteFailed, WriteResumed};
use crate::write::lock;

/// Retention lists the directory, which takes milliseconds if files are many. It waits until nothing was recorded for
/// so long, so that nobody who confirms a record waits for that.
const PRUNE_IN_QUIET: Duration = Duration::from_millis(100);
/// It waits no longer than this.
const PRUNE_WITHIN: Duration = Duration::from_secs(1);

/// What retention has to do.
pub(super) struct Pruning {
    /// Since when it must look at the files, if it must.
    due_since: Option<Instant>,
    /// Files that it removes once their record is durable.
    files: Option<Prunable>,
}

impl Pruning {
    pub(super) fn at_opening() -> Pruning {
        Pruning {
            due_since: Some(Instant::now()),
            files: None,
        }
    }
}

impl Worker {
    /// Looks whether the live file, the journal and the lock have their names, and restores what was taken away.
    pub(super) fn restore_files(&mut self) -> Result<(), GaveUp> {
        match self.core.journal.restore_file() {
            Ok(false) => {}
            Ok(true) => {
                self.core
                    .warn("somebody took its journal away; it was restored");
                self.core.queue_system_record(FileRestored {
                    file: Some("journal".to_owned()),
                    happened: "removed".to_owned(),
                    ..FileRestored::default()
                });
            }
            // The directory may be gone; it is made again with the live file.
            Err(error) => self.note_failure(&error),
        }
        match self.sink.is_in_place() {
            true => Ok(()),
            false => self.insist(Worker::restore_live_file),
        }
    }

    /// Puts a live file in place after somebody removed, renamed, replaced or cut the last one.
    pub(super) fn restore_live_file(&mut self) -> io::Result<()> {
        let Sink::Files(files) = &mut self.sink else {
            return Ok(());
        };
        let restored = files.restore()?;
        self.core.warn(format_args!(
            "somebody tampered with its file: {}",
            restored.happened
        ));
        self.begin_line_again();
        self.sync.begin_again();
        self.core.queue_system_record(restored);
        Ok(())
    }

    /// Queues a `trail_gap` record if records were lost.
    pub(super) fn queue_losses(&mut self) {
        let gap = std::mem::take(&mut *lock(&self.core.losses));
        if gap.lost == 0 {
            return;
        }
        let lost = gap.lost;
        let frame = system_records::frame(&gap.into());
        lock(&self.core.queue).push_gap(frame, lost);
        let counts = &self.core.counts;
        counts.lost.fetch_add(lost, Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        self.core.warn(format_args!(
            "{lost} records were lost; the trail says which"
        ));
    }

    /// Under fail-safe: has the typed functions work again, once a record is on the medium that says so.
    pub(super) fn end_trip(&mut self) -> Result<(), GaveUp> {
        let faults = &self.core.faults;
        if !faults.tripped.load(Ordering::SeqCst) || faults.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        let trip = lock(&faults.trip).take();
        if let Some((since, reason)) = trip {
            self.core.queue_system_record(WriteFailed {
                since: Some(since),
                reason,
            });
        }
        if !self.is_resuming {
            self.is_resuming = true;
            self.core.queue_system_record(WriteResumed {});
        }
        if self.is_durable_with_seal("resumed")? {
            self.is_resuming = false;
            self.core.faults.tripped.store(false, Ordering::SeqCst);
            self.core
                .warn("a record is durable again; typed functions work again");
        }
        Ok(())
    }

    /// Writes, seals and syncs what is queued, and says whether it is all on the medium.
    fn is_durable_with_seal(&mut self, reason: &'static str) -> Result<bool, GaveUp> {
        self.write_queue()?;
        self.write_seal(reason)?;
        self.sync()?;
        Ok(!self.sync.is_behind)
    }

    /// Seals what waits for a seal when its time has come.
    pub(super) fn seal_if_due(&mut self) -> Result<(), GaveUp> {
        let Some(sealer) = &self.sealer else {
            return Ok(());
        };
        let reason = match self.is_opening_sealed {
            true => sealer.due(),
            false => self.is_opened().then_some("opened"),
        };
        if let Some(reason) = reason {
            self.write_seal(reason)?;
            self.is_opening_sealed = true;
        }
        Ok(())
    }

    /// Has retention look at the files: a new one was begun.
    pub(super) fn prune_soon(&mut self) {
        self.pruning.due_since = Some(Instant::now());
    }

    /// Removes the files that are past retention after the opening and after each roll, and records that first.
    pub(super) fn prune_if_due(&mut self) -> Result<(), GaveUp> {
        let is_opened = self.is_opened() && (self.is_opening_sealed || self.sealer.is_none());
        let Some(due_since) = self.pruning.due_since else {
            return Ok(());
        };
        let is_quiet = due_since.elapsed().min(self.last_entry.elapsed()) >= PRUNE_IN_QUIET;
        let is_time = is_quiet || due_since.elapsed() >= PRUNE_WITHIN || self.core.is_closed();
        if !is_time || !is_opened || self.core.faults.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.pruning.files.is_none() {
            let mut found = match (&self.sink, self.core.config.retention) {
                (Sink::Files(files), Some(retention)) => files.prunable(retention),
                _ => Ok(Prunable::default()),
            }
            .unwrap_or_else(|error| {
                self.core.warn(format_args!(
                    "couldn't look for files past retention: {error}"
                ));
                Prunable::default()
            });
            if found.listed.is_empty() {
                self.pruning.due_since = None;
                return Ok(());
            }
            let retention = self.core.config.retention;
            self.core.queue_system_record(Pruned {
                retention: retention.map(|it| it.to_string()).unwrap_or_default(),
                files: std::mem::take(&mut found.listed),
            });
            self.pruning.files = Some(found);
        }
        // Sealed and on the medium before anything is gone: a trail that lacks its beginning can show who took it.
        if !self.is_durable_with_seal("pruned")? {
            return Ok(());
        }
        self.pruning.due_since = None;
        let failed = self.pruning.files.take().and_then(Prunable::remove);
        if let Some((path, error)) = failed {
            let path = path.display();
            self.core.warn(format_args!(
                "couldn't remove {path}, which is past retention: {error}"
            ));
        }
        Ok(())
    }

    /// Ends the trail in order.
    pub(super) fn end(&mut self) -> Result<(), GaveUp> {
        if !self.is_closing {
            // No record of the application follows `trail_closed`.
            lock(&self.core.queue).refuse_large();
            let missed = self.copies.iter_mut().filter_map(CopyFeed::missed);
            for missed in missed.collect::<Vec<_>>() {
                self.core.queue_system_record(missed);
            }
            self.write_queue()?;
            let counts = &self.core.counts;
            let totals = Closed {
                written: counts.written.load(Ordering::Relaxed) + 1,
                lost: counts.lost.load(Ordering::Relaxed),
                write_errors: counts.write_errors.load(Ordering::Relaxed),
            };
            self.is_closing = true;
            self.core.queue_system_record(totals);
        }
        // A sync that fails, and a file that is restored, have something to record, which is sealed and synced as well.
        const MOST_SYNCS: usize = 3;
        for _ in 0..MOST_SYNCS {
            self.write_queue()?;
            // So that the seal names another key, and the key that signed it is erased after the sync.
            if let Some(sealer) = &self.sealer {
                sealer.wait_for_keys();
                if sealer.has_unsealed() {
                    self.write_seal("closed")?;
                }
            }
            self.sync()?;
            if !self.sync.is_behind && !self.has_queued_records() {
                self.core.journal.remove();
                break;
            }
        }
        // Else the journal stays: for the next writer the end is not in order.
        Ok(())
    }
}
