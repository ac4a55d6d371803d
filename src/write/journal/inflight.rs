//! Which entries were given seqs last.

use super::ring::{Ring, Word};

/// No entry is marked.
pub(super) const NO_SEQ: u64 = u64::MAX;

/// `count` entries from `position` on have consecutive seqs from `seq` on.
pub(super) struct InFlightEntries {
    pub(super) position: u64,
    pub(super) count: u64,
    pub(super) seq: u64,
}

impl InFlightEntries {
    pub(super) fn of(ring: &Ring) -> InFlightEntries {
        InFlightEntries {
            position: ring.get(Word::MarkPosition),
            count: ring.get(Word::MarkCount),
            seq: ring.get(Word::MarkSeq),
        }
    }

    /// A process that dies meanwhile leaves none.
    pub(super) fn set(self, ring: &mut Ring) {
        ring.set(Word::MarkSeq, NO_SEQ);
        ring.set(Word::MarkPosition, self.position);
        ring.set(Word::MarkCount, self.count);
        ring.set(Word::MarkSeq, self.seq);
    }

    /// How many of its entries, if they begin at the head, the trail has.
    pub(super) fn written(&self, head: u64, last_seq: Option<u64>) -> u64 {
        match last_seq {
            Some(last) if self.position == head && self.seq <= last => {
                self.count.min((last - self.seq).saturating_add(1))
            }
            _ => 0,
        }
    }

    /// The `seq` behind its entries. If the trail goes on there with what was emitted, the header of the journal is
    /// older than the trail, as it may be after a loss of power.
    pub(super) fn next_seq(&self, head: u64) -> Option<u64> {
        let is_known = self.seq != NO_SEQ && self.position <= head;
        self.seq.checked_add(self.count).filter(|_| is_known)
    }
}
