//! One field after the other into the bytes of a frame: names, types, redaction.
//!
//! Runs on the emitting thread. Raw text ends here: what is pushed is redacted.

mod decision;
mod name;
mod nested;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use serde_json::Value as Json;
use tracing::Metadata;
use tracing::field::Field;

pub(crate) use name::{LONGEST_NAME, is_reserved};
pub(crate) use nested::number_of;

use super::attribution::{Scope, Values};
use super::meaning::{Marks, Meaning, NameCache, Way, is_share};
use super::told::Told;
use super::trace::Trace;
use crate::record::{Decision, EventType, Key, KeySet, Kind};
use crate::redact::{Chain, Manner, Treatment, WITHHELD_BY_RULE};
use crate::trail::json;
use crate::write::journal::frame::{self, Name, Value};

const NO_TYPE: &str = "the event_type is no text";

/// What the fields belong to, which decides the names that mean something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Event,
    Decision,
}

/// The fields of an event or of one decision, as bytes.
pub(crate) struct FieldWriter<'r> {
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
    meanings: Option<Rc<[Meaning]>>,
    /// What names mean, once that was asked.
    names: Option<Box<NameCache>>,
    /// What becomes of the texts in the field that is being added.
    manner: Manner,
    /// Texts stay as they are, but for those whose names say otherwise.
    keeps_texts: bool,
    pub(crate) out: Vec<u8>,
}

impl<'r> FieldWriter<'r> {
    /// Writes the fields of an event behind what `out` holds.
    #[inline]
    pub(crate) fn new(
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
            names: None,
            manner: Manner::UNNAMED,
            keeps_texts: withhold.is_none() && redactors.number() == 0,
            out,
        }
    }

    /// Ends the fields: says what was missing or went wrong.
    #[inline]
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if !self.seen.contains(Key::EventType) {
            self.name_missing_type();
        }
        if let Some(told) = self.told.take() {
            self.tell(&told);
        }
        if let Some(names) = self.names.take() {
            names.give_back();
        }
        self.out
    }

    #[inline]
    fn names(&mut self) -> &mut NameCache {
        let redactors = self.redactors;
        self.names.get_or_insert_with(|| NameCache::take(redactors))
    }

    /// What a name means that stands in the program, or was redacted.
    fn meaning_of(&mut self, name: &str) -> Meaning {
        let redactors = self.redactors;
        self.names().name(name, redactors)
    }

    #[cold]
    fn name_missing_type(&mut self) {
        if !self.told().problems.iter().any(|told| told == NO_TYPE) {
            self.problem("the event came without an event_type");
        }
    }

    #[cold]
    fn tell(&mut self, told: &Told) {
        for problem in &told.problems {
            self.push(Name::Key(Key::Problems), Value::Str(problem));
        }
        if !told.redactions.is_empty() {
            let list = told.redactions.to_json(self.has_plain_decision());
            self.push(Name::Key(Key::Redactions), Value::Json(&list));
            let counts = told.redactions.counts_to_json();
            self.push(Name::Key(Key::RedactionCounts), Value::Json(&counts));
        }
    }

    fn told(&mut self) -> &mut Told {
        self.told.get_or_insert_default()
    }

    /// Takes away what was to be said so far, for whoever keeps it with the value.
    pub(crate) fn take_told(&mut self) -> Option<Box<Told>> {
        self.told.take()
    }

    /// Whether the event's own plain fields make up a decision.
    fn has_plain_decision(&self) -> bool {
        self.has(Key::FilterName) || self.has(Key::Decision)
    }

    /// Whether a key has its value.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.seen.contains(key)
    }

    pub(crate) fn problem(&mut self, problem: impl Into<String>) {
        self.told().problems.push(problem.into());
    }

    /// Adds what the spans around the event say and the event itself does not.
    /// The nearest span wins.
    #[inline]
    pub(crate) fn attribute(&mut self, scope: &Scope) {
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
    pub(crate) fn trace(&mut self, trace: Trace) {
        if self.seen.contains(Key::TraceId) || self.seen.contains(Key::SpanId) {
            return;
        }
        self.push(Name::Key(Key::TraceId), Value::Str(trace.trace_id()));
        self.push(Name::Key(Key::SpanId), Value::Str(trace.span_id()));
    }

    /// Says whose fields come next, so that their names are not looked up one by one.
    #[inline]
    pub(crate) fn begin_event(&mut self, metadata: &'static Metadata<'static>) {
        let redactors = self.redactors;
        self.meanings = Some(self.names().callsite(metadata, redactors));
    }

    /// Adds a field of the event that was begun, or of a span.
    #[inline]
    pub(crate) fn field_of(&mut self, field: &Field, value: Value<'_>) {
        let meaning = match &self.meanings {
            Some(meanings) => meanings[field.index()],
            None => self.meaning_of(field.name()),
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
    pub(crate) fn field(&mut self, name: &str, value: Value<'_>) {
        let meaning = self.meaning_of(name);
        self.field_as(name, meaning, value);
    }

    #[inline]
    fn field_as(&mut self, name: &str, meaning: Meaning, value: Value<'_>) {
        match self.owner {
            Owner::Event => self.add_as(name, meaning, value),
            Owner::Decision => self.add(name, meaning, value),
        }
    }

    /// Adds the field of a key, for a typed function.
    pub(crate) fn key(&mut self, key: Key, value: Value<'_>) {
        let meaning = self.names().key(key);
        match (value, meaning.key_of_strings()) {
            (Value::Str(text), Some(key)) if self.seen.insert(key) => {
                frame::push_known_text(&mut self.out, key, text.as_bytes());
            }
            _ => self.add_as(key.name(), meaning, value),
        }
    }

    /// Adds the field of a key that no event may set. Nothing in it is redacted.
    pub(crate) fn made(&mut self, key: Key, value: &Json) {
        if !self.seen.insert(key) {
            return;
        }
        if let Json::String(text) = value {
            return self.push(Name::Key(key), Value::Str(text));
        }
        let mut bytes = Vec::new();
        json::push_value(&mut bytes, value);
        self.push(Name::Key(key), Value::Json(&bytes));
    }

    fn add(&mut self, name: &str, meaning: Meaning, value: Value<'_>) {
        // What is nested in it is treated as it is, and what stands beside a taken name too.
        self.manner = meaning.manner;
        let Some(key) = self.key_of(&meaning) else {
            return self.other(name, value);
        };
        match (key, value) {
            (Key::EventType, Value::Str("")) => {}
            (Key::EventType, Value::Str(text)) => self.event_type(text),
            (Key::EventType, value) => {
                self.other(name, value);
                self.problem(NO_TYPE);
            }
            (Key::Decisions, Value::Str(text)) => self.decisions_in_text(text),
            _ => match self.free_key(&meaning) {
                Some(key) => self.known(key, value),
                None => self.other(name, value),
            },
        }
    }

    /// The key that a field of this name sets here.
    fn key_of(&self, meaning: &Meaning) -> Option<Key> {
        let is_of_owner = |key: &Key| self.owner == Owner::Event || key.is_of_decision();
        meaning.key.filter(is_of_owner)
    }

    /// The key, if it takes a value of any type: what only the trail makes, and the second of two values, is kept
    /// beside it.
    fn free_key(&self, meaning: &Meaning) -> Option<Key> {
        self.key_of(meaning).filter(|key| {
            *key != Key::EventType && key.kind() != Kind::Composed && !self.seen.contains(*key)
        })
    }

    fn event_type(&mut self, event_type: &str) {
        if !self.seen.insert(Key::EventType) {
            return self.other_key(Key::EventType, event_type);
        }
        let name = Name::Key(Key::EventType);
        if EventType::is_reserved(event_type) {
            self.push(name, Value::Str(&format!("application.{event_type}")));
            self.problem("event types that begin with trail_ or turn_ are reserved");
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
                            self.unknown_word(key);
                        }
                    },
                    Key::Phase if is_phase(text) => {
                        self.push(name, Value::Str(&text.to_ascii_lowercase()));
                    }
                    Key::Phase => {
                        self.text(name, text);
                        self.unknown_word(key);
                    }
                    // A word of the application's own, which may be somebody's.
                    Key::ConversationState => self.text(name, text),
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
                self.push_number(key, value);
            }
            (kind, value) => match (kind, as_number(kind, value)) {
                (Kind::Count | Kind::Number, Some(number)) => self.push_number(key, number),
                _ => {
                    self.keep(name, value);
                    self.problem(format!("{} has not the type it should have", key.name()));
                }
            },
        }
    }

    fn push_number(&mut self, key: Key, value: Value<'_>) {
        self.push(Name::Key(key), value);
        let is_share = match value {
            Value::U64(number) => number <= 1,
            Value::F64(number) => is_share(number),
            _ => false,
        };
        if key == Key::Confidence && !is_share {
            self.problem("the confidence is not from 0 to 1");
        }
    }

    fn unknown_word(&mut self, key: Key) {
        match key {
            Key::Decision => {
                self.problem("the decision is none of allow, warn, block, modify, error, skipped")
            }
            Key::Phase => self.problem("the phase is none of input, output, tool"),
            _ => {}
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

    /// Keeps a value beside the key that does not take it, or where there is none.
    fn other(&mut self, name: &str, value: Value<'_>) {
        let name = self.free_name(name);
        self.keep(Name::Other(&name), value);
    }

    /// Keeps a text beside the key that does not take it.
    fn other_key(&mut self, key: Key, text: &str) {
        self.other(key.name(), Value::Str(text));
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
        match self.redacted(&name.path(), &text) {
            redacted if redacted == text => self.push(name, value),
            redacted => self.push(name, Value::Str(&redacted)),
        }
    }

    fn string_of(&mut self, name: Name<&str>, value: impl fmt::Display) {
        let text = value.to_string();
        if let Name::Key(key) = name {
            self.unknown_word(key);
        }
        match name {
            Name::Key(key @ (Key::UserId | Key::UserIp)) => self.identifier(key, &text),
            Name::Key(key) if key.kind() == Kind::Id => self.push(name, Value::Str(&text)),
            _ => self.text(name, &text),
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
