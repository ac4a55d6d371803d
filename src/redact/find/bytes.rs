//! Classes of ASCII bytes, and sums over digits.

pub(in crate::redact) fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub(in crate::redact) fn is_token(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'_' | b'-')
}

/// The values of the digits among `bytes`.
pub(in crate::redact) fn digits(bytes: &[u8]) -> impl DoubleEndedIterator<Item = u32> + Clone {
    bytes
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| u32::from(byte - b'0'))
}

pub(in crate::redact) fn luhn(bytes: &[u8]) -> bool {
    let sum: u32 = digits(bytes)
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Shannon entropy in bits per byte.
pub(in crate::redact) fn entropy(bytes: impl Iterator<Item = u8>) -> f32 {
    let mut counts = [0_u32; 128];
    let mut total = 0_u32;
    for byte in bytes {
        counts[usize::from(byte & 0x7f)] += 1;
        total += 1;
    }
    let total = total as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = *count as f32 / total;
            -share * share.log2()
        })
        .sum()
}
