//! Texts of persons and models: what must not be seen in them is replaced before they are pushed.

use std::borrow::Cow;
use std::cell::Cell;

use super::FieldWriter;
use crate::redact::FieldPolicy;
use crate::redact::internal::{WITHHELD, WITHHELD_BY_RULE};
use crate::write::journal::frame::{Name, Value};

thread_local! {
    /// Whether a redactor of the application's runs on this thread.
    static REDACTING: Cell<bool> = const { Cell::new(false) };
}

const INSIDE_REDACTOR: &str = "[withheld: emitted by a redactor]";

impl FieldWriter<'_> {
    /// A string of a person or a model: redacted.
    #[inline]
    pub(super) fn text(&mut self, name: Name<&str>, text: &str) {
        let text = self.redacted(&name.path(), text);
        match name {
            Name::Key(key) if key.is_attribution() => self.id(key, &text),
            name => self.push(name, Value::Str(&text)),
        }
    }

    /// A text without what must not be seen. The record says what was replaced in `field`.
    pub(super) fn redacted<'t>(&mut self, field: &str, text: &'t str) -> Cow<'t, str> {
        if let Some(instead) = self.withhold {
            return Cow::Borrowed(instead);
        }
        if let Some(rule) = self.mode.id {
            return self.redactors.replace_id(rule, text);
        }
        match self.mode.policy {
            FieldPolicy::Keep => return Cow::Borrowed(text),
            FieldPolicy::Withhold => return Cow::Borrowed(WITHHELD_BY_RULE),
            // A policy that this version does not know redacts too.
            _ => {}
        }
        // A redactor that emits events would be called for their texts without end.
        let has_custom = self.redactors.has_custom();
        if has_custom
            && REDACTING
                .try_with(|flag| flag.replace(true))
                .unwrap_or(false)
        {
            return Cow::Borrowed(INSIDE_REDACTOR);
        }
        let redacted = self.redactors.apply(field, self.mode.names_value, text);
        if has_custom {
            let _ = REDACTING.try_with(|flag| flag.set(false));
        }
        let Ok(redacted) = redacted else {
            self.problem("the custom redactor panicked; a text is withheld");
            return Cow::Borrowed(WITHHELD);
        };
        for redaction in &redacted.redactions {
            self.annotations().redactions.note(field, redaction);
        }
        if redacted.is_typed {
            self.problem(format!(
                "somebody typed a placeholder of the redaction into {field}"
            ));
        }
        redacted.text
    }
}
