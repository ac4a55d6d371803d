//! Which lines have gone by: those that a writer has written again are known by it.

use super::SeenRecord;

/// Lines are known so far back: as many as are written while a medium takes seconds to refuse a sync.
const MOST: usize = 1 << 20;
const FIRST: usize = 1 << 12;

/// By seq modulo their number: the seq behind it, and the beginning of the hash.
#[derive(Debug, Default)]
pub(super) struct Recent(Vec<[u64; 2]>);

impl Recent {
    pub(super) fn has(&self, entry: &SeenRecord) -> bool {
        let slot = self.0.get(self.place(entry.seq));
        slot.is_some_and(|slot| *slot == known(entry))
    }

    pub(super) fn note(&mut self, entry: &SeenRecord) {
        let is_taken = |slot: &[u64; 2]| slot[0] != 0;
        if self.0.len() < MOST && self.0.get(self.place(entry.seq)).is_none_or(is_taken) {
            self.grow();
        }
        let place = self.place(entry.seq);
        self.0[place] = known(entry);
    }

    fn grow(&mut self) {
        let size = (2 * self.0.len()).clamp(FIRST, MOST);
        let old = std::mem::replace(&mut self.0, vec![[0; 2]; size]);
        for slot in old.into_iter().filter(|slot| slot[0] != 0) {
            let place = self.place(slot[0].wrapping_sub(1));
            self.0[place] = slot;
        }
    }

    /// Their number is a power of two, so that no line costs a division.
    fn place(&self, seq: u64) -> usize {
        seq as usize & self.0.len().wrapping_sub(1)
    }
}

/// What is remembered of a record.
fn known(entry: &SeenRecord) -> [u64; 2] {
    let (begin, _) = entry.hash.as_chunks::<8>();
    [entry.seq.wrapping_add(1), u64::from_le_bytes(begin[0])]
}
