//! Of what was found in a text, what is to be replaced.

use super::Redactor;
use crate::redact::canonical::canonical;
use crate::redact::find::{Found, RuleId, Seen, find};
use crate::redact::key::{BASE32, Tag};
use crate::redact::plain::Plain;
use crate::redact::rules::Validator;
use crate::redact::{Entity, catalog};

/// Where something is to be replaced, in the text as it is.
pub(in crate::redact) struct Place {
    pub(in crate::redact) start: usize,
    pub(in crate::redact) end: usize,
    pub(in crate::redact) rule: RuleId,
}

impl Redactor {
    /// What is to be replaced, of what was found in a text: by a rule that is on, not allowed, and no
    /// placeholder. Where the text is disguised, the places are those of the copy that is returned.
    pub(super) fn look(&self, text: &str, seen: &Seen, found: &mut Vec<Found>) -> Option<Plain> {
        let is_suspect = seen.has_suspects();
        let plain = is_suspect.then(|| Plain::of(text)).flatten();
        let searched = match &plain {
            None => text,
            Some(plain) => {
                found.clear();
                find(&plain.text, found);
                &plain.text
            }
        };
        self.look_for_own(searched, found);
        self.choose(searched, found);
        plain
    }

    /// Adds what the application's own rules and deny-lists find.
    fn look_for_own(&self, text: &str, found: &mut Vec<Found>) {
        for (number, own) in self.own.iter().enumerate() {
            let Some(rule) = &own.rule else { continue };
            for value in rule.regex.find_iter(text) {
                let is_valid = |validator: &Validator| validator(value.as_str());
                if rule.validator.as_ref().is_none_or(is_valid) {
                    found.push(Found {
                        start: value.start(),
                        end: value.end(),
                        rule: catalog::CUSTOM + number as RuleId,
                    });
                }
            }
        }
        if let Some(denied) = &self.denied {
            for word in denied.words.find_overlapping_iter(text) {
                found.push(Found {
                    start: word.start(),
                    end: word.end(),
                    rule: denied.rules[word.pattern().as_usize()],
                });
            }
        }
    }

    /// Keeps what is on, not allowed and no placeholder, in order.
    fn choose(&self, text: &str, found: &mut Vec<Found>) {
        if found.is_empty() {
            return;
        }
        let has_bracket = memchr::memchr(b'[', text.as_bytes()).is_some();
        found.retain(|value| {
            let is_own = value.rule >= catalog::CUSTOM;
            (is_own || self.on >> catalog::entity(value.rule) as u32 & 1 == 1)
                && !(has_bracket && self.is_tag(text.as_bytes(), value))
                && !self.is_allowed(value, &text[value.start..value.end])
        });
        found.sort_unstable_by_key(|value| (value.start, rank(value.rule)));
    }

    /// Whether a finding lies in a placeholder with a tag, `[KIND:key:tag]`. It must be one that a
    /// redactor with such keys writes: whoever types another hides nothing in it.
    fn is_tag(&self, bytes: &[u8], found: &Found) -> bool {
        const LONGEST: usize = 64;
        let from = found.start.saturating_sub(LONGEST);
        let Some(open) = memchr::memrchr(b'[', &bytes[from..(found.start + 1).min(bytes.len())])
        else {
            return false;
        };
        let inside = &bytes[from + open + 1..];
        let Some(length) = inside.iter().take(LONGEST).position(|byte| *byte == b']') else {
            return false;
        };
        let end = from + open + 2 + length;
        let Ok(inside) = std::str::from_utf8(&inside[..length]) else {
            return false;
        };
        let mut parts = inside.split(':');
        let (Some(kind), Some(key), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let is_numbered = || {
            let number = key.strip_prefix('k').unwrap_or_default();
            (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_key = match &self.keys {
            Some(keys) => keys.ids().any(|id| id == key) || is_numbered(),
            None => is_numbered(),
        };
        found.end <= end
            && self.is_kind(kind)
            && is_key
            && tag.len() == Tag::LENGTH
            && tag.bytes().all(|byte| BASE32.contains(&byte))
    }

    fn is_allowed(&self, found: &Found, value: &str) -> bool {
        !self.allowed.is_empty()
            && match found.rule {
                catalog::CUSTOM.. => self.allowed.contains(value.as_bytes()),
                rule => canonical(catalog::entity(rule), value, |spelling| {
                    self.allowed.contains(spelling)
                }),
            }
    }

    /// Where in a text something would be replaced, in order.
    pub(in crate::redact) fn places(&self, text: &str) -> Vec<Place> {
        let mut found = Vec::new();
        let seen = find(text, &mut found);
        let plain = self.look(text, &seen, &mut found);
        let mut rest: &[Found] = &found;
        std::iter::from_fn(|| {
            let (winner, start, end) = next_place(&mut rest)?;
            let (start, end) = match &plain {
                Some(plain) => plain.range(start, end),
                None => (start, end),
            };
            Some(Place {
                start,
                end,
                rule: winner.rule,
            })
        })
        .collect()
    }
}

/// Takes the first of the findings, which are sorted, with all that overlap: the one that takes
/// precedence, and the range of them all.
pub(super) fn next_place(found: &mut &[Found]) -> Option<(Found, usize, usize)> {
    let (first, mut rest) = found.split_first()?;
    let (start, mut end, mut winner) = (first.start, first.end, *first);
    while let Some((next, behind)) = rest.split_first()
        && next.start < end
    {
        if rank(next.rule) < rank(winner.rule) {
            winner = *next;
        }
        // An address that a URL's password seems to begin is none.
        let is_host =
            next.rule == Entity::Email as RuleId && winner.rule == Entity::UrlCred as RuleId;
        if !is_host {
            end = end.max(next.end);
        }
        rest = behind;
    }
    *found = rest;
    Some((winner, start, end))
}

/// Whether nothing that could be part of another value stands near what is replaced.
pub(super) fn is_settled(text: &str, plain: Option<&Plain>, found: &[Found]) -> bool {
    /// As far as a matcher looks around a candidate.
    const REACH: usize = 48;
    let bytes = plain.map_or(text, |plain| plain.text.as_str()).as_bytes();
    // Without a short cut, so that many bytes are compared at once.
    let is_quiet = |from: usize, to: usize| {
        let near = bytes.get(from..to).unwrap_or_default().iter();
        !near.fold(false, |any, byte| {
            any | byte.is_ascii_digit() | (*byte == b'@') | (*byte == b'=')
        })
    };
    let (mut rest, mut seen) = (found, 0);
    while let Some((_, start, end)) = next_place(&mut rest) {
        let next = rest.first().map_or(bytes.len(), |next| next.start);
        let reach = next.min(end + REACH);
        if !is_quiet(start.saturating_sub(REACH).max(seen), start) || !is_quiet(end, reach) {
            return false;
        }
        seen = reach;
    }
    true
}

/// The order of precedence: the application's own rules, then the kinds in theirs.
fn rank(rule: RuleId) -> u16 {
    match rule {
        catalog::CUSTOM.. => 0,
        rule => 1 + catalog::entity(rule) as u16,
    }
}
