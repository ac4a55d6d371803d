//! What another process has left in a journal.

use std::collections::VecDeque;
use std::path::Path;

use super::checksum::{at_position, checksum};
use super::entry::{ENTRY, Entry, split_entry};
use super::frame::{self, Name, Value};
use super::inflight::NameFingerprint;
use super::overflow::{self, Large};
use super::ring::{Ring, Word};
use super::{Remains, Written, start_over};
use crate::record::EventType;
use crate::record::system::Gap;
use crate::trail::internal::{Key, RecordHead};

/// An entry that may have to be written.
struct Left {
    end: u64,
    large: Option<u64>,
    /// `None`: a frame that was kept aside and is missing, or none that can be read.
    record_head: Option<(i64, Vec<u8>)>,
    length: usize,
}

/// Finds out what another process has left: checks each entry, skips what is in the trail,
/// and cuts off what is damaged. Returns the frames that are kept aside.
pub(super) fn survey(
    ring: &mut Ring,
    path: &Path,
    written: &dyn Written,
    remains: &mut Remains,
) -> VecDeque<Large> {
    let Some((head, tail)) = ends(ring) else {
        remains.damaged = ring.capacity() as u64;
        let head = ring.head();
        ring.set_ends(head, head);
        return VecDeque::new();
    };
    ring.set_ends(head, tail);
    let mark = NameFingerprint::of(ring);
    let marked = mark.written(head, written.last_seq());
    let mut bytes = Vec::new();
    ring.copy_out(head, (tail - head) as usize, &mut bytes);
    let mut left = VecDeque::new();
    let (mut at, mut written_to) = (0, head);
    let mut index = 0;
    while let Some((entry, length)) = split_entry(&bytes[at..]) {
        let end = head + (at + length) as u64;
        if index < marked {
            written_to = end;
            if let Entry::Large(number) = entry {
                overflow::remove(path, number);
            }
        } else if is_whole(&bytes[at..at + length], head + at as u64) {
            left.push_back(Left::new(&entry, end, path));
        } else {
            break;
        }
        index += 1;
        at += length;
    }
    remains.damaged = (bytes.len() - at) as u64;
    let next = mark.next_seq(head).filter(|_| !left.is_empty());
    if let Some(next) = next.filter(|&next| written.last_seq().is_some_and(|last| last >= next)) {
        for found in take_written(&mut left, written.from(next)) {
            written_to = found.end;
            if let Some(number) = found.large {
                overflow::remove(path, number);
            }
        }
    }
    remains.records = left.len() as u64;
    if let Some(last) = written.last_seq().filter(|_| written_to > head) {
        // Whoever dies here: the next one skips the same entries, and then looks for none behind them.
        let count = index - left.len() as u64;
        let skipped = NameFingerprint {
            position: head,
            count,
            seq: (last + 1).saturating_sub(count),
        };
        skipped.set(ring);
    }
    let lost = ring.get(Word::Lost);
    if lost > 0 {
        remains.lost = Some((
            lost,
            ring.get(Word::LostFrom) as i64,
            ring.get(Word::LostTo) as i64,
        ));
    }
    ring.set_ends(written_to, head + at as u64);
    let large = left.into_iter().filter_map(|left| {
        Some(Large {
            number: left.large?,
            end: left.end,
            length: left.length,
            frame: None,
        })
    });
    large.collect()
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

/// Takes the entries that the trail has out of those that are left: its records follow in the same order, one for
/// each entry, and one that cannot be read as a record has become a gap.
fn take_written(left: &mut VecDeque<Left>, records: impl Iterator<Item = RecordHead>) -> Vec<Left> {
    let mut found = Vec::new();
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
            found.extend(left.drain(..=place));
            gaps = 0;
        }
    }
    found
}

/// Of a frame kept aside it is that of the number; where its file is missing or damaged, its line will say so.
fn is_whole(entry: &[u8], position: u64) -> bool {
    let stored = entry[4..ENTRY].first_chunk().copied();
    let sum = checksum(&entry[ENTRY..]);
    stored.map(u32::from_le_bytes) == Some(at_position(sum, position))
}

impl Left {
    fn new(entry: &Entry<'_>, end: u64, path: &Path) -> Left {
        let kept;
        let (large, frame) = match *entry {
            Entry::Frame(frame) => (None, frame),
            Entry::Large(number) => {
                kept = overflow::read(path, number).unwrap_or_default();
                (Some(number), kept.as_slice())
            }
        };
        Left {
            end,
            large,
            record_head: record_head(frame),
            length: frame.len(),
        }
    }

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
