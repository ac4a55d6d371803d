//! Normalization: a copy of a text in which full-width and other digits, invisible characters, unusual spaces
//! and hyphens, and the escapes `\u0040` and `%40` are the ASCII that they stand for, with the
//! way back to the text.

use super::characters::is_unsafe_to_display;

/// A copy of a text without disguises.
pub(super) struct Normalized {
    pub(super) text: String,
    /// For each byte of the copy, the range of the text that it stands for.
    sources: Vec<(u32, u32)>,
}

impl Normalized {
    /// `None`: the text is its own copy.
    pub(super) fn of(text: &str) -> Option<Normalized> {
        u32::try_from(text.len()).ok()?;
        let mut starts = text.char_indices().map(|(start, _)| start);
        starts.find(|start| replacement(&text[*start..]).is_some())?;

        let mut normalized = Normalized {
            text: String::with_capacity(text.len()),
            sources: Vec::with_capacity(text.len()),
        };
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let (replaced, length) = match replacement(&text[at..]) {
                Some(replacement) => replacement,
                None => (Some(character), character.len_utf8()),
            };
            if let Some(replaced) = replaced {
                normalized.text.push(replaced);
                let source = (at as u32, (at + length) as u32);
                normalized.sources.resize(normalized.text.len(), source);
            }
            at += length;
        }
        Some(normalized)
    }

    /// The range of the text that a range of the copy stands for.
    pub(super) fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let (from, to) = (self.sources[start].0, self.sources[end - 1].1);
        (from as usize, to as usize)
    }
}

/// What the beginning of a text stands for, and how many bytes of it: `None` where that is what it
/// is, `Some((None, _))` where it is nothing.
fn replacement(text: &str) -> Option<(Option<char>, usize)> {
    let character = text.chars().next()?;
    let code = u32::from(character);
    let digit = |zero: u32| char::from_digit(code - zero, 10);
    let replaced = match character {
        '\\' => return json_escape(text.as_bytes()),
        '%' => {
            let sign = match &text.as_bytes()[1..] {
                [b'4', b'0', ..] => '@',
                [b'2', b'B' | b'b', ..] => '+',
                _ => return None,
            };
            return Some((Some(sign), 3));
        }
        '\0'..='\x7f' => return None,
        '\u{3000}' => Some(' '),
        '\u{3002}' | '\u{ff61}' => Some('.'),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' => Some(' '),
        '\u{2010}'..='\u{2013}' | '\u{2212}' => Some('-'),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xff01 + 0x21),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_digit((code - 0x1d7ce) % 10, 10),
        // Joiners and variation selectors: ordinary text has them, and nobody sees them.
        '\u{34f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => None,
        // Control characters and the ends of lines separate.
        _ if character.is_control() || character.is_whitespace() => return None,
        _ if is_unsafe_to_display(character) => None,
        _ => return None,
    };
    Some((replaced, character.len_utf8()))
}

/// The character of an escape such as `\u0040`. JSON inside JSON doubles the backslashes of what is inside.
fn json_escape(text: &[u8]) -> Option<(Option<char>, usize)> {
    const MOST_BACKSLASHES: usize = 16;
    let backslashes = text.iter().take(MOST_BACKSLASHES);
    let count = backslashes.take_while(|byte| **byte == b'\\').count();
    let [b'u', b'0', b'0', high, low, ..] = text[count..] else {
        return None;
    };
    let hex = |digit: u8| char::from(digit).to_digit(16);
    let character = char::from_u32(hex(high)? << 4 | hex(low)?)?;
    // A quote or a backslash means something to the JSON around it.
    let is_plain = character < '\x7f' && character != '"' && character != '\\';
    is_plain.then_some((Some(character), count + 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_taken_off_and_the_way_back_is_kept() {
        let text = "a１２\u{200b}3 é ann\\u0040b.c x%40y.z o\\\\\\u0040p";
        let normalized = Normalized::of(text).expect("disguised");
        assert_eq!(normalized.text, "a123 é ann@b.c x@y.z o@p");
        let (start, end) = normalized.range(1, 4);
        assert_eq!(&text[start..end], "１２\u{200b}3");
        let at = normalized.text.find("ann").expect("there");
        let (start, end) = normalized.range(at, at + "ann@b.c".len());
        assert_eq!(&text[start..end], "ann\\u0040b.c");
    }

    #[test]
    fn no_invisible_character_splits_a_value() {
        let separates = |character: char| character.is_control() || character.is_whitespace();
        let dangerous = ('\u{80}'..=char::MAX).filter(|character| is_unsafe_to_display(*character));
        let mut invisible: Vec<char> = dangerous.filter(|c| !separates(*c)).collect();
        assert!(invisible.contains(&'\u{fff9}') && invisible.contains(&'\u{e0041}'));
        invisible.extend(['\u{34f}', '\u{fe0f}', '\u{e01ef}']);
        for character in invisible {
            let text = format!("ann@exam{character}ple.com");
            let normalized = Normalized::of(&text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(normalized.text, "ann@example.com");
            assert_eq!(normalized.range(0, 15), (0, text.len()));
        }
    }

    #[test]
    fn ordinary_text_is_its_own_copy() {
        for text in [
            "",
            "plain",
            "größer, “quoted” — 100 %",
            "C:\\users",
            "日本語",
            "🙂",
        ] {
            assert!(Normalized::of(text).is_none(), "{text}");
        }
    }
}
