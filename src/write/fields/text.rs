//! Texts of persons and models: what must not be seen in them is replaced before they are pushed.

use std::cell::Cell;

use super::FieldWriter;
use crate::redact::{
    Looked, Manner, Outcome, Redaction, Redactor, Treatment, WITHHELD, WITHHELD_BY_RULE,
};
use crate::write::frame::{self, Name, Value};
use crate::write::told::Told;

thread_local! {
    /// Whether a redactor of the application's runs on this thread.
    static REDACTING: Cell<bool> = const { Cell::new(false) };
}

const INSIDE_REDACTOR: &str = "[withheld: emitted by a redactor]";

impl FieldWriter<'_> {
    /// A string of a person or a model: redacted.
    #[inline]
    pub(super) fn text(&mut self, name: Name<&str>, text: &str) {
        let is_usual = self.withhold.is_none() && self.manner == Manner::UNNAMED;
        let redactors = self.redactors;
        match redactors.only_builtin() {
            Some(None) if is_usual => self.push(name, Value::Str(text)),
            Some(Some(builtin)) if is_usual => builtin.look_at(text, |looked| match looked {
                None => self.push(name, Value::Str(text)),
                Some(looked) => self.looked(builtin, name, text, looked),
            }),
            _ => {
                frame::push_name(&mut self.out, name);
                let mut out = std::mem::take(&mut self.out);
                frame::push_text(&mut out, |out| self.redact(&name.path(), text, out));
                self.out = out;
            }
        }
    }

    /// A string that the built-in rules have looked at, and that may not stay as it is.
    fn looked(&mut self, builtin: &Redactor, name: Name<&str>, text: &str, looked: Looked<'_>) {
        let FieldWriter { out, told, .. } = self;
        let (path, mut is_typed) = (name.path(), false);
        frame::push_name(out, name);
        frame::push_text(out, |out| {
            let note = &mut |redaction| note(told, &path, &redaction);
            if !builtin.write_looked(looked, out, note, &mut || is_typed = true) {
                out.extend_from_slice(text.as_bytes());
            }
        });
        if is_typed {
            self.typed(&path);
        }
    }

    fn typed(&mut self, field: &str) {
        self.problem(format!(
            "somebody typed a placeholder of the redaction into {field}"
        ));
    }

    /// Appends a text without what must not be seen, and notes what was replaced in `field`.
    fn redact(&mut self, field: &str, text: &str, out: &mut Vec<u8>) {
        if let Some(instead) = self.withhold {
            return out.extend_from_slice(instead.as_bytes());
        }
        match self.manner.treatment {
            Treatment::Keep => return out.extend_from_slice(text.as_bytes()),
            Treatment::Withhold => return out.extend_from_slice(WITHHELD_BY_RULE.as_bytes()),
            Treatment::Redact => {}
        }
        // A redactor that emits events would be called for their texts without end.
        let has_custom = self.redactors.has_custom();
        if has_custom
            && REDACTING
                .try_with(|flag| flag.replace(true))
                .unwrap_or(false)
        {
            return out.extend_from_slice(INSIDE_REDACTOR.as_bytes());
        }
        let (told, mut is_typed) = (&mut self.told, false);
        let outcome = self.redactors.apply(
            field,
            self.manner.names_value,
            text,
            out,
            &mut |redaction| note(told, field, &redaction),
            &mut || is_typed = true,
        );
        if has_custom {
            let _ = REDACTING.try_with(|flag| flag.set(false));
        }
        match outcome {
            Outcome::Appended => {}
            Outcome::Clean(text) => out.extend_from_slice(text.as_bytes()),
            Outcome::Withheld => {
                out.extend_from_slice(WITHHELD.as_bytes());
                self.problem("the custom redactor panicked; a text is withheld");
            }
        }
        if is_typed {
            self.typed(field);
        }
    }

    pub(super) fn redacted(&mut self, field: &str, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        self.redact(field, text, &mut out);
        String::from_utf8(out).expect("invariant: redacted text is UTF-8")
    }
}

/// Has a record tell of a redaction.
fn note(told: &mut Option<Box<Told>>, field: &str, redaction: &Redaction<'_>) {
    let redactions = &mut told.get_or_insert_default().redactions;
    redactions.note(field, redaction);
}
