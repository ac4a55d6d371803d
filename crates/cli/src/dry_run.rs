//! What a change of the redaction rules would hide or expose, in a text and in the records of a trail.

use serde_json::Value;

use stinger_audit_redaction::internal::path_segment;
use stinger_audit_redaction::{Finding, Redactor};
use stinger_audit_trail::record::Record;

/// What a change of the rules does to one value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) effect: Effect,
    /// The kind of the value, such as `EMAIL`.
    pub(super) kind: String,
    /// The rule that hides the value, or hid it.
    pub(super) rule: String,
    /// The value. If a trail no longer has it, the placeholder that replaced it.
    pub(super) value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The new rules hide what could be read.
    Hides,
    /// The new rules leave what was hidden.
    Exposes,
}

impl Change {
    fn new(effect: Effect, finding: &Finding, text: &str) -> Change {
        Change {
            effect,
            kind: finding.kind.clone(),
            rule: finding.rule.clone(),
            value: text[finding.start..finding.end].to_owned(),
        }
    }
}

/// What would change in a text that nobody has redacted, in the order of the text.
pub(super) fn in_text(text: &str, before: &Redactor, after: &Redactor) -> Vec<Change> {
    let (before, after) = (before.find(text), after.find(text));
    let only_in = |these: &[Finding], others: &[Finding], effect| -> Vec<(usize, Change)> {
        let is_covered = |finding: &&Finding| {
            let mut others = others.iter();
            others.any(|other| other.start <= finding.start && finding.end <= other.end)
        };
        let alone = these.iter().filter(|finding| !is_covered(finding));
        alone
            .map(|finding| (finding.start, Change::new(effect, finding, text)))
            .collect()
    };
    let mut changes = only_in(&after, &before, Effect::Hides);
    changes.extend(only_in(&before, &after, Effect::Exposes));
    changes.sort_by_key(|(start, _)| *start);
    changes.into_iter().map(|(_, change)| change).collect()
}

/// What would change in a record that other rules have redacted, each with the path of its field.
///
/// A trail no longer has the values that were hidden. One counts as exposed if its kind or its rule is off, or
/// if its tag is that of an allowed value and the redactor has the keys.
pub(super) fn in_record(record: &Record, redactor: &Redactor) -> Vec<(String, Change)> {
    let mut changes = Vec::new();
    each_text(record, &mut |field, text| {
        let findings = redactor.find(text).into_iter();
        changes.extend(findings.map(|finding| {
            let change = Change::new(Effect::Hides, &finding, text);
            (field.to_owned(), change)
        }));
    });
    for redaction in &record.redactions {
        if redactor.still_hides(&redaction.kind, redaction.tag.as_deref()) {
            continue;
        }
        let change = Change {
            effect: Effect::Exposes,
            kind: redaction.kind.clone(),
            rule: redaction.rule.clone(),
            value: match &redaction.tag {
                Some(tag) => format!("[{}:{tag}]", redaction.kind),
                None => format!("[{}]", redaction.kind),
            },
        };
        changes.push((redaction.field.clone(), change));
    }
    changes
}

/// Calls `each` with every text of a record that redaction searches, and the path to it.
fn each_text(record: &Record, each: &mut dyn FnMut(&str, &str)) {
    if record.is_about_trail() {
        return;
    }
    for (field, text) in [
        ("user_agent", &record.user_agent),
        ("client_request_id", &record.client_request_id),
        ("prompt", &record.prompt),
        ("response", &record.response),
    ] {
        if let Some(text) = text {
            each(field, text);
        }
    }
    for (index, decision) in record.guardrail_decisions.iter().enumerate() {
        let path = |key: &str| format!("guardrail_decisions/{index}/{key}");
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
    // An id links a call to its result, so redaction leaves it.
    calls.iter_mut().for_each(|call| call.id = None);
    if let Ok(calls) = serde_json::to_value(&calls) {
        each_in("tool_calls", &calls, each);
    }
    for (index, attachment) in record.attachments.iter().enumerate() {
        each(&format!("attachments/{index}/kind"), &attachment.kind);
    }
    for (key, value) in &record.other {
        each_in(&path_segment(key), value, each);
    }
}

fn each_in(path: &str, value: &Value, each: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => each(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_in(&format!("{path}/{index}"), item, each);
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

#[cfg(test)]
mod tests {
    use super::*;
    use stinger_audit_redaction::{Entity, Rule, Rules};

    #[test]
    fn a_text_shows_what_new_rules_hide_and_what_they_expose() {
        let before = Redactor::new(Rules::new(), None);
        let rule = Rule::new("EMPLOYEE", r"E-\d{6}").expect("a rule");
        let after = Redactor::new(Rules::new().without(Entity::Ip).rule(rule), None);
        let changes = in_text("E-004711 at 192.0.2.7", &before, &after);
        let shown: Vec<_> = changes
            .iter()
            .map(|change| (change.effect, change.kind.as_str(), change.value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (Effect::Hides, "EMPLOYEE", "E-004711"),
                (Effect::Exposes, "IP", "192.0.2.7"),
            ]
        );
        assert_eq!(in_text("192.0.2.7", &before, &before), []);
    }

    #[test]
    fn what_a_tool_was_called_with_is_searched() {
        let record: Record = serde_json::from_str(
            r#"{"seq":0,"timestamp":"2026-11-24T10:00:00Z","event_type":"tool_call",
                "tool_calls":[{"id":"carl@example.com","name":"mail","arguments":{"to":["ann@example.com"]},
                "result":"sent from Lyon","error":"bob@example.com is full"}]}"#,
        )
        .expect("a record");
        let changes = in_record(&record, &Redactor::new(Rules::new(), None));
        let fields: Vec<&str> = changes.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            ["tool_calls/0/arguments/to/0", "tool_calls/0/error"]
        );
    }
}
