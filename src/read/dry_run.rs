use std::collections::VecDeque;

use serde_json::Value;

use super::{Query, Records, Trail};
use crate::error::Result;
use crate::record::Record;
use crate::redact::{Change, Redactor, path_segment};

/// What a change of rules would do to one record of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordChange {
    /// The record's `seq`.
    pub seq: u64,
    /// The field, and the keys and places in it with `/` between, as in `redactions`.
    pub field: String,
    /// What would change.
    pub change: Change,
}

/// The changes that a redactor would make to a trail; what cannot be read comes in between.
#[derive(Debug)]
pub struct Changes<'r> {
    records: Records,
    redactor: &'r Redactor,
    waiting: VecDeque<RecordChange>,
}

impl Trail {
    /// What a redactor would hide in the selected records that is seen in them, and what it would
    /// have left that is hidden. The trail is not changed.
    ///
    /// What was hidden is gone from a trail: it counts as exposed where its kind or its rule is
    /// off, or its tag is that of an allowed value and the redactor has the keys.
    ///
    /// ```no_run
    /// use stinger_audit::read::{Query, Trail};
    /// use stinger_audit::redact::{Redactor, Rules};
    ///
    /// # fn main() -> Result<(), stinger_audit::Error> {
    /// let rules = Redactor::new(Rules::from_file("redaction.toml")?, None);
    /// for change in Trail::open("./audit.log")?.dry_run(Query::new(), &rules) {
    ///     println!("{:?}", change?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn dry_run<'r>(&self, query: Query, redactor: &'r Redactor) -> Changes<'r> {
        Changes {
            records: self.query(query),
            redactor,
            waiting: VecDeque::new(),
        }
    }
}

impl Iterator for Changes<'_> {
    type Item = Result<RecordChange>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(change) = self.waiting.pop_front() {
                return Some(Ok(change));
            }
            match self.records.next()? {
                Ok(record) => self.compare(&record),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Changes<'_> {
    fn compare(&mut self, record: &Record) {
        let Changes {
            redactor, waiting, ..
        } = self;
        each_text(record, &mut |field, text| {
            waiting.extend(
                redactor
                    .would_hide(text)
                    .into_iter()
                    .map(|change| RecordChange {
                        seq: record.seq,
                        field: field.to_owned(),
                        change,
                    }),
            );
        });
        for redaction in &record.redactions {
            if redactor.still_hides(&redaction.kind, redaction.tag.as_deref()) {
                continue;
            }
            let value = match &redaction.tag {
                Some(tag) => format!("[{}:{tag}]", redaction.kind),
                None => format!("[{}]", redaction.kind),
            };
            waiting.push_back(RecordChange {
                seq: record.seq,
                field: redaction.field.clone(),
                change: Change::Exposes {
                    kind: redaction.kind.clone(),
                    rule: redaction.rule.clone(),
                    value,
                },
            });
        }
    }
}

/// Calls `each` for every text of a record that redaction looks at, with the path to it.
fn each_text(record: &Record, each: &mut dyn FnMut(&str, &str)) {
    if record.is_about_trail() {
        return;
    }
    for (field, text) in [
        ("user_agent", &record.user_agent),
        ("prompt", &record.prompt),
        ("response", &record.response),
    ] {
        if let Some(text) = text {
            each(field, text);
        }
    }
    for (place, decision) in record.guardrail_decisions.iter().enumerate() {
        let path = |key: &str| format!("guardrail_decisions/{place}/{key}");
        for (key, text) in [
            ("reason", &decision.reason),
            ("rule_triggered", &decision.rule_triggered),
        ] {
            if let Some(text) = text {
                each(&path(key), text);
            }
        }
        for (key, value) in &decision.other {
            each_in(&path(&path_segment(key)), value, each);
        }
    }
    let mut calls = record.tool_calls.clone();
    // An id links a call to its result: it is not redacted.
    calls.iter_mut().for_each(|call| call.id = None);
    if let Ok(calls) = serde_json::to_value(&calls) {
        each_in("tool_calls", &calls, each);
    }
    for (place, attachment) in record.attachments.iter().enumerate() {
        each(&format!("attachments/{place}/kind"), &attachment.kind);
    }
    for (key, value) in &record.other {
        each_in(&path_segment(key), value, each);
    }
}

fn each_in(path: &str, value: &Value, each: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => each(path, text),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                each_in(&format!("{path}/{place}"), item, each);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                each(path, key);
                each_in(&format!("{path}/{}", path_segment(key)), value, each);
            }
        }
        _ => {}
    }
}
