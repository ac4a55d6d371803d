//! Sets of ASCII characters, under the names that the table uses.

/// A set of ASCII characters: bit `n` stands for the character `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redact) struct Class(u128);

impl Class {
    /// The characters of the ranges, each given by its first and last one, and some more.
    pub(in crate::redact) const fn of(ranges: &[&[u8; 2]], more: &[u8]) -> Class {
        let mut bits = 0;
        let mut range = 0;
        while range < ranges.len() {
            let mut byte = ranges[range][0];
            while byte <= ranges[range][1] {
                bits |= 1 << byte;
                byte += 1;
            }
            range += 1;
        }
        let mut place = 0;
        while place < more.len() {
            bits |= 1 << more[place];
            place += 1;
        }
        Class(bits)
    }

    pub(in crate::redact) const fn contains(self, byte: u8) -> bool {
        byte < 128 && self.0 >> byte & 1 == 1
    }
}

pub(in crate::redact) const DIGIT: Class = Class::of(&[b"09"], b"");
pub(in crate::redact) const HEX: Class = Class::of(&[b"09", b"af"], b"");
pub(in crate::redact) const ANY_HEX: Class = Class::of(&[b"09", b"af", b"AF"], b"");
pub(in crate::redact) const LOWER: Class = Class::of(&[b"az"], b"");
pub(in crate::redact) const LOWER_ALNUM: Class = Class::of(&[b"09", b"az"], b"");
pub(in crate::redact) const UPPER_ALNUM: Class = Class::of(&[b"09", b"AZ"], b"");
pub(in crate::redact) const ALNUM: Class = Class::of(&[b"09", b"az", b"AZ"], b"");
pub(in crate::redact) const WORD: Class = Class::of(&[b"09", b"az", b"AZ"], b"_");
pub(in crate::redact) const LOWER_TOKEN: Class = Class::of(&[b"09", b"az"], b"_-");
pub(in crate::redact) const TOKEN: Class = Class::of(&[b"09", b"az", b"AZ"], b"_-");
pub(in crate::redact) const DOTTED: Class = Class::of(&[b"09", b"az", b"AZ"], b"_.-");
pub(in crate::redact) const DOTTED_PAD: Class = Class::of(&[b"09", b"az", b"AZ"], b"_.=-");
pub(in crate::redact) const BASE64: Class = Class::of(&[b"09", b"az", b"AZ"], b"+/");
pub(in crate::redact) const BASE64_PAD: Class = Class::of(&[b"09", b"az", b"AZ"], b"+/=");
pub(in crate::redact) const BASE64_ANY: Class = Class::of(&[b"09", b"az", b"AZ"], b"+/=_-");
pub(in crate::redact) const URLSAFE_PAD: Class = Class::of(&[b"09", b"az", b"AZ"], b"_=-");
pub(in crate::redact) const BASE32: Class = Class::of(&[b"27", b"AZ"], b"");
pub(in crate::redact) const BECH32_UPPER: Class =
    Class::of(&[], b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L");
pub(in crate::redact) const TILDE: Class = Class::of(&[b"09", b"az", b"AZ"], b"_~.-");
pub(in crate::redact) const UUID: Class = Class::of(&[b"09", b"af", b"AF"], b"-");
pub(in crate::redact) const HEX_COLON: Class = Class::of(&[b"09", b"af", b"AF"], b":");
pub(in crate::redact) const PERCENT: Class = Class::of(&[b"09", b"az", b"AZ"], b"%");
