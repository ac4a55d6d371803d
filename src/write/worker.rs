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
use std::task::Waker;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::copies::CopyFeed;
use super::fetch::fetch_to_write;
use super::frame;
use super::journal::{Entry, Reader, split_entry};
use super::leaves::Lines;
use super::own::{self, Losses};
use super::render::{Renderer, is_record};
use super::seal::Sealer;
use super::sink::Sink;
use super::{Core, Progress, lock, say, take_flag};
use crate::destination::Place;

mod sync;
mod upkeep;

use sync::Reached;

/// A batch of lines is written when it has grown to this many bytes.
const BATCH: usize = 256 << 10;

/// Where the seal in front of it is still being made beside the worker, it may grow to this, or to so many lines: to
/// make the seal itself takes the worker as long.
const MOST: usize = 4 * BATCH;
const MOST_LINES: usize = 1_000;

/// Entries are taken from the journal as many at a time as the nearest caches hold beside the lines.
const FEW: usize = 32 << 10;

/// A buffer that grew past this is not kept.
const LARGEST_KEPT: usize = 8 * BATCH;

/// A buffer for lines has room for a batch, and for the entries that make it larger than that.
const ROOM: usize = BATCH + 2 * FEW;

/// Buffers of lines that are kept: as many as may be waiting to be hashed, and one that is filled.
const MOST_ROOMS: usize = 6;

/// How long to sleep when there is nothing to do: short while events come, longer when not.
const BUSY: Duration = Duration::from_millis(2);
const IDLE: Duration = Duration::from_millis(8);
/// Rounds without work after which the worker counts as idle.
const BUSY_ROUNDS: u32 = 20;

/// While there is nothing to write, its files are looked after once in so many rounds, and while there is, before
/// it is written; where full batches follow each other and nobody waits, not sooner than this after the last time.
const LOOK_EVERY: u32 = 8;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How long to sleep after a failed write: the first time, and at most.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// How long a trail that is being closed goes on trying to write.
const GIVE_UP: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    core: Arc<Core>,
    journal: Reader,
    sink: Sink,
    copies: Vec<CopyFeed>,
    renderer: Renderer,
    /// The `seq` of the next record.
    seq: u64,
    entries: Vec<u8>,
    lines: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Lines that are written, and may still be being hashed.
    rooms: Vec<Arc<Vec<u8>>>,
    /// How far the journal is written.
    position: u64,
    /// What stands in front of this in the journal is of an earlier process.
    inherited_to: u64,
    /// Something was written that is not synced.
    unsynced: bool,
    /// When it was last seen to that its files are in place.
    last_look: Instant,
    /// The last batch was full.
    was_full: bool,
    last_sync: Instant,
    /// A sync is underway.
    syncing: Option<Reached>,
    /// Sync when the journal is written up to here: somebody waits for it.
    sync_at: Option<u64>,
    closing_since: Option<Instant>,
    /// How long to leave a medium alone that refused to sync.
    sync_pause: Duration,
    /// Records of the trail's own that wait until the batch is released: behind a mark only
    /// its entries may take seqs.
    to_tell: Vec<(&'static str, Json)>,
    /// `None`: the trail is not sealed.
    sealer: Option<Sealer>,
    /// That the trail was opened is not sealed yet.
    opens: bool,
    /// Why a seal is due. It is made when the next lines are ready to follow it, or there are none:
    /// meanwhile the lines before it are hashed.
    seal_due: Option<&'static str>,
}

/// The trail was closed while it could not be written.
struct GaveUp;

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        journal: Reader,
        sink: Sink,
        copies: Vec<CopyFeed>,
        renderer: Renderer,
        sealer: Option<Sealer>,
        seq: u64,
    ) -> Worker {
        Worker {
            position: journal.head(),
            inherited_to: journal.tail(),
            core,
            journal,
            sink,
            copies,
            renderer,
            seq,
            entries: Vec::new(),
            lines: Vec::new(),
            ends: Vec::new(),
            rooms: Vec::new(),
            unsynced: false,
            last_look: Instant::now(),
            was_full: false,
            last_sync: Instant::now(),
            syncing: None,
            sync_at: None,
            closing_since: None,
            sync_pause: Duration::ZERO,
            to_tell: Vec::new(),
            sealer,
            opens: true,
            seal_due: None,
        }
    }

    /// Works until the trail is closed.
    fn work(&mut self) -> Result<(), GaveUp> {
        let _ = self.core.worker.set(std::thread::current());
        let mut is_pruned = false;
        let mut idle_rounds = 0;
        loop {
            if self.sync_at.is_none() && take_flag(&self.core.sync_wanted) {
                self.sync_at = Some(self.journal.tail());
            }
            let is_due = match self.has_work() {
                true => !self.is_pressed() || self.last_look.elapsed() >= LOOK_AGAIN,
                false => idle_rounds % LOOK_EVERY == 0,
            };
            if is_due {
                self.put_back()?;
                self.last_look = Instant::now();
            }
            let rolls = self.sink.rolls();
            if rolls {
                // So that each file can be verified from its beginning.
                self.put_seal("rolled")?;
            }
            let worked = self.write_entries()?;
            for (event_type, fields) in std::mem::take(&mut self.to_tell) {
                self.put_own(event_type, &fields)?;
            }
            self.report_losses()?;
            self.heal()?;
            self.seal_if_due();
            self.sync_if_due()?;
            if rolls || !is_pruned && self.is_opened() {
                self.prune()?;
                is_pruned = true;
            }
            if self.core.closing.load(Ordering::SeqCst) {
                let end_at = *lock(&self.core.end_at);
                if end_at.is_some_and(|end| self.position >= end) {
                    return self.end();
                }
            }
            if worked {
                idle_rounds = 0;
                // A large record leaves large buffers; they are not kept.
                if self.entries.capacity() > LARGEST_KEPT {
                    self.entries = Vec::new();
                }
                continue;
            }
            idle_rounds += 1;
            if idle_rounds == BUSY_ROUNDS {
                self.rooms.truncate(1);
            }
            std::thread::park_timeout(if idle_rounds < BUSY_ROUNDS {
                BUSY
            } else {
                IDLE
            });
        }
    }

    /// Whether what it tells of the writer before is written, and sealed where it is.
    fn is_opened(&self) -> bool {
        let is_written = self.position >= self.core.opened_at.load(Ordering::SeqCst);
        let is_sealed = !self.opens && self.seal_due.is_none();
        is_written && (is_sealed || self.sealer.is_none())
    }

    fn has_work(&self) -> bool {
        self.journal.tail() > self.position || self.core.is_closed()
    }

    /// Whether there is more to write than time, and nobody waits for the end of it.
    fn is_pressed(&self) -> bool {
        self.was_full && self.sync_at.is_none() && !self.core.is_closed()
    }

    /// Writes a batch of entries, and says whether there were any.
    fn write_entries(&mut self) -> Result<bool, GaveUp> {
        // A seal that is due stands in front of them.
        let first_seq = self.seq + u64::from(self.seal_due.is_some());
        let mut seq = first_seq;
        let mut position = self.position;
        while self.lines.len() < BATCH || self.waits_for_seal(position) {
            let read = self.render_entries(position, &mut seq);
            if read == 0 {
                break;
            }
            position += read;
        }
        self.was_full = self.lines.len() >= BATCH;
        self.put_seal_due()?;
        if position == self.position {
            return Ok(false);
        }
        self.seq = seq;
        self.journal.mark(self.position, seq - first_seq, first_seq);
        self.put_lines(first_seq)?;
        self.position = self.journal.release(position);
        take_flag(&self.core.full);
        self.progress(|progress, worker| progress.written = worker.position);
        Ok(true)
    }

    /// Whether the seal in front of these lines is still being made beside the worker and may be waited for: nobody
    /// waits for the lines, nor for the room of their entries, which go up to `position`.
    fn waits_for_seal(&self, position: u64) -> bool {
        let core = &self.core;
        let is_underway = |sealer: &Sealer| sealer.is_underway();
        let is_short = self.lines.len() < MOST
            && self.ends.len() < MOST_LINES
            && position - self.position < core.journal.capacity() / 4;
        let is_awaited =
            self.sync_at.is_some() || core.sync_wanted.load(Ordering::Relaxed) || core.is_closed();
        self.seal_due.is_some()
            && is_short
            && !is_awaited
            && self.sealer.as_ref().is_some_and(is_underway)
    }

    /// Takes a buffer for the next lines.
    fn take_room(&mut self) {
        if let Some(sealer) = &mut self.sealer {
            sealer.let_go();
        }
        self.lines = room(&mut self.rooms);
    }

    /// Appends the lines of a few entries, and says how many bytes of the journal these are.
    fn render_entries(&mut self, position: u64, seq: &mut u64) -> u64 {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        self.journal.copy(position, FEW, &mut entries);
        if !entries.is_empty() && self.lines.capacity() == 0 {
            self.take_room();
        }
        let mut at = 0;
        while let Some((entry, length)) = split_entry(&entries[at..]) {
            let kept;
            let frame = match entry {
                Entry::Frame(frame) => frame,
                Entry::Large(number) => {
                    kept = self.journal.large(number).unwrap_or_default();
                    &kept
                }
            };
            let is_inherited = position + (at as u64) < self.inherited_to;
            let begin = self.lines.len();
            self.render(frame, *seq, is_inherited);
            self.ends.push(self.lines.len());
            if self.sealer.is_some() {
                // Where these lines will stand others were hashed, on another core.
                let length = self.lines.len() - begin;
                let room = self.lines.spare_capacity_mut();
                fetch_to_write(room.as_ptr().cast(), length.min(room.len()));
            }
            *seq += 1;
            at += length;
        }
        self.entries = entries;
        at as u64
    }

    /// Appends the line of a frame. Every entry has its line, so that seqs follow the mark: one that cannot
    /// become a record becomes a gap.
    fn render(&mut self, frame: &[u8], seq: u64, is_inherited: bool) {
        let begin = self.lines.len();
        let (renderer, lines) = (&mut self.renderer, &mut self.lines);
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            let (frame, _) = frame::split_first(frame)?;
            renderer.line(lines, seq, frame);
            Some(())
        }));
        let is_rendered = matches!(rendered, Ok(Some(())));
        if is_rendered && (!is_inherited || is_record(&self.lines[begin..], seq)) {
            return;
        }
        self.lines.truncate(begin);
        let why = match is_rendered {
            true => "what the journal of another process held is no record",
            false => "a record could not be rendered",
        };
        say(&format!("{}: a record is lost: {why}", self.core.name));
        let when = frame::split_first(frame)
            .and_then(|(frame, _)| DateTime::from_timestamp_micros(frame.timestamp_micros));
        let mut losses = Losses::default();
        losses.add(Some(frame), when.unwrap_or_else(Utc::now), why);
        let counts = &self.core.counts;
        counts.lost.fetch_add(1, Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        let frame = own::frame("trail_gap", &losses.report());
        if let Some((frame, _)) = frame::split_first(&frame) {
            self.renderer.line(&mut self.lines, seq, frame);
        }
    }

    /// Sees to it that the live file stands under its name.
    fn put_back(&mut self) -> Result<(), GaveUp> {
        match self.journal.put_back() {
            Ok(false) => {}
            Ok(true) => {
                say(&format!(
                    "{}: somebody took its journal away; it was put back",
                    self.core.name
                ));
                self.put_own(
                    "trail_put_back",
                    &json!({ "file": "journal", "happened": "removed" }),
                )?;
            }
            // The directory may be gone; it is made again with the live file.
            Err(error) => self.note_failure(&error),
        }
        let is_in_place = |sink: &Sink| !matches!(sink, Sink::Files(files) if !files.is_in_place());
        if is_in_place(&self.sink) {
            return Ok(());
        }
        let happened = self.insist(|sink| match sink {
            Sink::Files(files) => files.put_back(),
            _ => Ok(Json::Null),
        })?;
        say(&format!(
            "{}: somebody tampered with its file: {happened}",
            self.core.name
        ));
        self.put_own("trail_put_back", &happened)
    }

    /// Tries until it works, or until a trail that is being closed gives up.
    fn insist<T>(
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

    /// Goes on after a panic as the next process would after a crash: the trail says what is
    /// written, and the journal has the rest.
    fn resume(&mut self) -> Result<(), GaveUp> {
        say(&format!(
            "{}: the worker panicked; it goes on from the journal",
            self.core.name
        ));
        self.lines.clear();
        self.ends.clear();
        self.seal_due = None;
        self.syncing = None;
        if let Some(sealer) = &self.sealer {
            // What another thread still writes to the file of keys is not to come behind what the next sealer does.
            sealer.wait_for_keys();
        }
        let core = self.core.clone();
        let place = &core.settings.places.trail;
        if matches!(place, Place::Files(_)) {
            // Frees the lock for the opening that follows.
            self.sink = Sink::Special("reopened".into(), None);
            let found = self.insist(|sink| {
                let (reopened, found) =
                    Sink::open(place, &core.settings).map_err(io::Error::other)?;
                *sink = reopened;
                Ok(found)
            })?;
            let last = found.last.map(|last| last.seq);
            self.journal.skip_written(last);
            self.seq = last.map_or(0, |last| last + 1);
            if self.sealer.is_some() {
                let reopened =
                    self.insist(|_| Sealer::open(&core.settings, false).map_err(io::Error::other))?;
                self.sealer = Some(reopened.0);
            }
        } else if let Some(seq) = self.journal.marked_seq() {
            // Nobody can ask stdout what it has: lines come again with the seqs they had.
            self.seq = seq;
        }
        self.position = self.journal.head();
        self.progress(|progress, worker| progress.written = worker.position);
        self.to_tell.push(("trail_worker_restarted", json!({})));
        Ok(())
    }

    /// Tells those who wait how far the worker has come.
    fn progress(&self, set: impl FnOnce(&mut Progress, &Worker)) {
        let mut progress = lock(&self.core.progress);
        set(&mut progress, self);
        let wakers = std::mem::take(&mut progress.wakers);
        drop(progress);
        self.core.progressed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Writes the lines to the trail, however often it takes, and hands them to the sealer and the copies.
    fn put_lines(&mut self, first_seq: u64) -> Result<(), GaveUp> {
        let records = self.seq - first_seq;
        let lines = Arc::new(std::mem::take(&mut self.lines));
        if let Some(sealer) = &mut self.sealer {
            // They are hashed while they are written.
            let as_many = Vec::with_capacity(self.ends.len());
            sealer.push(Lines {
                bytes: lines.clone(),
                ends: std::mem::replace(&mut self.ends, as_many),
                first: first_seq,
            });
        }
        self.ends.clear();
        let mut happened = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            at = self.insist(|sink| {
                // The rest of a line that began in the old file means nothing in the new one.
                if sink.rolls() {
                    at = line_begin(&lines, at);
                }
                sink.write(&lines[at..], at == line_begin(&lines, at))
                    .map(|count| at + count)
                    .or_else(|error| {
                        // It may be the file that is no good, and another one in its place that is.
                        if let Sink::Files(files) = sink
                            && !files.is_in_place()
                        {
                            happened.push(files.put_back()?);
                            at = line_begin(&lines, at);
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
            self.to_tell
                .extend(untold.map(|fields| ("trail_sync_failed", fields)));
        }
        self.to_tell.extend(
            happened
                .into_iter()
                .map(|fields| ("trail_put_back", fields)),
        );
        self.core
            .counts
            .written
            .fetch_add(records, Ordering::Relaxed);
        let mut gaps = Vec::new();
        if records > 0 {
            for copy in &mut self.copies {
                gaps.extend(copy.push(&lines, first_seq, self.seq - 1));
            }
        }
        let is_usual = (BATCH..=LARGEST_KEPT).contains(&lines.capacity());
        if is_usual && self.rooms.len() < MOST_ROOMS {
            self.rooms.push(lines);
        }
        self.to_tell
            .extend(gaps.into_iter().map(|gap| ("trail_copy_gap", gap)));
        Ok(())
    }

    fn put_own(&mut self, event_type: &str, fields: &Json) -> Result<(), GaveUp> {
        let frame = own::frame(event_type, fields);
        if let Some((frame, _)) = frame::split_first(&frame) {
            let seq = self.seq;
            self.renderer.line(&mut self.lines, seq, frame);
            self.ends.push(self.lines.len());
            self.seq += 1;
            self.put_lines(seq)?;
        }
        Ok(())
    }

    /// Seals all records so far, where the trail is sealed.
    fn put_seal(&mut self, reason: &'static str) -> Result<(), GaveUp> {
        self.seal_due = None;
        let Some(sealer) = &mut self.sealer else {
            return Ok(());
        };
        let mut lines = Vec::new();
        sealer.seal(reason, Utc::now(), &mut lines);
        let seq = self.seq;
        self.seq += 1;
        // Lines that are to follow it may be ready.
        let end = lines.len();
        let behind = std::mem::replace(&mut self.lines, lines);
        let ends = std::mem::replace(&mut self.ends, vec![end]);
        self.put_lines(seq)?;
        (self.lines, self.ends) = (behind, ends);
        Ok(())
    }

    fn put_seal_due(&mut self) -> Result<(), GaveUp> {
        match self.seal_due {
            Some(reason) => self.put_seal(reason),
            None => Ok(()),
        }
    }

    fn note_failure(&self, error: &io::Error) {
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
        self.core.closing.load(Ordering::SeqCst)
            && (is_final
                || self
                    .closing_since
                    .get_or_insert_with(Instant::now)
                    .elapsed()
                    >= GIVE_UP)
    }
}

impl io::Write for Worker {
    /// Works until the trail is closed, and takes whatever woke it for written.
    fn write(&mut self, doorbell: &[u8]) -> io::Result<usize> {
        // A panic here would end tracing-appender's thread, and the trail with it.
        let ended = loop {
            match catch_unwind(AssertUnwindSafe(|| self.work())) {
                Ok(ended) => break ended,
                Err(_) => match catch_unwind(AssertUnwindSafe(|| self.resume())) {
                    Ok(Ok(())) => {}
                    Ok(Err(GaveUp)) | Err(_) => break Err(GaveUp),
                },
            }
        };
        if ended.is_err() {
            say(&format!(
                "{}: closed while it could not be written; {} bytes of records wait in the journal",
                self.core.name,
                self.core.journal.backlog()
            ));
        }
        for copy in self.copies.drain(..) {
            copy.close();
        }
        if self.core.journal.is_closed() {
            // Frees the files and their lock before anybody who waits goes on. Where only the
            // process ends, they are kept: the journal still takes what other threads emit.
            self.sink = Sink::Special("closed".into(), None);
        }
        self.progress(|progress, _| progress.ended = true);
        Ok(doorbell.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An empty buffer: the one of lines that nobody reads any more, where there is one. The last of them was written
/// last, and is in the caches.
fn room(rooms: &mut Vec<Arc<Vec<u8>>>) -> Vec<u8> {
    let free = rooms
        .iter_mut()
        .rposition(|room| Arc::get_mut(room).is_some());
    let room = free.and_then(|place| Arc::into_inner(rooms.remove(place)));
    let mut room = room.unwrap_or_else(|| Vec::with_capacity(ROOM));
    room.clear();
    room
}

/// Where the line that byte `at` belongs to begins.
fn line_begin(lines: &[u8], at: usize) -> usize {
    lines[..at]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |feed| feed + 1)
}
