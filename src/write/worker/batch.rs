//! From the journal's entries to a batch of lines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::Worker;
use crate::write::journal::frame;
use crate::write::journal::{Entry, split_entry};
use crate::write::say;
use crate::write::worker::line_batch::BATCH_BYTES;
use crate::write::worker::render::is_record;
use crate::write::worker::system_records::{self, Losses};

/// Entries are taken from the journal about so many bytes at a time, as the nearest cache holds beside the lines.
const ENTRY_BYTES: usize = 32 << 10;

impl Worker {
    /// Renders entries until the batch is full or none are left. No batch holds entries of two processes.
    pub(super) fn render_batch(&mut self) {
        if self.rendered.is_empty() {
            self.rendered.first = self.seq;
            // An empty ring may start over meanwhile, at its beginning.
            self.rendered_to = self.written.position;
        }
        while self.rendered.bytes.len() < BATCH_BYTES {
            let is_at_boundary = self.rendered_to == self.inherited_to && !self.rendered.is_empty();
            if is_at_boundary || !self.render_entries() {
                break;
            }
        }
    }

    /// Renders a few entries. `false`: there are none.
    fn render_entries(&mut self) -> bool {
        self.entries.clear();
        self.journal
            .copy(self.rendered_to, ENTRY_BYTES, &mut self.entries);
        let mut at = 0;
        while let Some((entry, length)) = split_entry(&self.entries[at..]) {
            let is_inherited = self.rendered_to < self.inherited_to;
            let bytes = &mut self.rendered.bytes;
            let (begin, seq) = (
                bytes.len(),
                self.rendered.first + self.rendered.ends.len() as u64,
            );
            let kept;
            let frame = match entry {
                Entry::Frame(frame) => frame,
                Entry::Large(number) => {
                    kept = self.journal.large(number).unwrap_or_default();
                    &kept
                }
            };
            let rendered = catch_unwind(AssertUnwindSafe(|| {
                let (frame, _) = frame::split_first(frame)?;
                self.renderer.line(bytes, seq, frame);
                Some(())
            }));
            let is_rendered = matches!(rendered, Ok(Some(())));
            // Every entry gets a line, so that `seq` follows from the mark. An entry that makes no record becomes a gap.
            if !is_rendered || is_inherited && !is_record(&bytes[begin..], seq) {
                bytes.truncate(begin);
                let why = match is_rendered {
                    true => "what the journal of another process held is no record",
                    false => "a record could not be rendered",
                };
                let gap = self.gap_instead_of(frame, why);
                if let Some((gap, _)) = frame::split_first(&gap) {
                    self.renderer.line(&mut self.rendered.bytes, seq, gap);
                }
            }
            self.rendered.ends.push(self.rendered.bytes.len());
            self.rendered_to += length as u64;
            at += length;
            if is_inherited && self.rendered_to == self.inherited_to {
                break;
            }
        }
        at > 0
    }

    /// The frame of the `trail_gap` that takes the `seq` of a lost record.
    #[cold]
    fn gap_instead_of(&self, frame: &[u8], why: &'static str) -> Vec<u8> {
        say(&format!("{}: a record is lost: {why}", self.core.name));
        let when = frame::split_first(frame)
            .and_then(|(frame, _)| DateTime::from_timestamp_micros(frame.timestamp_micros));
        let mut losses = Losses::default();
        losses.add(Some(frame), when.unwrap_or_else(Utc::now), why);
        let counts = &self.core.counts;
        counts.lost.fetch_add(1, Ordering::Relaxed);
        counts.gaps.fetch_add(1, Ordering::Relaxed);
        system_records::frame(&losses.report())
    }
}
