//! JSON as the trail writes it: `serde_json`'s values, our escapes.

use std::borrow::Cow;
use std::io::{self, Write};

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use stinger_audit_redaction::internal::{UNSAFE_LEADS as LEADS, is_unsafe_to_display};

/// Appends `text` as a JSON string that shows safely on any terminal. What is no UTF-8 in it becomes U+FFFD.
pub fn push_string(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// The text of [`push_string`], without the quotes.
pub fn push_escaped(out: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    // Faster than the lossy conversion where there is nothing to convert.
    let text = std::str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::from);
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (block, begin) in bytes.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        // Most blocks are copied as they are.
        let is_plain = match <&[u8; BLOCK]>::try_from(block) {
            Ok(whole) => is_plain(whole),
            Err(_) => is_plain(block),
        };
        if is_plain {
            continue;
        }
        for (byte, at) in block.iter().zip(begin..) {
            let mut escape = [0; 12];
            let (length, escape): (usize, &[u8]) = match *byte {
                b'\n' => (1, br"\n"),
                b'\r' => (1, br"\r"),
                b'\t' => (1, br"\t"),
                b'"' => (1, br#"\""#),
                b'\\' => (1, br"\\"),
                byte if may_act(byte) => match text[at..].chars().next() {
                    Some(character) if is_unsafe_to_display(character) => {
                        (character.len_utf8(), units(character, &mut escape))
                    }
                    _ => continue,
                },
                _ => continue,
            };
            out.extend_from_slice(&bytes[copied..at]);
            out.extend_from_slice(escape);
            copied = at + length;
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// So many bytes are looked at together.
const BLOCK: usize = 32;

/// Whether a block is ASCII that nobody escapes. Every byte is looked at, so that the comparisons become those of vectors.
#[inline]
fn is_plain(block: &[u8]) -> bool {
    block.iter().fold(true, |is_plain, byte| {
        is_plain & (byte.wrapping_sub(0x20) < 0x5f) & (*byte != b'"') & (*byte != b'\\')
    })
}

/// Whether a dangerous character may begin with this byte.
#[inline]
fn may_act(byte: u8) -> bool {
    byte < 0x20 || byte >= 0x7f && (byte == 0x7f || LEADS.contains(&byte))
}

/// Whether a line holds nothing that the trail escapes.
pub fn is_escaped(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| !line.contains(is_unsafe_to_display))
}

/// A character as escaped UTF-16 units.
fn units(character: char, escape: &mut [u8; 12]) -> &[u8] {
    let mut length = 0;
    for unit in character.encode_utf16(&mut [0; 2]) {
        escape[length..length + 2].copy_from_slice(br"\u");
        HEXLOWER.encode_mut(&unit.to_be_bytes(), &mut escape[length + 2..length + 6]);
        length += 6;
    }
    &escape[..length]
}

/// Appends a number; one that JSON cannot hold becomes the string `NaN`, `Infinity` or `-Infinity`.
pub fn push_f64(out: &mut Vec<u8>, number: f64) {
    match number {
        finite if finite.is_finite() => push_value(out, &finite),
        none if none.is_nan() => out.extend_from_slice(b"\"NaN\""),
        infinite if infinite > 0.0 => out.extend_from_slice(b"\"Infinity\""),
        _ => out.extend_from_slice(b"\"-Infinity\""),
    }
}

/// Appends anything as JSON with the trail's escapes.
pub fn push_value(out: &mut Vec<u8>, value: &impl Serialize) {
    // Values that came from JSON go back to it, and a Vec takes everything.
    let _ = write_safely(out, value);
}

/// Writes anything as JSON with the trail's escapes.
pub fn write_safely(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(to, SafeStrings))?;
    Ok(())
}

/// Anything as a JSON text with the trail's escapes.
pub fn safe_text(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    push_value(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// The text with the characters that act on terminals as `\uNNNN`, all but tab and line ends.
pub fn without_controls(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_unsafe_to_display(c) && !matches!(c, '\t' | '\n' | '\r');
    let may_act = |byte| may_act(byte) && !matches!(byte, b'\t' | b'\n' | b'\r');
    if !text.bytes().any(may_act) || !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    for character in text.chars() {
        match acts(character) {
            true => out.extend_from_slice(units(character, &mut [0; 12])),
            false => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(String::from_utf8(out).unwrap_or_default())
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
            let acts = is_unsafe_to_display(character) && !matches!(character, '\t' | '\n' | '\r');
            assert!(!acts || text.bytes().any(may_act), "{character:?}");
            assert_eq!(without_controls(&text) != text, acts, "{character:?}");
        }
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
                !json.chars().any(is_unsafe_to_display),
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
