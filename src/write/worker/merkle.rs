//! The Merkle tree of a trail while it grows. The worker adds each line once the line is written.

use super::line_batch::LineBatch;
use crate::format::internal::{Frontier, Hint, hint, leaf, skip_missing};

/// A seal lists the hints of at most this many leaves.
pub(crate) const MOST_LEAVES: usize = 1 << 16;

#[derive(Default)]
pub(crate) struct GrowingTree {
    frontier: Frontier,
    /// The hints of the leaves since the last seal, with that seal's own.
    hints: Vec<Hint>,
}

impl GrowingTree {
    pub(crate) fn new(frontier: Frontier, hints: Vec<Hint>) -> GrowingTree {
        GrowingTree { frontier, hints }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    pub(crate) fn hints(&self) -> &[Hint] {
        &self.hints
    }

    /// Adds the lines that the tree does not have yet. Empty leaves take the `seq` of missing lines.
    pub(crate) fn push(&mut self, batch: &LineBatch) {
        if batch.first > self.size() {
            skip_missing(
                &mut self.frontier,
                &mut self.hints,
                batch.first,
                MOST_LEAVES,
            );
        }
        let known = usize::try_from(self.size() - batch.first).unwrap_or(usize::MAX);
        for line in batch.lines().skip(known) {
            let leaf = leaf(line);
            self.frontier.push(leaf);
            self.hints.push(hint(&leaf));
        }
    }

    /// A seal over all lines so far is written: returns the hints since the seal before it.
    pub(crate) fn take_hints(&mut self) -> Vec<Hint> {
        std::mem::take(&mut self.hints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: u64, count: u64) -> LineBatch {
        let mut batch = LineBatch::begin(first);
        for seq in first..first + count {
            let length = (seq * 37 % 900) as usize;
            batch
                .bytes
                .extend(std::iter::repeat_n(b'a' + (seq % 26) as u8, length));
            batch.bytes.push(b'\n');
            batch.ends.push(batch.bytes.len());
        }
        batch
    }

    #[test]
    fn lines_that_come_again_are_added_once() {
        let mut whole = GrowingTree::default();
        whole.push(&batch(0, 40));
        let mut again = GrowingTree::default();
        for (first, count) in [(0, 10), (4, 6), (7, 24), (31, 9)] {
            again.push(&batch(first, count));
        }
        assert_eq!(again.frontier(), whole.frontier());
        assert_eq!(again.hints(), whole.hints());
        assert_eq!((again.size(), again.take_hints().len()), (40, 40));
        assert!(again.hints().is_empty());
    }

    #[test]
    fn an_empty_leaf_takes_the_seq_of_each_missing_line() {
        let mut tree = GrowingTree::default();
        tree.push(&batch(0, 3));
        tree.push(&batch(5, 1));
        let mut expected = GrowingTree::default();
        expected.push(&batch(0, 3));
        expected.push(&LineBatch {
            bytes: b"\n\n".to_vec(),
            ends: vec![1, 2],
            first: 3,
        });
        expected.push(&batch(5, 1));
        assert_eq!(tree.frontier(), expected.frontier());
        assert_eq!(tree.hints(), expected.hints());
    }
}
