//! Text of a trail on its way to a terminal. It is attacker-written: nothing of it acts there.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text with every character that acts on a terminal, hides or reorders text written as `\u{…}`.
/// Line feeds and tabs stay.
pub(super) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => safe.push(character),
            _ if acts(character) => safe.extend(character.escape_unicode()),
            _ => safe.push(character),
        }
    }
    safe
}

/// [`safe`] in one line: line feeds and tabs are spaces.
pub(super) fn one_line(text: &str) -> String {
    let safe = safe(text);
    let words: Vec<&str> = safe.split_whitespace().collect();
    words.join(" ")
}

fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// As much of a line as has room in so many columns, with `…` where it is cut.
pub(super) fn fitted(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let mut fitted = String::new();
    let mut width = 0;
    for character in line.chars() {
        let more = character.width().unwrap_or(0);
        if width + more + 1 > columns {
            break;
        }
        width += more;
        fitted.push(character);
    }
    fitted.push('…');
    fitted
}

/// The lines of a text, none wider than so many columns, broken between words where there are any.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(20);
    let mut lines = Vec::new();
    for line in safe(text).replace('\t', "    ").split('\n') {
        let mut current = String::new();
        let mut width = 0;
        for word in line.split_inclusive(' ') {
            if width + word.trim_end().width() > columns && width > 0 {
                lines.push(std::mem::take(&mut current));
                width = 0;
            }
            for character in word.chars() {
                let more = character.width().unwrap_or(0);
                if width + more > columns {
                    lines.push(std::mem::take(&mut current));
                    width = 0;
                }
                current.push(character);
                width += more;
            }
        }
        lines.push(current);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        let hostile = "a\u{1b}[31mred\u{7}\u{9b}x\u{202e}txt\u{200b}\r\u{e0041}\u{0}z";
        let shown = safe(hostile);
        assert!(shown.chars().all(|character| !acts(character)), "{shown}");
        assert!(shown.contains("\\u{1b}[31mred"), "{shown}");
        assert_eq!(one_line(" a\n\tb  c "), "a b c");
    }

    #[test]
    fn lines_fit() {
        assert_eq!(fitted("日本語テキスト", 7), "日本語…");
        assert_eq!(fitted("short", 5), "short");
        assert_eq!(
            wrapped("the quick brown fox jumps over it", 20),
            ["the quick brown fox ", "jumps over it"]
        );
        assert_eq!(wrapped(&"x".repeat(45), 20).len(), 3);
    }
}
