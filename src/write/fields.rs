//! One field after the other into the bytes of a frame: names, types, redaction.
//!
//! Runs on the emitting thread. Raw text ends here: what is pushed is redacted.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::attribution::Scope;
use super::frame::{self, Name, Value};
use crate::record::{Decision, GuardrailDecision, Key, KeySet, Kind};
use crate::redact::{Chain, WITHHELD};
use crate::trail::json;

thread_local! {
    /// Whether a redactor of the application's runs on this thread.
    static REDACTING: Cell<bool> = const { Cell::new(false) };
}

const INSIDE_REDACTOR: &str = "[withheld: emitted by a redactor]";

/// What the fields belong to, which decides the names that mean something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Event,
    Decision,
}

/// The fields of an event or of one decision, as bytes.
pub(super) struct FieldWriter<'r> {
    redactors: &'r Chain,
    owner: Owner,
    /// A text to stand for every text, where events are emitted from inside events without end.
    withhold: Option<&'static str>,
    seen: KeySet,
    problems: Vec<String>,
    pub(super) out: Vec<u8>,
}

impl<'r> FieldWriter<'r> {
    /// Writes the fields of an event behind what `out` holds.
    pub(super) fn new(
        redactors: &'r Chain,
        out: Vec<u8>,
        withhold: Option<&'static str>,
    ) -> FieldWriter<'r> {
        FieldWriter {
            redactors,
            owner: Owner::Event,
            withhold,
            seen: KeySet::default(),
            problems: Vec::new(),
            out,
        }
    }

    /// Ends the fields: says what was missing or went wrong.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if !self.seen.contains(Key::EventType) {
            self.problem("the event came without an event_type");
        }
        for problem in std::mem::take(&mut self.problems) {
            self.push(Name::Key(Key::Problems), Value::Str(&problem));
        }
        self.out
    }

    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Adds what the spans around the event say and the event itself does not.
    /// The nearest span wins.
    pub(super) fn attribute(&mut self, scope: &Scope) {
        scope.each(|key, value| {
            if self.seen.insert(key) {
                frame::push_name(&mut self.out, Name::Key(key));
                self.out.extend_from_slice(value);
            }
        });
    }

    /// Adds a field under its own name, or under the key that it is another name of.
    pub(super) fn field(&mut self, name: &str, value: Value<'_>) {
        let known = Key::of(name).filter(|key| self.owner == Owner::Event || key.is_of_decision());
        let Some(key) = known else {
            return self.other(name, value);
        };
        match (key, value) {
            (Key::EventType, Value::Str(text)) => self.event_type(text),
            (Key::Decisions, Value::Str(text)) => self.decisions_in_text(text),
            // A name of the trail's own is moved out of its way.
            _ if key.kind() == Kind::Composed => self.other(&format!("event.{name}"), value),
            // Of two names of one key the first counts; the second is kept as it is.
            _ if self.seen.contains(key) => self.other(name, value),
            _ => self.known(key, value),
        }
    }

    fn event_type(&mut self, event_type: &str) {
        if !self.seen.insert(Key::EventType) {
            return self.other("event.event_type", Value::Str(event_type));
        }
        let name = Name::Key(Key::EventType);
        if event_type.starts_with("trail_") {
            self.push(name, Value::Str(&format!("application.{event_type}")));
            self.problem("event types that begin with trail_ are the trail's own");
        } else {
            self.push(name, Value::Str(event_type));
        }
    }

    fn known(&mut self, key: Key, value: Value<'_>) {
        self.seen.insert(key);
        let name = Name::Key(key);
        match (key.kind(), value) {
            (Kind::Text, Value::Str(text)) => self.text(name, text),
            (Kind::Id, Value::Str(text)) => {
                let word = match key {
                    // Read in any case, written in one.
                    Key::Decision => Cow::Owned(Decision::from(text).as_str().to_owned()),
                    Key::Phase => Cow::Owned(text.to_ascii_lowercase()),
                    _ => Cow::Borrowed(text),
                };
                self.push(name, Value::Str(&word));
            }
            (Kind::Id | Kind::Text, Value::U64(number)) => self.string_of(name, number),
            (Kind::Id | Kind::Text, Value::I64(number)) => self.string_of(name, number),
            (Kind::Id | Kind::Text, Value::F64(number)) => self.string_of(name, number),
            (Kind::Id | Kind::Text, Value::Bool(truth)) => self.string_of(name, truth),
            (Kind::Count, Value::U64(_))
            | (Kind::Number, Value::U64(_) | Value::I64(_) | Value::F64(_)) => {
                self.push(name, value);
            }
            (kind, value) => match (kind, as_number(kind, value)) {
                (Kind::Count | Kind::Number, Some(number)) => self.push(name, number),
                _ => {
                    self.keep(name, value);
                    self.problem(format!("{} has not the type it should have", key.name()));
                }
            },
        }
    }

    fn other(&mut self, name: &str, value: Value<'_>) {
        self.keep(Name::Other(name), value);
    }

    fn keep(&mut self, name: Name<'_>, value: Value<'_>) {
        match value {
            Value::Str(text) => self.text(name, text),
            value => self.push(name, value),
        }
    }

    fn string_of(&mut self, name: Name<'_>, value: impl fmt::Display) {
        self.push(name, Value::Str(&value.to_string()));
    }

    /// A string of a person or a model: redacted.
    fn text(&mut self, name: Name<'_>, text: &str) {
        let redacted = self.redacted(text);
        self.push(name, Value::Str(&redacted));
    }

    fn redacted<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if let Some(instead) = self.withhold {
            return Cow::Borrowed(instead);
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
        let redacted = self.redactors.apply(text);
        if has_custom {
            let _ = REDACTING.try_with(|flag| flag.set(false));
        }
        redacted.unwrap_or_else(|_| {
            self.problem("the custom redactor panicked; a text is withheld");
            Cow::Borrowed(WITHHELD)
        })
    }

    /// Adds any JSON value, the strings and keys in it redacted. Null is no value.
    pub(super) fn json_field(&mut self, name: &str, value: &Json) {
        match value {
            Json::Null => {}
            Json::String(text) => self.field(name, Value::Str(text)),
            Json::Bool(truth) => self.field(name, Value::Bool(*truth)),
            Json::Number(number) => {
                let value = number
                    .as_u64()
                    .map(Value::U64)
                    .or_else(|| number.as_i64().map(Value::I64))
                    .or_else(|| number.as_f64().map(Value::F64));
                if let Some(value) = value {
                    self.field(name, value);
                }
            }
            Json::Array(_) | Json::Object(_) => {
                let redacted = self.redacted_json(value);
                let mut text = Vec::new();
                json::push_value(&mut text, &redacted);
                self.field(name, Value::Json(&text));
            }
        }
    }

    fn redacted_json(&mut self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.redacted(text).into_owned()),
            Json::Array(items) => items.iter().map(|item| self.redacted_json(item)).collect(),
            Json::Object(map) => {
                let mut redacted = Map::new();
                for (key, value) in map {
                    let value = self.redacted_json(value);
                    let mut key = self.redacted(key).into_owned();
                    // Two keys may redact to one; neither is dropped.
                    while redacted.contains_key(&key) {
                        key.push('+');
                    }
                    redacted.insert(key, value);
                }
                Json::Object(redacted)
            }
            scalar => scalar.clone(),
        }
    }

    /// Adds one element of `guardrail_decisions`.
    pub(super) fn decision(&mut self, decision: &GuardrailDecision) {
        let mut fields = FieldWriter {
            owner: Owner::Decision,
            ..FieldWriter::new(self.redactors, Vec::new(), self.withhold)
        };
        for (name, text) in [
            ("filter_name", Some(decision.filter_name.as_str())),
            ("decision", Some(decision.decision.as_str())),
            ("reason", decision.reason.as_deref()),
            ("rule_triggered", decision.rule_triggered.as_deref()),
            ("phase", decision.phase.map(|phase| phase.as_str())),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                fields.field(name, Value::Str(text));
            }
        }
        for (name, number) in [
            ("confidence", decision.confidence),
            ("latency_ms", decision.latency_ms),
        ] {
            if let Some(number) = number {
                fields.field(name, Value::F64(number));
            }
        }
        for (name, value) in &decision.other {
            fields.json_field(name, value);
        }
        self.problems.append(&mut fields.problems);
        self.push(Name::Key(Key::Decisions), Value::Group(&fields.out));
    }

    /// `guardrail_decisions` as a bare macro gives it: JSON in a string.
    fn decisions_in_text(&mut self, text: &str) {
        match serde_json::from_str::<Vec<GuardrailDecision>>(text) {
            Ok(decisions) => decisions
                .iter()
                .for_each(|decision| self.decision(decision)),
            Err(_) => {
                self.other("event.guardrail_decisions", Value::Str(text));
                self.problem("guardrail_decisions is no JSON array of decisions");
            }
        }
    }

    fn push(&mut self, name: Name<'_>, value: Value<'_>) {
        frame::push_name(&mut self.out, name);
        frame::push_value(&mut self.out, value);
    }
}

/// A value as the number that its key wants, where it can be one.
fn as_number(kind: Kind, value: Value<'_>) -> Option<Value<'_>> {
    match (kind, value) {
        (Kind::Count, Value::I64(number)) => number.try_into().ok().map(Value::U64),
        (Kind::Count, Value::Str(text)) => text.trim().parse().ok().map(Value::U64),
        (Kind::Number, Value::Str(text)) => text.trim().parse().ok().map(Value::F64),
        _ => None,
    }
}
