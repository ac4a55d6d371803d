//! One field after the other into the bytes of a frame: names, types, redaction.
//!
//! Runs on the emitting thread. Raw text ends here: what is pushed is redacted.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::attribution::Scope;
use super::frame::{self, Fields, Name, Value};
use super::trace::Trace;
use crate::record::{Decision, GuardrailDecision, Key, KeySet, Kind};
use crate::redact::{Chain, WITHHELD};
use crate::trail::json;

thread_local! {
    /// Whether a redactor of the application's runs on this thread.
    static REDACTING: Cell<bool> = const { Cell::new(false) };
}

const INSIDE_REDACTOR: &str = "[withheld: emitted by a redactor]";

/// JSON parsers follow values to a depth of about 128; a record's own values begin a few deep.
const DEEPEST_JSON: usize = 64;

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
    /// A bit for each name that stands in `out` beside the known keys, by its checksum.
    other_names: u64,
    /// Where the fields begin in `out`.
    begin: usize,
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
            other_names: 0,
            begin: out.len(),
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
        scope.count();
        scope.each(|key, value| {
            if self.seen.insert(key) {
                frame::push_name(&mut self.out, Name::Key(key));
                self.out.extend_from_slice(value);
            }
        });
    }

    /// Adds the trace that the event belongs to, where neither it nor its spans named one.
    pub(super) fn trace(&mut self, trace: Trace) {
        if self.seen.contains(Key::TraceId) || self.seen.contains(Key::SpanId) {
            return;
        }
        self.push(Name::Key(Key::TraceId), Value::Str(trace.trace_id()));
        self.push(Name::Key(Key::SpanId), Value::Str(trace.span_id()));
    }

    /// Adds a field under its own name, or under the key that it is another name of.
    pub(super) fn field(&mut self, name: &str, value: Value<'_>) {
        let known = Key::of(name).filter(|key| self.owner == Owner::Event || key.is_of_decision());
        let Some(key) = known else {
            return self.other(name, value);
        };
        match (key, value) {
            (Key::EventType, Value::Str("")) => {}
            (Key::EventType, Value::Str(text)) => self.event_type(text),
            (Key::EventType, value) => self.other(name, value),
            (Key::Decisions, Value::Str(text)) => self.decisions_in_text(text),
            // What only the trail makes, and the second of two values, is kept beside the key.
            _ if key.kind() == Kind::Composed || self.seen.contains(key) => self.other(name, value),
            _ => self.known(key, value),
        }
    }

    fn event_type(&mut self, event_type: &str) {
        if !self.seen.insert(Key::EventType) {
            return self.other("event_type", Value::Str(event_type));
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
                match key {
                    // Read in any case, written in one. Any other word is somebody's text.
                    Key::Decision => match Decision::from(text) {
                        Decision::Other(other) => {
                            self.text(name, &other);
                            self.problem("the decision is none of allow, warn, block, modify, error, skipped");
                        }
                        known => self.push(name, Value::Str(known.as_str())),
                    },
                    Key::Phase => self.push(name, Value::Str(&text.to_ascii_lowercase())),
                    _ => self.push(name, Value::Str(text)),
                }
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

    /// Keeps a value under a name that is not taken: neither by a key of the record nor by a
    /// field before it. No key stands twice in a line.
    fn other(&mut self, name: &str, value: Value<'_>) {
        let is_key = Key::of(name).is_some_and(|key| {
            key.name() == name && (self.owner == Owner::Event || key.is_of_decision())
        });
        let mut name = match is_key {
            true => Cow::Owned(format!("event.{name}")),
            false => Cow::Borrowed(name),
        };
        let bit = |name: &str| 1_u64 << (crc32fast::hash(name.as_bytes()) % 64);
        if self.other_names & bit(&name) != 0 {
            let taken = |wanted: &str| {
                let mut fields = Fields(&self.out[self.begin..]);
                fields.any(|(name, _)| name == Name::Other(wanted))
            };
            let plain = name.clone();
            let mut count = 1;
            while taken(&name) {
                count += 1;
                name = Cow::Owned(format!("{plain}#{count}"));
            }
        }
        self.other_names |= bit(&name);
        self.keep(Name::Other(&name), value);
    }

    fn keep(&mut self, name: Name<'_>, value: Value<'_>) {
        match value {
            Value::Str(text) => self.text(name, text),
            // A card number is one as a number too.
            Value::U64(number) if number >= 100_000_000_000 => {
                let text = number.to_string();
                match self.redacted(&text) {
                    redacted if redacted == text => self.push(name, value),
                    redacted => self.push(name, Value::Str(&redacted)),
                }
            }
            value => self.push(name, value),
        }
    }

    fn string_of(&mut self, name: Name<'_>, value: impl fmt::Display) {
        let text = value.to_string();
        match name {
            Name::Key(key) if key.kind() == Kind::Id => self.push(name, Value::Str(&text)),
            _ => self.text(name, &text),
        }
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
                let redacted = self.redacted_json(value, 0);
                let mut text = Vec::new();
                json::push_value(&mut text, &redacted);
                self.field(name, Value::Json(&text));
            }
        }
    }

    fn redacted_json(&mut self, value: &Json, depth: usize) -> Json {
        match value {
            Json::String(text) => Json::String(self.redacted(text).into_owned()),
            Json::Array(_) | Json::Object(_) if depth == DEEPEST_JSON => {
                self.problem("a value is nested deeper than readers follow; it stands as text");
                Json::String(self.redacted(&value.to_string()).into_owned())
            }
            Json::Array(items) => {
                let items = items.iter().map(|item| self.redacted_json(item, depth + 1));
                items.collect()
            }
            Json::Object(map) => {
                let mut redacted = Map::new();
                let mut counts: HashMap<String, u32> = HashMap::new();
                for (key, value) in map {
                    let value = self.redacted_json(value, depth + 1);
                    let key = self.redacted(key).into_owned();
                    // Several keys may redact to one; none is dropped.
                    let count = counts.entry(key.clone()).or_default();
                    *count += 1;
                    let mut name = match *count {
                        1 => key.clone(),
                        count => format!("{key}#{count}"),
                    };
                    while redacted.contains_key(&name) {
                        name.push('#');
                    }
                    redacted.insert(name, value);
                }
                Json::Object(redacted)
            }
            Json::Number(number) => {
                let text = number.to_string();
                match text.len() >= 12 {
                    true => match self.redacted(&text) {
                        redacted if redacted == text => value.clone(),
                        redacted => Json::String(redacted.into_owned()),
                    },
                    false => value.clone(),
                }
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
                self.other("guardrail_decisions", Value::Str(text));
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
