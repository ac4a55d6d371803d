//! Classes of ASCII bytes, and sums over digits.

pub(crate) fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub(crate) fn is_token(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'_' | b'-')
}

/// The values of the digits among `bytes`.
pub(crate) fn digits(bytes: &[u8]) -> impl DoubleEndedIterator<Item = u32> + Clone {
    bytes
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| u32::from(byte - b'0'))
}

/// The number that the digits among `bytes` make: at most nineteen.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    digits(bytes).fold(0, |number, digit| number * 10 + u64::from(digit))
}

/// ISO 7064, MOD 97-10, over the letters and digits: letters count from 10.
pub(crate) fn mod97<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> bool {
    let characters = bytes.into_iter().map(|byte| char::from(*byte));
    let values = characters.filter_map(|character| character.to_digit(36));
    let rest = values.fold(0, |sum, value| match value {
        0..=9 => (sum * 10 + value) % 97,
        _ => (sum * 100 + value) % 97,
    });
    rest == 1
}

pub(crate) fn luhn(bytes: &[u8]) -> bool {
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
pub(crate) fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0_u32; 128];
    for byte in bytes {
        counts[usize::from(byte & 0x7f)] += 1;
    }
    let counts = counts.into_iter().filter(|count| *count > 0);
    let shares = counts.map(|count| count as f32 / bytes.len() as f32);
    shares.map(|share| -share * share.log2()).sum()
}
