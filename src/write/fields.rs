//! One field after the other into the bytes of a frame: names, types, redaction.
//!
//! Runs on the emitting thread. Raw text ends here: what is pushed is redacted.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use serde_json::{Map, Value as Json};
use tracing::Metadata;
use tracing::field::Field;

use super::attribution::{Scope, Values};
use super::frame::{self, Fields, Name, Value};
use super::meaning::{Mark, Marks, Meaning, Meanings, Way};
use super::told::{Redactions, Told};
use super::trace::Trace;
use crate::record::{Decision, EventType, GuardrailDecision, Key, KeySet, Kind};
use crate::redact::{
    Chain, Looked, Manner, Outcome, Redaction, Redactor, Treatment, WITHHELD, WITHHELD_BY_RULE,
    path_names_value,
};
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
    /// Of the names that stand in `out` beside the known keys.
    marks: Marks,
    /// Where the fields begin in `out`.
    begin: usize,
    /// What is to be said of the fields; of most events nothing.
    told: Option<Box<Told>>,
    /// Elements of `guardrail_decisions` so far.
    decisions: usize,
    /// What the fields of the event mean, where it has a callsite.
    meanings: Option<Rc<Meanings>>,
    /// What becomes of the texts in the field that is being added.
    manner: Manner,
    pub(super) out: Vec<u8>,
}

impl<'r> FieldWriter<'r> {
    /// Writes the fields of an event behind what `out` holds.
    #[inline]
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
            marks: Marks::default(),
            begin: out.len(),
            told: None,
            decisions: 0,
            meanings: None,
            manner: Manner::UNNAMED,
            out,
        }
    }

    /// Ends the fields: says what was missing or went wrong.
    #[inline]
    pub(super) fn finish(mut self) -> Vec<u8> {
        if !self.seen.contains(Key::EventType) {
            self.problem("the event came without an event_type");
        }
        if let Some(told) = self.told.take() {
            self.tell(*told);
        }
        self.out
    }

    #[cold]
    fn tell(&mut self, told: Told) {
        for problem in told.problems {
            self.push(Name::Key(Key::Problems), Value::Str(&problem));
        }
        let Redactions {
            mut list, counts, ..
        } = told.redactions;
        if !list.is_empty() {
            list.insert(0, b'[');
            list.push(b']');
            self.push(Name::Key(Key::Redactions), Value::Json(&list));
            let counts: Map<String, Json> = counts
                .into_iter()
                .map(|(kind, count)| (kind, count.into()))
                .collect();
            let mut text = Vec::new();
            json::push_value(&mut text, &Json::Object(counts));
            self.push(Name::Key(Key::RedactionCounts), Value::Json(&text));
        }
    }

    fn told(&mut self) -> &mut Told {
        self.told.get_or_insert_default()
    }

    /// Takes away what was to be said so far, for whoever keeps it with the value.
    pub(super) fn take_told(&mut self) -> Option<Box<Told>> {
        self.told.take()
    }

    /// Whether a key has its value.
    pub(super) fn has(&self, key: Key) -> bool {
        self.seen.contains(key)
    }

    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.told().problems.push(problem.into());
    }

    /// Adds what the spans around the event say and the event itself does not.
    /// The nearest span wins.
    #[inline]
    pub(super) fn attribute(&mut self, scope: &Scope) {
        scope.attribute(|values| {
            // Mostly the event says nothing of what its spans say.
            match values.takes_from(self.seen) {
                Some(bytes) => {
                    self.out.extend_from_slice(bytes);
                    self.seen = self.seen.with(values.keys());
                }
                None => self.attribute_what_is_new(values),
            }
        });
    }

    #[cold]
    fn attribute_what_is_new(&mut self, values: &Values) {
        for (key, value) in values.iter() {
            if self.seen.insert(key) {
                frame::push_known(&mut self.out, key, value);
                if let Some(told) = values.told(key) {
                    self.told().append(told);
                }
            }
        }
    }

    /// Adds the trace that the event belongs to, where neither it nor its spans named one.
    pub(super) fn trace(&mut self, trace: Trace) {
        if self.seen.contains(Key::TraceId) || self.seen.contains(Key::SpanId) {
            return;
        }
        self.push(Name::Key(Key::TraceId), Value::Str(trace.trace_id()));
        self.push(Name::Key(Key::SpanId), Value::Str(trace.span_id()));
    }

    /// Says that the fields of typed functions come next, so that their keys are not looked up one by one.
    pub(super) fn begin_typed(&mut self) {
        self.meanings = Some(Meanings::of_keys(self.redactors));
    }

    /// Says whose fields come next, so that their names are not looked up one by one.
    #[inline]
    pub(super) fn begin_event(&mut self, metadata: &'static Metadata<'static>) {
        self.meanings = Some(Meanings::of(metadata, self.redactors));
    }

    /// Adds a field of the event that was begun, or of a span.
    #[inline]
    pub(super) fn field_of(&mut self, field: &Field, value: Value<'_>) {
        let meaning = match &self.meanings {
            Some(meanings) => meanings.get(field.index()),
            None => Meaning::of(field.name(), self.redactors),
        };
        self.add_as(field.name(), meaning, value);
    }

    #[inline]
    fn add_as(&mut self, name: &str, meaning: Meaning, value: Value<'_>) {
        match meaning.way(&value) {
            Way::AsItIs(key) if self.seen.insert(key) => {
                frame::push_known(&mut self.out, key, value);
            }
            Way::Text(key, text) if self.seen.insert(key) => {
                self.manner = Manner::UNNAMED;
                self.text(Name::Key(key), text);
            }
            Way::Other if !self.marks.insert(meaning.mark) => {
                self.manner = meaning.manner;
                self.keep(Name::Other(name), value);
            }
            _ => self.add(name, meaning, value),
        }
    }

    /// Adds a field under its own name, or under the key that it is another name of.
    pub(super) fn field(&mut self, name: &str, value: Value<'_>) {
        let meaning = Meaning::of(name, self.redactors);
        match self.owner {
            Owner::Event => self.add_as(name, meaning, value),
            Owner::Decision => self.add(name, meaning, value),
        }
    }

    /// Adds the field of a key, for a typed function.
    pub(super) fn key(&mut self, key: Key, value: Value<'_>) {
        let meaning = match &self.meanings {
            Some(meanings) => meanings.get(key as usize),
            None => Meaning::of(key.name(), self.redactors),
        };
        self.add_as(key.name(), meaning, value);
    }

    fn add(&mut self, name: &str, meaning: Meaning, value: Value<'_>) {
        // What is nested in it is treated as it is, and what stands beside a taken name too.
        self.manner = meaning.manner;
        let is_of_owner = |key: &Key| self.owner == Owner::Event || key.is_of_decision();
        let Some(key) = meaning.key.filter(is_of_owner) else {
            return self.other(name, meaning, value);
        };
        match (key, value) {
            (Key::EventType, Value::Str("")) => {}
            (Key::EventType, Value::Str(text)) => self.event_type(text),
            (Key::EventType, value) => self.other(name, meaning, value),
            (Key::Decisions, Value::Str(text)) => self.decisions_in_text(text),
            // What only the trail makes, and the second of two values, is kept beside the key.
            _ if key.kind() == Kind::Composed || self.seen.contains(key) => {
                self.other(name, meaning, value);
            }
            _ => self.known(key, value),
        }
    }

    fn event_type(&mut self, event_type: &str) {
        if !self.seen.insert(Key::EventType) {
            return self.other_key(Key::EventType, event_type);
        }
        let name = Name::Key(Key::EventType);
        if EventType::names_trail(event_type) {
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
                    Key::Decision => match Decision::known(text) {
                        Some(known) => self.push(name, Value::Str(known.as_str())),
                        None => {
                            self.text(name, text);
                            self.problem("the decision is none of allow, warn, block, modify, error, skipped");
                        }
                    },
                    Key::Phase if is_phase(text) => {
                        self.push(name, Value::Str(&text.to_ascii_lowercase()));
                    }
                    // Words of the application's own, which may be somebody's.
                    Key::Phase | Key::ConversationState => self.text(name, text),
                    Key::UserId | Key::UserIp => self.identifier(key, text),
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

    /// For whom: as it is, as its tag, or not at all.
    fn identifier(&mut self, key: Key, text: &str) {
        let identifier = match self.redactors.builtin() {
            Some(builtin) => builtin.identifier(key == Key::UserIp, text),
            None => Some(Cow::Borrowed(text)),
        };
        if let Some(text) = identifier {
            self.push(Name::Key(key), Value::Str(&text));
        }
    }

    /// Keeps a value under a name that is not taken: neither by a key of the record nor by a
    /// field before it. No key stands twice in a line.
    fn other(&mut self, name: &str, meaning: Meaning, value: Value<'_>) {
        let is_key = meaning.key.is_some_and(|key| {
            key.name() == name && (self.owner == Owner::Event || key.is_of_decision())
        });
        let mut name = match is_key {
            true => Cow::Owned(format!("event.{name}")),
            false => Cow::Borrowed(name),
        };
        let mark = match is_key {
            true => Mark::of(&name),
            false => meaning.mark,
        };
        if self.marks.insert(mark) {
            let taken = |wanted: &str| {
                let mut fields = Fields(&self.out[self.begin..]);
                fields.any(|(name, _)| name == Name::Other(wanted.as_bytes()))
            };
            let plain = name.clone();
            let mut count = 1;
            while taken(&name) {
                count += 1;
                name = Cow::Owned(format!("{plain}#{count}"));
            }
            self.marks.insert(Mark::of(&name));
        }
        self.keep(Name::Other(&name), value);
    }

    /// Keeps a text beside the key that does not take it.
    fn other_key(&mut self, key: Key, text: &str) {
        let meaning = Meaning::of(key.name(), self.redactors);
        self.other(key.name(), meaning, Value::Str(text));
    }

    fn keep(&mut self, name: Name<&str>, value: Value<'_>) {
        match value {
            Value::Str(text) => self.text(name, text),
            // A card number is one as a number too.
            Value::U64(number) => self.number(name, value, number),
            Value::I64(number) => self.number(name, value, number.unsigned_abs()),
            Value::F64(number) if number.fract() == 0.0 && number.abs() < 1e20 => {
                self.number(name, value, number.abs() as u64);
            }
            _ if self.manner.treatment == Treatment::Withhold => {
                self.push(name, Value::Str(WITHHELD_BY_RULE));
            }
            value => self.push(name, value),
        }
    }

    /// A number whose digits may be a value: many of them, or as the name says.
    fn number(&mut self, name: Name<&str>, value: Value<'_>, digits: u64) {
        if self.manner.treatment == Treatment::Withhold {
            return self.push(name, Value::Str(WITHHELD_BY_RULE));
        }
        const FEWEST: u64 = 1_000_000;
        if digits < FEWEST {
            return self.push(name, value);
        }
        let text = digits.to_string();
        match self.redacted(name.as_str(), &text) {
            redacted if redacted == text => self.push(name, value),
            redacted => self.push(name, Value::Str(&redacted)),
        }
    }

    fn string_of(&mut self, name: Name<&str>, value: impl fmt::Display) {
        let text = value.to_string();
        match name {
            Name::Key(key @ (Key::UserId | Key::UserIp)) => self.identifier(key, &text),
            Name::Key(key) if key.kind() == Kind::Id => self.push(name, Value::Str(&text)),
            _ => self.text(name, &text),
        }
    }

    /// A string of a person or a model: redacted.
    #[inline]
    fn text(&mut self, name: Name<&str>, text: &str) {
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
                frame::push_text(&mut out, |out| self.redact(name.as_str(), text, out));
                self.out = out;
            }
        }
    }

    /// A string that the built-in rules have looked at, and that may not stay as it is.
    fn looked(&mut self, builtin: &Redactor, name: Name<&str>, text: &str, looked: Looked<'_>) {
        let FieldWriter { out, told, .. } = self;
        let mut is_typed = false;
        frame::push_name(out, name);
        frame::push_text(out, |out| {
            let note = &mut |redaction| note(told, name.as_str(), &redaction);
            if !builtin.write_looked(looked, out, note, &mut || is_typed = true) {
                out.extend_from_slice(text.as_bytes());
            }
        });
        if is_typed {
            self.typed(name.as_str());
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

    fn redacted(&mut self, field: &str, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        self.redact(field, text, &mut out);
        String::from_utf8(out).expect("invariant: redacted text is UTF-8")
    }

    /// A text that is nested in a field; `path` as [`redacted_json`](FieldWriter::redacted_json) has it.
    fn redacted_at(&mut self, path: &str, text: &str) -> String {
        self.manner.names_value = path_names_value(path);
        self.redacted(path, text)
    }

    /// Adds a text under a name that may have been made at run time.
    pub(super) fn text_field(&mut self, name: &str, text: &str) {
        let made = self.made_name(name);
        self.field(made.as_deref().unwrap_or(name), Value::Str(text));
    }

    /// A name without what must not be seen, where it is one that may be somebody's.
    fn made_name(&mut self, name: &str) -> Option<String> {
        let is_made = |byte: u8| byte.is_ascii_digit() || byte == b'@';
        (name.len() > 6 && name.bytes().any(is_made)).then(|| {
            self.manner = Manner::UNNAMED;
            self.redacted("name", name)
        })
    }

    /// Adds any JSON value, the strings and keys in it redacted. Null is no value.
    pub(super) fn json_field(&mut self, name: &str, value: &Json) {
        let made = self.made_name(name);
        let name = made.as_deref().unwrap_or(name);
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
                let meaning = Meaning::of(name, self.redactors);
                self.manner = meaning.manner;
                let redacted = self.redacted_json(name, value, 0);
                let mut text = Vec::new();
                json::push_value(&mut text, &redacted);
                self.add(name, meaning, Value::Json(&text));
            }
        }
    }

    /// `path` is where the value stands: the field, and the keys and places in it, with `/` between.
    fn redacted_json(&mut self, path: &str, value: &Json, depth: usize) -> Json {
        match value {
            Json::String(text) => Json::String(self.redacted_at(path, text)),
            Json::Array(_) | Json::Object(_) if depth == DEEPEST_JSON => {
                self.problem("a value is nested deeper than readers follow; it stands as text");
                Json::String(self.redacted_at(path, &value.to_string()))
            }
            Json::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(place, item)| {
                    self.redacted_json(&format!("{path}/{place}"), item, depth + 1)
                });
                items.collect()
            }
            Json::Object(map) => {
                let mut redacted = Map::new();
                let mut counts: HashMap<String, u32> = HashMap::new();
                for (key, value) in map {
                    let key = self.redacted_at(path, key);
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
                    let value = self.redacted_json(&format!("{path}/{name}"), value, depth + 1);
                    redacted.insert(name, value);
                }
                Json::Object(redacted)
            }
            Json::Number(number) => {
                let text = number.to_string();
                match text.len() >= 7 && number.is_i64() || text.len() >= 12 {
                    true => match self.redacted_at(path, &text) {
                        redacted if redacted == text => value.clone(),
                        redacted => Json::String(redacted),
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
        fields.told().redactions.prefix = format!("{}/{}/", Key::Decisions.name(), self.decisions);
        self.decisions += 1;
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
        let told = fields.take_told().unwrap_or_default();
        self.told().append(&told);
        self.push(Name::Key(Key::Decisions), Value::Group(&fields.out));
    }

    /// `guardrail_decisions` as a bare macro gives it: JSON in a string.
    fn decisions_in_text(&mut self, text: &str) {
        match serde_json::from_str::<Vec<GuardrailDecision>>(text) {
            Ok(decisions) => decisions
                .iter()
                .for_each(|decision| self.decision(decision)),
            Err(_) => {
                self.other_key(Key::Decisions, text);
                self.problem("guardrail_decisions is no JSON array of decisions");
            }
        }
    }

    #[inline]
    fn push(&mut self, name: Name<&str>, value: Value<'_>) {
        match name {
            Name::Key(key) => frame::push_known(&mut self.out, key, value),
            Name::Other(_) => {
                frame::push_name(&mut self.out, name);
                frame::push_value(&mut self.out, value);
            }
        }
    }
}

/// Has a record tell of a redaction.
fn note(told: &mut Option<Box<Told>>, field: &str, redaction: &Redaction<'_>) {
    let redactions = &mut told.get_or_insert_default().redactions;
    redactions.note(field, redaction);
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

fn is_phase(word: &str) -> bool {
    ["input", "output", "tool"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}
