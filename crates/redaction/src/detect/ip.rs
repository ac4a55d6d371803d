//! IP and hardware addresses: IPv4 at the first digit of a group, the others at colons, dots
//! and hyphens.

use std::net::Ipv6Addr;

use super::Detector;
use super::bytes::{is_alnum, is_token, number};
use crate::Entity;
use crate::words::{Words, words};

pub(crate) const REGEX: &str = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f:.]{0,39}(?:%[0-9A-Za-z_.-]{1,32})?(?:/[0-9]{1,3})?";
pub(crate) const MAC_REGEX: &str = r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}";

/// The longest text of an IPv6 address, with an IPv4 address at its end.
const LONGEST_V6: usize = 45;

/// How far before an address of four numbers the words stand that make it a version.
const VERSION_REACH: usize = 12;
static VERSION_WORDS: Words = Words::new(|| {
    words("version|release|build|ver|rev|v|section|chapter|package|firmware|netmask|oid".split('|'))
});
/// What an address may stand directly behind, and no version: `Host 10.0.0.1`, `tcp/10.0.0.1`.
const HOST_WORDS: &str = "ip|ipv4|ip4|addr|address|host|server|client|peer|node|gateway|router|dns|resolver|nameserver|\
    proxy|tcp|udp|http|https|ping|ssh|from|to|at|via|for|by|source|src|destination|dst|dest|remote|local|subnet|\
    network|range|cidr|connect|connected|block|blocked|ban|banned|allow|allowed|deny|denied|user|login";
/// The longest name of a program that is looked at.
const LONGEST_PROGRAM: usize = 64;
/// Above it, a part of a version is rare, and four parts of an address below it are one in four thousand.
const GREATEST_SMALL_PART: u64 = 31;
const RESOLVERS: [&[u8]; 5] = [b"1.1.1.1", b"1.0.0.1", b"8.8.8.8", b"8.8.4.4", b"9.9.9.9"];
/// How far before six pairs of decimal digits the words stand that make it a hardware address.
const MAC_REACH: usize = 16;
static MAC_WORDS: Words = Words::new(|| words("mac|hwaddr|ether|bssid|lladdr".split('|')));
/// Names of network interfaces are shorter in Linux; `%25` is `%` in a URL.
const LONGEST_ZONE: usize = 32;

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

    /// Four numbers that are a version: behind a word that says so, a hyphen behind a word, or the name of a
    /// program.
    fn is_version(&self, start: usize, end: usize) -> bool {
        let before = self.before(start);
        if self.is_behind_program(start, end) || self.bytes[..start].ends_with(b"==") {
            return true;
        }
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

    /// Whether four numbers stand behind the name of a program, as in `LibreOffice/24.8.4.2` of a user agent,
    /// `Newtonsoft.Json 13.0.1.0` or, with small numbers, `Firefox 24.8.4.2`.
    fn is_behind_program(&self, start: usize, end: usize) -> bool {
        let separator = self.before(start);
        if start == 0 || !matches!(separator, b' ' | b'/') || self.at(end) == b'/' {
            return false;
        }
        let in_name = |byte: u8| is_token(byte) || matches!(byte, b'.' | b'+' | b'#');
        let begin = start - 1 - self.run_before(start - 1, LONGEST_PROGRAM, in_name);
        let name = &self.bytes[begin..start - 1];
        let is_host = || {
            let mut hosts = HOST_WORDS.split('|');
            hosts.any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
        };
        // What stands in a path or behind a sign is no program.
        if !name.first().is_some_and(u8::is_ascii_alphabetic)
            || !name
                .last()
                .is_some_and(|byte| is_alnum(*byte) || *byte == b'+' || *byte == b'#')
            || matches!(self.before(begin), b'/' | b'@' | b':' | b'=' | b'\\')
            || is_host()
        {
            return false;
        }
        let is_capital = name[0].is_ascii_uppercase();
        let is_dotted = || {
            let mut parts = name.split(|byte| *byte == b'.');
            parts.clone().count() > 1
                && parts.all(|part| part.first().is_some_and(u8::is_ascii_uppercase))
        };
        let address = &self.bytes[start..end];
        let is_small = || {
            let mut parts = address.split(|byte| *byte == b'.');
            parts.all(|part| number(part) <= GREATEST_SMALL_PART)
                && !address.starts_with(b"10.")
                && !RESOLVERS.contains(&address)
        };
        // Java writes `web-41/192.0.2.7`: a name of lower case or with digits may be a host's.
        let is_product = is_capital
            && name.iter().any(u8::is_ascii_lowercase)
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphabetic() || *byte == b'.')
            && !address.starts_with(b"192.168.")
            && address != b"127.0.0.1";
        is_dotted()
            || separator == b'/' && is_product
            || (is_capital || separator == b'/') && is_small()
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
            let end = self.network(self.zone_end(end), 128);
            self.found(Entity::Ip, start, end);
        }
    }

    /// Where the zone behind an address ends, such as `%eth0` (RFC 4007), or the address itself.
    fn zone_end(&self, end: usize) -> usize {
        let in_zone = |byte: u8| is_token(byte) || byte == b'.';
        let length = match self.at(end) {
            b'%' => self.run(end + 1, LONGEST_ZONE, in_zone),
            _ => return end,
        };
        let zone = end + 1 + length;
        // The end of a sentence is not the zone's.
        let zone = zone - self.run_before(zone, length, |byte| byte == b'.');
        match zone > end + 1 && !is_alnum(self.at(zone)) {
            true => zone,
            false => end,
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
        !is_token(self.before(start))
            && !is_token(self.at(end))
            && !all(b'0')
            && !all(b'F')
            && !self.is_moment(start, end)
    }

    /// Six pairs of decimal digits are a date and a time, or six numbers, unless a word says otherwise:
    /// one hardware address in three hundred has no letter. With colons they are only what is a date and a time.
    fn is_moment(&self, start: usize, end: usize) -> bool {
        let text = &self.bytes[start..end];
        if text.len() != 17 || text.iter().any(u8::is_ascii_alphabetic) {
            return false;
        }
        let mut pairs = text.chunks(3).map(|pair| number(&pair[..2]));
        let [a, b, c, hour, minute, second] = std::array::from_fn(|_| pairs.next().unwrap_or(99));
        let (month, day) = (1..=12, 1..=31);
        let is_date = month.contains(&b) && (day.contains(&a) || day.contains(&c))
            || month.contains(&a) && day.contains(&b);
        let is_time = hour < 24 && minute < 60 && second < 60;
        (text[2] == b'-' || is_date && is_time)
            && !self.has_word_before(start, MAC_REACH, &MAC_WORDS)
    }
}
