//! Bloom filters: a key that was put in is always found, one that was not in one of a hundred.

use sha2::{Digest as _, Sha256};

/// Bits for each key, and probes: one in a hundred and twenty is found by mistake.
const BITS: usize = 10;
const PROBES: u64 = 7;

/// An id of some kind, hashed.
pub(super) fn key(kind: u8, id: &str) -> u64 {
    let sum = Sha256::new()
        .chain_update([kind])
        .chain_update(id)
        .finalize();
    u64::from_le_bytes(*sum.first_chunk().expect("invariant: the sum has 32 bytes"))
}

/// A filter that holds these keys.
pub(super) fn filter(keys: &[u64]) -> Vec<u8> {
    let mut filter = vec![0; (keys.len() * BITS).div_ceil(8)];
    let bits = filter.len() as u64 * 8;
    for key in keys {
        for bit in probes(*key, bits) {
            filter[(bit / 8) as usize] |= 1 << (bit % 8);
        }
    }
    filter
}

/// A filter, read.
#[derive(Clone, Copy)]
pub(super) struct Bloom<'f>(&'f [u8]);

impl<'f> Bloom<'f> {
    pub(super) fn of(filter: &'f [u8]) -> Bloom<'f> {
        Bloom(filter)
    }

    pub(super) fn may_hold(self, key: u64) -> bool {
        let bits = self.0.len() as u64 * 8;
        bits > 0 && probes(key, bits).all(|bit| self.0[(bit / 8) as usize] >> (bit % 8) & 1 == 1)
    }
}

fn probes(key: u64, bits: u64) -> impl Iterator<Item = u64> {
    let (first, step) = (key as u32, (key >> 32) as u32 | 1);
    (0..PROBES).map(move |probe| {
        let hash = u64::from(first).wrapping_add(probe * u64::from(step));
        hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) % bits.max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_little_else() {
        let keys: Vec<u64> = (0..2_000)
            .map(|number| key(1, &number.to_string()))
            .collect();
        let filter = filter(&keys);
        let bloom = Bloom::of(&filter);
        assert!(keys.iter().all(|key| bloom.may_hold(*key)));
        let strangers = (0..20_000).map(|number| key(2, &number.to_string()));
        let mistakes = strangers.filter(|key| bloom.may_hold(*key)).count();
        assert!(mistakes < 400, "{mistakes} of 20,000");
        assert!(!Bloom::of(&[]).may_hold(keys[0]));
    }
}
