//! JSON as the trail writes it: `serde_json`'s values, our escapes.

use std::borrow::Cow;
use std::io::{self, Write};

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Serializer, Value};
use wide::u8x16;

use super::dangerous::{LEADS, is_dangerous};

/// Appends `text` as a JSON string that shows safely on any terminal. What is no UTF-8 in it becomes U+FFFD.
pub(crate) fn push_string(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// The text of [`push_string`], without the quotes.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    let begin = out.len();
    if escape(out, text).is_none() {
        out.truncate(begin);
        // A lossy text is UTF-8.
        let _ = escape(out, String::from_utf8_lossy(text).as_bytes());
    }
}

/// Appends a text with its escapes, or `None` and a part of it where it is no UTF-8.
///
/// Most of most texts needs no escape: 64 bytes at a time are asked whether one of them does, and what lies
/// between two that do is copied whole. A text is looked at as UTF-8 from its first byte beyond ASCII on.
fn escape(out: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    let mut escapes = Escapes {
        out,
        text,
        copied: 0,
        beyond: None,
    };
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let mut begin = 0;
    for block in blocks {
        escapes.at(begin, Special::of(block))?;
        begin += BLOCK;
    }
    let (quarters, rest) = rest.as_chunks::<LANES>();
    for quarter in quarters {
        escapes.at(begin, Special::of_lanes(*quarter))?;
        begin += LANES;
    }
    let special = match text.last_chunk() {
        // The end is looked at together with what stands before it.
        Some(last) => Special::of_lanes(*last).behind(LANES - rest.len()),
        None => Special::of_few(rest),
    };
    escapes.at(begin, special)?;
    let Escapes { out, copied, .. } = escapes;
    out.extend_from_slice(&text[copied..]);
    Some(())
}

const BLOCK: usize = 64;
const LANES: usize = 16;

/// Bytes of a block that are not copied as they are, or not always. Bit `i` stands for byte `i`.
struct Special {
    bytes: u64,
    beyond_ascii: u64,
}

impl Special {
    const NONE: Special = Special {
        bytes: 0,
        beyond_ascii: 0,
    };

    #[inline]
    fn of(block: &[u8; BLOCK]) -> Special {
        let (quarters, _) = block.as_chunks::<LANES>();
        // Mostly there is nothing in any of them.
        let any = quarters.iter().fold(u8x16::ZERO, |any, quarter| {
            let bytes = u8x16::new(*quarter);
            any | bytes | special_in_ascii(bytes)
        });
        match any.to_bitmask() {
            0 => Special::NONE,
            _ => Special::of_quarters(quarters),
        }
    }

    fn of_quarters(quarters: &[[u8; LANES]]) -> Special {
        let mut special = Special::NONE;
        for (quarter, bytes) in quarters.iter().enumerate() {
            let of_quarter = Special::of_lanes(*bytes);
            special.bytes |= of_quarter.bytes << (LANES * quarter);
            special.beyond_ascii |= of_quarter.beyond_ascii << (LANES * quarter);
        }
        special
    }

    #[inline]
    fn of_lanes(bytes: [u8; LANES]) -> Special {
        let bytes = u8x16::new(bytes);
        let mut special = special_in_ascii(bytes);
        // The highest bit is that of bytes beyond ASCII.
        let beyond_ascii = bytes.to_bitmask();
        if beyond_ascii != 0 {
            for lead in LEADS {
                special |= bytes.simd_eq(u8x16::splat(lead));
            }
        }
        Special {
            bytes: u64::from(special.to_bitmask()),
            beyond_ascii: u64::from(beyond_ascii),
        }
    }

    #[inline]
    fn is_none(&self) -> bool {
        self.bytes | self.beyond_ascii == 0
    }

    /// Byte by byte: to make lanes of a few bytes takes longer.
    #[inline]
    fn of_few(bytes: &[u8]) -> Special {
        let mut special = Special::NONE;
        let any = bytes
            .iter()
            .fold(0, |any, byte| any | CLASSES[usize::from(*byte)]);
        if any != 0 {
            for (place, byte) in bytes.iter().enumerate() {
                let class = CLASSES[usize::from(*byte)];
                special.bytes |= u64::from(class & SPECIAL) << place;
                special.beyond_ascii |= u64::from(class / BEYOND_ASCII) << place;
            }
        }
        special
    }

    /// Without the first bytes, which are in the block before.
    fn behind(self, bytes: usize) -> Special {
        Special {
            bytes: self.bytes >> bytes,
            beyond_ascii: self.beyond_ascii >> bytes,
        }
    }
}

#[inline]
fn special_in_ascii(bytes: u8x16) -> u8x16 {
    let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
    let is_control = bytes.simd_eq(bytes.min(u8x16::splat(0x1f)));
    is_control | is(b'"') | is(b'\\') | is(0x7f)
}

const SPECIAL: u8 = 1;
const BEYOND_ASCII: u8 = 2;

/// What each byte is.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            0..0x20 | b'"' | b'\\' | 0x7f => SPECIAL,
            0..0x80 => 0,
            _ => BEYOND_ASCII,
        };
        byte += 1;
    }
    let mut lead = 0;
    while lead < LEADS.len() {
        classes[LEADS[lead] as usize] |= SPECIAL;
        lead += 1;
    }
    classes
};

struct Escapes<'a> {
    out: &'a mut Vec<u8>,
    text: &'a [u8],
    /// Up to where the text is in `out`.
    copied: usize,
    /// What begins with the first byte beyond ASCII, and where that is.
    beyond: Option<(usize, &'a str)>,
}

impl Escapes<'_> {
    /// Escapes what has to be among the special bytes of the block that begins here. `None`: the text
    /// is no UTF-8.
    #[inline]
    fn at(&mut self, begin: usize, special: Special) -> Option<()> {
        match special.is_none() {
            true => Some(()),
            false => self.among(begin, special),
        }
    }

    fn among(&mut self, begin: usize, mut special: Special) -> Option<()> {
        if special.beyond_ascii != 0 && self.beyond.is_none() {
            let first = begin + special.beyond_ascii.trailing_zeros() as usize;
            self.beyond = Some((first, std::str::from_utf8(&self.text[first..]).ok()?));
        }
        while special.bytes != 0 {
            self.byte(begin + special.bytes.trailing_zeros() as usize);
            special.bytes &= special.bytes - 1;
        }
        Some(())
    }

    fn byte(&mut self, at: usize) {
        let short = |letter: u8| [b'\\', letter];
        match self.text[at] {
            b'\n' => self.replace(at, 1, &short(b'n')),
            b'\r' => self.replace(at, 1, &short(b'r')),
            b'\t' => self.replace(at, 1, &short(b't')),
            byte @ (b'"' | b'\\') => self.replace(at, 1, &short(byte)),
            byte if byte.is_ascii() => self.replace(at, 1, &unit(u16::from(byte))),
            // A lead byte under which some characters act on terminals.
            _ => {
                let character = self
                    .beyond
                    .and_then(|(first, text)| text.get(at - first..)?.chars().next());
                if let Some(character) = character.filter(|character| is_dangerous(*character)) {
                    self.replace(at, character.len_utf8(), &[]);
                    for value in character.encode_utf16(&mut [0; 2]) {
                        self.out.extend_from_slice(&unit(*value));
                    }
                }
            }
        }
    }

    /// Copies what stands in front of a place, and puts something else there.
    fn replace(&mut self, at: usize, length: usize, escape: &[u8]) {
        let before = &self.text[self.copied..at];
        self.out.extend_from_slice(before);
        self.out.extend_from_slice(escape);
        self.copied = at + length;
    }
}

/// Whether a line holds nothing that the trail escapes.
pub(crate) fn is_escaped(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| !line.contains(is_dangerous))
}

/// The escape of a UTF-16 unit.
fn unit(unit: u16) -> [u8; 6] {
    let mut escape = *b"\\u0000";
    HEXLOWER.encode_mut(&unit.to_be_bytes(), &mut escape[2..]);
    escape
}

/// Appends a number; one that JSON cannot hold becomes the string `NaN`, `Infinity` or `-Infinity`.
pub(crate) fn push_f64(out: &mut Vec<u8>, number: f64) {
    match number {
        finite if finite.is_finite() => push_number(out, finite),
        none if none.is_nan() => out.extend_from_slice(b"\"NaN\""),
        infinite if infinite > 0.0 => out.extend_from_slice(b"\"Infinity\""),
        _ => out.extend_from_slice(b"\"-Infinity\""),
    }
}

/// Appends a number that JSON can hold.
pub(crate) fn push_number(out: &mut Vec<u8>, number: impl Serialize) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, &number);
}

/// Appends something whose `Display` is JSON: a number, a truth value.
pub(crate) fn push_display(out: &mut Vec<u8>, value: &impl std::fmt::Display) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends any JSON value.
pub(crate) fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => push_string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(map) => push_object(out, map),
        scalar => push_display(out, scalar),
    }
}

/// Appends a JSON object.
pub(crate) fn push_object(out: &mut Vec<u8>, map: &Map<String, Value>) {
    out.push(b'{');
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_string(out, key);
        out.push(b':');
        push_value(out, value);
    }
    out.push(b'}');
}

/// Writes anything as JSON with the trail's escapes.
pub(crate) fn write_safely(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(to, SafeStrings))?;
    Ok(())
}

/// Anything as a JSON text with the trail's escapes.
pub(crate) fn safe_text(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    // Values that came from JSON go back to it, and a Vec takes everything.
    let _ = write_safely(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// The text with the characters that act on terminals as `\uNNNN`, all but tab and line ends.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_dangerous(c) && !matches!(c, '\t' | '\n' | '\r');
    if !may_act(text) || !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    for character in text.chars() {
        match acts(character) {
            true => character
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|value| out.extend_from_slice(&unit(*value))),
            false => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(String::from_utf8(out).unwrap_or_default())
}

/// Whether a text holds a byte with which a character that acts could begin. Most texts hold none; the
/// comparisons are written so that they become those of vectors.
fn may_act(text: &str) -> bool {
    let begins = |byte: u8| {
        let is_control = (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r');
        let is_lead = LEADS.iter().fold(false, |any, lead| any | (byte == *lead));
        is_control | is_lead | (byte == 0x7f)
    };
    let mut parts = text.as_bytes().chunks(64);
    parts.any(|part| part.iter().fold(false, |any, byte| any | begins(*byte)))
}

struct SafeStrings;

impl Formatter for SafeStrings {
    /// Gets what `serde_json` does not escape itself.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut escaped = Vec::with_capacity(text.len());
        push_escaped(&mut escaped, text);
        to.write_all(&escaped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_that_acts_begins_with_a_byte_that_may() {
        for character in '\0'..=char::MAX {
            let text = format!("a{character}");
            let acts = is_dangerous(character) && !matches!(character, '\t' | '\n' | '\r');
            assert!(!acts || may_act(&text), "{character:?}");
            assert_eq!(without_controls(&text) != text, acts, "{character:?}");
        }
        assert!(!may_act("für einen Tag\t\r\n"));
    }

    #[test]
    fn every_character_survives_and_none_acts_on_a_terminal() {
        for code in 0..=0x10_ffff {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let text = format!("a{character}b");
            let mut out = Vec::new();
            push_string(&mut out, &text);
            let json = String::from_utf8(out).expect("UTF-8");
            assert!(
                !json.chars().any(is_dangerous),
                "U+{code:04X} stands bare in {json:?}"
            );
            let back: String = serde_json::from_str(&json).expect("JSON");
            assert_eq!(back, text, "U+{code:04X}");
        }
    }

    #[test]
    fn escapes_are_the_same_wherever_they_stand_in_a_block() {
        let specials = [
            "\"",
            "\\",
            "\n",
            "\0",
            "\u{7f}",
            "\u{85}",
            "\u{202e}",
            "é",
            "日",
            "\u{e0041}",
        ];
        for length in [0, 1, 62, 63, 64, 65, 127, 128, 129] {
            for special in specials {
                for place in 0..=length {
                    let text = format!(
                        "{}{special}{special}{}",
                        "a".repeat(place),
                        "b".repeat(length - place)
                    );
                    let mut whole = Vec::new();
                    push_escaped(&mut whole, &text);
                    let mut single = Vec::new();
                    for character in text.chars() {
                        push_escaped(&mut single, &*character.encode_utf8(&mut [0; 4]));
                    }
                    assert_eq!(whole, single, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_become_a_text() {
        let parts: [&[u8]; 6] = [
            b"a",
            b"\"",
            "\u{202e}".as_bytes(),
            b"\xff",
            b"\xe2\x80",
            b"\xc2",
        ];
        for length in [0, 1, 15, 16, 17, 63, 64, 65, 130] {
            for first in parts {
                for second in parts {
                    let fill = vec![b'x'; length];
                    let bytes = [&fill, first, second, &fill, first].concat();
                    let (mut raw, mut lossy) = (Vec::new(), Vec::new());
                    push_string(&mut raw, &bytes);
                    push_string(&mut lossy, &*String::from_utf8_lossy(&bytes));
                    assert_eq!(raw, lossy, "{bytes:?}");
                    let back: String = serde_json::from_slice(&raw).expect("JSON");
                    assert_eq!(back, String::from_utf8_lossy(&bytes));
                }
            }
        }
    }

    #[test]
    fn numbers_that_json_lacks_become_words() {
        let mut out = Vec::new();
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5] {
            push_f64(&mut out, number);
        }
        assert_eq!(out, b"\"NaN\"\"Infinity\"\"-Infinity\"1.5");
    }
}
