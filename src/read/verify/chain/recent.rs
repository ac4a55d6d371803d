//! Which lines have gone by: those that a writer has written again are known by it.

use super::Entry;

/// Lines are known so far back: as many as are written while a medium takes seconds to refuse a sync.
const MOST: usize = 1 << 20;
const FIRST: usize = 1 << 12;

/// By seq modulo their number: the seq behind it, and the beginning of the hash.
#[derive(Default)]
pub(super) struct Recent(Vec<[u64; 2]>);

impl Recent {
    pub(super) fn has(&self, entry: &Entry) -> bool {
        !self.0.is_empty() && self.0[place(entry.seq, self.0.len())] == known(entry)
    }

    pub(super) fn note(&mut self, entry: &Entry) {
        if self.0.len() < MOST
            && (self.0.is_empty() || self.0[place(entry.seq, self.0.len())][0] != 0)
        {
            self.grow();
        }
        let place = place(entry.seq, self.0.len());
        self.0[place] = known(entry);
    }

    fn grow(&mut self) {
        let size = (2 * self.0.len()).clamp(FIRST, MOST);
        let old = std::mem::replace(&mut self.0, vec![[0; 2]; size]);
        for slot in old.into_iter().filter(|slot| slot[0] != 0) {
            self.0[place(slot[0].wrapping_sub(1), size)] = slot;
        }
    }
}

fn place(seq: u64, slots: usize) -> usize {
    seq as usize % slots
}

/// What is remembered of a record.
fn known(entry: &Entry) -> [u64; 2] {
    let (begin, _) = entry.hash.as_chunks::<8>();
    [entry.seq.wrapping_add(1), u64::from_le_bytes(begin[0])]
}
