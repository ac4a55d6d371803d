//! Bloom filters: a key that was put in is always found, one that was not seldom.

use sha2::{Digest as _, Sha256};

/// How a filter is made.
#[derive(Clone, Copy)]
pub(super) struct Form {
    bits_per_key: usize,
    probes: u64,
}

/// For a file: one of eighteen is found by mistake. It is read for each query, so it is small.
pub(super) const FILE: Form = Form {
    bits_per_key: 6,
    probes: 4,
};

/// For a block: one of a hundred and twenty is found by mistake.
pub(super) const BLOCK: Form = Form {
    bits_per_key: 10,
    probes: 7,
};

/// An id of some kind, hashed.
pub(super) fn key(kind: u8, id: &str) -> u64 {
    let sum = Sha256::new()
        .chain_update([kind])
        .chain_update(id)
        .finalize();
    u64::from_le_bytes(*sum.first_chunk().expect("invariant: the sum has 32 bytes"))
}

impl Form {
    /// A filter that holds these keys.
    pub(super) fn filter(self, keys: &[u64]) -> Vec<u8> {
        let mut filter = vec![0; (keys.len() * self.bits_per_key).div_ceil(8)];
        let bits = filter.len() as u64 * 8;
        for key in keys {
            for bit in self.bits(*key, bits) {
                filter[(bit / 8) as usize] |= 1 << (bit % 8);
            }
        }
        filter
    }

    pub(super) fn read(self, filter: &[u8]) -> Bloom<'_> {
        Bloom { form: self, filter }
    }

    fn bits(self, key: u64, bits: u64) -> impl Iterator<Item = u64> {
        let (first, step) = (key as u32, (key >> 32) as u32 | 1);
        (0..self.probes).map(move |probe| {
            let hash = u64::from(first).wrapping_add(probe * u64::from(step));
            hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) % bits.max(1)
        })
    }
}

/// A filter, read.
#[derive(Clone, Copy)]
pub(super) struct Bloom<'f> {
    form: Form,
    filter: &'f [u8],
}

impl Bloom<'_> {
    pub(super) fn may_hold(self, key: u64) -> bool {
        let bits = self.filter.len() as u64 * 8;
        let is_set = |bit: u64| self.filter[(bit / 8) as usize] >> (bit % 8) & 1 == 1;
        bits > 0 && self.form.bits(key, bits).all(is_set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_little_else() {
        let keys: Vec<u64> = (0..2_000)
            .map(|number| key(1, &number.to_string()))
            .collect();
        for (form, at_most) in [(FILE, 1_800), (BLOCK, 400)] {
            let filter = form.filter(&keys);
            let bloom = form.read(&filter);
            assert!(keys.iter().all(|key| bloom.may_hold(*key)));
            let strangers = (0..20_000).map(|number| key(2, &number.to_string()));
            let mistakes = strangers.filter(|key| bloom.may_hold(*key)).count();
            assert!(mistakes < at_most, "{mistakes} of 20,000");
            assert!(!form.read(&[]).may_hold(keys[0]));
        }
    }
}
