//! How lines come into the trail: marked, appended, released, added to the tree, copied.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::line_batch::LineBatch;
use super::record_queue::Next;
use super::seal::SealDraft;
use super::sink::Sink;
use super::{GaveUp, Worker};
use crate::redact::internal::ErrorChain;
use crate::write::{lock, take_flag};

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
    next: Stage,
}

/// Where the lines of a batch come from.
enum Source {
    /// Entries of the journal up to this position.
    Journal {
        end: u64,
    },
    /// The first record of the queue.
    Queue,
    Seal(Option<Box<SealDraft>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Mark,
    Append,
    Release,
    Hash,
    Copy,
}

impl Worker {
    /// Writes what waits in the journal, at most one batch. `false`: there was nothing.
    pub(super) fn write_entries(&mut self) -> Result<bool, GaveUp> {
        self.batcher.render_entries(self.seq, self.written.position);
        self.step("rendered");
        self.write_rendered()
    }

    /// Writes the batch that is rendered. Its lines have their `seq`: nothing else is written before.
    pub(super) fn write_rendered(&mut self) -> Result<bool, GaveUp> {
        if self.batcher.batch.is_empty() {
            return Ok(false);
        }
        let batch = std::mem::take(&mut self.batcher.batch);
        let end = self.batcher.end;
        self.write(batch, Source::Journal { end })?;
        Ok(true)
    }

    /// Writes the queued records, after what an earlier process left in the journal. The entries before a large record
    /// come first.
    pub(super) fn write_queue(&mut self) -> Result<(), GaveUp> {
        if self.written.position < self.batcher.inherited_to {
            return Ok(());
        }
        // After `trail_closed`, the journal leaves the count to the next process.
        if !self.is_closing {
            self.queue_losses();
        }
        loop {
            let next = lock(&self.core.queue).take_first(self.written.position);
            let frame = match next {
                Next::Record(frame) => frame,
                Next::Entries if self.write_entries()? => continue,
                Next::Entries | Next::Nothing => return Ok(()),
            };
            let mut batch = LineBatch::begin(self.seq);
            self.batcher.render(&mut batch, &frame, false);
            self.step("system record rendered");
            self.write(batch, Source::Queue)?;
        }
    }

    /// Seals all records so far, if the trail is sealed.
    pub(super) fn write_seal(&mut self, reason: &'static str) -> Result<(), GaveUp> {
        self.seal_due = Some(reason);
        self.write_seal_due()
    }

    pub(super) fn write_seal_due(&mut self) -> Result<(), GaveUp> {
        let Some(reason) = self.seal_due else {
            return Ok(());
        };
        if let Some(sealer) = &mut self.sealer {
            let mut draft = sealer.draft(reason, Utc::now());
            let batch = LineBatch::one(self.seq, std::mem::take(&mut draft.line));
            self.step("seal drafted");
            self.write(batch, Source::Seal(Some(Box::new(draft))))?;
        }
        self.seal_due = None;
        Ok(())
    }

    fn write(&mut self, batch: LineBatch, source: Source) -> Result<(), GaveUp> {
        self.in_flight = Some(InFlight {
            batch,
            source,
            appended: 0,
            next: Stage::Mark,
        });
        self.write_in_flight()
    }

    /// Takes the batch in flight, if there is one, through the steps that are left.
    pub(super) fn write_in_flight(&mut self) -> Result<(), GaveUp> {
        while let Some(in_flight) = &mut self.in_flight {
            let batch = &mut in_flight.batch;
            match in_flight.next {
                Stage::Mark => {
                    if let Source::Journal { .. } = in_flight.source {
                        let journal = &self.core.journal;
                        journal.mark(self.written.position, batch.count(), batch.first);
                    }
                    in_flight.next = Stage::Append;
                    self.step("marked");
                }
                Stage::Append => {
                    self.append()?;
                    self.step("appended");
                }
                Stage::Release => {
                    match in_flight.source {
                        Source::Journal { end } => {
                            self.written.position = self.core.journal.release(end);
                        }
                        Source::Queue => {
                            let (losses, popped) = lock(&self.core.queue).pop();
                            self.written.queued = popped;
                            self.core.journal.forget_losses(losses);
                        }
                        Source::Seal(_) => {}
                    }
                    take_flag(&self.core.faults.full);
                    self.seq = batch.next_seq();
                    let written = &self.core.counts.written;
                    written.fetch_add(batch.count(), Ordering::Relaxed);
                    in_flight.next = Stage::Hash;
                    let written = self.written;
                    self.core.report(|progress| progress.written = written);
                    self.step("released");
                }
                Stage::Hash => {
                    if let Some(sealer) = &mut self.sealer {
                        if let Source::Seal(draft) = &mut in_flight.source
                            && let Some(draft) = draft.take()
                        {
                            sealer.sealed(*draft);
                        }
                        sealer.push(batch);
                    }
                    in_flight.next = Stage::Copy;
                    self.step("hashed");
                }
                Stage::Copy => {
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
            if take_flag(&self.core.faults.failing) {
                self.core.warn("writing works again");
            }
        }
        self.sync.is_behind = true;
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.next = Stage::Release;
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
            if self.batcher.batch.is_empty() {
                batch.clear();
                self.batcher.batch = batch;
            }
            return;
        }
        let batch = Arc::new(batch);
        let gaps = self.copies.iter_mut().filter_map(|copy| copy.push(&batch));
        for gap in gaps.collect::<Vec<_>>() {
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
        *lock(&core.counts.last_error) = Some(error.to_string());
        if !core.faults.failing.swap(true, Ordering::Relaxed) {
            core.warn(format_args!(
                "cannot be written: {error}; records wait in the journal and writing is tried again"
            ));
        }
        core.trip(&error);
        core.report(|progress| progress.failures += 1);
    }

    fn gives_up(&mut self, is_final: bool) -> bool {
        let since = &mut self.failing_since;
        self.core.requests.close.load(Ordering::SeqCst)
            && (is_final || since.get_or_insert_with(Instant::now).elapsed() >= GIVE_UP)
    }

    /// Begins a new file when its time has come, with a seal at its beginning, so that each file can be verified from
    /// there.
    pub(super) fn roll_if_due(&mut self) -> Result<(), GaveUp> {
        let has_lines = self.sealer.is_some() || self.has_entries() || self.has_queued_records();
        if !has_lines || !self.sink.rolls() {
            return Ok(());
        }
        // A file that was taken away is restored before the trail leaves it.
        self.restore_files()?;
        self.insist(|worker| worker.sink.roll())?;
        self.queue_rewrites();
        self.prune_soon();
        self.seal_due = Some("rolled");
        self.step("rolled");
        self.write_seal_due()
    }

    /// Queues a record for each file that was given up: its unsynced lines stand in the next one too.
    pub(super) fn queue_rewrites(&mut self) {
        if let Sink::Files(files) = &mut self.sink {
            for rewrite in files.take_rewrites() {
                self.core.queue_system_record(rewrite);
            }
        }
    }
}
