//! US social security numbers, found at the first digit of a group.

use super::bytes::{digits, is_alnum, number};
use super::{Cluster, Detector};
use crate::Entity;
use crate::words::{Words, words};

pub(crate) const REGEX: &str =
    r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{3}\.[0-9]{2}\.[0-9]{4}|[0-9]{9}";

/// How far before a number the words stand that make it one: "social security number that we have on file is".
const REACH: usize = 64;
static WORDS: Words = Words::new(|| {
    words(
        "ssn|social security|social_security|socialsecurity|social-security|soc sec|ss#".split('|'),
    )
});

impl Detector<'_> {
    pub(super) fn ssn(&mut self, start: usize, cluster: &Cluster) -> Option<usize> {
        let run = self.digit_run(start);
        if !matches!(run, 3 | 9) {
            return None;
        }
        let before = self.before(start);
        if is_alnum(before) {
            return None;
        }
        let end = start + if run == 9 { 9 } else { 11 };
        let separator = self.at(start + 3);
        if run == 3 {
            let text = self.bytes.get(start..end)?;
            let shaped = matches!(separator, b'-' | b' ' | b'.')
                && text[6] == separator
                && digits(&text[4..6]).count() == 2
                && digits(&text[7..]).count() == 4;
            if !shaped || end > cluster.end {
                return None;
            }
        }
        // With spaces or dots they are like many numbers, unless there is nothing else on the line
        // or in the string, or nothing but words around the spaces; without anything they are always.
        let is_alone = run == 3
            && ends_with_bound(&self.bytes[..start])
            && begins_with_bound(&self.bytes[end..]);
        let joins = matches!(before, b'-' | b'.' | b'_' | b'/' | b'#' | b'$' | b',');
        let is_in_words = || separator == b' ' && self.stands_in_words(start, end);
        let needs_word = joins || run == 9 || separator != b'-' && !is_alone && !is_in_words();
        if needs_word && !self.has_word_before(start, REACH, &WORDS) {
            return None;
        }
        let after = self.at(end);
        if is_alnum(after) || matches!(after, b'-' | b'_') {
            return None;
        }
        let number = number(&self.bytes[start..end]);
        let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
        let exists = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0;
        exists.then(|| {
            self.found(Entity::UsSsn, start, end);
            end
        })
    }

    /// Whether a word of letters stands in front of a number and one behind it, or the end of a sentence.
    /// Numbers that begin with 0 are phones in many countries.
    fn stands_in_words(&self, start: usize, end: usize) -> bool {
        let before = self.bytes[..start].strip_suffix(b" ").unwrap_or_default();
        let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        let after = self.rest(end);
        let ends = matches!(
            after,
            [] | [b'.' | b',' | b';' | b'?' | b'!']
                | [b'.' | b',' | b';' | b'?' | b'!', b' ' | b'\n', ..]
        );
        let goes_on = after.first() == Some(&b' ') && is_letter(after.get(1));
        self.bytes[start] != b'0' && is_letter(before.last()) && (ends || goes_on)
    }
}

/// Whether a line or a string begins here: at a line end, or a quote, or an escaped line end as in
/// JSON inside a string.
fn ends_with_bound(before: &[u8]) -> bool {
    matches!(before, [] | [.., b'\n' | b'"'] | [.., b'\\', b'n'])
}

/// Whether a line or a string ends here, escaped however often.
fn begins_with_bound(after: &[u8]) -> bool {
    let escapes = after.iter().take_while(|byte| **byte == b'\\').count();
    match &after[escapes..] {
        [] | [b'\n' | b'"', ..] => true,
        [b'n', ..] => escapes > 0,
        _ => false,
    }
}
