//! Of what is found in a text, what is to be replaced.

use super::{Redaction, Redactor};
use crate::canonical::canonical;
use crate::detect::{Detector, Match, RuleId};
use crate::key::{BASE32, Keys, Tag};
use crate::normalize::Normalized;
use crate::{Entity, catalog};

/// A text that was searched, and what is to be replaced in it.
pub(super) struct Search {
    /// The copy without disguises that was searched instead of the text, if it has any.
    pub(super) normalized: Option<Normalized>,
    /// In order. None overlaps another.
    pub(super) resolved: Vec<Resolved>,
}

/// Matches that overlap each other: one placeholder takes their place. The places are those of the text that
/// was searched.
pub(super) struct Resolved {
    start: usize,
    end: usize,
    /// The match that takes precedence.
    pub(super) winner: Match,
}

impl Redactor {
    /// Looks for what is to be replaced in a text: what a rule finds that is on, unless it is allowed or stands
    /// in a placeholder, in one with a tag or in one of `placeholders`, which are in order. `None`: nothing is.
    pub(super) fn search(&self, text: &str, placeholders: &[Redaction<'_>]) -> Option<Search> {
        let mut detected = Detector::new(text).scan();
        let is_suspect = detected.may_be_disguised;
        let normalized = is_suspect.then(|| Normalized::of(text)).flatten();
        let searched = match &normalized {
            None => text,
            Some(normalized) => {
                detected = Detector::new(&normalized.text).scan();
                &normalized.text
            }
        };
        let mut matches = detected.matches;
        for (number, rule) in self.rules.rules.iter().enumerate() {
            let rule_id = catalog::CUSTOM + number as RuleId;
            rule.find(searched, |found| {
                matches.push(Match {
                    start: found.start,
                    end: found.end,
                    rule: rule_id,
                });
            });
        }
        matches.retain(|found| {
            catalog::entity(found.rule).is_none_or(|entity| !self.rules.off.contains(&entity))
                && !self.is_tag(searched.as_bytes(), found)
                && !self.is_allowed(found.rule, &searched[found.start..found.end])
        });
        if matches.is_empty() {
            return None;
        }
        // Without an entity, an application's own rules come first.
        let precedence = |found: &Match| (catalog::entity(found.rule), found.rule);
        matches.sort_unstable_by_key(|found| (found.start, precedence(found), found.end));

        let mut resolved: Vec<Resolved> = Vec::with_capacity(matches.len());
        for found in matches {
            match resolved.last_mut() {
                Some(last) if found.start < last.end => last.absorb(found),
                _ => resolved.push(Resolved {
                    start: found.start,
                    end: found.end,
                    winner: found,
                }),
            }
        }
        let mut search = Search {
            normalized,
            resolved,
        };
        search.leave_out(placeholders);
        (!search.resolved.is_empty()).then_some(search)
    }

    /// Whether a match lies in a placeholder with a tag, `[KIND:key:tag]`. It must be one that a
    /// redactor with such keys writes: whoever types another hides nothing in it.
    fn is_tag(&self, bytes: &[u8], found: &Match) -> bool {
        const LONGEST: usize = 64;
        let from = found.start.saturating_sub(LONGEST);
        let head = &bytes[from..(found.start + 1).min(bytes.len())];
        let Some(open) = memchr::memrchr(b'[', head) else {
            return false;
        };
        let inside = &bytes[from + open + 1..];
        let Some(length) = inside.iter().take(LONGEST).position(|byte| *byte == b']') else {
            return false;
        };
        let Ok(inside) = std::str::from_utf8(&inside[..length]) else {
            return false;
        };
        let parts: Vec<&str> = inside.split(':').collect();
        let [kind, key, tag] = parts[..] else {
            return false;
        };
        let is_numbered = || {
            let number = key.strip_prefix('k').unwrap_or_default();
            (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_known = |keys: &Keys| keys.ids().any(|id| id == key);
        found.end <= from + open + 2 + length
            && self.is_kind(kind)
            && (self.keys.as_ref().is_some_and(is_known) || is_numbered())
            && tag.len() == Tag::LENGTH
            && tag.bytes().all(|byte| BASE32.contains(&byte))
    }

    fn is_allowed(&self, rule: RuleId, value: &str) -> bool {
        !self.allowed.is_empty()
            && match catalog::entity(rule) {
                Some(entity) => self.allowed.contains(&canonical(entity, value)),
                None => self.allowed.contains(value),
            }
    }
}

impl Search {
    /// The text that was searched: `text`, or the copy of it.
    pub(super) fn searched<'t>(&'t self, text: &'t str) -> &'t str {
        match &self.normalized {
            Some(normalized) => &normalized.text,
            None => text,
        }
    }

    /// Where something is to be replaced in the text itself.
    pub(super) fn range(&self, resolved: &Resolved) -> (usize, usize) {
        match &self.normalized {
            Some(normalized) => normalized.range(resolved.start, resolved.end),
            None => (resolved.start, resolved.end),
        }
    }

    /// Leaves out what lies within a placeholder.
    fn leave_out(&mut self, placeholders: &[Redaction<'_>]) {
        if placeholders.is_empty() {
            return;
        }
        let mut resolved = std::mem::take(&mut self.resolved);
        resolved.retain(|resolved| {
            let (start, end) = self.range(resolved);
            let first = placeholders.partition_point(|placeholder| placeholder.end < end);
            let placeholder = placeholders.get(first);
            placeholder.is_none_or(|placeholder| placeholder.start > start)
        });
        self.resolved = resolved;
    }

    /// Whether nothing that could be part of another value stands near what is replaced.
    pub(super) fn is_settled(&self, text: &str) -> bool {
        /// As far as a matcher looks around a candidate.
        const REACH: usize = 48;
        let bytes = self.searched(text).as_bytes();
        // Without a short cut, so that many bytes are compared at once.
        let is_quiet = |near: &[u8]| {
            !near.iter().fold(false, |any, byte| {
                any | byte.is_ascii_digit() | matches!(byte, b'@' | b'=' | b'-')
            })
        };
        let mut done = 0;
        self.resolved.iter().enumerate().all(|(number, resolved)| {
            let next = self.resolved.get(number + 1);
            let stop = next.map_or(bytes.len(), |next| next.start);
            let from = done.max(resolved.start.saturating_sub(REACH));
            done = stop.min(resolved.end + REACH);
            is_quiet(&bytes[from..resolved.start]) && is_quiet(&bytes[resolved.end..done])
        })
    }
}

impl Resolved {
    /// Takes in a match that begins within this one.
    fn absorb(&mut self, found: Match) {
        if catalog::entity(found.rule) < catalog::entity(self.winner.rule) {
            self.winner = found;
        }
        // An address that a URL's password seems to begin is none.
        let is_host =
            found.rule == Entity::Email as RuleId && self.winner.rule == Entity::UrlCred as RuleId;
        if !is_host {
            self.end = self.end.max(found.end);
        }
    }
}
