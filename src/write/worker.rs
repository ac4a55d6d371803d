//! The worker: takes frames from the journal, makes lines of them, and writes these.
//!
//! It is an `io::Write` on tracing-appender's non-blocking thread. The one byte that is ever
//! sent there lets it in, and it stays until the trail is closed: a channel send per event
//! would cost the emitting thread a system call to wake it, looking for work every few
//! milliseconds costs it nothing.
//!
//! Errors do not leave it, because tracing-appender would drop the message and go on; they
//! are tried again here.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::copies::CopyFeed;
use super::frame;
use super::journal::Mark;
use super::own::{self, Losses};
use super::render::Renderer;
use super::sink::Sink;
use super::{Core, lock, say};

/// A batch of lines is written when it has grown to this many bytes.
const BATCH: usize = 256 << 10;

/// How long to sleep when there is nothing to do: short while events come, longer when not.
const BUSY: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(8);
/// Rounds without work after which the worker counts as idle.
const BUSY_ROUNDS: u32 = 20;

/// How long to sleep after a failed write: the first time, and at most.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// How long a trail that is being closed goes on trying to write.
const GIVE_UP: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    core: Arc<Core>,
    sink: Sink,
    copies: Vec<CopyFeed>,
    renderer: Renderer,
    /// The `seq` of the next record.
    seq: u64,
    frames: Vec<u8>,
    lines: Vec<u8>,
    /// How far the frames of the lines reach.
    written: Mark,
    closing_since: Option<Instant>,
}

/// The trail was closed while it could not be written.
struct GaveUp;

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        sink: Sink,
        copies: Vec<CopyFeed>,
        renderer: Renderer,
        seq: u64,
    ) -> Worker {
        Worker {
            core,
            sink,
            copies,
            renderer,
            seq,
            frames: Vec::new(),
            lines: Vec::new(),
            written: Mark::default(),
            closing_since: None,
        }
    }

    /// Works until the trail is closed.
    fn work(&mut self) -> Result<(), GaveUp> {
        let _ = self.core.worker.set(std::thread::current());
        self.prune()?;
        let mut idle_rounds = 0;
        loop {
            // Read before taking: what is taken after the journal was closed is all there is.
            let last_round = self.core.closing.load(Ordering::SeqCst);
            let rolls = self.sink.rolls();
            let mut frames = std::mem::take(&mut self.frames);
            self.core.journal.take(&mut frames);
            let done = self.write_frames(&frames);
            let worked = !frames.is_empty();
            frames.clear();
            self.frames = frames;
            done?;
            self.report_losses()?;
            if rolls && worked {
                self.prune()?;
            }
            if worked {
                idle_rounds = 0;
                continue;
            }
            if last_round {
                return self.end();
            }
            idle_rounds += 1;
            std::thread::park_timeout(if idle_rounds < BUSY_ROUNDS {
                BUSY
            } else {
                IDLE
            });
        }
    }

    fn write_frames(&mut self, frames: &[u8]) -> Result<(), GaveUp> {
        let mut rest = frames;
        let mut first_seq = self.seq;
        let mut released = 0;
        while let Some((frame, behind)) = frame::split_first(rest) {
            let length = rest.len() - behind.len();
            rest = behind;
            let (begin, seq) = (self.lines.len(), self.seq);
            let (renderer, lines) = (&mut self.renderer, &mut self.lines);
            match catch_unwind(AssertUnwindSafe(|| renderer.line(lines, seq, frame))) {
                Ok(()) => self.seq += 1,
                Err(_) => {
                    self.lines.truncate(begin);
                    lock(&self.core.losses).add(None, "a record could not be rendered");
                }
            }
            released += length;
            self.written.bytes += length as u64;
            self.written.frames += 1;
            if self.lines.len() >= BATCH || rest.is_empty() {
                self.put_lines(first_seq)?;
                first_seq = self.seq;
                self.core.journal.release(released);
                released = 0;
                self.core.full.store(false, Ordering::Relaxed);
                lock(&self.core.progress).written = self.written;
                self.core.progressed.notify_all();
            }
        }
        debug_assert!(rest.is_empty(), "the journal holds whole frames");
        Ok(())
    }

    /// Writes the lines to the trail, however often it takes, and hands them to the copies.
    fn put_lines(&mut self, first_seq: u64) -> Result<(), GaveUp> {
        let mut at = 0;
        let mut retry = RETRY_FIRST;
        while at < self.lines.len() {
            // The rest of a line that began in the old file means nothing in the new one.
            if self.sink.rolls() {
                at = line_begin(&self.lines, at);
            }
            match self.sink.write(&self.lines[at..]) {
                Ok(count) => {
                    at += count;
                    retry = RETRY_FIRST;
                    if self.core.failing.swap(false, Ordering::Relaxed) {
                        say(&format!("{}: writing works again", self.core.name));
                    }
                }
                Err(error) => {
                    self.note_failure(&error);
                    if self.gives_up() {
                        return Err(GaveUp);
                    }
                    std::thread::park_timeout(retry);
                    retry = (retry * 2).min(RETRY_LAST);
                }
            }
        }
        let records = self.seq - first_seq;
        self.core
            .counts
            .written
            .fetch_add(records, Ordering::Relaxed);
        let mut gaps = Vec::new();
        if records > 0 {
            for copy in &mut self.copies {
                gaps.extend(copy.push(&self.lines, first_seq, self.seq - 1));
            }
        }
        self.lines.clear();
        for gap in gaps {
            self.put_own("trail_copy_gap", &gap)?;
        }
        Ok(())
    }

    fn put_own(&mut self, event_type: &str, fields: &Json) -> Result<(), GaveUp> {
        let frame = own::frame(event_type, fields);
        if let Some((frame, _)) = frame::split_first(&frame) {
            let seq = self.seq;
            self.renderer.line(&mut self.lines, seq, frame);
            self.seq += 1;
            self.put_lines(seq)?;
        }
        Ok(())
    }

    fn note_failure(&mut self, error: &io::Error) {
        let core = &self.core;
        core.counts.write_errors.fetch_add(1, Ordering::Relaxed);
        *lock(&core.counts.last_error) = Some(error.to_string());
        if !core.failing.swap(true, Ordering::Relaxed) {
            say(&format!(
                "{}: cannot be written: {error}; records wait in memory and writing is tried again",
                core.name
            ));
        }
        lock(&core.progress).failures += 1;
        core.progressed.notify_all();
    }

    fn gives_up(&mut self) -> bool {
        self.core.closing.load(Ordering::SeqCst)
            && self
                .closing_since
                .get_or_insert_with(Instant::now)
                .elapsed()
                >= GIVE_UP
    }

    /// Writes a `trail_gap` record if records were lost.
    fn report_losses(&mut self) -> Result<(), GaveUp> {
        if lock(&self.core.losses).count() == 0 {
            return Ok(());
        }
        let lost: Losses = std::mem::take(&mut *lock(&self.core.losses));
        self.core
            .counts
            .lost
            .fetch_add(lost.count(), Ordering::Relaxed);
        say(&format!(
            "{}: {} records were lost; the trail says which",
            self.core.name,
            lost.count()
        ));
        self.put_own("trail_gap", &lost.report())
    }

    /// Removes the files that are past retention, and says so first.
    fn prune(&mut self) -> Result<(), GaveUp> {
        let (Sink::Files(files), Some(retain)) = (&self.sink, self.core.settings.retain) else {
            return Ok(());
        };
        let prunable = match files.prunable(retain) {
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
        let fields = json!({ "retain": retain.to_string(), "files": prunable.listed });
        self.put_own("trail_pruned", &fields)?;
        for (path, error) in prunable.remove() {
            say(&format!(
                "couldn't remove {}, which is past retention: {error}",
                path.display()
            ));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), GaveUp> {
        let counts = &self.core.counts;
        let totals = json!({
            "written": counts.written.load(Ordering::Relaxed) + 1,
            "lost": counts.lost.load(Ordering::Relaxed),
            "write_errors": counts.write_errors.load(Ordering::Relaxed),
        });
        self.put_own("trail_closed", &totals)
    }
}

impl io::Write for Worker {
    /// Works until the trail is closed, and takes whatever woke it for written.
    fn write(&mut self, doorbell: &[u8]) -> io::Result<usize> {
        // A panic here would end tracing-appender's thread, and the trail with it.
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(GaveUp)) => say(&format!(
                "{}: closed while it could not be written; {} bytes of records are not in the trail",
                self.core.name,
                self.core.journal.backlog()
            )),
            Err(_) => say(&format!(
                "{}: the worker panicked; records are being lost",
                self.core.name
            )),
        }
        for copy in self.copies.drain(..) {
            copy.close();
        }
        // Frees the files and their lock before anybody who waits goes on.
        self.sink = Sink::Special("closed".into(), None);
        lock(&self.core.progress).ended = true;
        self.core.progressed.notify_all();
        Ok(doorbell.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the line that byte `at` belongs to begins.
fn line_begin(lines: &[u8], at: usize) -> usize {
    lines[..at]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |feed| feed + 1)
}
