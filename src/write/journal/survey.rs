//! What another process has left in a journal.

use std::collections::VecDeque;
use std::path::Path;

use super::aside::{self, Large};
use super::checksum::{checksum, placed};
use super::entry::{ENTRY, Entry, split_entry};
use super::{NO_SEQ, Remains, start_over};
use crate::write::ring::{Ring, Word};

/// Finds out what another process has left: checks each entry, skips what is in the trail,
/// and cuts off what is damaged. Returns the frames that are kept aside.
pub(super) fn survey(
    ring: &mut Ring,
    path: &Path,
    last_seq: Option<u64>,
    remains: &mut Remains,
) -> VecDeque<Large> {
    let mut kept = VecDeque::new();
    let (head, mut tail) = (ring.consumer.head(), ring.consumer.tail());
    let capacity = ring.consumer.capacity() as u64;
    if head == start_over(tail, capacity) {
        // It died while an empty ring started over.
        tail = head;
    }
    if tail < head || tail - head > capacity {
        remains.damaged = capacity;
        ring.set_ends(head, head);
        return kept;
    }
    ring.set_ends(head, tail);
    let words = &ring.consumer;
    // A mark before the head is of a batch that was released.
    let marked_seq = match words.get(Word::MarkPosition) == head {
        true => words.get(Word::MarkSeq),
        false => NO_SEQ,
    };
    let marked = words.get(Word::MarkCount);
    let mut bytes = Vec::new();
    words.copy_out(head, (tail - head) as usize, &mut bytes);
    let mut at = 0;
    let mut written_to = head;
    let mut index = 0;
    while let Some((entry, length)) = split_entry(&bytes[at..]) {
        let stored = bytes[at + 4..at + ENTRY]
            .first_chunk()
            .copied()
            .map(u32::from_le_bytes);
        let position = head + at as u64;
        // Of a frame kept aside the number; where its file is missing or damaged, its line will say so.
        let sum = checksum(&bytes[at + ENTRY..at + length]);
        let is_whole = Some(placed(sum, position)) == stored;
        let end = position + length as u64;
        let seq = match index < marked {
            true => marked_seq.checked_add(index),
            false => None,
        };
        if seq.is_some_and(|seq| last_seq.is_some_and(|last| seq <= last)) {
            written_to = end;
            if let Entry::Large(number) = entry {
                aside::remove(path, number);
            }
        } else if is_whole {
            remains.records += 1;
            if let Entry::Large(number) = entry {
                let length = aside::read(path, number).map_or(0, |frame| frame.len());
                let frame = None;
                kept.push_back(Large {
                    number,
                    end,
                    length,
                    frame,
                });
            }
        } else {
            break;
        }
        index += 1;
        at += length;
    }
    remains.damaged = (bytes.len() - at) as u64;
    let lost = words.get(Word::Lost);
    if lost > 0 {
        remains.lost = Some((
            lost,
            words.get(Word::LostFrom) as i64,
            words.get(Word::LostTo) as i64,
        ));
    }
    ring.set_ends(written_to, head + at as u64);
    kept
}
