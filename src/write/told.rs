//! What a record says of its own fields: what was replaced in them, and what was wrong with them.

use crate::redact::{CUSTOM, Redaction};
use crate::trail::json;

#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) problems: Vec<String>,
    pub(super) redactions: Redactions,
}

impl Told {
    /// Adds what another part of the record tells.
    pub(super) fn append(&mut self, other: &Told) {
        self.problems.extend_from_slice(&other.problems);
        self.redactions.append(&other.redactions);
    }
}

/// What was replaced in the fields, as their record tells it.
#[derive(Clone, Default)]
pub(super) struct Redactions {
    /// The objects of a JSON array, with commas between.
    pub(super) list: Vec<u8>,
    pub(super) counts: Vec<(String, u64)>,
    /// In front of the names of the fields: where these fields stand in the record.
    pub(super) prefix: String,
}

impl Redactions {
    pub(super) fn note(&mut self, field: &str, note: &Redaction<'_>) {
        let list = &mut self.list;
        list.extend_from_slice(if list.is_empty() { b"{" } else { b",{" });
        list.extend_from_slice(b"\"type\":");
        json::push_string(list, note.kind);
        list.extend_from_slice(b",\"field\":\"");
        json::push_escaped(list, &self.prefix);
        json::push_escaped(list, field);
        list.push(b'"');
        // Nobody but itself knows what a redactor of the application's own took out where.
        if note.kind != CUSTOM {
            list.extend_from_slice(b",\"start\":");
            json::push_display(list, &note.start);
            list.extend_from_slice(b",\"end\":");
            json::push_display(list, &note.end);
        }
        if let Some((key, tag)) = &note.tag {
            list.extend_from_slice(b",\"tag\":\"");
            list.extend_from_slice(key.as_bytes());
            list.push(b':');
            list.extend_from_slice(tag.as_str().as_bytes());
            list.push(b'"');
        }
        list.extend_from_slice(b",\"rule\":");
        json::push_string(list, note.rule);
        list.push(b'}');
        self.count(note.kind, 1);
    }

    fn count(&mut self, kind: &str, more: u64) {
        match self.counts.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += more,
            None => self.counts.push((kind.to_owned(), more)),
        }
    }

    fn append(&mut self, other: &Redactions) {
        if !self.list.is_empty() && !other.list.is_empty() {
            self.list.push(b',');
        }
        self.list.extend_from_slice(&other.list);
        for (kind, count) in &other.counts {
            self.count(kind, *count);
        }
    }
}
