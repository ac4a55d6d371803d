//! How lines come into the trail: marked, appended, released, added to the tree, copied.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::{GaveUp, Worker};
use crate::redact::internal::ErrorChain;
use crate::write::journal::frame;
use crate::write::worker::line_batch::LineBatch;
use crate::write::worker::seal::SealDraft;
use crate::write::worker::sink::Sink;
use crate::write::worker::system_records::SystemRecord;
use crate::write::{lock, say, take_flag};

/// The pause after a failed write: the first time, and at most.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// How long a trail that is being closed goes on trying to write.
const GIVE_UP: Duration = Duration::from_secs(5);

/// A batch on its way into the trail.
pub(super) struct InFlight {
    batch: LineBatch,
    source: Source,
    /// How many of its bytes the sink has taken.
    pub(super) appended: usize,
    next: Step,
}

/// Where the lines of a batch come from.
enum Source {
    /// Entries of the journal up to this position.
    Journal {
        end: u64,
    },
    /// The queue of system records. Once written, the journal may forget so many losses.
    SystemRecord {
        losses: u64,
    },
    Seal(Option<Box<SealDraft>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    NameFingerprint,
    Append,
    Release,
    Hash,
    Copy,
}

impl Worker {
    /// Writes what waits in the journal, at most one batch. `false`: there was nothing.
    pub(super) fn write_entries(&mut self) -> Result<bool, GaveUp> {
        self.render_batch();
        self.step("rendered");
        self.put_rendered()
    }

    /// Writes the batch that is rendered. Its lines have their `seq`: nothing else is written before.
    pub(super) fn put_rendered(&mut self) -> Result<bool, GaveUp> {
        if self.rendered.is_empty() {
            return Ok(false);
        }
        let batch = std::mem::take(&mut self.rendered);
        let end = self.rendered_to;
        self.put(batch, Source::Journal { end })?;
        Ok(true)
    }

    /// Writes the queued records of the trail's own, after what an earlier process left in the journal.
    pub(super) fn write_system_records(&mut self) -> Result<(), GaveUp> {
        if self.written.position < self.inherited_to {
            return Ok(());
        }
        self.queue_rewrites();
        self.queue_losses();
        loop {
            let front = lock(&self.core.system_records).front().cloned();
            let Some(SystemRecord { frame, losses }) = front else {
                return Ok(());
            };
            let mut line = Vec::new();
            if let Some((frame, _)) = frame::split_first(&frame) {
                self.renderer.line(&mut line, self.seq, frame);
            }
            self.step("system record rendered");
            let batch = LineBatch::one(self.seq, line);
            self.put(batch, Source::SystemRecord { losses })?;
        }
    }

    /// Seals all records so far, if the trail is sealed.
    pub(super) fn put_seal(&mut self, reason: &'static str) -> Result<(), GaveUp> {
        self.seal_due = Some(reason);
        self.put_seal_due()
    }

    pub(super) fn put_seal_due(&mut self) -> Result<(), GaveUp> {
        let Some(reason) = self.seal_due else {
            return Ok(());
        };
        if let Some(sealer) = &mut self.sealer {
            let mut draft = sealer.draft(reason, Utc::now());
            let batch = LineBatch::one(self.seq, std::mem::take(&mut draft.line));
            self.step("seal drafted");
            self.put(batch, Source::Seal(Some(Box::new(draft))))?;
        }
        self.seal_due = None;
        Ok(())
    }

    fn put(&mut self, batch: LineBatch, source: Source) -> Result<(), GaveUp> {
        self.in_flight = Some(InFlight {
            batch,
            source,
            appended: 0,
            next: Step::NameFingerprint,
        });
        self.put_in_flight()
    }

    /// Takes the batch in flight, if there is one, through the steps that are left.
    pub(super) fn put_in_flight(&mut self) -> Result<(), GaveUp> {
        while let Some(in_flight) = &mut self.in_flight {
            let batch = &mut in_flight.batch;
            match in_flight.next {
                Step::NameFingerprint => {
                    if let Source::Journal { .. } = in_flight.source {
                        self.journal
                            .mark(self.written.position, batch.count(), batch.first);
                    }
                    in_flight.next = Step::Append;
                    self.step("marked");
                }
                Step::Append => {
                    self.append()?;
                    self.step("appended");
                }
                Step::Release => {
                    match in_flight.source {
                        Source::Journal { end } => {
                            self.written.position = self.journal.release(end);
                            take_flag(&self.core.full);
                        }
                        Source::SystemRecord { losses } => {
                            lock(&self.core.system_records).pop();
                            self.written.system_records += 1;
                            self.core.journal.losses_told(losses);
                        }
                        Source::Seal(_) => {}
                    }
                    self.seq = batch.next_seq();
                    let written = &self.core.counts.written;
                    written.fetch_add(batch.count(), Ordering::Relaxed);
                    in_flight.next = Step::Hash;
                    let written = self.written;
                    self.report(|progress| progress.written = written);
                    self.step("released");
                }
                Step::Hash => {
                    if let Some(sealer) = &mut self.sealer {
                        if let Source::Seal(draft) = &mut in_flight.source
                            && let Some(draft) = draft.take()
                        {
                            sealer.sealed(*draft);
                        }
                        sealer.push(batch);
                    }
                    in_flight.next = Step::Copy;
                    self.step("hashed");
                }
                Step::Copy => {
                    let batch = std::mem::take(batch);
                    self.in_flight = None;
                    self.copy(batch);
                    self.step("copied");
                }
            }
        }
        Ok(())
    }

    /// Writes the batch in flight to the trail, however often it takes.
    fn append(&mut self) -> Result<(), GaveUp> {
        loop {
            let Some(in_flight) = &self.in_flight else {
                return Ok(());
            };
            if in_flight.appended == in_flight.batch.bytes.len() {
                break;
            }
            self.insist(|worker| {
                let Some(in_flight) = &mut worker.in_flight else {
                    return Ok(());
                };
                let bytes = &in_flight.batch.bytes[in_flight.appended..];
                let written = worker.sink.write(bytes);
                // An error may mean that the file is damaged, and that another one in its place is not.
                if written.is_err() && !worker.sink.is_in_place() {
                    worker.restore_live_file()?;
                }
                if let Some(in_flight) = &mut worker.in_flight {
                    in_flight.appended += written?;
                }
                Ok(())
            })?;
            if take_flag(&self.core.failing) {
                say(&format!("{}: writing works again", self.core.name));
            }
        }
        self.unsynced = true;
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.next = Step::Release;
        }
        Ok(())
    }

    /// The live file is another one now, in which a line begins: so does what is left of the batch in flight.
    pub(super) fn begin_line_again(&mut self) {
        if let Some(InFlight {
            batch, appended, ..
        }) = &mut self.in_flight
        {
            *appended = batch.line_begin(*appended);
        }
    }

    /// Hands a batch that the trail has to the copies, and keeps its memory for the next.
    fn copy(&mut self, mut batch: LineBatch) {
        if self.copies.is_empty() {
            if self.rendered.is_empty() {
                batch.clear();
                self.rendered = batch;
            }
            return;
        }
        let batch = Arc::new(batch);
        let gaps: Vec<_> = self
            .copies
            .iter_mut()
            .filter_map(|copy| copy.push(&batch))
            .collect();
        for gap in gaps {
            self.core.queue_system_record(gap);
        }
    }

    /// Tries until it works, or until a trail that is being closed gives up.
    pub(super) fn insist<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Worker) -> io::Result<T>,
    ) -> Result<T, GaveUp> {
        let mut pause = RETRY_FIRST;
        loop {
            match attempt(self) {
                Ok(done) => return Ok(done),
                Err(error) => {
                    self.note_failure(&error);
                    // A reader that is gone does not come back.
                    let is_final = error.kind() == io::ErrorKind::BrokenPipe;
                    if self.gives_up(is_final) {
                        return Err(GaveUp);
                    }
                }
            }
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(RETRY_LAST);
        }
    }

    pub(super) fn note_failure(&self, error: &io::Error) {
        let error = ErrorChain(error).to_string();
        let core = &self.core;
        core.counts.write_errors.fetch_add(1, Ordering::Relaxed);
        *lock(&core.counts.last_error) = Some(error.clone());
        if !core.failing.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{}: cannot be written: {error}; records wait in the journal and writing is tried again",
                core.name
            ));
        }
        core.trip(&error);
        self.report(|progress| progress.failures += 1);
    }

    fn gives_up(&mut self, is_final: bool) -> bool {
        let since = &mut self.closing_since;
        self.core.closing.load(Ordering::SeqCst)
            && (is_final || since.get_or_insert_with(Instant::now).elapsed() >= GIVE_UP)
    }

    /// Begins a new file when its time has come, with a seal at its beginning, so that each file can be verified from
    /// there.
    pub(super) fn roll_if_due(&mut self) -> Result<(), GaveUp> {
        let has_lines = self.sealer.is_some() || self.has_entries() || self.has_system_records();
        if !has_lines || !self.sink.rolls() {
            return Ok(());
        }
        // A file that was taken away is put back before the trail leaves it.
        self.restore_files()?;
        self.insist(|worker| worker.sink.roll())?;
        self.prune_due = Some(Instant::now());
        self.seal_due = Some("rolled");
        self.step("rolled");
        self.put_seal_due()
    }

    /// Queues a record for each file that was given up: its unsynced lines stand in the next one too.
    fn queue_rewrites(&mut self) {
        if let Sink::Files(files) = &mut self.sink {
            for rewrite in files.take_untold() {
                self.core.queue_system_record(rewrite);
            }
        }
    }
}
