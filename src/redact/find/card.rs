//! Payment card numbers, found at the first digit of a group.

use super::bytes::{digits, is_alnum, luhn};
use super::{Cluster, Finder};
use crate::redact::Entity;

pub(in crate::redact) const REGEX: &str = r"[0-9](?:[ -]?[0-9]){11,18}";

const FEWEST: usize = 12;
const MOST: usize = 19;

/// How far before a number the words stand that make it a card's.
const REACH: usize = 28;
const WORDS: [&str; 3] = ["card", "credit", "uatp"];

impl Finder<'_> {
    /// Looks for a card number that begins at `start`, and says where it ends.
    pub(super) fn card(&mut self, start: usize, cluster: &Cluster) -> Option<usize> {
        let before = self.before(start);
        if is_alnum(before) || matches!(before, b'.' | b'-' | b'_') {
            return None;
        }
        // The candidate's digits, and the ends at which it may be cut: behind a group of digits.
        let mut ends = [0; MOST];
        let (mut count, mut cuts, mut at) = (0, 0, start);
        while at < cluster.end && count < MOST {
            if self.bytes[at].is_ascii_digit() {
                count += 1;
                at += 1;
            } else if matches!(self.bytes[at], b' ' | b'-')
                && self.bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
            {
                if count >= FEWEST {
                    ends[cuts] = at;
                    cuts += 1;
                }
                at += 1;
            } else {
                break;
            }
        }
        // Past the greatest length digits follow digits: no number ends there.
        if count >= FEWEST && !self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            ends[cuts] = at;
            cuts += 1;
        }
        let end = ends[..cuts]
            .iter()
            .rev()
            .find(|end| self.is_card(start, **end))?;
        self.found(Entity::CreditCard, start, *end);
        Some(*end)
    }

    fn is_card(&self, start: usize, end: usize) -> bool {
        let after = self.at(end);
        if is_alnum(after)
            || after == b'_'
            || matches!(after, b'-' | b'.') && self.at(end + 1).is_ascii_digit()
        {
            return false;
        }
        let text = &self.bytes[start..end];
        // Numbers of travel cards are like many others: only said to be a card's they count.
        let is_known = brand(text).is_some()
            || text[0] == b'1'
                && digits(text).count() == 15
                && self.has_word_before(start, REACH, &WORDS);
        is_known && luhn(text)
    }
}

/// The brand whose numbers begin and are as long as this.
pub(in crate::redact) fn brand(number: &[u8]) -> Option<&'static str> {
    let count = digits(number).count();
    let head = |length: usize| digits(number).take(length).fold(0, |n, d| n * 10 + d);
    let is = |brand: &'static str, holds: bool| holds.then_some(brand);
    match head(1) {
        4 => is("VISA", matches!(count, 13 | 16 | 19)),
        2 => is(
            "MASTERCARD",
            count == 16 && matches!(head(4), 2221..=2720),
        )
        .or(is("JCB", count == 15 && head(4) == 2131)),
        1 => is("JCB", count == 15 && head(4) == 1800),
        3 => is("AMEX", count == 15 && matches!(head(2), 34 | 37))
            .or(is(
                "DINERS",
                count == 14 && (matches!(head(2), 36 | 38 | 39) || matches!(head(3), 300..=305)),
            ))
            .or(is("JCB", (16..=19).contains(&count) && head(2) == 35)),
        5 => is("MASTERCARD", count == 16 && matches!(head(2), 51..=55))
            .or(is("MAESTRO", matches!(head(2), 50 | 56..=58))),
        6 => match head(2) {
            62 => is("UNIONPAY", count >= 16),
            60 | 64 | 65 => is("DISCOVER", count >= 16),
            _ => None,
        }
        .or(Some("MAESTRO")),
        _ => None,
    }
}
