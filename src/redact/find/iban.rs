//! International bank account numbers, found where two letters are followed by two digits.

use super::Finder;
use super::bytes::is_alnum;
use crate::redact::Entity;

pub(in crate::redact) const REGEX: &str = r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}";

impl Finder<'_> {
    #[inline(never)]
    pub(super) fn iban(&mut self, start: usize) {
        if is_alnum(self.before(start)) {
            return;
        }
        let country = [
            self.bytes[start].to_ascii_uppercase(),
            self.bytes[start + 1].to_ascii_uppercase(),
        ];
        let Ok(place) = COUNTRIES.binary_search_by(|(known, _)| (*known).cmp(&country)) else {
            return;
        };
        let length = usize::from(COUNTRIES[place].1);
        // A country's numbers have one length: the candidate is cut there.
        let (mut count, mut at) = (4, start + 4);
        // The value of the number without its first four characters, modulo 97.
        let mut sum = 0_u32;
        while count < length {
            let mut byte = self.at(at);
            if matches!(byte, b' ' | b'-') {
                at += 1;
                byte = self.at(at);
            }
            if !is_alnum(byte) {
                return;
            }
            sum = modulo(sum, byte);
            count += 1;
            at += 1;
        }
        for byte in &self.bytes[start..start + 4] {
            sum = modulo(sum, *byte);
        }
        if sum == 1 && !is_alnum(self.at(at)) {
            self.found(Entity::Iban, start, at);
        }
    }
}

/// One more character at the end of a number, modulo 97. Letters count from 10.
fn modulo(sum: u32, byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        letter => (sum * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    }
}

/// Countries and the lengths of their numbers, as the registry publishes them.
pub(in crate::redact) static COUNTRIES: [([u8; 2], u8); 89] = [
    (*b"AD", 24),
    (*b"AE", 23),
    (*b"AL", 28),
    (*b"AT", 20),
    (*b"AZ", 28),
    (*b"BA", 20),
    (*b"BE", 16),
    (*b"BG", 22),
    (*b"BH", 22),
    (*b"BI", 27),
    (*b"BR", 29),
    (*b"BY", 28),
    (*b"CH", 21),
    (*b"CR", 22),
    (*b"CY", 28),
    (*b"CZ", 24),
    (*b"DE", 22),
    (*b"DJ", 27),
    (*b"DK", 18),
    (*b"DO", 28),
    (*b"EE", 20),
    (*b"EG", 29),
    (*b"ES", 24),
    (*b"FI", 18),
    (*b"FK", 18),
    (*b"FO", 18),
    (*b"FR", 27),
    (*b"GB", 22),
    (*b"GE", 22),
    (*b"GI", 23),
    (*b"GL", 18),
    (*b"GR", 27),
    (*b"GT", 28),
    (*b"HN", 28),
    (*b"HR", 21),
    (*b"HU", 28),
    (*b"IE", 22),
    (*b"IL", 23),
    (*b"IQ", 23),
    (*b"IR", 26),
    (*b"IS", 26),
    (*b"IT", 27),
    (*b"JO", 30),
    (*b"KW", 30),
    (*b"KZ", 20),
    (*b"LB", 28),
    (*b"LC", 32),
    (*b"LI", 21),
    (*b"LT", 20),
    (*b"LU", 20),
    (*b"LV", 21),
    (*b"LY", 25),
    (*b"MC", 27),
    (*b"MD", 24),
    (*b"ME", 22),
    (*b"MK", 19),
    (*b"MN", 20),
    (*b"MR", 27),
    (*b"MT", 31),
    (*b"MU", 30),
    (*b"NI", 28),
    (*b"NL", 18),
    (*b"NO", 15),
    (*b"OM", 23),
    (*b"PK", 24),
    (*b"PL", 28),
    (*b"PS", 29),
    (*b"PT", 25),
    (*b"QA", 29),
    (*b"RO", 24),
    (*b"RS", 22),
    (*b"RU", 33),
    (*b"SA", 24),
    (*b"SC", 31),
    (*b"SD", 18),
    (*b"SE", 24),
    (*b"SI", 19),
    (*b"SK", 24),
    (*b"SM", 27),
    (*b"SO", 23),
    (*b"ST", 25),
    (*b"SV", 28),
    (*b"TL", 23),
    (*b"TN", 24),
    (*b"TR", 26),
    (*b"UA", 29),
    (*b"VA", 22),
    (*b"VG", 24),
    (*b"XK", 20),
];
