use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;

use super::Redact;

/// The built-in patterns: email addresses, phone numbers, US social security numbers and
/// payment cards, replaced by `[EMAIL]`, `[PHONE]`, `[US_SSN]` and `[CREDIT_CARD]`.
///
/// ```
/// use stinger_audit::redact::{Patterns, Redact};
///
/// let patterns = Patterns::new();
/// assert_eq!(
///     patterns.redact("mail ann@example.com or call +1 212 555 0187"),
///     "mail [EMAIL] or call [PHONE]",
/// );
/// assert_eq!(patterns.redact("order 20261123-0042"), "order 20261123-0042");
/// ```
#[derive(Debug)]
pub struct Patterns {
    ssn: Regex,
    card: Regex,
    phone: Regex,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Entity {
    Email,
    Card,
    Ssn,
    Phone,
}

impl Entity {
    fn placeholder(self) -> &'static str {
        match self {
            Entity::Email => "[EMAIL]",
            Entity::Card => "[CREDIT_CARD]",
            Entity::Ssn => "[US_SSN]",
            Entity::Phone => "[PHONE]",
        }
    }
}

/// Words that make a bare digit group a phone number when they stand shortly before it.
const PHONE_WORDS: [&str; 9] = [
    "phone", "call", "tel", "mobile", "cell", "fax", "whatsapp", "sms", "dial",
];
const PHONE_WORD_REACH: usize = 28;

impl Patterns {
    /// The four patterns, compiled.
    pub fn new() -> Patterns {
        // Unbounded repetition is avoided: each match costs a bounded number of steps.
        let compile = |pattern: &str| {
            Regex::new(pattern)
                .expect("invariant: the pattern is a constant that the tests compile")
        };
        Patterns {
            ssn: compile(r"[0-9]{3}([- .])[0-9]{2}([- .])[0-9]{4}|[0-9]{9}"),
            card: compile(r"[0-9](?:[ -]?[0-9]){11,18}"),
            phone: compile(
                r"(?x)
                \+[0-9]{1,3}(?:[\ .\-/]?\(?[0-9]{1,4}\)?){2,6}
                | \([0-9]{3}\)[\ ]?[0-9]{3}[\ .\-]?[0-9]{4}
                | (?:1[\ .\-])?[0-9]{3}[\ .\-][0-9]{3}[\ .\-][0-9]{4}
                | 0[0-9]{1,4}(?:[\ \-/][0-9]{2,5}){1,4}
                | [0-9](?:[\ .\-]?[0-9]){6,13}",
            ),
        }
    }

    /// What to replace: start, end and kind, in order and apart from each other.
    fn find(&self, text: &str) -> BTreeMap<usize, (usize, Entity)> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        if bytes.contains(&b'@') {
            find_emails(bytes, &mut found);
        }
        if bytes
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .nth(6)
            .is_some()
        {
            find_all(&self.card, Entity::Card, text, &mut found, |range| {
                card_end(bytes, range)
            });
            find_all(&self.ssn, Entity::Ssn, text, &mut found, |range| {
                is_ssn(text, range).then_some(range.end)
            });
            find_all(&self.phone, Entity::Phone, text, &mut found, |range| {
                is_phone(text, range).then_some(range.end)
            });
        }
        // Where matches overlap, the kind that was searched first stands.
        let mut kept: BTreeMap<usize, (usize, Entity)> = BTreeMap::new();
        for (range, entity) in found {
            let before_end = kept.range(..range.end).next_back();
            if before_end.is_none_or(|(_, (end, _))| *end <= range.start) {
                kept.insert(range.start, (range.end, entity));
            }
        }
        kept
    }
}

impl Default for Patterns {
    fn default() -> Self {
        Patterns::new()
    }
}

impl Redact for Patterns {
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for (start, (end, entity)) in found {
            out.push_str(&text[copied..start]);
            out.push_str(entity.placeholder());
            copied = end;
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }
}

/// Collects what `accept` accepts, which says where the accepted part of a candidate ends.
fn find_all(
    pattern: &Regex,
    entity: Entity,
    text: &str,
    found: &mut Vec<(Range<usize>, Entity)>,
    accept: impl Fn(&Range<usize>) -> Option<usize>,
) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(candidate) = pattern.find_at(text, at) {
        let range = candidate.range();
        match accept(&range) {
            Some(end) => {
                at = end;
                found.push((range.start..end, entity));
            }
            None => {
                // A shorter candidate may hide behind the first digits of a refused one,
                // but none begins beside a digit.
                at = range.start + 1;
                while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
            }
        }
    }
}

fn find_emails(bytes: &[u8], found: &mut Vec<(Range<usize>, Entity)>) {
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
    let is_host = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    for at in (0..bytes.len()).filter(|&at| bytes[at] == b'@') {
        let reach = at.saturating_sub(64);
        let mut start = at;
        while start > reach && is_local(&bytes[start - 1]) {
            start -= 1;
        }
        while start < at && b".'-%".contains(&bytes[start]) {
            start += 1;
        }
        let host = bytes[at + 1..].iter().take(255).take_while(is_host).count();
        let Some(length) = host_length(&bytes[at + 1..at + 1 + host]) else {
            continue;
        };
        if start < at {
            found.push((start..at + 1 + length, Entity::Email));
        }
    }
}

/// The length of the host name that `host` begins with: labels, then an alphabetic TLD of 2–24.
fn host_length(host: &[u8]) -> Option<usize> {
    let mut end = host.len();
    loop {
        let name = &host[..end];
        let dot = name.iter().rposition(|&byte| byte == b'.')?;
        let tld = &name[dot + 1..];
        let letters = tld.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let cut = letters == tld.len() || tld[letters] == b'-';
        let label_before = dot > 0 && name[dot - 1].is_ascii_alphanumeric();
        if (2..=24).contains(&letters) && cut && label_before {
            return Some(dot + 1 + letters);
        }
        end = dot;
    }
}

fn digits(bytes: &[u8]) -> impl DoubleEndedIterator<Item = u32> + Clone {
    bytes
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| u32::from(byte - b'0'))
}

/// Whether neither neighbour of the range is a digit, a letter or one of `also`.
fn stands_alone(bytes: &[u8], range: &Range<usize>, also: &[u8]) -> bool {
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || also.contains(byte);
    let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
    !before.is_some_and(joins) && !bytes.get(range.end).is_some_and(u8::is_ascii_alphanumeric)
}

/// Where the card number ends that the candidate is or begins with. Digits of something
/// else may follow it behind a space.
fn card_end(bytes: &[u8], range: &Range<usize>) -> Option<usize> {
    let separators = range.clone().filter(|&at| !bytes[at].is_ascii_digit());
    std::iter::once(range.end)
        .chain(separators.rev())
        .find(|&end| is_card(bytes, &(range.start..end)))
}

fn is_card(bytes: &[u8], range: &Range<usize>) -> bool {
    if !stands_alone(bytes, range, b".-_") {
        return false;
    }
    let text = &bytes[range.clone()];
    let count = digits(text).count();
    let head = |length: usize| digits(text).take(length).fold(0, |n, d| n * 10 + d);
    let brand = match count {
        15 => matches!(head(2), 34 | 37) || matches!(head(4), 1800 | 2131),
        14 => matches!(head(2), 36 | 38 | 39) || matches!(head(3), 300..=305),
        _ => false,
    } || match head(1) {
        4 => matches!(count, 13 | 16 | 19),
        2 => count == 16 && matches!(head(4), 2221..=2720),
        3 => matches!(count, 16..=19) && head(2) == 35,
        5 => (count == 16 && matches!(head(2), 51..=55)) || matches!(head(2), 50 | 56..=58),
        6 => count >= 12,
        _ => false,
    };
    brand && luhn(text)
}

fn luhn(text: &[u8]) -> bool {
    let sum: u32 = digits(text)
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_ssn(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let candidate = &bytes[range.clone()];
    if !stands_alone(bytes, range, b"-._/#$") || bytes.get(range.end) == Some(&b'-') {
        return false;
    }
    match candidate {
        [.., _, _, _, _] if candidate.len() == 11 => {
            if candidate[3] != candidate[6] {
                return false;
            }
        }
        _ => {
            let context = before(text, range.start, PHONE_WORD_REACH).to_ascii_lowercase();
            if !context.contains("ssn") && !context.contains("social security") {
                return false;
            }
        }
    }
    let number = digits(candidate).fold(0, |n, d| n * 10 + d);
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
}

fn is_phone(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let candidate = &bytes[range.clone()];
    let count = digits(candidate).count();
    if !stands_alone(bytes, range, b"#$./_-") || !(7..=15).contains(&count) {
        return false;
    }
    // `2026-11-23` and the like, and a decimal that goes on.
    let looks_dated = candidate.len() >= 10
        && (candidate.starts_with(b"19") || candidate.starts_with(b"20"))
        && matches!(candidate[4], b'-' | b'.' | b'/');
    let goes_on = matches!(
        (bytes.get(range.end), bytes.get(range.end + 1)),
        (Some(b'.' | b'-' | b'/' | b':'), Some(next)) if next.is_ascii_digit()
    );
    if looks_dated || goes_on {
        return false;
    }
    let grouped = |sizes: &[usize]| {
        candidate
            .split(|byte| !byte.is_ascii_digit())
            .filter(|group| !group.is_empty())
            .map(<[u8]>::len)
            .eq(sizes.iter().copied())
    };
    match candidate[0] {
        b'+' => count >= 8,
        // Shaped as a social security number, and not taken for one.
        _ if grouped(&[3, 2, 4]) => false,
        b'(' => true,
        _ if grouped(&[3, 3, 4]) || grouped(&[1, 3, 3, 4]) => true,
        b'0' if count >= 9 && candidate.iter().any(|byte| !byte.is_ascii_digit()) => true,
        _ => {
            let context = before(text, range.start, PHONE_WORD_REACH).to_ascii_lowercase();
            PHONE_WORDS.iter().any(|word| context.contains(word))
        }
    }
}

/// Up to `reach` bytes before `at`, cut at a character.
fn before(text: &str, at: usize, reach: usize) -> &str {
    let mut start = at.saturating_sub(reach);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..at]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        Patterns::new().redact(text).into_owned()
    }

    #[test]
    fn each_kind_is_found_in_the_forms_people_write() {
        for (text, expected) in [
            ("ann.lee+x@mail.example.co.uk.", "[EMAIL]."),
            ("<ann@example.com>,bob@example.org", "<[EMAIL]>,[EMAIL]"),
            ("card 4111 1111 1111 1111 ok", "card [CREDIT_CARD] ok"),
            ("5555-5555-5555-4444", "[CREDIT_CARD]"),
            ("amex 378282246310005", "amex [CREDIT_CARD]"),
            ("ssn 536-90-4399!", "ssn [US_SSN]!"),
            ("my SSN is 536904399", "my SSN is [US_SSN]"),
            ("(212) 555-0187", "[PHONE]"),
            ("212-555-0187", "[PHONE]"),
            ("+44 20 7946 0958", "[PHONE]"),
            ("call me: 5550187", "call me: [PHONE]"),
            ("Grüße an jörg@example.de", "Grüße an jö[EMAIL]"),
        ] {
            assert_eq!(redacted(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for text in [
            "4111 1111 1111 1112",
            "2026-11-23 14:05:09",
            "v1.2.3.4",
            "000-12-3456",
            "550e8400-e29b-41d4-a716-446655440000",
            "order 123456789",
            "@handle and a@b",
            "0x1234567890abcdef",
            "3.14159265358979",
            "",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn redacting_twice_changes_nothing() {
        let once = redacted("a@b.com 4111111111111111 536-90-4399 +1 212 555 0187");
        assert_eq!(once, "[EMAIL] [CREDIT_CARD] [US_SSN] [PHONE]");
        assert_eq!(redacted(&once), once);
    }

    #[test]
    fn adversarial_text_costs_no_more_than_its_length() {
        for unit in ["a.", "1", "1 ", "a@", "+1(", "0-"] {
            let time = |length: usize| {
                let text = unit.repeat(length / unit.len());
                let patterns = Patterns::new();
                let run = || {
                    let start = std::time::Instant::now();
                    let _ = patterns.redact(&text);
                    start.elapsed()
                };
                (0..3).map(|_| run()).min().expect("three runs")
            };
            let (small, large) = (time(5_000), time(40_000));
            // Linear is 8 times; quadratic would be 64.
            assert!(
                large < small * 30 + std::time::Duration::from_millis(20),
                "{unit:?}: {small:?} for 5 KB, {large:?} for 40 KB"
            );
        }
    }
}
