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
//! does not cannot find the value by trying all that there are. [`Replacement`] has other placeholders.
//!
//! The record lists what was replaced, where, and by which rule, in its key `redactions`. That list
//! counts: whoever types a placeholder into a prompt finds it marked as typed in the trail.
//!
//! # What it does not find
//!
//! Names, postal addresses, dates of birth and whatever else has no form of its own; a password that
//! nothing says is one; values in pictures or in other encodings than JSON's and URLs'. A
//! `custom_redactor` of yours sees each text before these rules do.
#![deny(missing_docs)]
#![warn(unreachable_pub)]

mod canonical;
mod catalog;
mod characters;
mod custom;
mod detect;
mod entity;
pub mod error;
mod ids;
mod key;
#[cfg(feature = "regex")]
mod national;
mod normalize;
#[cfg(test)]
mod oracle;
mod pipeline;
mod redactor;
mod rules;
mod secret;
mod words;

pub use self::error::{Error, Result};
#[cfg(feature = "regex")]
pub use catalog::{Pattern, patterns};
pub use custom::{Redact, RedactorStatus};
pub use entity::Entity;
pub use key::{Keys, Tag};
#[cfg(feature = "regex")]
pub use national::National;
pub use redactor::{Finding, Redacted, Redaction, Redactor};
pub use rules::{FieldPolicy, IdentifierPolicy, Replacement, Rule, Rules};

/// What the trail, the writer and the command share with redaction. Not part of the public interface.
#[doc(hidden)]
pub mod internal {
    pub use super::characters::{UNSAFE_LEADS, is_unsafe_to_display};
    pub use super::custom::{CustomRedactor, Panicked};
    pub use super::error::{ErrorChain, remedy};
    pub use super::key::SECRET_BYTES;
    pub use super::pipeline::{
        CUSTOM, FieldMode, Outcome, RedactionPipeline, WITHHELD, path_names_value, path_segment,
    };
    pub use super::rules::ids::{IdRule, WITHHELD_BY_RULE};
}

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
