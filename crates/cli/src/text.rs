//! Escapes text of a trail for the terminal. The text is attacker-written and must not control the terminal.

use std::borrow::Cow;
use std::io::{self, Write};

use stinger_audit_redaction::internal::is_unsafe_to_display;
use stinger_audit_trail::format::internal::json::without_controls;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text with every character that acts on a terminal, hides or reorders text written as `\u{…}`.
/// Line feeds and tabs stay.
pub(super) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => safe.push(character),
            _ if is_unsafe_to_display(character) => safe.extend(character.escape_unicode()),
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

/// A line of a trail, with dangerous characters escaped as JSON escapes. A line of the trail's own writer stays as
/// it is, byte for byte.
pub(super) fn json_line(line: &[u8]) -> Cow<'_, [u8]> {
    // JSON is UTF-8.
    let Ok(text) = std::str::from_utf8(line) else {
        return Cow::Borrowed(line);
    };
    let escaped = without_controls(text);
    if escaped.contains(['\r', '\t']) {
        // They are white space between the parts of an object.
        return Cow::Owned(escaped.replace(['\r', '\t'], " ").into_bytes());
    }
    match escaped {
        Cow::Borrowed(_) => Cow::Borrowed(line),
        Cow::Owned(escaped) => Cow::Owned(escaped.into_bytes()),
    }
}

/// Writes [`json_line`] and a line feed.
pub(super) fn write_json_line(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    out.write_all(&json_line(line))?;
    out.write_all(b"\n")
}

/// The first five names, and how many more there are.
pub(super) fn listed(names: &[impl AsRef<str>]) -> String {
    let (first, more) = names.split_at(names.len().min(5));
    let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    match more.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// `1 record`, `2 records`.
pub(super) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A terminal. Whole texts are written to it, with everything escaped but line feeds and tabs.
pub(super) struct EscapingWriter<W>(pub(super) W);

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        self.0.write_all(safe(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// As much of a line as fits into so many columns, with `…` if it is cut.
pub(super) fn truncated(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let mut truncated = String::new();
    let mut width = 0;
    for character in line.chars() {
        let more = character.width().unwrap_or(0);
        if width + more + 1 > columns {
            break;
        }
        width += more;
        truncated.push(character);
    }
    truncated.push('…');
    truncated
}

/// The lines of a text, none wider than so many columns, broken between words if possible.
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
        assert!(
            shown
                .chars()
                .all(|character| !is_unsafe_to_display(character)),
            "{shown}"
        );
        assert!(shown.contains("\\u{1b}[31mred"), "{shown}");
        assert_eq!(one_line(" a\n\tb  c "), "a b c");
    }

    #[test]
    fn json_stays_the_same_and_nothing_in_it_acts() {
        let own = br#"{"a":"x\u001b[31m"}"#;
        assert!(matches!(json_line(own), Cow::Borrowed(_)));
        assert!(matches!(
            json_line("{\"a\":\"\u{fc}\"}".as_bytes()),
            Cow::Borrowed(_)
        ));
        let line = "{\"a\":\r\t\"\u{9b}\u{202e}\u{7f}\u{e0041}\u{fc}\"}";
        let escaped = json_line(line.as_bytes());
        let text = std::str::from_utf8(&escaped).expect("UTF-8");
        assert!(!text.chars().any(is_unsafe_to_display), "{text}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(text), value(line));
    }

    #[test]
    fn a_long_list_says_how_many_names_it_leaves_out() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c", "d", "e"]), "a, b, c, d, e");
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(listed(&names), "a, b, c, d, e and 2 more");
    }

    #[test]
    fn a_terminal_is_not_acted_on() {
        let mut shown = EscapingWriter(Vec::new());
        shown
            .write_all("a,\u{9b}b\rc\r\nd\n".as_bytes())
            .expect("written");
        assert_eq!(shown.0, b"a,\\u{9b}b\\u{d}c\nd\n");
    }

    #[test]
    fn lines_fit() {
        assert_eq!(truncated("日本語テキスト", 7), "日本語…");
        assert_eq!(truncated("short", 5), "short");
        assert_eq!(
            wrapped("the quick brown fox jumps over it", 20),
            ["the quick brown fox ", "jumps over it"]
        );
        assert_eq!(wrapped(&"x".repeat(45), 20).len(), 3);
    }
}
