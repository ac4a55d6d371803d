//! IP and hardware addresses: IPv4 at the first digit of a group, the others at colons, dots
//! and hyphens.

use std::net::Ipv6Addr;

use super::Detector;
use super::bytes::{is_alnum, is_token, number};
use crate::Entity;
use crate::words::{Words, words};

pub(crate) const REGEX: &str = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f:.]{0,39}(?:/[0-9]{1,3})?";
pub(crate) const MAC_REGEX: &str = r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}";

/// The longest text of an IPv6 address, with an IPv4 address at its end.
const LONGEST_V6: usize = 45;

/// How far before an address of four numbers the words stand that make it a version.
const VERSION_REACH: usize = 12;
static VERSION_WORDS: Words = Words::new(|| {
    words("version|release|build|ver|rev|v|section|chapter|package|firmware|netmask".split('|'))
});

/// Whether a text is of groups of so many hex digits, with a separator between two.
fn is_grouped(text: &[u8], length: usize, separator: u8) -> bool {
    let mut bytes = text.iter().enumerate();
    bytes.all(|(place, byte)| match place % (length + 1) == length {
        true => *byte == separator,
        false => byte.is_ascii_hexdigit(),
    })
}

fn is_v6(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

impl Detector<'_> {
    pub(super) fn ipv4(&mut self, start: usize) -> Option<usize> {
        let before = self.before(start);
        if is_token(before) && before != b'-'
            || before == b'.' && self.before(start - 1).is_ascii_digit()
        {
            return None;
        }
        let mut at = start;
        for part in 0..4 {
            let digits = self.digit_run(at);
            if !(1..=3).contains(&digits) || number(&self.bytes[at..at + digits]) > 255 {
                return None;
            }
            at += digits;
            if part < 3 {
                if self.at(at) != b'.' {
                    return None;
                }
                at += 1;
            }
        }
        let after = self.at(at);
        let is_range = after == b'-' && self.rest(at + 1).iter().take(4).any(|byte| *byte == b'.');
        let goes_on = is_alnum(after)
            || after == b'_'
            || matches!(after, b'.' | b'-') && is_alnum(self.at(at + 1)) && !is_range;
        // Nobody's address: none, everybody, or a mask.
        let is_nobodys = matches!(&self.bytes[start..at], b"0.0.0.0")
            || self.bytes[start..at].starts_with(b"255.");
        if goes_on || is_nobodys || self.is_version(start, at) {
            return None;
        }
        let end = self.network(at, 32);
        self.found(Entity::Ip, start, end);
        Some(end)
    }

    /// Where the length of a network behind an address ends, such as `/24`, or the address itself.
    fn network(&self, end: usize, longest: u64) -> usize {
        let digits = match self.at(end) {
            b'/' => self.digit_run(end + 1),
            _ => 0,
        };
        let behind = end + 1 + digits;
        let goes_on = is_alnum(self.at(behind))
            || self.at(behind) == b'.' && self.at(behind + 1).is_ascii_digit();
        let is_length =
            || (1..=3).contains(&digits) && number(&self.bytes[end + 1..behind]) <= longest;
        match !goes_on && is_length() {
            true => behind,
            false => end,
        }
    }

    /// Four numbers that are a version: behind a word that says so, a hyphen behind a word, or, as in
    /// a user agent, behind `Name/` with nothing but zeros at the end.
    fn is_version(&self, start: usize, end: usize) -> bool {
        let before = self.before(start);
        if before == b'-' && is_alnum(self.before(start - 1)) {
            // The end of a range, or an address behind a host's name: versions have small numbers.
            let mut parts = self.bytes[start..end].split(|byte| *byte == b'.');
            return parts.all(|part| part.len() < 3) && !self.ends_range(start - 1);
        }
        let behind_name = before == b'/' && self.before(start - 1).is_ascii_alphabetic();
        behind_name && self.bytes[start..end].ends_with(b".0.0")
            || self
                .words_before(start, VERSION_REACH, &VERSION_WORDS)
                .any(|(_, end)| !self.at(end).is_ascii_alphabetic())
    }

    /// Whether four numbers with dots end here.
    fn ends_range(&self, end: usize) -> bool {
        let length = self.run_before(end, 15, |byte| byte.is_ascii_digit() || byte == b'.');
        let text = self.bytes[end - length..end].iter();
        text.filter(|byte| **byte == b'.').count() == 3
    }

    /// Looks for an IPv6 or hardware address in the run of their characters around two colons that
    /// stand close together. Each run is looked at once.
    pub(super) fn colons(&mut self, colon: usize) {
        let mut start = colon - self.run_before(colon, colon - self.colons_end, is_v6);
        let mut end = colon + self.run(colon, usize::MAX, is_v6);
        self.colons_end = end;
        // The end of a sentence is not the address's.
        end -= self.run_before(end, end - start, |byte| byte == b'.');
        // Nor is the end of a word in front of it: `id:fe80::1`.
        let is_in_word = is_alnum(self.before(start)) || self.before(start) == b'_';
        if is_in_word
            && let Some(word) = self.bytes[start..end].iter().position(|byte| *byte == b':')
            && (word <= 2
                || self.bytes[start..start + word]
                    .iter()
                    .all(u8::is_ascii_alphabetic))
        {
            start += word + 1;
        }
        // Nor what separates it from what follows.
        if end > start + 2 && self.bytes[end - 1] == b':' && self.bytes[end - 2] != b':' {
            end -= 1;
        }
        if end - start > LONGEST_V6 || self.colon_mac(start, end) {
            return;
        }
        // A colon in front may separate the address from what is before.
        let is_single = self.at(start) == b':' && self.at(start + 1) != b':';
        let mut starts = [start, start + usize::from(is_single)].into_iter();
        if let Some(start) = starts.find(|start| self.is_ipv6(*start, end)) {
            let end = self.network(end, 128);
            self.found(Entity::Ip, start, end);
        }
    }

    fn is_ipv6(&self, start: usize, end: usize) -> bool {
        let (before, after) = (self.before(start), self.at(end));
        if is_alnum(before) || before == b'_' || is_alnum(after) || after == b'_' {
            return false;
        }
        let Ok(text) = std::str::from_utf8(&self.bytes[start..end]) else {
            return false;
        };
        let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        // `[::2]` is a slice, `dead::beef` a path of names.
        (text == "::1" || hex >= 3 && has_digit) && text.parse::<Ipv6Addr>().is_ok()
    }

    fn colon_mac(&mut self, start: usize, end: usize) -> bool {
        // Longer rows of pairs are fingerprints.
        let is_mac = end - start == 17 && is_grouped(&self.bytes[start..end], 2, b':');
        if is_mac && self.is_mac_at(start, end) {
            self.found(Entity::Mac, start, end);
        }
        is_mac
    }

    /// A run of token characters that begins at `start`: pairs with hyphens?
    pub(super) fn hyphen_mac(&mut self, start: usize, end: usize) {
        let is_mac = end - start == 17 && is_grouped(&self.bytes[start..end], 2, b'-');
        if is_mac && self.is_mac_at(start, end) {
            self.found(Entity::Mac, start, end);
        }
    }

    /// Two dots five bytes apart, the second at `dot`: Cisco's form?
    #[inline(never)]
    pub(super) fn dot_mac(&mut self, dot: usize) {
        let (Some(start), end) = (dot.checked_sub(9), dot + 5) else {
            return;
        };
        let Some(text) = self.bytes.get(start..end) else {
            return;
        };
        let goes_on =
            self.before(start) == b'.' || self.at(end) == b'.' && is_alnum(self.at(end + 1));
        if is_grouped(text, 4, b'.') && !goes_on && self.is_mac_at(start, end) {
            self.found(Entity::Mac, start, end);
        }
    }

    fn is_mac_at(&self, start: usize, end: usize) -> bool {
        let all = |wanted: u8| {
            let mut digits = self.bytes[start..end]
                .iter()
                .filter(|b| b.is_ascii_hexdigit());
            digits.all(|byte| byte.eq_ignore_ascii_case(&wanted))
        };
        !is_token(self.before(start)) && !is_token(self.at(end)) && !all(b'0') && !all(b'F')
    }
}
