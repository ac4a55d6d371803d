//! The redactor: finds, resolves what overlaps, writes once.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::canonical::canonical;
use super::catalog;
use super::find::card::brand;
use super::find::{Found, RuleId, Seen, find};
use super::key::{BASE32, Keys, Tag};
use super::plain::Plain;
use super::secret::says_secret;
use super::{Entity, Form, Identifier, Rule, Rules, Treatment, USER};

thread_local! {
    /// Room for the findings in one text. It is taken while in use.
    static FOUND: Cell<Vec<Found>> = const { Cell::new(Vec::new()) };
}

/// More findings than this are not kept room for.
const ROOM_KEPT: usize = 4096;

/// Calls `work` with room for the findings in one text.
fn with_room<T>(work: impl FnOnce(&mut Vec<Found>) -> T) -> T {
    let mut found = FOUND.try_with(Cell::take).unwrap_or_default();
    found.clear();
    let done = work(&mut found);
    if found.capacity() <= ROOM_KEPT {
        let _ = FOUND.try_with(|room| room.set(found));
    }
    done
}

/// Replaces what must not be seen in a text.
///
/// ```
/// use stinger_audit::redact::{Keys, Redactor, Rules};
///
/// let redactor = Redactor::new(Rules::new(), Some(Keys::from_secret("k1", &[7; 32])));
/// let redacted = redactor.redact("mail Ann@Example.com or call +1 212 555 0187");
/// assert_eq!(redacted.text, "mail [EMAIL:k1:V2AT3TCTHZXB] or call [PHONE:k1:QHZ62WMDRZQQ]");
/// assert_eq!(redacted.redactions[0].kind, "EMAIL");
/// ```
pub struct Redactor {
    keys: Option<Keys>,
    /// The form of each built-in kind.
    forms: [Form; Entity::ALL.len()],
    /// Which kinds are looked for: bit `n` for the kind `n`.
    on: u32,
    /// The application's own rules and deny-lists, in the order of their numbers.
    own: Vec<Own>,
    denied: Option<Denied>,
    allowed: HashSet<Vec<u8>>,
    rules: Rules,
}

/// A rule of the application's own.
struct Own {
    name: String,
    form: Form,
    /// `None`: it is a deny-list.
    rule: Option<Rule>,
}

struct Denied {
    words: AhoCorasick,
    /// The rule of each word.
    rules: Vec<RuleId>,
}

/// A text after redaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redacted<'t, 'r> {
    /// The text without what must not be seen.
    pub text: Cow<'t, str>,
    /// What stands there in whose place, in the order of the places.
    pub redactions: Vec<Redaction<'r>>,
}

/// A value that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redaction<'r> {
    /// What it was: an [`Entity`], or the name of a rule of the application's own.
    pub kind: &'r str,
    /// Where what stands for it begins, in bytes of the redacted text.
    pub start: usize,
    /// Where that ends.
    pub end: usize,
    /// The id of the key and the tag, where the value is tagged.
    pub tag: Option<(&'r str, Tag)>,
    /// The rule that found it.
    pub rule: &'r str,
}

/// A value that would be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is: an [`Entity`], or the name of a rule of the application's own.
    pub kind: String,
    /// The rule that finds it.
    pub rule: String,
    /// Where it begins, in bytes of the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// A text that was looked at, and what was seen.
pub(crate) struct Looked<'a> {
    text: &'a str,
    seen: Seen,
    found: &'a mut Vec<Found>,
}

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

/// In front of a placeholder that stood in the text already: somebody typed it.
const TYPED: &str = "typed:";

impl Redactor {
    /// A redactor by these rules; without keys no value is tagged.
    pub fn new(rules: Rules, keys: Option<Keys>) -> Redactor {
        let form_of = |name: &str| match rules.forms.get(name).unwrap_or(&rules.form) {
            Form::Tag if keys.is_none() => Form::Type,
            form => *form,
        };
        let mut forms = [Form::Type; Entity::ALL.len()];
        let mut on = 0;
        for (number, entity) in Entity::ALL.iter().enumerate() {
            forms[number] = form_of(entity.as_str());
            on |= u32::from(!rules.off.contains(entity)) << number;
        }
        let mut own: Vec<Own> = Vec::new();
        for rule in &rules.rules {
            own.push(Own {
                name: rule.name.clone(),
                form: form_of(&rule.name),
                rule: Some(rule.clone()),
            });
        }
        let (mut words, mut word_rules) = (Vec::new(), Vec::new());
        for denied in &rules.denied {
            let number = catalog::CUSTOM + own.len() as RuleId;
            own.push(Own {
                name: denied.name.clone(),
                form: form_of(&denied.name),
                rule: None,
            });
            words.extend(denied.words.iter());
            word_rules.resize(words.len(), number);
        }
        let denied = (!words.is_empty()).then(|| Denied {
            words: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(words)
                .expect("invariant: a list of words that fits in memory makes an automaton"),
            rules: word_rules,
        });
        let spellings = rules.allowed.iter().flat_map(|value| {
            let kinds = Entity::ALL.iter();
            kinds.map(move |entity| canonical(*entity, value, <[u8]>::to_vec))
        });
        let allowed = spellings
            .chain(rules.allowed.iter().map(|value| value.clone().into_bytes()))
            .collect();
        Redactor {
            forms,
            on,
            own,
            denied,
            allowed,
            keys,
            rules,
        }
    }

    /// Redacts a text. A placeholder that stands in it was typed by somebody and is marked as that:
    /// `[typed:EMAIL:…]`.
    pub fn redact<'t>(&self, text: &'t str) -> Redacted<'t, '_> {
        let (mut out, mut redactions) = (String::new(), Vec::new());
        let mut note = |redaction| redactions.push(redaction);
        let is_touched = self.write_typed(text, &mut out, &mut note, &mut || {});
        let text = match is_touched {
            false => Cow::Borrowed(text),
            true => Cow::Owned(out),
        };
        Redacted { text, redactions }
    }

    /// Redacts a text whose placeholders are a redactor's, such as one from a trail. A text that
    /// these rules have redacted stays as it is.
    pub fn redact_again<'t>(&self, text: &'t str) -> Redacted<'t, '_> {
        let mut out = String::new();
        let mut redactions = Vec::new();
        let is_touched = self.write(text, &mut out, &mut |redaction| redactions.push(redaction));
        let text = match is_touched {
            false => Cow::Borrowed(text),
            true => Cow::Owned(out),
        };
        Redacted { text, redactions }
    }

    /// What becomes of the texts in a field.
    pub(crate) fn treatment(&self, field: &str) -> Treatment {
        match self.rules.fields.is_empty() {
            true => Treatment::Redact,
            false => *self.rules.fields.get(field).unwrap_or(&Treatment::Redact),
        }
    }

    /// Whether `user_id` or `user_ip` is recorded as it is.
    pub(crate) fn keeps_identifier(&self, is_address: bool) -> bool {
        let identifier = match is_address {
            true => self.rules.user_ip,
            false => self.rules.user_id,
        };
        identifier == Identifier::Keep
    }

    /// `user_id` or `user_ip` as it is to be recorded.
    pub(crate) fn identifier<'v>(&self, is_address: bool, value: &'v str) -> Option<Cow<'v, str>> {
        let (identifier, kind) = match is_address {
            true => (self.rules.user_ip, Entity::Ip.as_str()),
            false => (self.rules.user_id, USER),
        };
        match (identifier, &self.keys) {
            (Identifier::Keep, _) => Some(Cow::Borrowed(value)),
            (Identifier::Drop, _) => None,
            (Identifier::Tag, None) => Some(Cow::Owned(format!("[{kind}]"))),
            (Identifier::Tag, Some(keys)) => {
                let tag = match is_address {
                    true => canonical(Entity::Ip, value, |spelling| keys.tag(kind, spelling)),
                    false => keys.tag(kind, value.as_bytes()),
                };
                Some(Cow::Owned(format!(
                    "[{kind}:{}:{}]",
                    keys.current(),
                    tag.as_str()
                )))
            }
        }
    }

    /// The id of the key that tags are made with.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.keys.as_ref().map(Keys::current)
    }

    /// Whether a value of this kind would still be replaced; `tag` as a record has it.
    pub(crate) fn still_hides(&self, kind: &str, tag: Option<&str>) -> bool {
        let is_on = match Entity::of(kind) {
            Some(entity) => self.on >> entity as u32 & 1 == 1,
            None => self.own.iter().any(|own| own.name == kind) || kind == super::CUSTOM,
        };
        let is_allowed = |tag: &str| {
            let Some(keys) = &self.keys else { return false };
            let mut tags = self.rules.allowed.iter().flat_map(|value| keys.tags(value));
            tags.any(|known| known == format!("[{kind}:{tag}]"))
        };
        is_on && !tag.is_some_and(is_allowed)
    }

    /// Puts `typed:` into every placeholder of a text. `None`: there is none.
    pub(crate) fn mark_typed(&self, text: &str) -> Option<String> {
        let mut marked: Option<String> = None;
        let mut copied = 0;
        for open in memchr::memchr_iter(b'[', text.as_bytes()) {
            let inside = &text[open + 1..];
            let name = inside
                .bytes()
                .take_while(|byte| {
                    byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'
                })
                .count();
            let is_placeholder = matches!(inside.as_bytes().get(name), Some(b':' | b']'))
                && self.is_kind(&inside[..name]);
            if is_placeholder {
                let marked = marked.get_or_insert_with(String::new);
                marked.push_str(&text[copied..=open]);
                marked.push_str(TYPED);
                copied = open + 1;
            }
        }
        let mut marked = marked?;
        marked.push_str(&text[copied..]);
        Some(marked)
    }

    fn is_kind(&self, name: &str) -> bool {
        Entity::ALL.iter().any(|entity| entity.as_str() == name)
            || self.own.iter().any(|own| own.name == name)
            || name == USER
    }

    /// Appends the text to `out` without what must not be seen, and notes each replacement, with
    /// places counted from where the text begins in `out`. Says whether there was any; where there
    /// was none, nothing is appended.
    pub(crate) fn write<'r>(
        &'r self,
        text: &str,
        out: &mut impl Append,
        note: &mut dyn FnMut(Redaction<'r>),
    ) -> bool {
        with_room(|found| {
            let seen = find(text, found);
            self.write_found(text, &seen, found, out, note)
        })
    }

    /// [`write`](Redactor::write) for a text as it came: placeholders in it are marked as typed, which
    /// `typed` is told.
    pub(crate) fn write_typed<'r>(
        &'r self,
        text: &str,
        out: &mut impl Append,
        note: &mut dyn FnMut(Redaction<'r>),
        typed: &mut dyn FnMut(),
    ) -> bool {
        self.look_at(text, |looked| {
            looked.is_some_and(|looked| self.write_looked(looked, out, note, typed))
        })
    }

    /// Looks at a text as it came. Of most texts that tells that they stay as they are: `None`. The
    /// others are for [`write_looked`](Redactor::write_looked).
    #[inline]
    pub(crate) fn look_at<T>(&self, text: &str, then: impl FnOnce(Option<Looked<'_>>) -> T) -> T {
        with_room(|found| {
            let seen = find(text, found);
            let stays = found.is_empty()
                && self.own.is_empty()
                && !seen.has_suspects()
                && !seen.has_brackets();
            then((!stays).then_some(Looked { text, seen, found }))
        })
    }

    /// [`write_typed`](Redactor::write_typed) for a text that was looked at.
    pub(crate) fn write_looked<'r>(
        &'r self,
        looked: Looked<'_>,
        out: &mut impl Append,
        note: &mut dyn FnMut(Redaction<'r>),
        typed: &mut dyn FnMut(),
    ) -> bool {
        let Looked { text, seen, found } = looked;
        if seen.has_brackets()
            && let Some(marked) = self.mark_typed(text)
        {
            typed();
            if !self.write(&marked, out, note) {
                out.append(&marked);
            }
            return true;
        }
        self.write_found(text, &seen, found, out, note)
    }

    fn write_found<'r>(
        &'r self,
        text: &str,
        seen: &Seen,
        found: &mut Vec<Found>,
        out: &mut impl Append,
        note: &mut dyn FnMut(Redaction<'r>),
    ) -> bool {
        if found.is_empty() && !seen.has_suspects() && self.own.is_empty() {
            return false;
        }
        let plain = self.look(text, seen, found);
        let is_touched = !found.is_empty();
        if is_touched && is_settled(text, plain.as_ref(), found) {
            self.replace(text, plain.as_ref(), found, out, note);
        } else if is_touched {
            let settled = self.settle(text);
            out.append(&settled.text);
            settled.redactions.into_iter().for_each(note);
        }
        is_touched
    }

    /// [`write`](Redactor::write) for a field whose [name may say](names_value) what its value is.
    pub(crate) fn write_named<'r>(
        &'r self,
        name: &str,
        text: &str,
        out: &mut Vec<u8>,
        note: &mut dyn FnMut(Redaction<'r>),
    ) -> bool {
        // As it would stand in a text. A quote that it does not hold keeps it whole.
        let quote = ['"', '\'', '`']
            .into_iter()
            .find(|quote| !text.contains(*quote))
            .unwrap_or('"');
        let head = format!("{name}: {quote}");
        let joined = format!("{head}{text}{quote}");
        let redacted = self.redact_again(&joined);
        let is_whole = redacted.text.starts_with(&head)
            && redacted.text.ends_with(quote)
            && redacted
                .redactions
                .iter()
                .all(|redaction| redaction.start >= head.len());
        if !is_whole || redacted.redactions.is_empty() {
            return self.write(text, out, note);
        }
        Append::append(out, &redacted.text[head.len()..redacted.text.len() - 1]);
        for mut redaction in redacted.redactions {
            redaction.start -= head.len();
            redaction.end -= head.len();
            note(redaction);
        }
        true
    }

    /// What is to be replaced, of what was found in a text: by a rule that is on, not allowed, and no
    /// placeholder. Where the text is disguised, the places are those of the copy that is returned.
    fn look(&self, text: &str, seen: &Seen, found: &mut Vec<Found>) -> Option<Plain> {
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
                let is_valid = |validator: &super::rules::Validator| validator(value.as_str());
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

    /// Writes the text with one placeholder for all findings that overlap.
    fn replace<'r>(
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
    fn settle<'r>(&'r self, text: &str) -> Redacted<'static, 'r> {
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

    /// What would be replaced in a text, in order.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let findings = self.places(text).into_iter().map(|place| Finding {
            kind: self.kind(place.rule).to_owned(),
            rule: self.name(place.rule).to_owned(),
            start: place.start,
            end: place.end,
        });
        findings.collect()
    }

    /// Where in a text something would be replaced, in order.
    pub(super) fn places(&self, text: &str) -> Vec<Place> {
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

    pub(super) fn kind(&self, rule: RuleId) -> &str {
        match rule {
            catalog::CUSTOM.. => &self.own[usize::from(rule - catalog::CUSTOM)].name,
            rule => catalog::entity(rule).as_str(),
        }
    }

    pub(super) fn name(&self, rule: RuleId) -> &str {
        match rule {
            catalog::CUSTOM.. => &self.own[usize::from(rule - catalog::CUSTOM)].name,
            rule => catalog::name(rule),
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("keys", &self.keys)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// Whether a field of this name holds values that only their names tell: `password`, `phone`.
pub(super) fn names_value(name: &str) -> bool {
    static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build([
                "phone",
                "mobile",
                "fax",
                "tel",
                "ssn",
                "social_security",
                "socialsecurity",
                "card",
                "iban",
                "whatsapp",
            ])
            .expect("invariant: a few short words make an automaton")
    });
    says_secret(name) || WORDS.is_match(name)
}

/// Where something is to be replaced, in the text as it is.
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: RuleId,
}

/// Takes the first of the findings, which are sorted, with all that overlap: the one that takes
/// precedence, and the range of them all.
fn next_place(found: &mut &[Found]) -> Option<(Found, usize, usize)> {
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
fn is_settled(text: &str, plain: Option<&Plain>, found: &[Found]) -> bool {
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
