//! Writes a text with placeholders in the place of what is to be replaced.

use std::borrow::Cow;

use super::choose::next_place;
use super::{Redacted, Redaction, Redactor};
use crate::redact::canonical::canonical;
use crate::redact::find::card::brand;
use crate::redact::find::{Found, RuleId, find};
use crate::redact::key::Tag;
use crate::redact::plain::Plain;
use crate::redact::{Entity, Form, catalog};

/// What redacted text is appended to.
pub(crate) trait Append {
    fn append(&mut self, text: &str);
    fn length(&self) -> usize;
    fn room_for(&mut self, more: usize);
}

impl Append for String {
    fn append(&mut self, text: &str) {
        self.push_str(text);
    }
    fn length(&self) -> usize {
        self.len()
    }
    fn room_for(&mut self, more: usize) {
        self.reserve(more);
    }
}

impl Append for Vec<u8> {
    fn append(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
    fn length(&self) -> usize {
        self.len()
    }
    fn room_for(&mut self, more: usize) {
        self.reserve(more);
    }
}

/// The length of an ordinary placeholder.
const PLACEHOLDER: usize = 32;

impl Redactor {
    /// Writes the text with one placeholder for all findings that overlap.
    pub(super) fn replace<'r>(
        &'r self,
        text: &str,
        plain: Option<&Plain>,
        found: &[Found],
        out: &mut impl Append,
        note: &mut dyn FnMut(Redaction<'r>),
    ) {
        let searched = plain.map_or(text, |plain| plain.text.as_str());
        // A placeholder is about as long as what it stands for.
        out.room_for(text.len() + PLACEHOLDER * found.len());
        let (begin, mut copied) = (out.length(), 0);
        let mut rest: &[Found] = found;
        while let Some((winner, start, end)) = next_place(&mut rest) {
            let (from, to) = match plain {
                Some(plain) => plain.range(start, end),
                None => (start, end),
            };
            out.append(&text[copied..from]);
            copied = to;
            let place = out.length();
            let value = &searched[winner.start..winner.end];
            let tag = self.put(&winner, value, out);
            note(Redaction {
                kind: self.kind(winner.rule),
                rule: self.name(winner.rule),
                start: place - begin,
                end: out.length() - begin,
                tag,
            });
        }
        out.append(&text[copied..]);
    }

    /// Redacts a text until nothing is found in it any more: a placeholder that takes the place of a
    /// value can make something of the digits beside it that it was not before.
    pub(super) fn settle<'r>(&'r self, text: &str) -> Redacted<'static, 'r> {
        const MOST_ROUNDS: usize = 16;
        let (mut text, mut redactions) = (text.to_owned(), Vec::new());
        for _ in 0..MOST_ROUNDS {
            let mut found = Vec::new();
            let seen = find(&text, &mut found);
            let plain = self.look(&text, &seen, &mut found);
            if found.is_empty() {
                break;
            }
            let mut replaced = String::new();
            let mut fresh = Vec::new();
            self.replace(
                &text,
                plain.as_ref(),
                &found,
                &mut replaced,
                &mut |redaction| {
                    fresh.push(redaction);
                },
            );
            redactions = self.carry_over(redactions, fresh, plain.as_ref(), &found);
            text = replaced;
        }
        Redacted {
            text: Cow::Owned(text),
            redactions,
        }
    }

    /// The redactions of an earlier round at their places behind a further one, with those of that
    /// round. What a further one covers is gone.
    fn carry_over<'r>(
        &self,
        earlier: Vec<Redaction<'r>>,
        fresh: Vec<Redaction<'r>>,
        plain: Option<&Plain>,
        found: &[Found],
    ) -> Vec<Redaction<'r>> {
        let mut rest = found;
        let covered: Vec<(usize, usize)> = std::iter::from_fn(|| next_place(&mut rest))
            .map(|(_, start, end)| plain.map_or((start, end), |plain| plain.range(start, end)))
            .collect();
        let mut all = Vec::new();
        for mut redaction in earlier {
            let before = covered.partition_point(|(_, end)| *end <= redaction.start);
            if covered
                .get(before)
                .is_some_and(|(start, _)| *start < redaction.end)
            {
                continue;
            }
            let length = redaction.end - redaction.start;
            // What stands before it has changed its length.
            if let Some(last) = before.checked_sub(1) {
                redaction.start = fresh[last].end + (redaction.start - covered[last].1);
            }
            redaction.end = redaction.start + length;
            all.push(redaction);
        }
        all.extend(fresh);
        all.sort_by_key(|redaction| redaction.start);
        all
    }

    /// Appends what stands for a value.
    fn put(&self, found: &Found, value: &str, out: &mut impl Append) -> Option<(&str, Tag)> {
        let kind = self.kind(found.rule);
        let (form, entity) = match found.rule {
            catalog::CUSTOM.. => (
                self.own[usize::from(found.rule - catalog::CUSTOM)].form,
                None,
            ),
            rule => {
                let entity = catalog::entity(rule);
                (self.forms[entity as usize], Some(entity))
            }
        };
        if form == Form::Remove {
            return None;
        }
        out.append("[");
        out.append(kind);
        let tag = match (form, &self.keys) {
            (Form::Tag, Some(keys)) => {
                let tag = match entity {
                    Some(entity) => canonical(entity, value, |spelling| keys.tag(kind, spelling)),
                    None => keys.tag(kind, value.to_lowercase().as_bytes()),
                };
                out.append(":");
                out.append(keys.current());
                out.append(":");
                out.append(tag.as_str());
                Some((keys.current(), tag))
            }
            _ => {
                let rest = entity
                    .filter(|_| form == Form::Mask)
                    .and_then(|entity| mask(entity, found.rule, value));
                if let Some(rest) = rest {
                    out.append(":");
                    out.append(&rest);
                }
                None
            }
        };
        out.append("]");
        tag
    }
}

/// What may stay of a value.
fn mask(entity: Entity, rule: RuleId, value: &str) -> Option<String> {
    match entity {
        Entity::CreditCard => {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            let last = digits.get(digits.len().checked_sub(4)?..)?;
            Some(format!(
                "{} {last}",
                brand(value.as_bytes()).unwrap_or("CARD")
            ))
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
