//! Redaction: text in, text out. Knows nothing of tracing, files or threads.
//!
//! A [`Redactor`] finds values by their form, their checksums and what stands around them (an
//! [`Entity`] is what is found), and puts a placeholder in their place. [`Rules`] say what is looked
//! for and what the placeholders look like; [`Keys`] make them such that the same value always
//! has the same tag.
//!
//! # What stands in the place of a value
//!
//! `[EMAIL:k1:9GZ4M2QX7R1B]` is the kind of the value, the id of the key, and 60 bits of HMAC-SHA256
//! over the value in its one spelling: lower case for an email address, digits in international form for
//! a phone number, and so on. So the records of one person can be found without anybody knowing
//! who that is; who holds the key can compute the tag of a known value ([`Keys::tags`]); and who
//! does not cannot find the value by trying all that there are. [`Form`] has other placeholders.
//!
//! The record lists what was replaced, where, and by which rule, in its key `redactions`. That list
//! counts: whoever types a placeholder into a prompt finds it marked as typed in the trail.
//!
//! # What it does not find
//!
//! Names, postal addresses, dates of birth and whatever else has no form of its own; a password that
//! nothing says is one; values in pictures or in other encodings than JSON's and URLs'. A
//! `custom_redactor` of yours sees each text before these rules do.

mod canonical;
mod catalog;
mod custom;
mod detect;
mod entity;
pub mod error;
mod key;
mod national;
mod normalize;
#[cfg(test)]
mod oracle;
mod redactor;
mod rules;
mod secret;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use catalog::{Pattern, patterns};
pub(crate) use custom::{Custom, Panicked};
pub use custom::{Redact, RedactorStatus};
pub use entity::Entity;
pub use error::{Error, Result};
pub use key::{Keys, Tag};
pub use national::National;
use redactor::names_value;
pub use redactor::{Finding, Redacted, Redaction, Redactor};
pub use rules::{Form, Identifier, Kind, Rule, Rules, Treatment};

/// The kind of a user's id.
pub(crate) const USER: &str = "USER";
/// The kind of what a redactor of the application's own took out.
pub(crate) const CUSTOM: &str = "CUSTOM";

/// What a redactor that panicked leaves of the text.
pub(crate) const WITHHELD: &str = "[withheld: the redactor failed]";
/// What a field's treatment leaves of the text.
pub(crate) const WITHHELD_BY_RULE: &str = "[withheld]";

/// What a value alone is or, where the rules cannot tell, may be: for whoever asks for its tags.
fn kinds_of(value: &str) -> Vec<Entity> {
    let found = Redactor::new(Rules::new(), None).find(value);
    let whole = found
        .iter()
        .filter(|found| found.end - found.start == value.len());
    let known: Vec<Entity> = whole.filter_map(|found| Entity::of(&found.kind)).collect();
    if !known.is_empty() {
        return known;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let may_be = |entity: &&Entity| match entity {
        Entity::Email => value.contains('@'),
        Entity::Phone => (7..=20).contains(&digits),
        Entity::UsSsn => digits == 9,
        Entity::CreditCard => (12..=19).contains(&digits),
        Entity::Iban => digits >= 6 && value.len() >= 15,
        Entity::Ip => value.parse::<std::net::IpAddr>().is_ok(),
        Entity::Mac => matches!(value.len(), 12 | 14 | 17),
        Entity::Crypto => value.len() >= 14 && !value.contains(' '),
        Entity::Jwt => value.starts_with("ey"),
        Entity::PrivateKey => value.starts_with("-----BEGIN"),
        Entity::Secret | Entity::UrlCred => value.len() >= 6,
    };
    Entity::ALL.iter().filter(may_be).copied().collect()
}

/// The redactors of a trail, one behind the other.
///
/// The application's own run first, so that the built-in rules have the last word.
#[derive(Clone, Default)]
pub(crate) struct Chain {
    /// Tells these redactors from others of the process; 0 where there are none.
    number: u64,
    custom: Vec<Custom>,
    builtin: Option<Arc<Redactor>>,
}

/// What becomes of the texts in a field, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) treatment: Treatment,
    /// The name may tell what a text of the field is: `password`, `phone`.
    pub(crate) names_value: bool,
}

impl Manner {
    /// That of a text which stands under no name.
    pub(crate) const UNNAMED: Manner = Manner {
        treatment: Treatment::Redact,
        names_value: false,
    };
}

/// What became of a text.
pub(crate) struct Outcome<'t, 'r> {
    /// The text without what must not be seen.
    pub(crate) text: Cow<'t, str>,
    pub(crate) redactions: Vec<Redaction<'r>>,
    /// Whether somebody typed a placeholder into it.
    pub(crate) is_typed: bool,
}

impl Chain {
    pub(crate) fn new(custom: Vec<Custom>, builtin: Option<Redactor>) -> Chain {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Chain {
            number: match custom.is_empty() && builtin.is_none() {
                true => 0,
                false => NEXT.fetch_add(1, Ordering::Relaxed),
            },
            custom,
            builtin: builtin.map(Arc::new),
        }
    }

    /// Not the same for two that differ; 0 for those that redact nothing.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// What the rules say of a field under this name or, where they say nothing, under that of its key.
    pub(crate) fn manner(&self, name: &str, key: Option<&str>) -> Manner {
        let Some(builtin) = &self.builtin else {
            return Manner::UNNAMED;
        };
        let treatment = match (builtin.treatment(name), key) {
            (Treatment::Redact, Some(key)) => builtin.treatment(key),
            (treatment, _) => treatment,
        };
        Manner {
            treatment,
            names_value: names_value(name),
        }
    }

    /// Whether one of the application's own is among them.
    pub(crate) fn has_custom(&self) -> bool {
        !self.custom.is_empty()
    }

    pub(crate) fn custom(&self) -> &[Custom] {
        &self.custom
    }

    pub(crate) fn builtin(&self) -> Option<&Redactor> {
        self.builtin.as_deref()
    }

    /// Redacts a text in a field, or in what is nested in it; `is_named`: the field's name may tell what the text
    /// is.
    ///
    /// # Errors
    ///
    /// A redactor panicked on the text.
    pub(crate) fn apply<'t>(
        &self,
        field: &str,
        is_named: bool,
        text: &'t str,
    ) -> Result<Outcome<'t, '_>, Panicked> {
        let builtin = self.builtin.as_deref();
        let marked = builtin.and_then(|builtin| builtin.mark_typed(text));
        let is_typed = marked.is_some();
        let mut text = marked.map_or(Cow::Borrowed(text), Cow::Owned);
        let mut redactions = Vec::new();
        for custom in &self.custom {
            let redacted = match custom.apply(&text)? {
                Cow::Owned(redacted) if redacted != *text => redacted,
                _ => continue,
            };
            redactions.push(Redaction {
                kind: CUSTOM,
                rule: &custom.name,
                start: 0,
                end: 0,
                tag: None,
            });
            text = Cow::Owned(redacted);
        }
        if let Some(builtin) = builtin {
            let redacted = match is_named {
                true => builtin.redact_named(&last_name(field), &text),
                false => builtin.redact_again(&text),
            };
            if !redacted.redactions.is_empty() {
                redactions.extend(redacted.redactions);
                text = Cow::Owned(redacted.text.into_owned());
            }
        }
        Ok(Outcome {
            text,
            redactions,
            is_typed,
        })
    }
}

/// A name as a segment of a path to a text: a JSON pointer's (RFC 6901), so that no name looks like a path.
#[doc(hidden)]
pub fn path_segment(name: &str) -> Cow<'_, str> {
    match name.contains(['~', '/']) {
        true => Cow::Owned(name.replace('~', "~0").replace('/', "~1")),
        false => Cow::Borrowed(name),
    }
}

/// Whether the name at the end of a path may tell what a value there is.
pub(crate) fn path_names_value(path: &str) -> bool {
    names_value(&last_name(path))
}

/// The name that a value in a field goes by: the last of its path that is no place in a list.
fn last_name(path: &str) -> Cow<'_, str> {
    let mut names = path.rsplit('/');
    let is_name = |name: &&str| !name.bytes().all(|byte| byte.is_ascii_digit());
    let name = names.find(is_name).unwrap_or(path);
    match name.contains('~') {
        true => Cow::Owned(name.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(name),
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("custom", &self.custom.len())
            .field("builtin", &self.builtin)
            .finish()
    }
}
