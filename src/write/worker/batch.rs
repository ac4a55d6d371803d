//! From the journal's entries to a batch of lines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::{GaveUp, Worker};
use crate::write::fetch::fetch_to_write;
use crate::write::frame;
use crate::write::journal::{Entry, split_entry};
use crate::write::lines::BATCH;
use crate::write::own::{self, Losses};
use crate::write::render::is_record;
use crate::write::say;
use crate::write::seal::Sealer;

/// Where something that stands in front of it is still being done beside the worker, a batch may grow to this, or to so
/// many lines: to do that itself takes the worker as long.
const MOST: usize = 4 * BATCH;
const MOST_LINES: u64 = 1_000;

/// Entries are taken from the journal as many at a time as the nearest caches hold beside the lines.
const FEW: usize = 32 << 10;

impl Worker {
    /// Makes a batch of the entries that wait and has it written behind the one before, and says whether there was
    /// anything to do.
    pub(super) fn write_entries(&mut self) -> Result<bool, GaveUp> {
        // A seal that is due stands in front of them.
        self.lines.first = self.seq + u64::from(self.seal_due.is_some());
        let mut position = match &self.writing {
            Some(writing) => writing.end,
            None => self.position,
        };
        while self.lines.bytes.len() < BATCH || self.grows(position) {
            let read = self.render_entries(position);
            if read == 0 {
                break;
            }
            position += read;
        }
        self.was_full = self.lines.bytes.len() >= BATCH;
        let was_writing = self.settle()?;
        self.put_seal_due()?;
        if self.lines.count() == 0 {
            return Ok(was_writing);
        }
        self.put_batch(position)?;
        Ok(true)
    }

    /// Whether a full batch is to grow: what stands in front of it is still being done beside the worker, and nobody waits
    /// for the lines, nor for the room of their entries, which go up to `position`.
    fn grows(&mut self, position: u64) -> bool {
        let is_short = self.lines.bytes.len() < MOST
            && self.lines.count() < MOST_LINES
            && position - self.position < self.core.journal.capacity() / 4;
        is_short && !self.is_awaited() && (self.waits_for_seal() || self.is_appending())
    }

    fn waits_for_seal(&self) -> bool {
        let sealer = self.sealer.as_ref();
        self.seal_due.is_some() && sealer.is_some_and(Sealer::is_underway)
    }

    /// Whether somebody waits for what is written to be on the medium, or for the end. Who waits for it to be written waits a
    /// batch longer.
    pub(super) fn is_awaited(&self) -> bool {
        let core = &self.core;
        self.sync_at.is_some() || core.sync_wanted.load(Ordering::Relaxed) || core.is_closed()
    }

    /// Appends the lines of a few entries, and says how many bytes of the journal these are.
    fn render_entries(&mut self, position: u64) -> u64 {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        self.journal.copy(position, FEW, &mut entries);
        if !entries.is_empty() && self.lines.bytes.capacity() == 0 {
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
            self.render(frame, is_inherited);
            at += length;
        }
        self.entries = entries;
        at as u64
    }

    /// Takes memory for the lines.
    fn take_room(&mut self) {
        if let Some(sealer) = &mut self.sealer {
            sealer.let_go();
        }
        let first = self.lines.first;
        self.lines = self.rooms.take();
        self.lines.first = first;
    }

    /// Appends the line of a frame. Every entry has its line, so that seqs follow the mark: one that cannot
    /// become a record becomes a gap.
    fn render(&mut self, frame: &[u8], is_inherited: bool) {
        let seq = self.lines.next();
        let bytes = &mut self.lines.bytes;
        let begin = bytes.len();
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            let (frame, _) = frame::split_first(frame)?;
            self.renderer.line(bytes, seq, frame);
            Some(())
        }));
        let is_rendered = matches!(rendered, Ok(Some(())));
        let bytes = &mut self.lines.bytes;
        if !is_rendered || is_inherited && !is_record(&bytes[begin..], seq) {
            bytes.truncate(begin);
            let why = match is_rendered {
                true => "what the journal of another process held is no record",
                false => "a record could not be rendered",
            };
            self.render_gap(frame, why);
        }
        let bytes = &mut self.lines.bytes;
        self.lines.ends.push(bytes.len());
        if self.sealer.is_some() {
            // Where the next lines will stand others were hashed, on another core.
            let length = bytes.len() - begin;
            let room = bytes.spare_capacity_mut();
            fetch_to_write(room.as_ptr().cast(), length.min(room.len()));
        }
    }

    #[cold]
    fn render_gap(&mut self, frame: &[u8], why: &'static str) {
        say(&format!("{}: a record is lost: {why}", self.core.name));
        let when = frame::split_first(frame)
            .and_then(|(frame, _)| DateTime::from_timestamp_micros(frame.timestamp_micros));
        let mut losses = Losses::default();
        losses.add(Some(frame), when.unwrap_or_else(Utc::now), why);
        let counts = &self.core.counts;
        counts.lost.fetch_add(1, Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        let frame = own::frame(&losses.report());
        if let Some((frame, _)) = frame::split_first(&frame) {
            let seq = self.lines.next();
            self.renderer.line(&mut self.lines.bytes, seq, frame);
        }
    }
}
