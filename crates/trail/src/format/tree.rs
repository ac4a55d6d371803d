//! The Merkle tree over the lines of a trail (RFC 6962, section 2.1, SHA-256).
//!
//! Line N without its line feed is leaf N. Of a tree nobody needs more than its *frontier*: the roots
//! of the complete subtrees that it consists of, one for each bit of its size.

use sha2::{Digest as _, Sha256};

#[cfg(feature = "read")]
mod inclusion;
#[cfg(feature = "read")]
pub(crate) use inclusion::{Inclusion, root_of};

/// A node of the tree.
pub(crate) type Hash = [u8; 32];

/// The first byte of what is hashed says whether it is a leaf or a node.
const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// The hash of a leaf: a line without its line feed.
pub fn leaf(line: &[u8]) -> Hash {
    let hash = Sha256::new().chain_update(LEAF).chain_update(line);
    hash.finalize().into()
}

/// The hash of the node above two.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    let hash = Sha256::new().chain_update(NODE);
    hash.chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The leaves so far, as the roots of complete subtrees, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// `None`: a tree of that size has another number of nodes.
    pub fn new(size: u64, nodes: Vec<Hash>) -> Option<Frontier> {
        (nodes.len() == size.count_ones() as usize).then_some(Frontier { size, nodes })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Adds a complete subtree of 2^level leaves where one begins.
    fn push_subtree(&mut self, level: u32, root: Hash) {
        let mut hash = root;
        for _ in 0..(self.size >> level).trailing_ones() {
            let left = self.nodes.pop();
            hash = node(
                &left.expect("invariant: a node for each bit of the size"),
                &hash,
            );
        }
        self.nodes.push(hash);
        self.size += 1 << level;
    }

    /// Adds leaves of empty lines up to a size: they stand for records that are missing.
    pub fn skip_to(&mut self, size: u64) {
        while self.size < size {
            let level = self.size.trailing_zeros().min((size - self.size).ilog2());
            let empty = (0..level).fold(leaf(b""), |empty, _| node(&empty, &empty));
            self.push_subtree(level, empty);
        }
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        match self.nodes.split_last() {
            None => Sha256::digest([]).into(),
            Some((last, larger)) => larger
                .iter()
                .rev()
                .fold(*last, |right, left| node(left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_that_are_missing_are_empty_lines() {
        for (from, to) in [(0, 9), (5, 5), (5, 64), (7, 200), (64, 65)] {
            let mut one_by_one = Frontier::default();
            (0..from).for_each(|n: u64| one_by_one.push(leaf(&n.to_le_bytes())));
            let mut at_once = one_by_one.clone();
            at_once.skip_to(to);
            (from..to).for_each(|_| one_by_one.push(leaf(b"")));
            assert_eq!(at_once, one_by_one);
        }
    }
}
