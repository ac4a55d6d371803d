//! The pipeline that a text of a record passes: the application's own redactors, then the built-in rules.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::custom::{CustomRedactor, Panicked};
use super::redactor::names_value;
use super::rules::ids::{IdRule, WITHHELD_BY_RULE};
use super::{FieldPolicy, Redaction, Redactor};

/// The kind of what a redactor of the application's own took out.
pub const CUSTOM: &str = "CUSTOM";

/// What a redactor that panicked leaves of the text.
pub const WITHHELD: &str = "[withheld: the redactor failed]";

/// The redactors of a trail, one after the other.
///
/// The application's own run first, so that the built-in rules have the last word.
#[derive(Clone, Default)]
pub struct RedactionPipeline {
    /// Tells these redactors from others of the process; 0 where there are none.
    number: u64,
    custom: Vec<CustomRedactor>,
    builtin: Option<Arc<Redactor>>,
    /// The tenants whose texts are withheld.
    withheld_tenants: Arc<HashSet<String>>,
}

/// What becomes of the texts in a field, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldMode {
    /// What becomes of the texts.
    pub policy: FieldPolicy,
    /// The name may tell what a text of the field is: `password`, `phone`.
    pub names_value: bool,
    /// It is an id that is not kept as it is.
    pub id: Option<IdRule>,
}

impl FieldMode {
    /// That of a text which stands under no name.
    pub const UNNAMED: FieldMode = FieldMode {
        policy: FieldPolicy::Redact,
        names_value: false,
        id: None,
    };
}

/// What became of a text.
pub struct Outcome<'t, 'r> {
    /// The text without what must not be seen.
    pub text: Cow<'t, str>,
    /// What was replaced.
    pub redactions: Vec<Redaction<'r>>,
    /// Whether somebody typed a placeholder into it.
    pub is_typed: bool,
}

impl RedactionPipeline {
    /// A pipeline of the application's own redactors and the built-in rules.
    pub fn new(custom: Vec<CustomRedactor>, builtin: Option<Redactor>) -> RedactionPipeline {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        RedactionPipeline {
            number: match custom.is_empty() && builtin.is_none() {
                true => 0,
                false => NEXT.fetch_add(1, Ordering::Relaxed),
            },
            custom,
            withheld_tenants: Arc::new(
                builtin
                    .as_ref()
                    .map(Redactor::withheld_tenants)
                    .unwrap_or_default(),
            ),
            builtin: builtin.map(Arc::new),
        }
    }

    /// Not the same for two that differ; 0 for those that redact nothing.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the rules say of a field under this name or, where they say nothing, under that of its key.
    pub fn field_mode(&self, name: &str, key: Option<&str>) -> FieldMode {
        let Some(builtin) = &self.builtin else {
            return FieldMode::UNNAMED;
        };
        let policy = match (builtin.policy(name), key) {
            (FieldPolicy::Redact, Some(key)) => builtin.policy(key),
            (policy, _) => policy,
        };
        FieldMode {
            policy,
            names_value: names_value(name),
            id: key.and_then(|key| builtin.id_rule(key)),
        }
    }

    /// What stands for a value of an id.
    pub fn replace_id(&self, rule: IdRule, value: &str) -> Cow<'static, str> {
        match &self.builtin {
            Some(builtin) => builtin.replace_id(rule, value),
            None => Cow::Borrowed(WITHHELD_BY_RULE),
        }
    }

    /// Whether the texts of some tenant are withheld.
    #[inline]
    pub fn withholds_tenants(&self) -> bool {
        !self.withheld_tenants.is_empty()
    }

    /// Whether the texts of this tenant are withheld.
    pub fn withholds_tenant(&self, tenant: &str) -> bool {
        self.withheld_tenants.contains(tenant)
    }

    /// Whether one of the application's own is among them.
    pub fn has_custom(&self) -> bool {
        !self.custom.is_empty()
    }

    /// The application's own redactors.
    pub fn custom(&self) -> &[CustomRedactor] {
        &self.custom
    }

    /// The built-in rules, with the application's.
    pub fn builtin(&self) -> Option<&Redactor> {
        self.builtin.as_deref()
    }

    /// Redacts a text in a field, or in what is nested in it; `is_named`: the field's name may tell what the text
    /// is.
    ///
    /// # Errors
    ///
    /// A redactor panicked on the text.
    pub fn apply<'t>(
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
pub fn path_names_value(path: &str) -> bool {
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

impl fmt::Debug for RedactionPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactionPipeline")
            .field("custom", &self.custom.len())
            .field("builtin", &self.builtin)
            .finish()
    }
}
