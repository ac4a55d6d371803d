//! What a record says of its own fields: what was replaced in them, and what was wrong with them.

use crate::format::internal::{Key, json};
use crate::redact::Redaction;
use crate::redact::internal::CUSTOM;

#[derive(Clone, Default)]
pub(crate) struct FieldAnnotations {
    pub(crate) problems: Vec<String>,
    pub(crate) redactions: Redactions,
}

/// What was replaced in the fields.
#[derive(Clone, Default)]
pub(crate) struct Redactions {
    /// The objects of a JSON array, with commas between. Each names its field as if that stood in the record.
    list: Vec<u8>,
    /// Where in the list the names of the fields begin.
    fields: Vec<FieldAt>,
    counts: Vec<(String, u64)>,
}

#[derive(Clone, Copy)]
struct FieldAt {
    at: usize,
    /// The decision that the field is of, among those that do not come from the event's plain fields.
    decision: Option<usize>,
}

impl FieldAnnotations {
    /// Adds the annotations of a span's value, or of the fields of a decision.
    pub(crate) fn append(&mut self, other: &FieldAnnotations, decision: Option<usize>) {
        self.problems.extend_from_slice(&other.problems);
        self.redactions.append(&other.redactions, decision);
    }
}

impl Redactions {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn note(&mut self, field: &str, redaction: &Redaction<'_>) {
        let list = &mut self.list;
        list.extend_from_slice(if list.is_empty() { b"{" } else { b",{" });
        list.extend_from_slice(b"\"type\":");
        json::push_string(list, redaction.kind);
        list.extend_from_slice(b",\"field\":\"");
        self.fields.push(FieldAt {
            at: list.len(),
            decision: None,
        });
        json::push_escaped(list, field);
        list.push(b'"');
        // Nobody but itself knows what a redactor of the application's own took out where.
        if redaction.kind != CUSTOM {
            list.extend_from_slice(b",\"start\":");
            json::push_value(list, &redaction.start);
            list.extend_from_slice(b",\"end\":");
            json::push_value(list, &redaction.end);
        }
        if let Some((key, tag)) = &redaction.tag {
            list.extend_from_slice(b",\"tag\":\"");
            list.extend_from_slice(key.as_bytes());
            list.push(b':');
            list.extend_from_slice(tag.as_str().as_bytes());
            list.push(b'"');
        }
        list.extend_from_slice(b",\"rule\":");
        json::push_string(list, redaction.rule);
        list.push(b'}');
        self.count(redaction.kind, 1);
    }

    fn count(&mut self, kind: &str, more: u64) {
        match self.counts.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += more,
            None => self.counts.push((kind.to_owned(), more)),
        }
    }

    fn append(&mut self, other: &Redactions, decision: Option<usize>) {
        if !self.list.is_empty() && !other.list.is_empty() {
            self.list.push(b',');
        }
        let begin = self.list.len();
        self.list.extend_from_slice(&other.list);
        self.fields.extend(other.fields.iter().map(|field| FieldAt {
            at: begin + field.at,
            decision: decision.or(field.decision),
        }));
        for (kind, count) in &other.counts {
            self.count(kind, *count);
        }
    }

    /// The JSON array, each field named by where it stands in the record. Where the event's plain fields make up a
    /// decision, that is the first one, and the others stand behind it.
    pub(crate) fn to_json(&self, has_plain_decision: bool) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.list.len() + 2);
        json.push(b'[');
        let mut copied = 0;
        for field in &self.fields {
            let is_plain = || has_plain_decision && names_decision_key(&self.list[field.at..]);
            let decision = match field.decision {
                Some(decision) => decision + usize::from(has_plain_decision),
                None if is_plain() => 0,
                None => continue,
            };
            json.extend_from_slice(&self.list[copied..field.at]);
            json::push_escaped(&mut json, format!("{}/{decision}/", Key::Decisions.name()));
            copied = field.at;
        }
        json.extend_from_slice(&self.list[copied..]);
        json.push(b']');
        json
    }

    /// How many there are of each kind, as a JSON object.
    pub(crate) fn counts_to_json(&self) -> Vec<u8> {
        let mut json = vec![b'{'];
        for (kind, count) in &self.counts {
            if json.len() > 1 {
                json.push(b',');
            }
            json::push_string(&mut json, kind);
            json.push(b':');
            json::push_value(&mut json, count);
        }
        json.push(b'}');
        json
    }
}

/// Whether a path in JSON begins with a key that is a decision's in a decision of plain fields.
fn names_decision_key(path: &[u8]) -> bool {
    let mut keys = Key::ALL.iter().filter(|key| key.is_of_decision());
    keys.any(|key| {
        let behind = path.strip_prefix(key.name().as_bytes());
        behind.is_some_and(|behind| matches!(behind.first(), Some(b'"' | b'/')))
    })
}
