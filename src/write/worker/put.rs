//! How lines come into the trail: sealed and written, however often it takes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::{GaveUp, Worker};
use crate::record::SystemEvent;
use crate::write::append::Append;
use crate::write::frame;
use crate::write::lines::Lines;
use crate::write::own;
use crate::write::sink::Sink;
use crate::write::{lock, say, take_flag};

/// How long to sleep after a failed write: the first time, and at most.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// How long a trail that is being closed goes on trying to write.
const GIVE_UP: Duration = Duration::from_secs(5);

/// A batch that is being written beside the worker.
pub(super) struct Writing {
    /// The first attempt to write it. `None`: nobody is at it any more.
    append: Option<Append>,
    /// What came of that. `None`: nobody had begun.
    outcome: Option<io::Result<usize>>,
    lines: Arc<Lines>,
    /// How far its entries go in the journal.
    pub(super) end: u64,
}

impl Worker {
    /// Writes the batch that is made, of the entries up to `end`: beside the worker, where that can be and nobody waits
    /// for it.
    pub(super) fn put_batch(&mut self, end: u64) -> Result<(), GaveUp> {
        let lines = Arc::new(std::mem::take(&mut self.lines));
        self.seq = lines.next();
        self.journal.mark(self.position, lines.count(), lines.first);
        // Given to the thread before it hashes them: they are wanted sooner, and are in its caches then.
        let append = self.append_beside(&lines, end);
        // Known before anything else is done: whoever goes on after a panic waits for it.
        self.writing = append.map(|append| Writing {
            append: Some(append),
            outcome: None,
            lines: lines.clone(),
            end,
        });
        self.seal_lines(&lines);
        match self.writing {
            Some(_) => Ok(()),
            None => self.write_batch(lines, end, None),
        }
    }

    /// Has lines appended beside the worker. `None`: they are not.
    fn append_beside(&self, lines: &Arc<Lines>, end: u64) -> Option<Append> {
        let holds_up = end - self.position > self.core.journal.capacity() / 8;
        if !self.was_full || holds_up || self.is_awaited() {
            return None;
        }
        let sealer = self.sealer.as_ref()?;
        let (task, append) = self.sink.append(lines)?;
        sealer.beside(task).then_some(append)
    }

    /// Whether the batch before is being appended at this moment.
    pub(super) fn is_appending(&mut self) -> bool {
        let writing = self.writing.as_mut();
        let append = writing.and_then(|writing| writing.append.as_mut());
        append.is_some_and(Append::is_underway)
    }

    /// Has no other thread at the sink from here on: an attempt that was begun is waited for, and one that was not is
    /// taken back. What is left of the batch is left to [`settle`](Worker::settle).
    pub(super) fn recall(&mut self) {
        if let Some(writing) = &mut self.writing
            && let Some(append) = writing.append.take()
        {
            let outcome = append.outcome();
            writing.outcome = outcome.map(|written| self.sink.appended(written));
        }
    }

    /// Sees to it that the batch that is being written beside the worker is written, and says whether there was one.
    /// Nothing else is written or synced before.
    pub(super) fn settle(&mut self) -> Result<bool, GaveUp> {
        self.recall();
        let Some(writing) = self.writing.take() else {
            return Ok(false);
        };
        self.write_batch(writing.lines, writing.end, writing.outcome)?;
        Ok(true)
    }

    /// The file is another one now, in which a line begins: so does what is left of a batch that was recalled.
    pub(super) fn begin_line_anew(&mut self) {
        if let Some(writing) = &mut self.writing
            && let Some(Ok(written)) = &mut writing.outcome
        {
            *written = line_begin(&writing.lines.bytes, *written);
        }
    }

    /// After a panic: what was appended beside the worker is in the trail, and is not written again.
    pub(super) fn take_appended(&mut self) {
        self.recall();
        if let Some(Writing { outcome, lines, .. }) = self.writing.take()
            && let Some(Ok(written)) = outcome
            && matches!(self.sink, Sink::Files(_))
        {
            let whole = lines.ends.partition_point(|&end| end <= written);
            self.note_written(&lines, whole);
        }
    }

    fn write_batch(
        &mut self,
        lines: Arc<Lines>,
        end: u64,
        attempt: Option<io::Result<usize>>,
    ) -> Result<(), GaveUp> {
        self.write(lines, attempt)?;
        self.position = self.journal.release(end);
        take_flag(&self.core.full);
        self.progress(|progress, worker| progress.written = worker.position);
        Ok(())
    }

    fn put_lines(&mut self, lines: Lines) -> Result<(), GaveUp> {
        self.settle()?;
        let lines = Arc::new(lines);
        self.seq = lines.next();
        self.seal_lines(&lines);
        self.write(lines, None)
    }

    /// Hands lines to the sealer. They are hashed while they are written.
    fn seal_lines(&mut self, lines: &Arc<Lines>) {
        if let Some(sealer) = &mut self.sealer {
            sealer.push(lines.clone());
        }
    }

    /// Writes lines to the trail, however often it takes, and hands them to the copies. The first attempt may have been
    /// made.
    fn write(
        &mut self,
        lines: Arc<Lines>,
        mut attempt: Option<io::Result<usize>>,
    ) -> Result<(), GaveUp> {
        let bytes = &lines.bytes;
        let mut happened = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            at = self.insist(|sink| {
                let written = match attempt.take() {
                    Some(attempt) => attempt,
                    None => sink.write(&bytes[at..]),
                };
                written.map(|count| at + count).or_else(|error| {
                    // It may be the file that is no good, and another one in its place that is.
                    if let Sink::Files(files) = sink
                        && !files.is_in_place()
                    {
                        happened.push(files.put_back()?);
                        // The rest of a line that began in the old file means nothing in the new one.
                        at = line_begin(bytes, at);
                    }
                    Err(error)
                })
            })?;
            if take_flag(&self.core.failing) {
                say(&format!("{}: writing works again", self.core.name));
            }
        }
        self.unsynced = true;
        if let Sink::Files(files) = &mut self.sink {
            let untold = files.take_untold().into_iter();
            self.to_tell.extend(untold.map(SystemEvent::from));
        }
        let happened = happened.into_iter();
        self.to_tell.extend(happened.map(SystemEvent::from));
        self.note_written(&lines, lines.ends.len());
        self.rooms.keep(lines);
        Ok(())
    }

    /// The first of these lines are in the trail. The copies get them.
    fn note_written(&mut self, lines: &Lines, count: usize) {
        let [ends @ .., end] = &lines.ends[..count] else {
            return;
        };
        let last = lines.first + ends.len() as u64;
        let counts = &self.core.counts;
        counts.written.fetch_add(count as u64, Ordering::Relaxed);
        for copy in &mut self.copies {
            let gap = copy.push(&lines.bytes[..*end], lines.first, last);
            self.to_tell.extend(gap.map(SystemEvent::from));
        }
    }

    /// Begins a new file. What was made before goes to the old one, and a seal stands at its beginning: so that each file
    /// can be verified from there.
    pub(super) fn roll(&mut self) -> Result<(), GaveUp> {
        self.settle()?;
        self.insist(Sink::roll)?;
        self.put_seal("rolled")
    }

    /// Puts a record of the trail's own.
    pub(super) fn put_own(&mut self, event: impl Into<SystemEvent>) -> Result<(), GaveUp> {
        let frame = own::frame(&event.into());
        let Some((frame, _)) = frame::split_first(&frame) else {
            return Ok(());
        };
        let mut line = Vec::new();
        self.renderer.line(&mut line, self.seq, frame);
        self.put_lines(Lines::one(self.seq, line))
    }

    /// Seals all records so far, where the trail is sealed.
    pub(super) fn put_seal(&mut self, reason: &'static str) -> Result<(), GaveUp> {
        self.seal_due = None;
        let Some(sealer) = &mut self.sealer else {
            return Ok(());
        };
        let mut line = Vec::new();
        sealer.seal(reason, Utc::now(), &mut line);
        self.put_lines(Lines::one(self.seq, line))
    }

    pub(super) fn put_seal_due(&mut self) -> Result<(), GaveUp> {
        match self.seal_due {
            Some(reason) => self.put_seal(reason),
            None => Ok(()),
        }
    }

    /// Tries until it works, or until a trail that is being closed gives up.
    pub(super) fn insist<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Sink) -> io::Result<T>,
    ) -> Result<T, GaveUp> {
        let mut pause = RETRY_FIRST;
        loop {
            match attempt(&mut self.sink) {
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
        let core = &self.core;
        core.counts.write_errors.fetch_add(1, Ordering::Relaxed);
        *lock(&core.counts.last_error) = Some(error.to_string());
        if !core.failing.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{}: cannot be written: {error}; records wait in the journal and writing is tried again",
                core.name
            ));
        }
        core.trip(&error.to_string());
        self.progress(|progress, _| progress.failures += 1);
    }

    fn gives_up(&mut self, is_final: bool) -> bool {
        let core = &self.core;
        let since = &mut self.closing_since;
        core.closing.load(Ordering::SeqCst)
            && (is_final || since.get_or_insert_with(Instant::now).elapsed() >= GIVE_UP)
    }
}

/// Where the line that byte `at` belongs to begins.
fn line_begin(lines: &[u8], at: usize) -> usize {
    lines[..at]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |feed| feed + 1)
}
