//! Records that the trail writes about itself: their frames, and the queue in which they wait for the worker.
//!
//! The worker drains the queue between two batches of the journal, never within one. The queue is in memory only: a
//! process that is killed loses what waits there, such as a heartbeat. It does not lose the count of lost records, because
//! the journal has it.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use crate::format::internal::{Key, Source, json as text};
use crate::record::SystemEvent;
use crate::record::system::Gap;
use crate::write::journal::frame::{self, Name, Value};

/// The frame of a system event.
///
/// Nothing here is redacted: only the trail's own facts and the program's settings go in.
pub(crate) fn frame(event: &SystemEvent) -> Vec<u8> {
    let mut out = Vec::new();
    frame::begin(&mut out, Utc::now().timestamp_micros());
    frame::push_name(&mut out, Name::Key(Key::EventType));
    frame::push_value(&mut out, Value::Str(event.event_type()));
    for (name, value) in &event.fields() {
        if value.is_null() {
            continue;
        }
        let mut bytes = Vec::new();
        text::push_value(&mut bytes, value);
        let key = Key::of(name).filter(|key| key.source() == Source::Trail);
        frame::push_name(&mut out, key.map_or(Name::Other(name), Name::Key));
        frame::push_value(&mut out, Value::<&str>::Json(&bytes));
    }
    frame::end(&mut out).expect("invariant: the trail's own records are short");
    out
}

/// Records that wait in memory to be written: the trail's own, and those that are too large for the journal.
#[derive(Default)]
pub(crate) struct RecordQueue {
    waiting: VecDeque<QueuedRecord>,
    bytes: usize,
    /// How many were ever queued.
    pub(crate) queued: u64,
}

pub(crate) struct QueuedRecord {
    frame: Vec<u8>,
    /// How many losses the journal may forget once this record is written.
    pub(crate) losses: u64,
}

impl RecordQueue {
    /// Queues a frame if no more than so many bytes wait, or none. Returns the number of the record in the queue.
    pub(crate) fn push(&mut self, frame: &[u8], most_bytes: usize) -> Option<u64> {
        let has_room = self.bytes == 0 || self.bytes + frame.len() <= most_bytes;
        has_room.then(|| self.push_gap(frame.to_owned(), 0))
    }

    /// Queues a `trail_gap`, for which there is always room.
    pub(crate) fn push_gap(&mut self, frame: Vec<u8>, losses: u64) -> u64 {
        self.bytes += frame.len();
        self.waiting.push_back(QueuedRecord { frame, losses });
        self.queued += 1;
        self.queued
    }

    pub(crate) fn front(&self) -> Option<Vec<u8>> {
        Some(self.waiting.front()?.frame.clone())
    }

    /// The first record is written. Returns how many losses the journal may forget.
    pub(crate) fn pop(&mut self) -> u64 {
        let Some(written) = self.waiting.pop_front() else {
            return 0;
        };
        self.bytes -= written.frame.len();
        written.losses
    }

    /// The record that was queued as the `number`th, if it waits.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut QueuedRecord> {
        let popped = self.queued - self.waiting.len() as u64;
        let at = number.checked_sub(popped + 1)?;
        self.waiting.get_mut(usize::try_from(at).ok()?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// How many event types a gap names one by one.
const TYPES_NAMED: usize = 64;

/// Adds a lost record to the gap that will tell of it.
pub(crate) fn count_loss(gap: &mut Gap, lost: Option<&[u8]>, now: DateTime<Utc>, reason: &str) {
    gap.lost += 1;
    gap.from.get_or_insert(now);
    gap.to = Some(now);
    reason.clone_into(&mut gap.reason);
    let event_type = lost
        .and_then(frame::split_first)
        .and_then(|(frame, _)| {
            frame.fields.into_iter().find_map(|field| match field {
                (Name::Key(Key::EventType), Value::Str(name)) => {
                    Some(String::from_utf8_lossy(name))
                }
                _ => None,
            })
        })
        .unwrap_or("unspecified".into());
    let named = match gap.types.contains_key(&*event_type) || gap.types.len() < TYPES_NAMED {
        true => &event_type,
        false => "others",
    };
    *gap.types.entry(named.to_owned()).or_default() += 1;
}
