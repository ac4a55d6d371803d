//! JSON as the trail writes it: `serde_json`'s values, our escapes.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Serializer, Value};

/// Appends `text` as a JSON string that shows safely on any terminal.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// The escapes of [`push_string`], without the quotes.
///
/// Runs without a special byte are copied whole; a special byte is either escaped
/// itself or begins a character that `must_escape` decides on.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match CLASS[byte as usize] {
            PLAIN => at += 1,
            SHORT => {
                out.extend_from_slice(&bytes[copied..at]);
                let letter = match byte {
                    b'\n' => b'n',
                    b'\r' => b'r',
                    b'\t' => b't',
                    other => other,
                };
                out.extend_from_slice(&[b'\\', letter]);
                at += 1;
                copied = at;
            }
            LONG => {
                out.extend_from_slice(&bytes[copied..at]);
                push_unit(out, u16::from(byte));
                at += 1;
                copied = at;
            }
            _ => {
                // A lead byte under which some characters act on terminals.
                let Some(character) = text[at..].chars().next() else {
                    break;
                };
                let length = character.len_utf8();
                if must_escape(character) {
                    out.extend_from_slice(&bytes[copied..at]);
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        push_unit(out, *unit);
                    }
                    copied = at + length;
                }
                at += length;
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// Characters beyond ASCII that move the cursor, reorder or hide text.
fn must_escape(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}'         // C1 controls
        | '\u{ad}'                  // soft hyphen
        | '\u{61c}'                 // Arabic letter mark
        | '\u{180e}'                // Mongolian vowel separator
        | '\u{200b}'..='\u{200f}'   // zero-width, directional marks
        | '\u{2028}'..='\u{202e}'   // separators, bidi embeddings
        | '\u{2060}'..='\u{206f}'   // word joiner, bidi isolates
        | '\u{feff}'                // byte order mark
        | '\u{fff9}'..='\u{fffb}'   // interlinear annotation
        | '\u{e0000}'..='\u{e007f}' // tags
    )
}

fn push_unit(out: &mut Vec<u8>, unit: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from(unit >> shift & 0xf)]);
    }
}

const PLAIN: u8 = 0;
const SHORT: u8 = 1;
const LONG: u8 = 2;
const LEAD: u8 = 3;

static CLASS: [u8; 256] = {
    let mut class = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        class[byte] = LONG;
        byte += 1;
    }
    class[0x7f] = LONG;
    class[b'\n' as usize] = SHORT;
    class[b'\r' as usize] = SHORT;
    class[b'\t' as usize] = SHORT;
    class[b'"' as usize] = SHORT;
    class[b'\\' as usize] = SHORT;
    // Lead bytes of the characters of must_escape.
    class[0xc2] = LEAD;
    class[0xd8] = LEAD;
    class[0xe1] = LEAD;
    class[0xe2] = LEAD;
    class[0xef] = LEAD;
    class[0xf3] = LEAD;
    class
};

/// Appends a number; one that JSON cannot hold becomes the string `NaN`, `Infinity` or `-Infinity`.
pub(crate) fn push_f64(out: &mut Vec<u8>, number: f64) {
    match serde_json::Number::from_f64(number) {
        Some(number) => push_display(out, &number),
        None if number.is_nan() => out.extend_from_slice(b"\"NaN\""),
        None if number > 0.0 => out.extend_from_slice(b"\"Infinity\""),
        None => out.extend_from_slice(b"\"-Infinity\""),
    }
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
    let acts = |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || must_escape(c);
    if !may_act(text) || !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    for character in text.chars() {
        match acts(character) {
            true => character
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| push_unit(&mut out, *unit)),
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
        let is_lead = (byte == 0xc2) | (byte == 0xd8) | (byte == 0xe1) | (byte == 0xe2);
        is_control | is_lead | (byte == 0x7f) | (byte == 0xef) | (byte == 0xf3)
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
            let acts = (character.is_control() && !matches!(character, '\t' | '\n' | '\r'))
                || must_escape(character);
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
                !json.chars().any(|c| c.is_control() || must_escape(c)),
                "U+{code:04X} stands bare in {json:?}"
            );
            let back: String = serde_json::from_str(&json).expect("JSON");
            assert_eq!(back, text, "U+{code:04X}");
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
