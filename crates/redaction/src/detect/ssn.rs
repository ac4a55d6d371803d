//! US social security numbers, found at the first digit of a group.

use super::bytes::{digits, is_alnum, number};
use super::{Cluster, Detector};
use crate::Entity;
use crate::words::{Words, words};

pub(crate) const REGEX: &str =
    r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{3}\.[0-9]{2}\.[0-9]{4}|[0-9]{9}";

/// How far before a bare number the words stand that make it one.
const REACH: usize = 28;
static WORDS: Words = Words::new(|| {
    words("ssn|social security|social_security|socialsecurity|social-security".split('|'))
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
        // or in the string; without anything they are always.
        let is_alone = run == 3
            && ends_with_bound(&self.bytes[..start])
            && begins_with_bound(&self.bytes[end..]);
        let joins = matches!(before, b'-' | b'.' | b'_' | b'/' | b'#' | b'$' | b',');
        let needs_word = joins || run == 9 || separator != b'-' && !is_alone;
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
