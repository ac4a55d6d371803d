//! Addresses of Bitcoin and Ethereum, found as long runs of token characters.

use sha2::{Digest as _, Sha256};

use super::Detector;
use crate::Entity;

pub(crate) const REGEX: &str =
    r"[13][1-9A-HJ-NP-Za-km-z]{24,34}|(?:bc1|BC1|tb1|TB1)[0-9A-Za-z]{11,71}|0x[0-9A-Fa-f]{40}";

impl Detector<'_> {
    /// A whole run of letters and digits.
    pub(super) fn crypto(&mut self, start: usize, end: usize) {
        // A name may be joined to it: `wallet_0x…`.
        let joined = self.bytes[start..end]
            .iter()
            .rposition(|byte| matches!(byte, b'_' | b'-'));
        let start = joined.map_or(start, |at| start + at + 1);
        let text = &self.bytes[start..end];
        let is_address = match text {
            // The case of the digits can be a checksum (EIP-55), but not every wallet writes or keeps it.
            [b'0', b'x', hex @ ..] => hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit),
            [b'1' | b'3', ..] if (25..=35).contains(&text.len()) => is_base58check(text),
            [b'b' | b'B' | b't' | b'T', ..] => is_bech32(text),
            _ => false,
        };
        if is_address {
            self.found(Entity::Crypto, start, end);
        }
    }
}

fn is_base58check(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    // Version, hash and checksum.
    let mut number = [0_u8; 25];
    for byte in text {
        let Some(digit) = ALPHABET.iter().position(|known| known == byte) else {
            return false;
        };
        let mut carry = digit as u32;
        for place in number.iter_mut().rev() {
            carry += u32::from(*place) * 58;
            *place = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, checksum) = number.split_at(21);
    Sha256::digest(Sha256::digest(payload))[..4] == *checksum
}

fn is_bech32(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const LONGEST: usize = 90;
    let is_one_case =
        !(text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase));
    if !is_one_case
        || text.len() > LONGEST
        || text.len() < 14
        || !(text[..3].eq_ignore_ascii_case(b"bc1") || text[..3].eq_ignore_ascii_case(b"tb1"))
    {
        return false;
    }
    let mut sum = 1_u32;
    let mut add = |value: u32| {
        const GENERATORS: [u32; 5] = [
            0x3b6a_57b2,
            0x2650_8e6d,
            0x1ea1_19fa,
            0x3d42_33dd,
            0x2a14_62b3,
        ];
        let top = sum >> 25;
        sum = (sum & 0x01ff_ffff) << 5 ^ value;
        for (bit, generator) in GENERATORS.iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
    };
    let human = &text[..2];
    for byte in human {
        add(u32::from(byte.to_ascii_lowercase() >> 5));
    }
    add(0);
    for byte in human {
        add(u32::from(byte.to_ascii_lowercase() & 31));
    }
    for byte in &text[3..] {
        let lower = byte.to_ascii_lowercase();
        let Some(value) = ALPHABET.iter().position(|known| *known == lower) else {
            return false;
        };
        add(value as u32);
    }
    const BECH32: u32 = 1;
    const BECH32M: u32 = 0x2bc8_30a3;
    matches!(sum, BECH32 | BECH32M)
}
