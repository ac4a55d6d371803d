//! The rules by their numbers: the kinds of value, the services, the formats of keys, and then what an
//! application adds. Of two rules that find the same secret, the first gives its name.

use super::Entity;
use super::detect::{RuleId, card, crypto, email, iban, ip, jwt, pem, phone, ssn, url};
use super::secret::{self, FORMAT, FORMATS, SERVICE, SERVICES};

/// The first number of an application's own rules.
pub(super) const CUSTOM: RuleId = FORMAT + FORMATS.len() as RuleId;

/// The kinds of value in their order, with the names of their rules and what these look for.
const KINDS: [(Entity, &str, &str); Entity::ALL.len()] = [
    (Entity::PrivateKey, "pem", pem::REGEX),
    (Entity::UrlCred, "url_password", url::REGEX),
    (Entity::Jwt, "jwt", jwt::REGEX),
    (Entity::Secret, "assignment", secret::REGEX),
    (Entity::Email, "email", email::REGEX),
    (Entity::Iban, "iban", iban::REGEX),
    (Entity::Crypto, "crypto", crypto::REGEX),
    (Entity::CreditCard, "credit_card", card::REGEX),
    (Entity::UsSsn, "us_ssn", ssn::REGEX),
    (Entity::Mac, "mac", ip::MAC_REGEX),
    (Entity::Ip, "ip", ip::REGEX),
    (Entity::Phone, "phone", phone::REGEX),
];

/// What a built-in rule finds; `None` for a rule of the application's own.
pub(super) fn entity(rule: RuleId) -> Option<Entity> {
    match rule {
        CUSTOM.. => None,
        SERVICE.. => Some(Entity::Secret),
        _ => Some(KINDS[usize::from(rule)].0),
    }
}

/// A built-in rule's name.
pub(super) fn name(rule: RuleId) -> &'static str {
    match rule {
        FORMAT.. => FORMATS[usize::from(rule - FORMAT)].name,
        SERVICE.. => SERVICES[usize::from(rule - SERVICE)].name,
        _ => KINDS[usize::from(rule)].1,
    }
}

/// What every key that a format finds begins with.
pub(super) fn head(rule: RuleId) -> Option<&'static str> {
    let format = FORMATS.get(usize::from(rule.checked_sub(FORMAT)?))?;
    format.head()
}

/// What a built-in rule looks for, as far as a regular expression can say it. The rule itself looks
/// at what stands around a candidate too, and at checksums and entropy.
#[cfg(feature = "regex")]
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
/// use stinger_audit_redaction::patterns;
///
/// let keys = patterns().into_iter().filter(|pattern| pattern.rule.contains("anthropic"));
/// assert!(keys.count() >= 2);
/// ```
#[cfg(feature = "regex")]
pub fn patterns() -> Vec<Pattern> {
    let kinds = KINDS.map(|(entity, rule, regex)| (entity, rule, regex.to_owned()));
    let formats = FORMATS
        .iter()
        .map(|format| (Entity::Secret, format.name, format.regex()));
    let services = SERVICES
        .iter()
        .map(|service| (Entity::Secret, service.name, service.regex()));
    let all = kinds.into_iter().chain(formats).chain(services);
    let patterns = all.map(|(entity, rule, regex)| Pattern {
        entity,
        rule,
        regex,
    });
    patterns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_the_number_of_its_place() {
        for (number, (entity, ..)) in KINDS.iter().enumerate() {
            assert_eq!(*entity as usize, number, "{entity}");
        }
    }
}
