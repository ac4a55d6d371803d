//! The checksum of an entry, which tells a whole one from one that has lost pages with the power.
//!
//! Two sums over stripes of the entry, after Fletcher: the first of what is in the stripes, the second of the first sums,
//! so that it matters which stripe something is in. Within a stripe each half word has a weight of its own. The weights
//! are primes, and the second sum is multiplied at each step: so in the sums no two bytes that are changed cancel, up
//! to 14 MiB apart. CRC-32 by the library is as good; but on a calling thread that comes after a pause it costs a
//! microsecond, for its code is not in the caches then, and this is three instructions for 16 bytes. Neither is a
//! defence against somebody who writes the file.

use wide::{i16x8, i32x4, u32x4};

/// Bytes that are weighed at once.
const CHUNK: usize = 16;
/// Chunks of a stripe.
const CHUNKS: usize = 7;

/// Primes between 2^14 and 2^15. A byte changes a half word by less than 2^16: what two of them make is no 2^32, and
/// nothing where only the weights are the same and the changes opposite. What two products make is no 2^31.
const WEIGHTS: [[i16; CHUNK / 2]; CHUNKS] = [
    [
        -26_141, -25_537, 17_033, -29_231, 30_293, -18_041, -22_283, 23_011,
    ],
    [
        29_573, 21_001, -29_401, 29_303, -22_369, -18_451, -24_709, -23_399,
    ],
    [
        -21_419, 27_617, -19_037, -27_431, -29_881, 28_097, 24_671, 24_379,
    ],
    [
        30_781, -23_873, -23_911, -20_549, 26_501, 17_921, 28_183, -31_481,
    ],
    [
        -21_211, -31_181, -32_467, 18_481, 23_563, -28_771, -24_473, 21_599,
    ],
    [
        27_179, 23_827, 21_673, 17_137, -24_917, -22_397, -16_981, -20_011,
    ],
    [
        25_799, -23_279, -20_101, -19_157, -19_211, 20_731, -29_209, 23_327,
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
        // Times 2^17 + 2^2 + 1: a change of a byte and its opposite cancel 2^17 stripes apart at the soonest.
        let times = (self.second << 17) + (self.second << 2) + self.second;
        self.second = times + self.first;
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
    use super::{CHUNK, CHUNKS, WEIGHTS, checksum};

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
    fn weights_are_primes_each_once() {
        let mut weights: Vec<i16> = WEIGHTS.as_flattened().to_vec();
        weights.iter_mut().for_each(|weight| *weight = weight.abs());
        weights.sort();
        assert!(weights.windows(2).all(|two| two[0] < two[1]));
        for weight in weights {
            assert!(weight > 1 << 14);
            assert!((2..182).all(|divisor| weight % divisor != 0), "{weight}");
        }
    }

    #[test]
    fn two_bytes_that_are_changed_show_wherever_they_stand() {
        let stripe = CHUNK * CHUNKS;
        let shows = |bytes: &[u8], changes: [(usize, i8); 2]| {
            let mut changed = bytes.to_vec();
            for (place, by) in changes {
                changed[place] = changed[place].wrapping_add_signed(by);
            }
            assert_ne!(checksum(&changed), checksum(bytes), "{changes:?}");
        };
        // In one stripe, as digits change.
        let short = frame(stripe + 10);
        let places = (0..stripe).step_by(3);
        for (one, two) in places.flat_map(|one| (one + 1..stripe).map(move |two| (one, two))) {
            for by_one in [1, 3, 5, 8] {
                (-9..=9).for_each(|by_two| shows(&short, [(one, by_one), (two, by_two)]));
            }
        }
        // In the same place of two stripes, by opposites.
        let long = frame(40 * stripe);
        for distance in [1, 2, 3, 4, 8, 16, 31, 32, 38] {
            for place in 0..stripe {
                for by in [1, 64] {
                    shows(&long, [(place, by), (place + distance * stripe, -by)]);
                }
            }
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
