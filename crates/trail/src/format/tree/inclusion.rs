//! Inclusion proofs: that a leaf is in a tree.

use std::ops::Range;

use super::{Frontier, Hash, node};

impl Frontier {
    /// The part from one leaf up to another, if complete subtrees begin and end there.
    fn part(&self, leaves: Range<u64>) -> Option<Frontier> {
        let (mut at, mut part) = (0, Frontier::default());
        for (bit, node) in bits(self.size).zip(&self.nodes) {
            if at >= leaves.start && at + bit <= leaves.end {
                part.nodes.push(*node);
                part.size += bit;
            }
            at += bit;
        }
        (part.size == leaves.end - leaves.start).then_some(part)
    }
}

/// The bits of a size, the largest first.
fn bits(size: u64) -> impl Iterator<Item = u64> {
    (0..64)
        .rev()
        .map(|bit| 1 << bit)
        .filter(move |bit| size & bit != 0)
}

/// The proof that a leaf is in a tree, while the leaves go by (RFC 9162, section 2.1.3.1).
#[derive(Debug)]
pub(crate) struct Inclusion {
    index: u64,
    /// What stands beside the path from the leaf to the root, the lowest first: a range of leaves,
    /// and what was seen of it.
    beside: Vec<(Range<u64>, Frontier)>,
}

impl Inclusion {
    /// Of leaf `index` in the tree of `size` leaves, of which those in front of `begun` have gone by.
    /// `None`: what would be needed of these is not known any more.
    pub(crate) fn new(index: u64, size: u64, begun: &Frontier) -> Option<Inclusion> {
        let (mut from, mut to) = (0, size);
        let mut beside = Vec::new();
        while to - from > 1 {
            // The left subtree is the largest complete one that leaves something to the right.
            let middle = from + (to - from).next_power_of_two() / 2;
            let range = if index < middle {
                middle..std::mem::replace(&mut to, middle)
            } else {
                std::mem::replace(&mut from, middle)..middle
            };
            let seen = begun.part(range.start.min(begun.size)..range.end.min(begun.size))?;
            beside.push((range, seen));
        }
        beside.reverse();
        Some(Inclusion { index, beside })
    }

    /// A leaf goes by.
    pub(crate) fn note(&mut self, index: u64, leaf: Hash) {
        for (range, seen) in &mut self.beside {
            if range.contains(&index) && range.start + seen.size() == index {
                seen.push(leaf);
            }
        }
    }

    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    /// The hashes of the proof. `None`: not all leaves have gone by.
    pub(crate) fn hashes(&self) -> Option<Vec<Hash>> {
        let hashes = self
            .beside
            .iter()
            .map(|(range, seen)| (seen.size() == range.end - range.start).then(|| seen.root()));
        hashes.collect()
    }
}

/// The root of the tree of `size` leaves in which a leaf has this proof (RFC 9162, section 2.1.3.2).
/// `None`: no such tree has a proof of that shape.
pub(crate) fn root_of(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = leaf;
    for beside in proof {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node(beside, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, beside);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::super::leaf;
    use super::*;

    /// As RFC 6962 defines it.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node(&mth(left), &mth(right))
            }
        }
    }

    #[test]
    fn roots_and_proofs_are_those_of_the_definition() {
        let leaves: Vec<Hash> = (0_u32..70).map(|n| leaf(&n.to_le_bytes())).collect();
        let mut frontiers = vec![Frontier::default()];
        for leaf in &leaves {
            let mut next = frontiers[frontiers.len() - 1].clone();
            next.push(*leaf);
            frontiers.push(next);
        }
        for (size, frontier) in frontiers.iter().enumerate() {
            assert_eq!(frontier.root(), mth(&leaves[..size]));
            for index in 0..size {
                // From the beginning, and from wherever a kept part of a trail may begin.
                for (begun, kept) in frontiers.iter().enumerate().take(index + 1) {
                    let proof = Inclusion::new(index as u64, size as u64, kept);
                    let mut proof = proof.expect("what is needed is in the frontier");
                    for (place, leaf) in leaves.iter().enumerate().take(size).skip(begun) {
                        proof.note(place as u64, *leaf);
                    }
                    let hashes = proof.hashes().expect("all leaves have gone by");
                    let root = root_of(index as u64, size as u64, leaves[index], &hashes);
                    assert_eq!(
                        root,
                        Some(frontier.root()),
                        "{index} of {size} from {begun}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_proof_of_another_shape_proves_nothing() {
        let leaf = leaf(b"x");
        assert_eq!(root_of(0, 1, leaf, &[]), Some(leaf));
        assert_eq!(root_of(1, 1, leaf, &[]), None);
        assert_eq!(root_of(0, 1, leaf, &[leaf]), None);
        assert_eq!(root_of(0, 3, leaf, &[leaf]), None);
        assert_eq!(root_of(0, 3, leaf, &[leaf, leaf, leaf]), None);
    }
}
