//! What the worker does beside writing lines: it puts files back, records losses, heals, prunes, and ends the trail.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{CopyFeed, GaveUp, LOOK_EVERY, PRUNE_IN_QUIET, PRUNE_WITHIN, Worker};
use crate::record::system::{Closed, FileRestored, Pruned, WriteFailed, WriteResumed};
use crate::write::worker::sink::Sink;
use crate::write::worker::system_records::{self, Losses, SystemRecord};
use crate::write::{lock, say};

impl Worker {
    /// Looks whether the live file has its name, the journal and the lock have theirs, and puts back what was taken away.
    pub(super) fn look_after_files(&mut self) -> Result<(), GaveUp> {
        let is_due = self.last_look.elapsed() >= LOOK_EVERY;
        if !is_due && !self.has_entries() && !self.has_system_records() {
            return Ok(());
        }
        self.last_look = Instant::now();
        self.restore_files()?;
        self.step("looked");
        Ok(())
    }

    pub(super) fn restore_files(&mut self) -> Result<(), GaveUp> {
        match self.journal.put_back() {
            Ok(false) => {}
            Ok(true) => {
                say(&format!(
                    "{}: somebody took its journal away; it was put back",
                    self.core.name
                ));
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
        let put_back = files.put_back()?;
        say(&format!(
            "{}: somebody tampered with its file: {}",
            self.core.name, put_back.happened
        ));
        self.begin_line_again();
        self.core.queue_system_record(put_back);
        Ok(())
    }

    /// Queues a `trail_gap` record if records were lost.
    pub(super) fn queue_losses(&mut self) {
        if lock(&self.core.losses).count() == 0 {
            return;
        }
        let lost: Losses = std::mem::take(&mut *lock(&self.core.losses));
        let losses = lost.count();
        let frame = system_records::frame(&lost.report());
        lock(&self.core.system_records).push_gap(SystemRecord { frame, losses });
        let counts = &self.core.counts;
        counts.lost.fetch_add(losses, Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        say(&format!(
            "{}: {losses} records were lost; the trail says which",
            self.core.name
        ));
    }

    /// Ends a trip once writing works again and a record of that is on the medium.
    pub(super) fn heal(&mut self) -> Result<(), GaveUp> {
        let is_tripped = self.core.tripped.load(Ordering::SeqCst);
        if !is_tripped || self.core.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        let trip = lock(&self.core.trip).take();
        if let Some((when, why)) = trip {
            self.core.queue_system_record(WriteFailed {
                since: Some(when),
                reason: why,
            });
        }
        if !self.is_healing {
            self.is_healing = true;
            self.core.queue_system_record(WriteResumed {});
        }
        self.write_system_records()?;
        self.put_seal("resumed")?;
        self.sync()?;
        if !self.unsynced {
            self.is_healing = false;
            self.core.tripped.store(false, Ordering::SeqCst);
            say(&format!(
                "{}: a record is durable again; typed functions work again",
                self.core.name
            ));
        }
        Ok(())
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
            self.put_seal(reason)?;
            self.is_opening_sealed = true;
        }
        Ok(())
    }

    /// Removes the files that are past retention after the opening and after each roll, and records that first.
    pub(super) fn prune_if_due(&mut self) -> Result<(), GaveUp> {
        let is_opened = self.is_opened() && (self.is_opening_sealed || self.sealer.is_none());
        let Some(due_since) = self.prune_due else {
            return Ok(());
        };
        let is_quiet = due_since.elapsed().min(self.last_entry.elapsed()) >= PRUNE_IN_QUIET;
        let is_time = is_quiet || due_since.elapsed() >= PRUNE_WITHIN || self.core.is_closed();
        if !is_time || !is_opened || self.core.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (Sink::Files(files), Some(retention)) = (&self.sink, self.core.config.retention) else {
            self.prune_due = None;
            return Ok(());
        };
        if self.pruning.is_none() {
            match files.prunable(retention) {
                Ok(prunable) if prunable.listed.is_empty() => {
                    self.prune_due = None;
                    return Ok(());
                }
                Ok(mut prunable) => {
                    let files = std::mem::take(&mut prunable.listed);
                    self.pruning = Some(prunable);
                    let retention = retention.to_string();
                    self.core.queue_system_record(Pruned { retention, files });
                }
                Err(error) => {
                    self.prune_due = None;
                    say(&format!(
                        "{}: couldn't look for files past retention: {error}",
                        self.core.name
                    ));
                    return Ok(());
                }
            }
        }
        // Sealed and on the medium before anything is gone: a trail that lacks its beginning can show who took it.
        self.write_system_records()?;
        self.put_seal("pruned")?;
        self.sync()?;
        if self.unsynced {
            return Ok(());
        }
        self.prune_due = None;
        if let Some((path, error)) = self.pruning.take().and_then(|prunable| prunable.remove()) {
            say(&format!(
                "couldn't remove {}, which is past retention: {error}",
                path.display()
            ));
        }
        Ok(())
    }

    /// Ends the trail in order.
    pub(super) fn end(&mut self) -> Result<(), GaveUp> {
        if !self.is_closing {
            let missed: Vec<_> = self
                .copies
                .iter_mut()
                .filter_map(CopyFeed::missed)
                .collect();
            for missed in missed {
                self.core.queue_system_record(missed);
            }
            self.write_system_records()?;
            let counts = &self.core.counts;
            let totals = Closed {
                written: counts.written.load(Ordering::Relaxed) + 1,
                lost: counts.lost.load(Ordering::Relaxed),
                write_errors: counts.write_errors.load(Ordering::Relaxed),
            };
            self.is_closing = true;
            self.core.queue_system_record(totals);
        }
        // A sync that fails, and a file that is put back, have something to record, which is sealed and synced as well.
        const MOST_SYNCS: usize = 3;
        for _ in 0..MOST_SYNCS {
            self.write_system_records()?;
            // So that the seal names another key, and the key that signed it is erased after the sync.
            if let Some(sealer) = &self.sealer {
                sealer.wait_for_keys();
                if sealer.has_unsealed() {
                    self.put_seal("closed")?;
                }
            }
            self.sync()?;
            if !self.unsynced && !self.has_system_records() {
                self.core.journal.remove();
                break;
            }
        }
        // Else the journal stays: for the next writer the end is not in order.
        Ok(())
    }
}
