//! What the worker does beside writing lines: it tells losses, heals, prunes, and ends the trail.

use std::sync::atomic::Ordering;

use chrono::Utc;

use super::{CopyFeed, GaveUp, Worker};
use crate::record::system::{Closed, Healed, Pruned, PutBack, Tripped};
use crate::write::own::Losses;
use crate::write::sink::Sink;
use crate::write::{lock, say};

impl Worker {
    /// Sees to it that the live file stands under its name.
    pub(super) fn put_back(&mut self) -> Result<(), GaveUp> {
        match self.journal.put_back() {
            Ok(false) => {}
            Ok(true) => {
                say(&format!(
                    "{}: somebody took its journal away; it was put back",
                    self.core.name
                ));
                self.put_own(PutBack {
                    file: Some("journal".to_owned()),
                    happened: "removed".to_owned(),
                    ..PutBack::default()
                })?;
            }
            // The directory may be gone; it is made again with the live file.
            Err(error) => self.note_failure(&error),
        }
        let is_in_place = |sink: &Sink| !matches!(sink, Sink::Files(files) if !files.is_in_place());
        if is_in_place(&self.sink) {
            return Ok(());
        }
        self.recall();
        let happened = self.insist(|sink| match sink {
            Sink::Files(files) => files.put_back(),
            _ => Ok(PutBack::default()),
        })?;
        self.begin_line_anew();
        say(&format!(
            "{}: somebody tampered with its file: {}",
            self.core.name, happened.happened
        ));
        self.put_own(happened)
    }

    /// Writes the trail's own records that wait.
    pub(super) fn tell(&mut self) -> Result<(), GaveUp> {
        for event in std::mem::take(&mut self.to_tell) {
            self.put_own(event)?;
        }
        Ok(())
    }

    /// Writes a `trail_gap` record if records were lost.
    pub(super) fn report_losses(&mut self) -> Result<(), GaveUp> {
        if lock(&self.core.losses).count() == 0 {
            return Ok(());
        }
        let lost: Losses = std::mem::take(&mut *lock(&self.core.losses));
        let counts = &self.core.counts;
        counts.lost.fetch_add(lost.count(), Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        say(&format!(
            "{}: {} records were lost; the trail says which",
            self.core.name,
            lost.count()
        ));
        self.put_own(lost.report())?;
        self.core.journal.losses_told(lost.count());
        Ok(())
    }

    /// Ends a trip: writing works again, and a record of that is on the medium.
    pub(super) fn heal(&mut self) -> Result<(), GaveUp> {
        let is_tripped = self.core.tripped.load(Ordering::SeqCst);
        if !is_tripped || self.core.failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        let trip = lock(&self.core.trip).take();
        if let Some((when, why)) = trip {
            self.put_own(Tripped {
                tripped: Some(when),
                reason: why,
            })?;
        }
        self.put_own(Healed {})?;
        self.put_seal("healed")?;
        self.sync()?;
        if !self.unsynced {
            self.core.tripped.store(false, Ordering::SeqCst);
            say(&format!(
                "{}: a record is durable again; typed functions work again",
                self.core.name
            ));
        }
        Ok(())
    }

    /// Has what waits for a seal sealed, when its time has come.
    pub(super) fn seal_if_due(&mut self) {
        let Some(sealer) = &mut self.sealer else {
            return;
        };
        // Before it is opened, what it tells of the writer before may still come.
        let opened_at = self.core.opened_at.load(Ordering::SeqCst);
        let reason = match self.opens {
            true if self.position >= opened_at => "opened",
            true => return,
            false => match sealer.due() {
                Some(reason) => reason,
                None => return,
            },
        };
        self.opens &= reason != "opened";
        sealer.prepare(reason, Utc::now());
        self.seal_due = Some(reason);
    }

    /// Removes the files that are past retention, and says so first.
    pub(super) fn prune(&mut self) -> Result<(), GaveUp> {
        let (Sink::Files(files), Some(retain)) = (&self.sink, self.core.settings.retain) else {
            return Ok(());
        };
        let mut prunable = match files.prunable(retain) {
            Ok(prunable) if prunable.listed.is_empty() => return Ok(()),
            Ok(prunable) => prunable,
            Err(error) => {
                say(&format!(
                    "{}: couldn't look for files past retention: {error}",
                    self.core.name
                ));
                return Ok(());
            }
        };
        self.put_own(Pruned {
            retain: retain.to_string(),
            files: std::mem::take(&mut prunable.listed),
        })?;
        // Sealed and on the medium before anything is gone: a trail that lacks its beginning can show who took it.
        self.put_seal("pruned")?;
        self.sync()?;
        if self.unsynced {
            return Ok(());
        }
        if let Some((path, error)) = prunable.remove() {
            say(&format!(
                "couldn't remove {}, which is past retention: {error}",
                path.display()
            ));
        }
        Ok(())
    }

    /// Ends the trail in order.
    pub(super) fn end(&mut self) -> Result<(), GaveUp> {
        self.settle()?;
        let missed: Vec<_> = self
            .copies
            .iter_mut()
            .filter_map(CopyFeed::missed)
            .collect();
        for missed in missed {
            self.put_own(missed)?;
        }
        let counts = &self.core.counts;
        let totals = Closed {
            written: counts.written.load(Ordering::Relaxed) + 1,
            lost: counts.lost.load(Ordering::Relaxed),
            write_errors: counts.write_errors.load(Ordering::Relaxed),
        };
        self.put_own(totals)?;
        // A sync that fails has something to tell, which is sealed and synced as well.
        const MOST_SYNCS: usize = 3;
        for _ in 0..MOST_SYNCS {
            // So that it names another key, and what has signed is erased behind it.
            if let Some(sealer) = &self.sealer {
                sealer.wait_for_keys();
            }
            // Writing `trail_closed`, the seal or such a record may itself have failed at first, which the trail says.
            self.tell()?;
            self.put_seal("closed")?;
            self.sync()?;
            if !self.unsynced && self.to_tell.is_empty() {
                self.core.journal.remove();
                break;
            }
        }
        // Else the journal stays: for the next writer the end is not in order.
        Ok(())
    }
}
