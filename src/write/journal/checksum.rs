//! The checksum of an entry, which tells a whole one from one that has lost pages with the power.
//!
//! Two sums over stripes of the entry, after Fletcher: the first of what is in the stripes, the second of the first sums,
//! so that it matters which stripe something is in. His are modulo 2^32 - 1; modulo 2^32 high bits would vanish at even
//! distances, so the second is turned at each step. Within a stripe each half word has its own weight, which is odd: so
//! it matters where it stands, and no change of it vanishes. CRC-32 by the library finds any two bits, which
//! this does not promise; but on a calling thread that comes after a pause it costs a microsecond, for its code
//! is not in the caches then, and this is three instructions for 16 bytes. Neither is a defence
//! against somebody who writes the file.

use wide::{i16x8, i32x4, u32x4};

/// Bytes that are weighed at once.
const CHUNK: usize = 16;
/// Chunks of a stripe. The turns come round after 32 stripes; that is no number of pages.
const CHUNKS: usize = 7;

/// Odd numbers without a pattern, none as far from zero as a half word can be: then no product of two overflows.
const WEIGHTS: [[i16; CHUNK / 2]; CHUNKS] = [
    [
        -25_159, 31_229, -17_847, 7_793, 20_411, -9_437, -30_973, 14_691,
    ],
    [
        11_927, -22_069, 5_323, 28_459, -13_109, 24_877, -3_671, -19_385,
    ],
    [
        -7_211, 17_583, 26_737, -29_851, 9_049, -11_363, 21_979, -5_897,
    ],
    [
        30_187, -15_701, -1_979, 12_837, -27_241, 6_565, 18_923, -23_459,
    ],
    [
        -10_543, 23_131, -32_023, 3_149, 15_287, -20_777, 8_421, 27_695,
    ],
    [
        19_757, -4_607, 13_961, -26_333, 29_165, -16_519, -12_241, 1_413,
    ],
    [
        -21_493, 10_279, 24_203, -8_765, -18_251, 31_847, 4_973, -14_035,
    ],
];

/// Odd numbers without a pattern, one for each lane of the sums.
const MIX: [u64; 4] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
];

#[inline]
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut sums = Sums {
        // Not zero: leading zeros count too.
        first: u32x4::splat(!(bytes.len() as u32)),
        second: u32x4::ZERO,
    };
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    let (stripes, chunks) = chunks.as_chunks::<CHUNKS>();
    for stripe in stripes {
        sums.add(stripe);
    }
    let mut last = [[0; CHUNK]; CHUNKS];
    last[..chunks.len()].copy_from_slice(chunks);
    last[chunks.len()][..rest.len()].copy_from_slice(rest);
    sums.add(&last);
    sums.mixed()
}

/// The checksum of what stands at a position of the ring. Positions never come again: an entry of an earlier
/// lap, whole as it is, does not pass for one of this.
#[inline]
pub(super) fn placed(checksum: u32, position: u64) -> u32 {
    checksum ^ (position.wrapping_mul(MIX[0]) >> 32) as u32
}

struct Sums {
    first: u32x4,
    second: u32x4,
}

impl Sums {
    #[inline]
    fn add(&mut self, stripe: &[[u8; CHUNK]; CHUNKS]) {
        let mut weighed = i32x4::ZERO;
        for (chunk, weights) in stripe.iter().zip(WEIGHTS) {
            let (halves, _) = chunk.as_chunks::<2>();
            let halves = std::array::from_fn(|half| i16::from_le_bytes(halves[half]));
            weighed += i16x8::new(halves).dot(i16x8::new(weights));
        }
        self.first += u32x4::new(weighed.to_array().map(|sum| sum as u32));
        self.second = (self.second << 7 | self.second >> 25) + self.first;
    }

    #[inline]
    fn mixed(&self) -> u32 {
        let sums = self
            .first
            .to_array()
            .into_iter()
            .zip(self.second.to_array());
        let mut mixed = 0u64;
        for ((first, second), mix) in sums.zip(MIX) {
            let both = u64::from(first) << 32 | u64::from(second);
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
