//! Lines on their way to the trail, and the memory that they stand in.

use std::sync::Arc;

/// A batch of lines is written when it has grown to this many bytes.
pub(super) const BATCH: usize = 256 << 10;

/// Memory for lines has room for a batch, and for the entries that make it larger than that.
const ROOM: usize = BATCH + BATCH / 4;
/// What grew past this is not kept.
pub(super) const LARGEST_KEPT: usize = 8 * BATCH;
/// As many are kept as may be waiting to be hashed, and one that is filled.
const MOST_ROOMS: usize = 6;

/// Whole lines, numbered from `first` on.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    /// Where each of them ends, behind its line feed.
    pub(super) ends: Vec<usize>,
    pub(super) first: u64,
}

impl Lines {
    /// One, with its line feed.
    pub(super) fn one(number: u64, line: Vec<u8>) -> Lines {
        Lines {
            ends: vec![line.len()],
            bytes: line,
            first: number,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The number of the next one.
    pub(super) fn next(&self) -> u64 {
        self.first + self.count()
    }
}

/// The memory of lines that are written, and may still be being hashed.
#[derive(Default)]
pub(super) struct Rooms(Vec<Arc<Lines>>);

impl Rooms {
    /// Room for lines: where there is one, that of lines that nobody reads any more. The last of them was written last, and
    /// is in the caches.
    pub(super) fn take(&mut self) -> Lines {
        let Rooms(kept) = self;
        let free = kept
            .iter_mut()
            .rposition(|lines| Arc::get_mut(lines).is_some());
        let lines = free.and_then(|place| Arc::into_inner(kept.remove(place)));
        let mut lines = lines.unwrap_or_else(|| Lines {
            bytes: Vec::with_capacity(ROOM),
            ..Lines::default()
        });
        lines.bytes.clear();
        lines.ends.clear();
        lines
    }

    /// Keeps the memory of lines that are written.
    pub(super) fn keep(&mut self, lines: Arc<Lines>) {
        let is_usual = (BATCH..=LARGEST_KEPT).contains(&lines.bytes.capacity());
        if is_usual && self.0.len() < MOST_ROOMS {
            self.0.push(lines);
        }
    }

    /// Keeps one at most, as long as there is little to do.
    pub(super) fn shrink(&mut self) {
        self.0.truncate(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_lines_is_used_again_when_nobody_reads_them() {
        let mut rooms = Rooms::default();
        let mut lines = rooms.take();
        let memory = lines.bytes.as_ptr();
        lines.bytes.extend_from_slice(b"a line\n");
        lines.ends.push(7);
        let read = Arc::new(lines);
        rooms.keep(read.clone());
        assert_ne!(rooms.take().bytes.as_ptr(), memory, "somebody reads it");
        drop(read);
        let again = rooms.take();
        assert_eq!(again.bytes.as_ptr(), memory);
        assert!(again.bytes.is_empty() && again.ends.is_empty());
    }

    #[test]
    fn memory_that_grew_large_and_more_than_is_needed_is_not_kept() {
        let mut rooms = Rooms::default();
        for bytes in [BATCH - 1, LARGEST_KEPT + 1] {
            rooms.keep(Arc::new(Lines::one(0, Vec::with_capacity(bytes))));
        }
        assert_eq!(rooms.0.len(), 0);
        for _ in 0..2 * MOST_ROOMS {
            rooms.keep(Arc::new(Lines::one(0, Vec::with_capacity(BATCH))));
        }
        assert_eq!(rooms.0.len(), MOST_ROOMS);
        rooms.shrink();
        assert_eq!(rooms.0.len(), 1);
    }
}
