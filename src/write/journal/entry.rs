//! The entries of the ring, as bytes.

/// Length and checksum, before the frame.
pub(super) const ENTRY: usize = 8;

/// The frame of the first entry in `bytes`, and the length of the entry. `None`: there is no whole one.
pub(crate) fn split_entry(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let length = entry_length(bytes)?;
    Some((bytes.get(ENTRY..length)?, length))
}

/// How long the entry is that `bytes` begin with.
pub(super) fn entry_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    ENTRY.checked_add(length as usize)
}

/// The checksum of an entry at a position. No position is used twice, so an intact entry of an earlier lap of the
/// ring does not pass for one of this lap.
#[inline]
pub(super) fn at_position(checksum: u32, position: u64) -> u32 {
    // 2^64 divided by the golden ratio: positions that are close to each other give words that are not.
    checksum ^ (position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
