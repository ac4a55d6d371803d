//! From frames to a batch of lines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::line_batch::{BATCH_BYTES, LARGEST_REUSED, LineBatch};
use super::render::{Renderer, is_record};
use super::system_records;
use crate::record::system::Gap;
use crate::write::journal::{frame, split_entry};
use crate::write::{Core, lock};

/// Entries are taken from the journal about so many bytes at a time, as the nearest cache holds beside the lines.
const ENTRY_BYTES: usize = 32 << 10;

/// Renders frames as lines.
pub(super) struct Batcher {
    core: Arc<Core>,
    renderer: Renderer,
    /// Entries as they were copied from the journal.
    entries: Vec<u8>,
    /// The batch that is being rendered, and where its entries end in the journal.
    pub(super) batch: LineBatch,
    pub(super) end: u64,
    /// Entries before this position of the journal are an earlier process's.
    pub(super) inherited_to: u64,
}

impl Batcher {
    pub(super) fn new(core: Arc<Core>, renderer: Renderer) -> Batcher {
        Batcher {
            end: core.journal.head(),
            inherited_to: core.journal.tail(),
            core,
            renderer,
            entries: Vec::new(),
            batch: LineBatch::default(),
        }
    }

    /// Renders entries from a position of the journal on, until the batch is full, none are left, or a large record of
    /// the queue comes first. No batch holds entries of two processes.
    pub(super) fn render_entries(&mut self, seq: u64, position: u64) {
        if self.batch.is_empty() {
            self.batch.first = seq;
            // An empty ring may start over meanwhile, at its beginning.
            self.end = position;
        }
        while self.batch.bytes.len() < BATCH_BYTES {
            let is_at_boundary = self.end == self.inherited_to && !self.batch.is_empty();
            if is_at_boundary || !self.render_some_entries() {
                break;
            }
        }
    }

    /// `false`: there are none.
    fn render_some_entries(&mut self) -> bool {
        let mut entries = std::mem::take(&mut self.entries);
        let mut batch = std::mem::take(&mut self.batch);
        entries.clear();
        self.core.journal.copy(self.end, ENTRY_BYTES, &mut entries);
        // Only now: a large record that an entry follows was queued before the entry was appended.
        let place = lock(&self.core.queue).next_place();
        let mut at = 0;
        while let Some((frame, length)) = split_entry(&entries[at..]) {
            if place.is_some_and(|place| place <= self.end) {
                break;
            }
            let is_inherited = self.end < self.inherited_to;
            self.render(&mut batch, frame, is_inherited);
            self.end += length as u64;
            at += length;
            if is_inherited && self.end == self.inherited_to {
                break;
            }
        }
        (self.entries, self.batch) = (entries, batch);
        at > 0
    }

    /// Adds the line of a frame to a batch. Every frame gets a line, so that `seq` follows from the mark in the journal.
    /// A frame that makes no record becomes a gap.
    pub(super) fn render(&mut self, batch: &mut LineBatch, frame: &[u8], is_inherited: bool) {
        let (begin, seq) = (batch.bytes.len(), batch.next_seq());
        let bytes = &mut batch.bytes;
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            let (frame, _) = frame::split_first(frame)?;
            self.renderer.line(bytes, seq, frame);
            Some(())
        }));
        let is_rendered = matches!(rendered, Ok(Some(())));
        if !is_rendered || is_inherited && !is_record(&bytes[begin..], seq) {
            bytes.truncate(begin);
            let why = match is_rendered {
                true => "what the journal of another process held is no record",
                false => "a record could not be rendered",
            };
            let gap = self.gap_instead_of(frame, why);
            if let Some((gap, _)) = frame::split_first(&gap) {
                self.renderer.line(bytes, seq, gap);
            }
        }
        batch.ends.push(batch.bytes.len());
    }

    /// The frame of the `trail_gap` that takes the `seq` of a lost record.
    #[cold]
    fn gap_instead_of(&self, frame: &[u8], why: &str) -> Vec<u8> {
        self.core.warn(format_args!("a record is lost: {why}"));
        let when = frame::split_first(frame)
            .and_then(|(frame, _)| DateTime::from_timestamp_micros(frame.timestamp_micros));
        let mut gap = Gap::default();
        system_records::count_loss(&mut gap, Some(frame), when.unwrap_or_else(Utc::now), why);
        let counts = &self.core.counts;
        counts.lost.fetch_add(1, Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        system_records::frame(&gap.into())
    }

    /// Gives back memory that only large entries need.
    pub(super) fn shrink(&mut self) {
        if self.entries.capacity() > LARGEST_REUSED {
            self.entries = Vec::new();
        }
    }
}
