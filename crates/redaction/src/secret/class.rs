//! Sets of ASCII characters, under the names that the table uses.

/// A set of ASCII characters: bit `n` stands for the character `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u128);

impl Class {
    /// The characters of the ranges, each given by its first and last one, and some more.
    pub(crate) const fn of(ranges: &[&[u8; 2]], more: &[u8]) -> Class {
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

    pub(crate) const fn contains(self, byte: u8) -> bool {
        byte < 128 && self.0 >> byte & 1 == 1
    }
}

pub(crate) const DIGIT: Class = Class::of(&[b"09"], b"");
pub(crate) const HEX: Class = Class::of(&[b"09", b"af"], b"");
pub(crate) const ANY_HEX: Class = Class::of(&[b"09", b"af", b"AF"], b"");
pub(crate) const LOWER: Class = Class::of(&[b"az"], b"");
pub(crate) const LOWER_ALNUM: Class = Class::of(&[b"09", b"az"], b"");
pub(crate) const UPPER_ALNUM: Class = Class::of(&[b"09", b"AZ"], b"");
pub(crate) const ALNUM: Class = Class::of(&[b"09", b"az", b"AZ"], b"");
pub(crate) const WORD: Class = Class::of(&[b"09", b"az", b"AZ"], b"_");
pub(crate) const LOWER_TOKEN: Class = Class::of(&[b"09", b"az"], b"_-");
pub(crate) const TOKEN: Class = Class::of(&[b"09", b"az", b"AZ"], b"_-");
pub(crate) const DOTTED: Class = Class::of(&[b"09", b"az", b"AZ"], b"_.-");
pub(crate) const DOTTED_PAD: Class = Class::of(&[b"09", b"az", b"AZ"], b"_.=-");
pub(crate) const BASE64: Class = Class::of(&[b"09", b"az", b"AZ"], b"+/");
pub(crate) const BASE64_PAD: Class = Class::of(&[b"09", b"az", b"AZ"], b"+/=");
pub(crate) const BASE64_ANY: Class = Class::of(&[b"09", b"az", b"AZ"], b"+/=_-");
pub(crate) const URLSAFE_PAD: Class = Class::of(&[b"09", b"az", b"AZ"], b"_=-");
pub(crate) const BECH32_UPPER: Class = Class::of(&[], b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L");
pub(crate) const TILDE: Class = Class::of(&[b"09", b"az", b"AZ"], b"_~.-");
pub(crate) const UUID: Class = Class::of(&[b"09", b"af", b"AF"], b"-");
pub(crate) const HEX_COLON: Class = Class::of(&[b"09", b"af", b"AF"], b":");
pub(crate) const PERCENT: Class = Class::of(&[b"09", b"az", b"AZ"], b"%");
