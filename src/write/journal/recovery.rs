//! Recovery: what another process has left in a journal, and what of that the trail has already.

use std::collections::VecDeque;

use super::entry::{ENTRY, at_position, split_entry};
use super::frame::{self, Name, Value};
use super::inflight::InFlightEntries;
use super::ring::Ring;
use super::{RecordsFrom, start_over};
use crate::format::internal::{Key, RecordHead, checksum};
use crate::record::EventType;
use crate::record::system::{Gap, Recovered};

/// An entry that may have to be written.
struct Unreleased {
    end: u64,
    /// When its event was, and of which type. `None`: the frame cannot be read.
    record_head: Option<(i64, Vec<u8>)>,
}

/// Checks each entry, skips what is in the trail, and cuts off what is damaged.
pub(super) fn recover(
    ring: &mut Ring,
    last_seq: Option<u64>,
    records_from: &mut RecordsFrom<'_>,
) -> Recovered {
    let mut recovered = Recovered::default();
    let Some((head, tail)) = ends(ring) else {
        recovered.damaged_bytes = ring.capacity() as u64;
        let head = ring.head();
        ring.set_ends(head, head);
        return recovered;
    };
    ring.set_ends(head, tail);
    let mark = InFlightEntries::of(ring);
    let marked = mark.written(head, last_seq);
    let mut bytes = Vec::new();
    ring.copy_out(head, (tail - head) as usize, &mut bytes);
    let mut left = VecDeque::new();
    let (mut at, mut written_to) = (0, head);
    let mut index = 0;
    while let Some((frame, length)) = split_entry(&bytes[at..]) {
        let end = head + (at + length) as u64;
        if index < marked {
            written_to = end;
        } else if is_whole(&bytes[at..at + length], head + at as u64) {
            let record_head = record_head(frame);
            left.push_back(Unreleased { end, record_head });
        } else {
            break;
        }
        index += 1;
        at += length;
    }
    recovered.damaged_bytes = (bytes.len() - at) as u64;
    let next = mark.next_seq(head).filter(|_| !left.is_empty());
    if let Some(next) = next.filter(|&next| last_seq.is_some_and(|last| last >= next)) {
        written_to = take_written(&mut left, records_from(next)).unwrap_or(written_to);
    }
    recovered.replayed = left.len() as u64;
    if let Some(last) = last_seq.filter(|_| written_to > head) {
        // If this process dies now, the next one skips the same entries, and then looks for none after them.
        let count = index - left.len() as u64;
        let skipped = InFlightEntries {
            position: head,
            count,
            seq: (last + 1).saturating_sub(count),
        };
        skipped.set(ring);
    }
    ring.set_ends(written_to, head + at as u64);
    recovered
}

/// Where its entries begin and end. `None`: the header cannot be believed.
fn ends(ring: &Ring) -> Option<(u64, u64)> {
    let (head, tail) = (ring.head(), ring.tail());
    let capacity = ring.capacity() as u64;
    if head == start_over(tail, capacity) {
        // It died while an empty ring started over.
        return Some((head, head));
    }
    (head <= tail && tail - head <= capacity).then_some((head, tail))
}

/// Takes the entries that the trail has out of those that are left, and returns where the last of them ends. The trail's
/// records follow in the same order, one for each entry. An entry that could not be rendered has become a gap.
fn take_written(
    left: &mut VecDeque<Unreleased>,
    records: impl Iterator<Item = RecordHead>,
) -> Option<u64> {
    let mut written_to = None;
    let mut gaps = 0;
    for record in records {
        if left.is_empty() {
            break;
        }
        if record.event_type == Gap::EVENT_TYPE {
            gaps += 1;
        } else if let Some(place) = left
            .iter()
            .take(gaps + 1)
            .position(|entry| entry.is(&record))
        {
            written_to = left.drain(..=place).next_back().map(|entry| entry.end);
            gaps = 0;
        }
    }
    written_to
}

/// Whether an entry is as it was appended at this position. A torn entry, of a caller that was killed while it
/// appended, is not.
fn is_whole(entry: &[u8], position: u64) -> bool {
    let stored = entry[4..ENTRY].first_chunk().copied();
    let sum = checksum(&entry[ENTRY..]);
    stored.map(u32::from_le_bytes) == Some(at_position(sum, position))
}

impl Unreleased {
    /// Whether the trail's record is this entry's. It is the next one of those that were emitted, or one of the
    /// trail's own.
    fn is(&self, record: &RecordHead) -> bool {
        let event_type = record.event_type.as_bytes();
        match &self.record_head {
            Some(head) => head.0 == record.timestamp.timestamp_micros() && head.1 == event_type,
            None => !EventType::names_trail(event_type),
        }
    }
}

/// When the event of a frame was, and of which type.
fn record_head(frame: &[u8]) -> Option<(i64, Vec<u8>)> {
    let (mut frame, _) = frame::split_first(frame)?;
    let event_type = frame.fields.find_map(|(name, value)| match (name, value) {
        (Name::Key(Key::EventType), Value::Str(event_type)) => Some(event_type),
        _ => None,
    });
    let event_type = event_type.unwrap_or(EventType::Unspecified.as_str().as_bytes());
    Some((frame.timestamp_micros, event_type.to_vec()))
}
