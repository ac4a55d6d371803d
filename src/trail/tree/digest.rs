//! The hashes of leaves and nodes: SHA-256 of a byte that says which of them it is, and what it stands for.
//!
//! Of many, two are under way at a time. Where a line ends the next one begins, whatever lengths they have.

use super::Hash;
use crate::sha256::{BLOCK, Block, INITIAL, State, bytes_of, compress, compress_two};

const LEAF: u8 = 0;
const NODE: u8 = 1;

pub(crate) fn leaf(line: &[u8]) -> Hash {
    let mut lane = Lane::default();
    lane.begin(line);
    lane.finish()
}

/// The hashes of many leaves.
pub(crate) fn leaves<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<Hash> {
    let mut lines = lines.into_iter();
    let mut hashes = Vec::with_capacity(lines.size_hint().0);
    let mut lanes = [Lane::default(), Lane::default()];
    'lines: loop {
        for lane in &mut lanes {
            if lane.message.is_over() {
                let Some(line) = lines.next() else {
                    break 'lines;
                };
                lane.begin(line);
                lane.place = hashes.len();
                hashes.push([0; 32]);
            }
        }
        let [one, two] = &mut lanes;
        let blocks = [one.message.blocks(), two.message.blocks()];
        let both = blocks[0].len().min(blocks[1].len());
        compress_two(
            [&mut one.state, &mut two.state],
            blocks.map(|blocks| &blocks[..both]),
        );
        for lane in [one, two] {
            lane.message.advance(both);
            if lane.message.is_over() {
                hashes[lane.place] = bytes_of(lane.state);
            }
        }
    }
    for lane in &mut lanes {
        if !lane.message.is_over() {
            hashes[lane.place] = lane.finish();
        }
    }
    hashes
}

/// The hash of the node above two.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    let mut state = INITIAL;
    compress(&mut state, &node_blocks(&[*left, *right]));
    bytes_of(state)
}

/// The hashes of the nodes above many pairs.
pub(super) fn nodes(pairs: &[[Hash; 2]]) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(pairs.len());
    let (twos, last) = pairs.as_chunks::<2>();
    for [first, second] in twos {
        let [mut one, mut two] = [INITIAL; 2];
        compress_two(
            [&mut one, &mut two],
            [&node_blocks(first), &node_blocks(second)],
        );
        hashes.extend([bytes_of(one), bytes_of(two)]);
    }
    hashes.extend(last.iter().map(|[left, right]| node(left, right)));
    hashes
}

#[inline]
fn node_blocks([left, right]: &[Hash; 2]) -> [Block; 2] {
    const BITS: u64 = 8 * 65;
    let mut blocks = [[0; BLOCK]; 2];
    let bytes = blocks.as_flattened_mut();
    bytes[0] = NODE;
    bytes[1..33].copy_from_slice(left);
    bytes[33..65].copy_from_slice(right);
    bytes[65] = END;
    bytes[2 * BLOCK - 8..].copy_from_slice(&BITS.to_be_bytes());
    blocks
}

/// What SHA-256 puts behind a message, in front of zeros and its length.
const END: u8 = 0x80;

/// A leaf that is being hashed.
#[derive(Default)]
struct Lane<'a> {
    state: State,
    message: Message<'a>,
    /// Whose hash it will be.
    place: usize,
}

impl<'a> Lane<'a> {
    #[inline]
    fn begin(&mut self, line: &'a [u8]) {
        self.state = INITIAL;
        self.message.begin(line);
    }

    fn finish(&mut self) -> Hash {
        while !self.message.is_over() {
            let blocks = self.message.blocks();
            compress(&mut self.state, blocks);
            self.message.advance(blocks.len());
        }
        bytes_of(self.state)
    }
}

/// A leaf as blocks: they are taken from where they stand, and only the first and the last are copied. It is
/// filled where it is, for to move it takes a tenth of the time that all this takes. The last are filled when they
/// are needed, behind those in front of them: the end of a line that is new to this core takes long to come.
struct Message<'a> {
    line: &'a [u8],
    first: [Block; 1],
    whole: &'a [Block],
    last: [Block; 2],
    last_count: usize,
    /// Which of the three comes next, and its next block.
    part: Part,
    at: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    First,
    Whole,
    Last,
}

impl Default for Message<'_> {
    /// One that is over.
    fn default() -> Self {
        Message {
            line: &[],
            first: [[0; BLOCK]],
            whole: &[],
            last: [[0; BLOCK]; 2],
            last_count: 0,
            part: Part::Last,
            at: 0,
        }
    }
}

impl<'a> Message<'a> {
    #[inline]
    fn begin(&mut self, line: &'a [u8]) {
        self.line = line;
        match line.split_first_chunk::<{ BLOCK - 1 }>() {
            Some((head, rest)) => {
                let [block] = &mut self.first;
                block[0] = LEAF;
                block[1..].copy_from_slice(head);
                self.whole = rest.as_chunks().0;
                (self.part, self.at) = (Part::First, 0);
            }
            None => {
                self.whole = &[];
                self.fill_last();
            }
        }
    }

    /// Goes on with what stands behind the whole blocks.
    #[inline]
    fn fill_last(&mut self) {
        let filled = (1 + self.line.len()) % BLOCK;
        self.last = [[0; BLOCK]; 2];
        let [block, _] = &mut self.last;
        match self.line.len() < BLOCK - 1 {
            true => {
                block[0] = LEAF;
                block[1..filled].copy_from_slice(self.line);
            }
            false => block[..filled].copy_from_slice(&self.line[self.line.len() - filled..]),
        }
        block[filled] = END;
        self.last_count = 1 + usize::from(filled >= BLOCK - 8);
        let bits = 8 * (self.line.len() as u64 + 1);
        self.last[self.last_count - 1][BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
        (self.part, self.at) = (Part::Last, 0);
    }

    /// Its next blocks, as many as stand together.
    #[inline]
    fn blocks(&self) -> &[Block] {
        match self.part {
            Part::First => &self.first,
            Part::Whole => &self.whole[self.at..],
            Part::Last => &self.last[self.at..self.last_count],
        }
    }

    /// Behind so many of those.
    #[inline]
    fn advance(&mut self, count: usize) {
        self.at += count;
        if self.part == Part::First {
            (self.part, self.at) = (Part::Whole, 0);
        }
        if self.part == Part::Whole && self.at == self.whole.len() {
            self.fill_last();
        }
    }

    #[inline]
    fn is_over(&self) -> bool {
        self.part == Part::Last && self.at == self.last_count
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn hashes_are_those_of_the_library() {
        let bytes: Vec<u8> = (0..700).map(|n| (n * 7 + n / 251) as u8).collect();
        let expected = |line: &[u8]| -> Hash {
            let hash = Sha256::new().chain_update([0]).chain_update(line);
            hash.finalize().into()
        };
        for length in 0..300 {
            let line = &bytes[..length];
            assert_eq!(leaf(line), expected(line), "{length}");
        }
        // Beside lines that end sooner or later, and with one more or less.
        let lengths = [0, 1, 54, 55, 62, 63, 64, 118, 119, 126, 127, 128, 700];
        for first in lengths {
            for second in lengths {
                for count in 0..=6 {
                    let lines =
                        [first, second, 5, first, 63, second].map(|length| &bytes[..length]);
                    let hashes: Vec<Hash> = lines
                        .iter()
                        .take(count)
                        .map(|line| expected(line))
                        .collect();
                    assert_eq!(
                        leaves(lines.into_iter().take(count)),
                        hashes,
                        "{first} {second} {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn nodes_are_those_of_the_library() {
        let pairs: Vec<[Hash; 2]> = (0..7).map(|n: u8| [[n; 32], [n + 100; 32]]).collect();
        for count in 0..=pairs.len() {
            let expected: Vec<Hash> = pairs[..count]
                .iter()
                .map(|pair| {
                    let hash = Sha256::new()
                        .chain_update([1])
                        .chain_update(pair.as_flattened());
                    hash.finalize().into()
                })
                .collect();
            assert_eq!(nodes(&pairs[..count]), expected);
            let single: Vec<Hash> = pairs[..count]
                .iter()
                .map(|[left, right]| node(left, right))
                .collect();
            assert_eq!(single, expected);
        }
    }
}
