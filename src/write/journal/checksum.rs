//! The checksum of an entry, which tells a whole one from one that has lost pages with the power.
//!
//! Two sums over words of 32 bits in eight lanes, after Fletcher: the first of the words, the second of the
//! first sums, so that it matters where a word stands. His are modulo 2^32 - 1; modulo 2^32 high bits would vanish
//! at even distances, so the second is turned at each step. CRC-32 by the library finds any two bits, which
//! this does not promise; but on a calling thread that comes after a pause it costs a microsecond, for its code
//! is not in the caches then, and this is a few instructions for 32 bytes. Neither is a defence
//! against somebody who writes the file.

use wide::u32x4;

const LANES: usize = 8;
const BLOCK: usize = 4 * LANES;

/// Odd numbers without a pattern, one for each lane.
const MIX: [u64; LANES] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];

#[inline]
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut sums = Sums {
        // Not zero: leading zeros count too.
        first: [u32x4::splat(!(bytes.len() as u32)); 2],
        second: [u32x4::ZERO; 2],
    };
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        sums.add(block);
    }
    match bytes.last_chunk() {
        // Together with what stands before it.
        Some(last) => sums.add(last),
        None => {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            sums.add(&last);
        }
    }
    sums.mixed()
}

/// The checksum of what stands at a position of the ring. Positions never come again: an entry of an earlier
/// lap, whole as it is, does not pass for one of this.
#[inline]
pub(super) fn placed(checksum: u32, position: u64) -> u32 {
    checksum ^ (position.wrapping_mul(MIX[0]) >> 32) as u32
}

struct Sums {
    first: [u32x4; 2],
    second: [u32x4; 2],
}

impl Sums {
    #[inline]
    fn add(&mut self, block: &[u8; BLOCK]) {
        let (words, _) = block.as_chunks::<4>();
        let words: [u32; LANES] = std::array::from_fn(|lane| u32::from_le_bytes(words[lane]));
        let (words, _) = words.as_chunks::<4>();
        let sums = self.first.iter_mut().zip(&mut self.second);
        for ((first, second), words) in sums.zip(words) {
            *first += u32x4::new(*words);
            *second = (*second << 7 | *second >> 25) + *first;
        }
    }

    #[inline]
    fn mixed(&self) -> u32 {
        let first = self.first.iter().flat_map(u32x4::as_array);
        let second = self.second.iter().flat_map(u32x4::as_array);
        let mut mixed = 0u64;
        for ((first, second), mix) in first.zip(second).zip(MIX) {
            let both = u64::from(*first) << 32 | u64::from(*second);
            mixed = mixed.wrapping_add((both ^ both >> 29).wrapping_mul(mix));
        }
        (mixed >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::checksum;

    /// Bytes that repeat, as those of records do.
    fn frame(length: usize) -> Vec<u8> {
        let text = b"user-4711 session-0815 The quick brown fox jumps over the lazy dog. ";
        text.iter().copied().cycle().take(length).collect()
    }

    #[test]
    fn every_bit_counts() {
        for length in [0, 1, 31, 32, 33, 200, 1_000] {
            let mut bytes = frame(length);
            let whole = checksum(&bytes);
            for bit in 0..8 * length {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(checksum(&bytes), whole, "bit {bit} of {length} bytes");
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn a_part_that_is_missing_shows_wherever_it_begins() {
        let bytes = frame(6_000);
        let whole = checksum(&bytes);
        let mut other = frame(12_000);
        other.drain(..6_000 - 17);
        for from in 0..bytes.len() {
            for what in [&vec![0; bytes.len()], &other] {
                // As much as lies on the pages in front, or on the page that is missing.
                for to in [bytes.len(), bytes.len().min(from + 4_096)] {
                    let mut torn = bytes.clone();
                    torn[from..to].copy_from_slice(&what[from..to]);
                    assert!(checksum(&torn) != whole || torn == bytes, "{from}..{to}");
                }
            }
        }
    }

    #[test]
    fn changes_that_cancel_in_a_sum_show() {
        let bytes = frame(1_000);
        let whole = checksum(&bytes);
        let differs = |changes: &[(usize, u8)], what: &str| {
            let mut changed = bytes.clone();
            for (place, add) in changes {
                changed[*place] = changed[*place].wrapping_add(*add);
            }
            assert!(changed == bytes || checksum(&changed) != whole, "{what}");
        };
        for place in (0..bytes.len() - 512).step_by(3) {
            for distance in (4..=512).step_by(4) {
                for bit in 0..8 {
                    let (one, two) = ((place, 1 << bit), (place + distance, 1 << bit));
                    differs(
                        &[one, two],
                        &format!("bit {bit} of {place} and {distance} on"),
                    );
                }
            }
            let [one, two, three] = [32, 64, 96].map(|behind| place + behind);
            differs(&[(place, 1), (one, 254), (two, 1)], "1 -2 1");
            differs(
                &[(place, 1), (one, 255), (two, 255), (three, 1)],
                "1 -1 -1 1",
            );
        }
    }

    #[test]
    fn words_that_change_places_and_zeros_that_are_added_show() {
        let bytes = frame(500);
        let whole = checksum(&bytes);
        for words in [1, 2, 8, 9] {
            let mut moved = bytes.clone();
            moved[..8 * words].rotate_left(4 * words);
            assert_ne!(checksum(&moved), whole, "{words} words");
        }
        let mut zeros = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for length in 0..2_000 {
            assert!(seen.insert(checksum(&zeros)), "{length} zeros");
            zeros.push(0);
        }
    }
}
