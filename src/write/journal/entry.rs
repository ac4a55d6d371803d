//! The entries of the ring, as bytes.

/// Length and checksum, before the frame.
pub(super) const ENTRY: usize = 8;

/// Stands for the length of an entry whose frame is kept aside.
pub(super) const ASIDE: u32 = 1 << 31;

/// One entry of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Frame(&'a [u8]),
    /// The frame is kept aside, under this number.
    Large(u64),
}

/// Takes the first entry off `bytes`, and says how long it is. `None`: there is no whole one.
pub(crate) fn split_entry(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    let length = entry_length(bytes)?;
    let payload = bytes.get(ENTRY..length)?;
    let entry = match is_aside(bytes) {
        true => Entry::Large(u64::from_le_bytes(*payload.first_chunk()?)),
        false => Entry::Frame(payload),
    };
    Some((entry, length))
}

/// How long the entry is that `bytes` begin with.
pub(super) fn entry_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    let size = if is_aside(bytes) { 8 } else { length as usize };
    ENTRY.checked_add(size)
}

fn is_aside(bytes: &[u8]) -> bool {
    bytes.first_chunk() == Some(&ASIDE.to_le_bytes())
}
