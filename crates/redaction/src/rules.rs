//! What an application wants redacted, and how: in code, or in a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
#[cfg(feature = "regex")]
use std::sync::Arc;

use aho_corasick::AhoCorasick;
#[cfg(feature = "regex")]
use regex::Regex;
use serde::Deserialize;

use super::Entity;
#[cfg(feature = "regex")]
use super::National;
use super::error::{Error, InvalidRule, Position, Result};
use super::ids::id_kinds;
use super::words::words;

#[cfg(feature = "toml")]
mod file;
pub(super) mod ids;

/// What stands in the place of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Replacement {
    /// `[EMAIL:k1:9GZ4M2QX7R1B]`: the same value has the same tag, whatever way it is typed, and only
    /// who has the key can tell which tag a value has. Without keys as [`Type`](Replacement::Type).
    #[default]
    Tag,
    /// `[EMAIL]`.
    Type,
    /// What may stay: a card's brand and last four digits, an email address's domain, the first three
    /// numbers of an IPv4 address, the prefix of a key. `[CREDIT_CARD:VISA 1111]`. As
    /// [`Type`](Replacement::Type) for everything else.
    Mask,
    /// Nothing. The record's list says what was there.
    Remove,
}

/// What becomes of the texts in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FieldPolicy {
    /// Values in them are redacted. The default.
    Redact,
    /// They are kept as they are.
    Keep,
    /// They are not recorded: `[withheld]`.
    Withhold,
}

/// What becomes of an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IdentifierPolicy {
    /// It is recorded. The default: an audit trail says for whom.
    #[default]
    Keep,
    /// Its tag is recorded.
    Tag,
    /// It is left out of the record.
    Withhold,
}

/// What is redacted, and how. Without changes: every [`Entity`], as tags, in every text.
///
/// ```
/// use stinger_audit_redaction::{Entity, Replacement, IdentifierPolicy, Redactor, Rule, Rules};
///
/// # fn main() -> Result<(), stinger_audit_redaction::Error> {
/// let rules = Rules::new()
///     .replacement(Entity::CreditCard, Replacement::Mask)
///     .rule(Rule::new("EMPLOYEE", r"E-\d{6}")?)
///     .deny("CODENAME", ["Falcon"])?
///     .allow(["support@example.com"])
///     .user_ip(IdentifierPolicy::Tag);
/// let redactor = Redactor::new(rules, None);
/// assert_eq!(
///     redactor.redact("E-004711 paid for falcon with 4111 1111 1111 1111, ask support@example.com").text,
///     "[EMPLOYEE] paid for [CODENAME] with [CREDIT_CARD:VISA 1111], ask support@example.com",
/// );
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(super) off: BTreeSet<Entity>,
    pub(super) default_replacement: Replacement,
    pub(super) replacements: BTreeMap<String, Replacement>,
    pub(super) rules: Vec<Rule>,
    pub(super) allowed: Vec<String>,
    pub(super) fields: BTreeMap<String, FieldPolicy>,
    pub(super) ids: BTreeMap<String, IdentifierPolicy>,
    pub(super) tenants: BTreeMap<String, FieldPolicy>,
    /// Where a rule stands in its file, by its table and name.
    positions: BTreeMap<(&'static str, String), Position>,
}

/// A rule of the application's own: a regular expression, and what else must hold.
#[derive(Clone)]
pub struct Rule {
    pub(super) name: String,
    matcher: Matcher,
}

#[derive(Clone)]
enum Matcher {
    #[cfg(feature = "regex")]
    Regex(Regex, Option<Validator>),
    Words(AhoCorasick),
}

#[cfg(feature = "regex")]
type Validator = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Rule {
    /// A rule whose findings are replaced by `[NAME]` or `[NAME:key:tag]`. Needs the cargo feature `regex`, which is on
    /// by default.
    ///
    /// # Errors
    ///
    /// The name is not of capital letters, digits and `_`, or is taken; the expression is none
    /// (syntax of the crate `regex`), or finds the empty text.
    #[cfg(feature = "regex")]
    pub fn new(name: &str, regex: &str) -> Result<Rule> {
        check_name(name)?;
        let compiled = regex::RegexBuilder::new(regex)
            .size_limit(LARGEST_REGEX)
            .build();
        let compiled = compiled.map_err(|error| Error::regex(name, error))?;
        if compiled.is_match("") {
            return Err(Error::rule(name, InvalidRule::MatchesEmpty));
        }
        Ok(Rule {
            name: name.to_owned(),
            matcher: Matcher::Regex(compiled, None),
        })
    }

    /// A rule that finds these words, in upper or lower case.
    fn of_words<W: AsRef<str>>(name: &str, list: impl IntoIterator<Item = W>) -> Result<Rule> {
        check_name(name)?;
        let list: Vec<W> = list.into_iter().collect();
        let list = list.iter().map(AsRef::as_ref);
        Ok(Rule {
            name: name.to_owned(),
            matcher: Matcher::Words(words(list.filter(|word| !word.is_empty()))),
        })
    }

    /// What must hold of a finding besides, a checksum for instance.
    #[cfg(feature = "regex")]
    pub fn validator(mut self, validator: impl Fn(&str) -> bool + Send + Sync + 'static) -> Rule {
        if let Matcher::Regex(_, known) = &mut self.matcher {
            *known = Some(Arc::new(validator));
        }
        self
    }

    /// Calls `each` for every range of a text that the rule finds.
    pub(super) fn find(&self, text: &str, each: impl FnMut(Range<usize>)) {
        match &self.matcher {
            #[cfg(feature = "regex")]
            Matcher::Regex(regex, validator) => {
                let is_valid = |range: &Range<usize>| {
                    let validator = validator.as_ref();
                    validator.is_none_or(|validator| validator(&text[range.clone()]))
                };
                let found = regex.find_iter(text).map(|found| found.range());
                found.filter(is_valid).for_each(each);
            }
            Matcher::Words(words) => {
                let found = words.find_overlapping_iter(text);
                found.map(|word| word.range()).for_each(each);
            }
        }
    }
}

/// In bytes, compiled: a rule that needs more is slow to build and to run.
#[cfg(feature = "regex")]
const LARGEST_REGEX: usize = 1 << 20;

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rule = f.debug_struct("Rule");
        rule.field("name", &self.name);
        #[cfg(feature = "regex")]
        if let Matcher::Regex(regex, _) = &self.matcher {
            rule.field("regex", &regex.as_str());
        }
        rule.finish_non_exhaustive()
    }
}

impl Rules {
    /// Every kind of value, as tags, in every text.
    pub fn new() -> Rules {
        Rules::default()
    }

    /// Reads rules from a TOML file:
    ///
    /// ```toml
    /// replacement = "tag"                # tag, type, mask or remove
    /// off = ["IP"]                       # kinds that are not looked for
    /// national = ["UK_NHS", "PL_PESEL"]  # kinds that are, besides
    /// allow = ["support@example.com"]    # values that are kept
    ///
    /// [ids]
    /// user_ip = "tag"                    # keep, tag or withhold
    ///
    /// [tenants]
    /// acme = "withhold"                  # no text of this customer is recorded
    ///
    /// [replacements]
    /// CREDIT_CARD = "mask"
    ///
    /// [fields]
    /// tool_output = "withhold"           # redact, keep or withhold
    ///
    /// [[rule]]
    /// name = "EMPLOYEE"
    /// regex = 'E-\d{6}'
    /// validator = "luhn"                 # luhn or mod97, where there is one
    ///
    /// [[deny]]
    /// name = "CODENAME"
    /// words = ["Falcon"]
    /// ```
    ///
    /// Needs the cargo feature `toml`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a rule in it is invalid: the error says in which line.
    #[cfg(feature = "toml")]
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Rules> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::io("read the redaction rules", path, error))?;
        file::parse(&text, path)
    }

    /// Does not look for a kind of value.
    pub fn without(mut self, entity: Entity) -> Rules {
        self.off.insert(entity);
        self
    }

    /// What stands in the place of all values for which nothing else is said.
    pub fn default_replacement(mut self, replacement: Replacement) -> Rules {
        self.default_replacement = replacement;
        self
    }

    /// What stands in the place of the values of a kind: an [`Entity`], or the name of a rule or a deny-list.
    pub fn replacement(mut self, kind: impl AsRef<str>, replacement: Replacement) -> Rules {
        self.replacements
            .insert(kind.as_ref().to_owned(), replacement);
        self
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Rules {
        self.rules.push(rule);
        self
    }

    /// Looks for national identifiers as well, whose checksums hold. Many are bare digits, one in
    /// ten or so of which passes for one.
    #[cfg(feature = "regex")]
    pub fn national(mut self, kinds: impl IntoIterator<Item = National>) -> Rules {
        self.rules.extend(kinds.into_iter().map(|kind| {
            let (regex, check) = kind.expression();
            Rule::new(kind.as_str(), regex)
                .expect("invariant: the tests make each of these rules")
                .validator(check)
        }));
        self
    }

    /// Keeps these values, whatever way they are typed.
    pub fn allow<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Rules {
        self.allowed.extend(values.into_iter().map(Into::into));
        self
    }

    /// Always redacts these words, in upper or lower case, under a name for them.
    ///
    /// # Errors
    ///
    /// The name is not of capital letters, digits and `_`, or is taken.
    pub fn deny<W: AsRef<str>>(
        self,
        name: &str,
        words: impl IntoIterator<Item = W>,
    ) -> Result<Rules> {
        Ok(self.rule(Rule::of_words(name, words)?))
    }

    /// What becomes of the texts in a field, with all that is nested in it. For an [id](Rules::id), keeping and
    /// withholding are its policies too.
    ///
    /// A rule for a name of the record that is a number or a word, such as `turn_number` or `model_used`, cannot apply: it
    /// is an error when the trail is opened.
    pub fn field(mut self, name: impl Into<String>, policy: FieldPolicy) -> Rules {
        let name = name.into();
        match policy {
            FieldPolicy::Keep if ids::is_id(&name) => self.id(name, IdentifierPolicy::Keep),
            FieldPolicy::Withhold if ids::is_id(&name) => self.id(name, IdentifierPolicy::Withhold),
            policy => {
                self.fields.insert(name, policy);
                self
            }
        }
    }

    /// What becomes of an id: `user_id`, `user_ip`, `session_id`, `tenant_id`, `agent_id`, `conversation_id`, `turn_id`,
    /// `request_id`, `client_request_id` or `event_id`.
    ///
    /// Without a rule, `session_id` is tagged: whoever can read it may take over the session. `client_request_id`, which
    /// a client chose, is kept, but for personal data and secrets in it. All others are kept.
    ///
    /// A name that is no id is an error when the trail is opened; so is a tagged `conversation_id` or `turn_id` without
    /// keys, because all conversations would become one.
    pub fn id(mut self, name: impl Into<String>, policy: IdentifierPolicy) -> Rules {
        self.ids.insert(name.into(), policy);
        self
    }

    /// What becomes of `user_id`.
    pub fn user_id(self, policy: IdentifierPolicy) -> Rules {
        self.id("user_id", policy)
    }

    /// What becomes of `user_ip`.
    pub fn user_ip(self, policy: IdentifierPolicy) -> Rules {
        self.id("user_ip", policy)
    }

    /// Withholds the texts of one customer: of records whose event, turn or span has this `tenant_id`. The decisions of
    /// guardrails stay, and so do ids, numbers, models and event types; prompts, responses, reasons, tool calls and fields
    /// of the application become `[withheld]`.
    ///
    /// A customer's texts cannot be kept where others' are redacted: [`FieldPolicy::Keep`] is an error when the trail is
    /// opened.
    pub fn tenant(mut self, tenant_id: impl Into<String>, policy: FieldPolicy) -> Rules {
        self.tenants.insert(tenant_id.into(), policy);
        self
    }
}

/// Whether a name can stand in a placeholder, and means nothing else there.
fn check_name(name: &str) -> Result<()> {
    let shaped = name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if !shaped {
        return Err(Error::rule(name, InvalidRule::Name));
    }
    if Entity::of(name).is_some() || id_kinds().any(|kind| kind == name) {
        return Err(Error::rule(name, InvalidRule::Reserved));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_none_is_refused_with_the_reason() {
        for (name, regex, says) in [
            ("employee", "x", "capital letters"),
            ("EMAIL", "x", "built-in"),
            ("USER", "x", "built-in"),
            ("A", "(", "unclosed group"),
            ("A", "x*", "empty text"),
            ("A", r"\d{1,99999}", "exceeds size limit"),
        ] {
            let error = Rule::new(name, regex).expect_err(regex);
            let error = format!("{error:?}");
            assert!(error.contains(says) && error.contains(name), "{error}");
        }
    }
}
