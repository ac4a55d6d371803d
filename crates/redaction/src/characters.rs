//! Characters that neither a trail nor a terminal shows as they are.

/// Whether a character acts on a terminal, hides text or reorders it. Line ends and tabs count as such.
pub fn is_unsafe_to_display(character: char) -> bool {
    // C0, DEL and C1.
    character.is_control()
        || matches!(character,
            '\u{ad}'                    // soft hyphen
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

/// The first bytes in UTF-8 of the unsafe characters beyond ASCII.
pub const UNSAFE_LEADS: [u8; 6] = [0xc2, 0xd8, 0xe1, 0xe2, 0xef, 0xf3];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_unsafe_character_beyond_ascii_begins_with_a_lead() {
        let leads: BTreeSet<u8> = ('\u{80}'..=char::MAX)
            .filter(|character| is_unsafe_to_display(*character))
            .map(|character| character.encode_utf8(&mut [0; 4]).as_bytes()[0])
            .collect();
        assert!(leads.into_iter().eq(UNSAFE_LEADS));
    }
}
