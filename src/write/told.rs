//! What a record says of its own fields: what was replaced in them, and what was wrong with them.

use serde_json::{Map, Value as Json};

use crate::record::Key;
use crate::redact::{CUSTOM, Redaction};
use crate::trail::json;

#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) problems: Vec<String>,
    pub(super) redactions: Vec<Redacted>,
}

/// Something that was replaced in a field.
#[derive(Clone)]
pub(super) struct Redacted {
    /// The decision that the field is of, among those that do not come from the event's plain fields.
    decision: Option<usize>,
    field: String,
    kind: String,
    /// The members behind the field, with a comma before each.
    members: Vec<u8>,
}

impl Told {
    /// Adds what a span's value tells.
    pub(super) fn append(&mut self, other: &Told) {
        self.problems.extend_from_slice(&other.problems);
        self.redactions.extend_from_slice(&other.redactions);
    }

    /// Adds what the fields of a decision tell.
    pub(super) fn append_decision(&mut self, decision: usize, of_decision: Told) {
        self.problems.extend(of_decision.problems);
        let redactions = of_decision.redactions.into_iter();
        self.redactions.extend(redactions.map(|redacted| Redacted {
            decision: Some(decision),
            ..redacted
        }));
    }

    /// What was replaced, as the record tells it: a JSON array, and an object that counts each kind. Where the event's
    /// plain fields make up a decision, that stands before the others.
    pub(super) fn redactions(&self, has_plain_decision: bool) -> (Vec<u8>, Vec<u8>) {
        let (mut list, mut counts) = (vec![b'['], Map::new());
        for redacted in &self.redactions {
            if list.len() > 1 {
                list.push(b',');
            }
            redacted.push(&mut list, has_plain_decision);
            match counts.get_mut(&redacted.kind) {
                Some(count) => *count = (count.as_u64().unwrap_or(0) + 1).into(),
                None => _ = counts.insert(redacted.kind.clone(), 1.into()),
            }
        }
        list.push(b']');
        let mut counted = Vec::new();
        json::push_value(&mut counted, &Json::Object(counts));
        (list, counted)
    }
}

impl Redacted {
    pub(super) fn new(field: &str, redaction: &Redaction<'_>) -> Redacted {
        let mut members = Vec::new();
        // Nobody but itself knows what a redactor of the application's own took out where.
        if redaction.kind != CUSTOM {
            members.extend_from_slice(b",\"start\":");
            json::push_display(&mut members, &redaction.start);
            members.extend_from_slice(b",\"end\":");
            json::push_display(&mut members, &redaction.end);
        }
        if let Some((key, tag)) = &redaction.tag {
            members.extend_from_slice(b",\"tag\":\"");
            members.extend_from_slice(key.as_bytes());
            members.push(b':');
            members.extend_from_slice(tag.as_str().as_bytes());
            members.push(b'"');
        }
        members.extend_from_slice(b",\"rule\":");
        json::push_string(&mut members, redaction.rule);
        Redacted {
            decision: None,
            field: field.to_owned(),
            kind: redaction.kind.to_owned(),
            members,
        }
    }

    fn push(&self, out: &mut Vec<u8>, has_plain_decision: bool) {
        out.extend_from_slice(b"{\"type\":");
        json::push_string(out, &self.kind);
        out.extend_from_slice(b",\"field\":\"");
        let decision = match self.decision {
            Some(decision) => Some(decision + usize::from(has_plain_decision)),
            None => (has_plain_decision && self.is_of_plain_decision()).then_some(0),
        };
        if let Some(decision) = decision {
            json::push_escaped(out, format!("{}/{decision}/", Key::Decisions.name()));
        }
        json::push_escaped(out, &self.field);
        out.push(b'"');
        out.extend_from_slice(&self.members);
        out.push(b'}');
    }

    fn is_of_plain_decision(&self) -> bool {
        let field = self.field.split('/').next().unwrap_or_default();
        Key::of(field).is_some_and(|key| key.name() == field && key.is_of_decision())
    }
}
