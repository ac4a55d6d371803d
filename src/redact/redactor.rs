//! The redactor: finds, resolves what overlaps, writes once.

mod choose;
mod replace;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

pub(super) use self::choose::Place;
use self::choose::is_settled;
pub(crate) use self::replace::Append;
use super::canonical::canonical;
use super::catalog;
use super::find::{Found, RuleId, Seen, find};
use super::key::{Keys, Tag};
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
