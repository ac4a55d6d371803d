//! Bloom filters: a key that was put in is always found, one that was not seldom.

use sha2::{Digest as _, Sha256};

/// One key of a hundred and twenty is found by mistake.
const BITS_PER_KEY: usize = 10;
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
    let mut filter = vec![0; (keys.len() * BITS_PER_KEY).div_ceil(8)];
    let length = filter.len();
    for bit in keys.iter().flat_map(|key| bits(*key, length)) {
        filter[bit / 8] |= 1 << (bit % 8);
    }
    filter
}

pub(super) fn may_hold(filter: &[u8], key: u64) -> bool {
    let is_set = |bit: usize| filter[bit / 8] >> (bit % 8) & 1 == 1;
    !filter.is_empty() && bits(key, filter.len()).all(is_set)
}

/// The bits of a key, in a filter of so many bytes.
fn bits(key: u64, length: usize) -> impl Iterator<Item = usize> {
    let (first, step) = (key as u32, (key >> 32) as u32 | 1);
    (0..PROBES).map(move |probe| {
        let hash = u64::from(first).wrapping_add(probe * u64::from(step));
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (length as u64 * 8)) as usize
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
        assert!(keys.iter().all(|key| may_hold(&filter, *key)));
        let strangers = (0..20_000).map(|number| key(2, &number.to_string()));
        let mistakes = strangers.filter(|key| may_hold(&filter, *key)).count();
        assert!(mistakes < 400, "{mistakes} of 20,000");
        assert!(!may_hold(&[], keys[0]));
    }
}
