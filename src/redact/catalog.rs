//! The rules by their numbers: the kinds of value, the formats of keys, the services, and behind them
//! what an application adds.

use super::Entity;
use super::find::{RuleId, card, crypto, email, iban, ip, jwt, pem, phone, ssn, url};
use super::secret::{self, FORMATS, SERVICES};

const FORMAT: RuleId = Entity::ALL.len() as RuleId;
const SERVICE: RuleId = FORMAT + FORMATS.len() as RuleId;
/// The first number of an application's own rules.
pub(super) const CUSTOM: RuleId = SERVICE + SERVICES.len() as RuleId;

/// The rule of a format of keys, by its place in the table.
pub(super) fn format(number: u16) -> RuleId {
    FORMAT + number
}

/// The rule of a service, by its place in the table.
pub(super) fn service(number: usize) -> RuleId {
    SERVICE + number as RuleId
}

/// What a built-in rule finds.
pub(super) fn entity(rule: RuleId) -> Entity {
    match Entity::ALL.get(usize::from(rule)) {
        Some(entity) => *entity,
        None => Entity::Secret,
    }
}

/// A built-in rule's name.
pub(super) fn name(rule: RuleId) -> &'static str {
    match rule {
        SERVICE.. => SERVICES[usize::from(rule - SERVICE)].name,
        FORMAT.. => FORMATS[usize::from(rule - FORMAT)].name,
        _ => match entity(rule) {
            Entity::PrivateKey => "pem",
            Entity::UrlCred => "url_password",
            Entity::Jwt => "jwt",
            Entity::Secret => "assignment",
            Entity::Email => "email",
            Entity::Iban => "iban",
            Entity::Crypto => "crypto",
            Entity::CreditCard => "credit_card",
            Entity::UsSsn => "us_ssn",
            Entity::Mac => "mac",
            Entity::Ip => "ip",
            Entity::Phone => "phone",
        },
    }
}

/// What every key that a format finds begins with.
pub(super) fn head(rule: RuleId) -> Option<&'static str> {
    match rule {
        SERVICE.. => None,
        FORMAT.. => FORMATS[usize::from(rule - FORMAT)].head(),
        _ => None,
    }
}

/// What a built-in rule looks for, as far as a regular expression can say it. The rule itself looks
/// at what stands around a candidate too, and at checksums and entropy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pattern {
    /// What it finds.
    pub entity: Entity,
    /// The rule's name, as it stands in a record's `redactions`.
    pub rule: &'static str,
    /// The candidates, in the syntax of the crate `regex`.
    pub regex: String,
}

/// The built-in rules, for whoever must say what is looked for.
///
/// ```
/// use stinger_audit::redact::patterns;
///
/// let keys = patterns().into_iter().filter(|pattern| pattern.rule.contains("anthropic"));
/// assert!(keys.count() >= 2);
/// ```
pub fn patterns() -> Vec<Pattern> {
    let kinds = [
        (Entity::PrivateKey, pem::REGEX),
        (Entity::UrlCred, url::REGEX),
        (Entity::Jwt, jwt::REGEX),
        (Entity::Secret, secret::REGEX),
        (Entity::Email, email::REGEX),
        (Entity::Iban, iban::REGEX),
        (Entity::Crypto, crypto::REGEX),
        (Entity::CreditCard, card::REGEX),
        (Entity::UsSsn, ssn::REGEX),
        (Entity::Mac, ip::MAC_REGEX),
        (Entity::Ip, ip::REGEX),
        (Entity::Phone, phone::REGEX),
    ];
    let kinds = kinds.into_iter().map(|(entity, regex)| Pattern {
        entity,
        rule: name(entity as RuleId),
        regex: regex.to_owned(),
    });
    let formats = FORMATS.iter().map(|format| Pattern {
        entity: Entity::Secret,
        rule: format.name,
        regex: format.regex(),
    });
    let services = SERVICES.iter().map(|service| Pattern {
        entity: Entity::Secret,
        rule: service.name,
        regex: service.regex(),
    });
    kinds.chain(formats).chain(services).collect()
}
