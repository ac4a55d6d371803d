//! Writes a text with placeholders in the place of what is to be replaced.

use std::borrow::Cow;

use super::resolve_overlaps::Search;
use super::{Redacted, Redaction, Redactor};
use crate::canonical::canonical;
use crate::detect::card::brand;
use crate::detect::{Match, RuleId};
use crate::key::Tag;
use crate::{Entity, Replacement, catalog};

/// The length of an ordinary placeholder.
const PLACEHOLDER: usize = 32;

impl Redactor {
    /// Puts a placeholder in the place of everything that the search says. Of the `earlier` redactions of the
    /// text, those that are covered by a further one are gone.
    pub(super) fn replace<'r>(
        &'r self,
        text: &str,
        search: &Search,
        earlier: Vec<Redaction<'r>>,
    ) -> Redacted<'static, 'r> {
        let searched = search.searched(text);
        // A placeholder is about as long as what it stands for.
        let mut out = String::with_capacity(text.len() + PLACEHOLDER * search.resolved.len());
        let mut redactions = Vec::with_capacity(earlier.len() + search.resolved.len());
        let mut earlier = earlier.into_iter().peekable();
        let mut copied = 0;
        for resolved in &search.resolved {
            let (start, end) = search.range(resolved);
            while let Some(redaction) = earlier.next_if(|redaction| redaction.start < end) {
                if redaction.end <= start {
                    redactions.push(redaction.moved(copied, out.len()));
                }
            }
            out.push_str(&text[copied..start]);
            copied = end;
            let winner = &resolved.winner;
            let start = out.len();
            let tag = self.push_placeholder(winner, &searched[winner.start..winner.end], &mut out);
            redactions.push(Redaction {
                kind: self.kind(winner.rule),
                rule: self.name(winner.rule),
                start,
                end: out.len(),
                tag,
            });
        }
        redactions.extend(earlier.map(|redaction| redaction.moved(copied, out.len())));
        out.push_str(&text[copied..]);
        Redacted {
            text: Cow::Owned(out),
            redactions,
        }
    }

    /// Appends what stands for a value.
    fn push_placeholder(
        &self,
        found: &Match,
        value: &str,
        out: &mut String,
    ) -> Option<(&str, Tag)> {
        let kind = self.kind(found.rule);
        let entity = catalog::entity(found.rule);
        let replacement = self.rules.replacements.get(kind);
        let replacement = *replacement.unwrap_or(&self.rules.default_replacement);
        if replacement == Replacement::Remove {
            return None;
        }
        let mut tag = None;
        out.push('[');
        out.push_str(kind);
        if replacement == Replacement::Tag
            && let Some(keys) = &self.keys
        {
            let spelling = match entity {
                Some(entity) => canonical(entity, value),
                None => value.to_lowercase(),
            };
            let (key, made) = (keys.current(), keys.tag(kind, spelling.as_bytes()));
            for part in [":", key, ":", made.as_str()] {
                out.push_str(part);
            }
            tag = Some((key, made));
        } else if replacement == Replacement::Mask
            && let Some(rest) = entity.and_then(|entity| mask(entity, found.rule, value))
        {
            out.push(':');
            out.push_str(&rest);
        }
        out.push(']');
        tag
    }
}

impl<'r> Redaction<'r> {
    /// The redaction after what stood before it has moved from one place to another.
    fn moved(self, from: usize, to: usize) -> Redaction<'r> {
        Redaction {
            start: self.start - from + to,
            end: self.end - from + to,
            ..self
        }
    }
}

/// What may stay of a value.
fn mask(entity: Entity, rule: RuleId, value: &str) -> Option<String> {
    match entity {
        Entity::CreditCard => {
            let digits = canonical(entity, value);
            let last = digits.get(digits.len().checked_sub(4)?..)?;
            let brand = brand(value.as_bytes()).unwrap_or("CARD");
            Some(format!("{brand} {last}"))
        }
        Entity::Email => value
            .split_once('@')
            .map(|(_, host)| format!("@{}", host.to_ascii_lowercase())),
        Entity::Ip => {
            let address: std::net::Ipv4Addr = value.parse().ok()?;
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}.*"))
        }
        // What a person chose begins with what that person chose.
        Entity::Secret => {
            let head = catalog::head(rule).filter(|head| value.starts_with(head));
            head.map(str::to_owned)
        }
        _ => None,
    }
}
