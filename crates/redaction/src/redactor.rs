//! The redactor: finds, resolves what overlaps, writes once.

mod replace;
mod resolve_overlaps;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::canonical::canonical;
use super::catalog;
use super::detect::RuleId;
use super::ids::id_kinds;
use super::key::{Keys, Tag};
use super::rules::ids::IdRule;
use super::secret::says_secret;
use super::words::{Words, words};
use super::{Entity, FieldPolicy, Rules};

/// Replaces what must not be seen in a text.
///
/// ```
/// use stinger_audit_redaction::{Keys, Redactor, Rules};
///
/// let redactor = Redactor::new(Rules::new(), Some(Keys::from_secret("k1", &[7; 32])));
/// let redacted = redactor.redact("mail Ann@Example.com or call +1 212 555 0187");
/// assert_eq!(redacted.text, "mail [EMAIL:k1:V2AT3TCTHZXB] or call [PHONE:k1:QHZ62WMDRZQQ]");
/// assert_eq!(redacted.redactions[0].kind, "EMAIL");
/// ```
pub struct Redactor {
    keys: Option<Keys>,
    rules: Rules,
    /// The values that are allowed, in every spelling that a kind has for them.
    allowed: HashSet<String>,
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

/// In front of a placeholder that stood in the text already: somebody typed it.
const TYPED: &str = "typed:";

impl Redactor {
    /// A redactor by these rules; without keys no value is tagged.
    pub fn new(rules: Rules, keys: Option<Keys>) -> Redactor {
        let spellings = rules.allowed.iter().flat_map(|value| {
            let spellings = Entity::ALL.iter().map(|entity| canonical(*entity, value));
            spellings.chain([value.clone()])
        });
        Redactor {
            allowed: spellings.collect(),
            keys,
            rules,
        }
    }

    /// Redacts a text. A placeholder that stands in it was typed by somebody and is marked as that:
    /// `[typed:EMAIL:…]`.
    pub fn redact<'t>(&self, text: &'t str) -> Redacted<'t, '_> {
        match self.mark_typed(text) {
            None => self.redact_again(text),
            Some(marked) => {
                let Redacted { text, redactions } = self.redact_again(&marked);
                Redacted {
                    text: Cow::Owned(text.into_owned()),
                    redactions,
                }
            }
        }
    }

    /// Redacts a text whose placeholders are a redactor's, such as one from a trail. A text that
    /// these rules have redacted stays as it is.
    pub fn redact_again<'t>(&self, text: &'t str) -> Redacted<'t, '_> {
        const MOST_ROUNDS: usize = 16;
        let mut redacted = Redacted {
            text: Cow::Borrowed(text),
            redactions: Vec::new(),
        };
        // A placeholder that takes the place of a value can make something of the digits beside it that it was
        // not before.
        for _ in 0..MOST_ROUNDS {
            let Some(search) = self.search(&redacted.text, &redacted.redactions) else {
                break;
            };
            let is_settled = search.is_settled(&redacted.text);
            redacted = self.replace(&redacted.text, &search, redacted.redactions);
            if is_settled {
                break;
            }
        }
        redacted
    }

    /// Redacts the text of a field whose [name may say](names_value) what its value is.
    pub(super) fn redact_named<'t>(&self, name: &str, text: &'t str) -> Redacted<'t, '_> {
        // As it would stand in a text. A quote that it does not hold keeps it whole.
        let mut quotes = ['"', '\'', '`'].into_iter();
        let quote = quotes.find(|quote| !text.contains(*quote)).unwrap_or('"');
        let head = format!("{name}: {quote}");
        let joined = format!("{head}{text}{quote}");
        let Redacted {
            text: redacted,
            mut redactions,
        } = self.redact_again(&joined);
        let inner = redacted.strip_prefix(&head);
        let inner = inner.and_then(|inner| inner.strip_suffix(quote));
        // The name is no value: what is replaced lies behind it.
        match (inner, redactions.first()) {
            (Some(inner), Some(first)) if first.start >= head.len() => {
                for redaction in &mut redactions {
                    redaction.start -= head.len();
                    redaction.end -= head.len();
                }
                Redacted {
                    text: Cow::Owned(inner.to_owned()),
                    redactions,
                }
            }
            _ => self.redact_again(text),
        }
    }

    /// What becomes of the texts in a field.
    pub(super) fn policy(&self, field: &str) -> FieldPolicy {
        let policy = self.rules.fields.get(field);
        *policy.unwrap_or(&FieldPolicy::Redact)
    }

    /// What becomes of an id. `None`: it is kept, or the name is none of an id.
    pub(super) fn id_rule(&self, name: &str) -> Option<IdRule> {
        self.rules.id_rule(name)
    }

    /// What stands for a value of an id.
    pub(super) fn replace_id(&self, rule: IdRule, value: &str) -> Cow<'static, str> {
        rule.replace(value, self.keys.as_ref())
    }

    /// The tenants whose texts are withheld, each as it is and as it stands in a record.
    pub(super) fn withheld_tenants(&self) -> HashSet<String> {
        let withheld = self.rules.tenants.iter();
        let withheld = withheld.filter(|(_, policy)| **policy == FieldPolicy::Withhold);
        let spellings = withheld.flat_map(|(tenant, _)| {
            let rule = self.id_rule("tenant_id");
            let recorded = rule.map(|rule| self.replace_id(rule, tenant).into_owned());
            recorded.into_iter().chain([tenant.clone()])
        });
        spellings.collect()
    }

    /// The id of the key that tags are made with.
    #[doc(hidden)]
    pub fn key_id(&self) -> Option<&str> {
        self.keys.as_ref().map(Keys::current)
    }

    /// Whether these rules still replace a value that a record lists as replaced: `kind` and `tag` as its
    /// `redactions` have them.
    pub fn still_hides(&self, kind: &str, tag: Option<&str>) -> bool {
        let is_on = match Entity::of(kind) {
            Some(entity) => !self.rules.off.contains(&entity),
            None => self.is_own(kind) || kind == super::internal::CUSTOM,
        };
        let is_allowed = |tag: &str| {
            let Some(keys) = &self.keys else { return false };
            let mut tags = self.rules.allowed.iter().flat_map(|value| keys.tags(value));
            tags.any(|known| known == format!("[{kind}:{tag}]"))
        };
        is_on && !tag.is_some_and(is_allowed)
    }

    /// Puts `typed:` into every placeholder of a text. `None`: there is none.
    pub(super) fn mark_typed(&self, text: &str) -> Option<String> {
        let mut marked: Option<String> = None;
        let mut copied = 0;
        for open in memchr::memchr_iter(b'[', text.as_bytes()) {
            let inside = &text[open + 1..];
            let in_name =
                |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
            let name = inside.bytes().take_while(in_name).count();
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
        let mut entities = Entity::ALL.iter();
        entities.any(|entity| entity.as_str() == name)
            || self.is_own(name)
            || id_kinds().any(|kind| kind == name)
    }

    fn is_own(&self, kind: &str) -> bool {
        self.rules.rules.iter().any(|rule| rule.name == kind)
    }

    /// What would be replaced in a text, in order.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let Some(search) = self.search(text, &[]) else {
            return Vec::new();
        };
        let findings = search.resolved.iter().map(|resolved| {
            let (start, end) = search.range(resolved);
            Finding {
                kind: self.kind(resolved.winner.rule).to_owned(),
                rule: self.name(resolved.winner.rule).to_owned(),
                start,
                end,
            }
        });
        findings.collect()
    }

    fn kind(&self, rule: RuleId) -> &str {
        match catalog::entity(rule) {
            Some(entity) => entity.as_str(),
            None => self.name(rule),
        }
    }

    fn name(&self, rule: RuleId) -> &str {
        match rule {
            catalog::CUSTOM.. => &self.rules.rules[usize::from(rule - catalog::CUSTOM)].name,
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
    static WORDS: Words = Words::new(|| {
        words(
            "phone|mobile|fax|tel|ssn|social_security|socialsecurity|card|iban|whatsapp".split('|'),
        )
    });
    says_secret(name) || WORDS.is_match(name)
}
