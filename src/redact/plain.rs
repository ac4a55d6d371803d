//! Disguises: a copy of a text in which full-width and other digits, zero-width characters, odd spaces
//! and hyphens, and the escapes `\u0040` and `%40` are the ASCII that they stand for, with the
//! way back to the text.

/// A copy of a text without disguises.
pub(super) struct Plain {
    pub(super) text: String,
    /// For each byte of the copy, the range of the text that it stands for.
    from: Vec<(u32, u32)>,
}

impl Plain {
    /// `None`: the text is its own copy.
    pub(super) fn of(text: &str) -> Option<Plain> {
        let bytes = text.as_bytes();
        let first = first_suspect(bytes)?;
        // Whether there is anything to replace shows only where it stands.
        let mut disguised = (first..bytes.len()).filter(|at| text.is_char_boundary(*at));
        disguised.find(|at| replacement(text, *at).is_some())?;

        let mut plain = Plain {
            text: String::with_capacity(text.len()),
            from: Vec::with_capacity(text.len()),
        };
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let (replaced, length) = match replacement(text, at) {
                Some((replaced, length)) => (replaced, length),
                None => (Some(character), character.len_utf8()),
            };
            if let Some(replaced) = replaced {
                plain.text.push(replaced);
                let range = (at as u32, (at + length) as u32);
                plain.from.resize(plain.text.len(), range);
            }
            at += length;
        }
        Some(plain)
    }

    /// The range of the text that a range of the copy stands for.
    pub(super) fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let (from, to) = (self.from[start].0, self.from[end - 1].1);
        (from as usize, to as usize)
    }
}

/// The first byte at which something may have to be replaced.
fn first_suspect(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .position(|byte| SUSPECT[usize::from(*byte)])
        .filter(|_| u32::try_from(bytes.len()).is_ok())
}

static SUSPECT: [bool; 256] = {
    let mut suspect = [false; 256];
    let leads = b"\\%\xc2\xcd\xd8\xd9\xdb\xe0\xe1\xe2\xe3\xef\xf0";
    let mut place = 0;
    while place < leads.len() {
        suspect[leads[place] as usize] = true;
        place += 1;
    }
    suspect
};

/// What the text at a place stands for, and how many bytes of it: `None` where that is what it
/// is, `Some((None, _))` where it is nothing.
fn replacement(text: &str, at: usize) -> Option<(Option<char>, usize)> {
    let bytes = &text.as_bytes()[at..];
    if !SUSPECT[usize::from(*bytes.first()?)] {
        return None;
    }
    match bytes {
        [b'\\', ..] => {
            // JSON inside JSON doubles the backslashes of what is inside.
            let count = bytes
                .iter()
                .take(MOST_BACKSLASHES)
                .take_while(|byte| **byte == b'\\')
                .count();
            let [b'u', b'0', b'0', high, low, ..] = bytes[count..] else {
                return None;
            };
            let value = hex(high)? << 4 | hex(low)?;
            // A quote or a backslash means something to the JSON around it.
            let is_plain = value < 0x7f && value != b'"' && value != b'\\';
            return is_plain.then_some((Some(char::from(value)), count + 5));
        }
        [b'%', b'4', b'0', ..] => return Some((Some('@'), 3)),
        [b'%', b'2', b'B' | b'b', ..] => return Some((Some('+'), 3)),
        [b'%', ..] => return None,
        _ => {}
    }
    let character = text[at..].chars().next()?;
    let code = u32::from(character);
    let digit = |zero: u32| char::from_digit(code - zero, 10);
    let replaced = match character {
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => None,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => None,
        '\u{fe00}'..='\u{fe0f}' => None,
        '\u{3000}' => Some(' '),
        '\u{3002}' | '\u{ff61}' => Some('.'),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' => Some(' '),
        '\u{2010}'..='\u{2013}' | '\u{2212}' => Some('-'),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xff01 + 0x21),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_digit((code - 0x1d7ce) % 10, 10),
        _ => return None,
    };
    Some((replaced, character.len_utf8()))
}

/// More backslashes in front of an escape are none of JSON's.
const MOST_BACKSLASHES: usize = 16;

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_taken_off_and_the_way_back_is_kept() {
        let text = "a１２\u{200b}3 é ann\\u0040b.c x%40y.z o\\\\\\u0040p";
        let plain = Plain::of(text).expect("disguised");
        assert_eq!(plain.text, "a123 é ann@b.c x@y.z o@p");
        let (start, end) = plain.range(1, 4);
        assert_eq!(&text[start..end], "１２\u{200b}3");
        let at = plain.text.find("ann").expect("there");
        let (start, end) = plain.range(at, at + "ann@b.c".len());
        assert_eq!(&text[start..end], "ann\\u0040b.c");
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
            assert!(Plain::of(text).is_none(), "{text}");
        }
    }
}
