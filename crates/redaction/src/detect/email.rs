//! Email addresses, found at their `@`, in any alphabet (RFC 6531).

use super::{Detector, bytes::is_alnum};
use crate::Entity;

pub(crate) const REGEX: &str = r"[\p{L}\p{M}\p{N}._%+'-]{1,64}@(?:[\p{L}\p{M}\p{N}-]{1,63}\.)+(?:xn--[A-Za-z0-9-]+|[\p{L}\p{M}]{2,24})";

/// In characters, and so many bytes at most.
const LONGEST_LOCAL: usize = 64;
const LONGEST_HOST: usize = 255;

fn is_local(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'\'' | b'-')
}

fn is_host(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'-')
}

/// Whether a character beyond ASCII may stand in a word: a letter, a digit or a mark on one.
fn is_letter(character: char) -> bool {
    !character.is_ascii()
        && (character.is_alphanumeric()
            // Marks that combine with the letter before, and signs of Hebrew, Arabic and Indic scripts.
            || matches!(character,
                '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}'
                | '\u{64b}'..='\u{65f}' | '\u{93c}' | '\u{94d}' | '\u{9bc}' | '\u{9cd}' | '\u{a3c}' | '\u{a4d}'
                | '\u{abc}' | '\u{acd}' | '\u{bcd}' | '\u{c4d}' | '\u{ccd}' | '\u{d4d}' | '\u{e47}'..='\u{e4e}'
                | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
                | '\u{3099}' | '\u{309a}' | '\u{fe20}'..='\u{fe2f}'))
}

/// Whether a character is of a script that sets no spaces between words, or adds endings to foreign ones: in front
/// of a Latin name or behind one it belongs to the sentence.
fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The character that ends at `end`.
fn last_char(bytes: &[u8], end: usize) -> Option<char> {
    let from = (1..=4).find(|length| end >= *length && bytes[end - length] & 0xc0 != 0x80)?;
    std::str::from_utf8(&bytes[end - from..end])
        .ok()?
        .chars()
        .next()
}

/// The character that begins at `at`.
fn first_char(bytes: &[u8]) -> Option<char> {
    let length = match bytes.first()? {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    std::str::from_utf8(bytes.get(..length)?)
        .ok()?
        .chars()
        .next()
}

/// `git@github.com:…` is where a repository is.
fn is_repository(local: &[u8]) -> bool {
    matches!(local, b"git" | b"hg" | b"svn")
}

impl Detector<'_> {
    pub(super) fn email(&mut self, at: usize) {
        let bytes = self.bytes;
        let mut start = at;
        let mut has_latin = false;
        for _ in 0..LONGEST_LOCAL {
            let length = match bytes[..start].last() {
                Some(byte) if is_local(*byte) => {
                    has_latin |= is_alnum(*byte);
                    1
                }
                Some(0x80..) => match last_char(bytes, start) {
                    Some(character)
                        if is_letter(character) && !(has_latin && is_unspaced(character)) =>
                    {
                        character.len_utf8()
                    }
                    _ => break,
                },
                _ => break,
            };
            start -= length;
        }
        // The letter of an escape such as `\n` belongs to it.
        if start < at && self.is_escape_letter(start) {
            start += 1;
        }
        while start < at && matches!(bytes[start], b'.' | b'\'' | b'-' | b'%') {
            start += 1;
        }
        let host = self.rest(at + 1);
        let mut length = 0;
        while length < LONGEST_HOST
            && let Some(byte) = host.get(length)
        {
            length += match byte {
                byte if is_host(*byte) => 1,
                0x80.. => {
                    match first_char(&host[length..]).filter(|character| is_letter(*character)) {
                        Some(character) => character.len_utf8(),
                        None => break,
                    }
                }
                _ => break,
            };
        }
        if let Some(length) = host_length(&host[..length])
            && start < at
            && !(self.at(at + 1 + length) == b':' && is_repository(&bytes[start..at]))
        {
            self.found(Entity::Email, start, at + 1 + length);
        }
    }
}

/// Endings of files that are no top-level domains: `icon@2x.png`.
const FILES: [&[u8]; 18] = [
    b"png", b"jpg", b"jpeg", b"gif", b"webp", b"svg", b"avif", b"tgz", b"gz", b"whl", b"tar",
    b"rpm", b"deb", b"jar", b"exe", b"dll", b"css", b"txt",
];

/// The length of the longest host name that `host` begins with: labels, then a TLD.
fn host_length(host: &[u8]) -> Option<usize> {
    let mut end = host.len();
    loop {
        let dot = host[..end].iter().rposition(|byte| *byte == b'.')?;
        let tld = &host[dot + 1..end];
        // Latin letters beyond ASCII are two bytes: `vermögensberatung`.
        let mut letters = 0;
        while let Some(length) = match tld[letters..] {
            [byte, ..] if byte.is_ascii_alphabetic() => Some(1),
            [0xc3..=0xc5, 0x80..=0xbf, ..] if letters > 0 => Some(2),
            _ => None,
        } {
            letters += length;
        }
        // What follows the letters must not make a longer word of them; a letter of another alphabet belongs to
        // the sentence.
        let is_whole = tld
            .get(letters)
            .is_none_or(|next| *next == b'-' || *next >= 0x80);
        let foreign = tld.iter().take_while(|byte| **byte >= 0x80).count();
        if dot > 0 && (is_alnum(host[dot - 1]) || host[dot - 1] >= 0x80) {
            if tld.len() > 4 && tld[..4].eq_ignore_ascii_case(b"xn--") {
                return Some(end);
            }
            // One letter is three bytes at most, as far as domains have them.
            if foreign > 3 {
                return Some(dot + 1 + foreign);
            }
            if (2..=24).contains(&letters) && is_whole {
                let is_file = FILES
                    .iter()
                    .any(|name| tld[..letters].eq_ignore_ascii_case(name));
                // `kernel@5.15.generic` is a version.
                let is_version = host[..dot]
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b'.');
                return (!is_file && !is_version).then_some(dot + 1 + letters);
            }
        }
        end = dot;
    }
}
