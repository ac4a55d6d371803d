//! One field after the other into the bytes of a frame: names, types, redaction.
//!
//! Runs on the emitting thread. Raw text ends here: what is pushed is redacted.

mod decision;
mod name;
mod nested;
mod tenant;
mod text;

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use serde_json::Value as Json;
use tracing::Metadata;
use tracing::field::Field;

pub(crate) use nested::number_of;

use super::annotations::FieldAnnotations;
use super::field_schema::{Accepts, FieldPlan, LONGEST_ID, NameCache, NameFingerprints};
use super::span_values::SpanValues;
use super::trace::Trace;
use crate::format::internal::{Key, KeySet, ValueKind, json};
use crate::record::{Decision, EventType, Outcome, Phase};
use crate::redact::FieldPolicy;
use crate::redact::internal::{FieldMode, RedactionPipeline, WITHHELD_BY_RULE};
use crate::write::journal::frame::{self, Fields, Name, Value};

/// What is said of a guardrail that decided nothing.
const NO_VERDICT: &str = "a guardrail is named without its decision";
const NO_TYPE: &str = "the event_type is no text";

/// What the fields belong to, which decides the names that mean something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Event,
    Decision,
}

/// The fields of an event or of one decision, as bytes.
pub(crate) struct FieldWriter<'r> {
    redactors: &'r RedactionPipeline,
    owner: Owner,
    /// A text to stand for every text, where events are emitted from inside events without end.
    withhold: Option<&'static str>,
    seen: KeySet,
    /// Of the names that stand in `out` beside the known keys.
    fingerprints: NameFingerprints,
    /// Where the fields begin in `out`.
    begin: usize,
    /// What is to be said of the fields; of most events nothing.
    annotations: Option<Box<FieldAnnotations>>,
    /// Elements of `guardrail_decisions` so far.
    decisions: usize,
    /// What the fields of the event mean, where it has a callsite.
    plans: Option<Rc<[FieldPlan]>>,
    /// What names mean, once that was asked.
    names: Option<Box<NameCache>>,
    /// What becomes of the texts in the field that is being added.
    mode: FieldMode,
    /// Texts stay as they are, but for those whose names say otherwise.
    keeps_texts: bool,
    pub(crate) out: Vec<u8>,
}

impl<'r> FieldWriter<'r> {
    /// Writes the fields of an event behind what `out` holds.
    #[inline]
    pub(crate) fn new(
        redactors: &'r RedactionPipeline,
        out: Vec<u8>,
        withhold: Option<&'static str>,
    ) -> FieldWriter<'r> {
        FieldWriter {
            redactors,
            owner: Owner::Event,
            withhold,
            seen: KeySet::default(),
            fingerprints: NameFingerprints::default(),
            begin: out.len(),
            annotations: None,
            decisions: 0,
            plans: None,
            names: None,
            mode: FieldMode::UNNAMED,
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
        if self.has(Key::FilterName) && !self.has(Key::Decision) {
            self.problem(NO_VERDICT);
        }
        if let Some(annotations) = self.annotations.take() {
            self.push_annotations(&annotations);
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
    fn plan_of(&mut self, name: &str) -> FieldPlan {
        let redactors = self.redactors;
        self.names().name(name, redactors)
    }

    #[cold]
    fn name_missing_type(&mut self) {
        let problems = &self.annotations().problems;
        if !problems.iter().any(|problem| problem == NO_TYPE) {
            self.problem("the event came without an event_type");
        }
    }

    #[cold]
    fn push_annotations(&mut self, annotations: &FieldAnnotations) {
        for problem in &annotations.problems {
            self.push(Name::Key(Key::Problems), Value::Str(problem));
        }
        if !annotations.redactions.is_empty() {
            let list = annotations.redactions.to_json(self.has_plain_decision());
            self.push(Name::Key(Key::Redactions), Value::Json(&list));
            let counts = annotations.redactions.counts_to_json();
            self.push(Name::Key(Key::RedactionCounts), Value::Json(&counts));
        }
    }

    fn annotations(&mut self) -> &mut FieldAnnotations {
        self.annotations.get_or_insert_default()
    }

    /// Takes away what was to be said so far, for whoever keeps it with the value.
    pub(crate) fn take_annotations(&mut self) -> Option<Box<FieldAnnotations>> {
        self.annotations.take()
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
        self.annotations().problems.push(problem.into());
    }

    /// Adds what a span says and neither the event nor a nearer span has said.
    #[inline]
    pub(crate) fn attribute(&mut self, values: &SpanValues) {
        // Mostly the event says nothing of what its spans say.
        match values.takes_from(self.seen) {
            Some(bytes) if self.withhold.is_none() => {
                self.out.extend_from_slice(bytes);
                self.seen = self.seen.with(values.keys());
            }
            _ => self.attribute_what_is_new(values),
        }
    }

    #[cold]
    fn attribute_what_is_new(&mut self, values: &SpanValues) {
        for (key, value) in values.iter() {
            if self.seen.insert(key) {
                if let Some(instead) = self.withhold.filter(|_| key.kind() == ValueKind::Text) {
                    frame::push_known(&mut self.out, key, Value::Str(instead));
                    continue;
                }
                frame::push_known(&mut self.out, key, value);
                if let Some(annotations) = values.annotations_of(key) {
                    self.annotations().append(annotations, None);
                }
            }
        }
    }

    /// Whether the tokens that a span counts are this record's: it is a response, or the end of a turn without one.
    #[cold]
    pub(crate) fn takes_usage(&self) -> bool {
        let is_end = |(name, value)| match (name, value) {
            (Name::Key(Key::EventType), Value::Str(event_type)) => {
                event_type == EventType::LlmResponse.as_str().as_bytes()
                    || Outcome::of_event(event_type).is_some()
            }
            _ => false,
        };
        self.has(Key::Response) || Fields(&self.out[self.begin..]).any(is_end)
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
        self.plans = Some(self.names().callsite(metadata, redactors));
    }

    /// Adds a field of the event that was begun, or of a span.
    #[inline]
    pub(crate) fn field_of(&mut self, field: &Field, value: Value<'_>) {
        let plan = match &self.plans {
            Some(plans) => plans[field.index()],
            None => self.plan_of(field.name()),
        };
        self.add(field.name(), plan, value);
    }

    /// Adds a field under its own name, or under the key that it is another name of.
    pub(crate) fn field(&mut self, name: &str, value: Value<'_>) {
        let plan = self.plan_of(name);
        self.add(name, plan, value);
    }

    /// Adds the field of a key, for a typed function.
    pub(super) fn key(&mut self, key: Key, value: Value<'_>) {
        let plan = self.names().key(key);
        self.add(key.name(), plan, value);
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

    #[inline]
    fn add(&mut self, name: &str, plan: FieldPlan, value: Value<'_>) {
        // A value that is kept beside a key with a value is redacted as that key's would be.
        self.mode = plan.mode;
        match (self.key_of(&plan), value) {
            (Some(key), value) if plan.accepts.takes(value) && self.seen.insert(key) => {
                frame::push_known(&mut self.out, key, value);
            }
            (Some(key), Value::Str(text))
                if plan.accepts == Accepts::Text && self.seen.insert(key) =>
            {
                self.text(Name::Key(key), text);
            }
            (Some(_), value) => self.add_unusual(name, plan, value),
            (None, value) if self.fingerprints.insert(plan.fingerprint) => self.other(name, value),
            (None, value) => self.keep(Name::Other(name), value),
        }
    }

    /// The key that a field of this name sets here.
    #[inline]
    fn key_of(&self, plan: &FieldPlan) -> Option<Key> {
        let is_of_owner = |key: &Key| self.owner == Owner::Event || key.is_of_decision();
        plan.key.filter(is_of_owner)
    }

    /// The key, if it accepts a value of any type: what only the trail makes, and the second of two values, is kept
    /// beside it.
    fn free_key(&self, plan: &FieldPlan) -> Option<Key> {
        let is_composed = matches!(plan.accepts, Accepts::Nothing | Accepts::Decisions);
        self.key_of(plan)
            .filter(|key| !is_composed && *key != Key::EventType && !self.has(*key))
    }

    fn add_unusual(&mut self, name: &str, plan: FieldPlan, value: Value<'_>) {
        match (plan.accepts, value) {
            (Accepts::EventType, Value::Str("")) => {}
            (Accepts::EventType, Value::Str(text)) if self.seen.insert(Key::EventType) => {
                let text = format!("application.{text}");
                self.push(Name::Key(Key::EventType), Value::Str(&text));
                self.problem("event types that begin with trail_ or turn_ are reserved");
            }
            (Accepts::Decisions, Value::Str(text)) => self.decisions_in_text(text),
            _ => match self.free_key(&plan) {
                Some(key) => self.convert(key, plan.accepts, value),
                None => self.other(name, value),
            },
        }
        if plan.accepts == Accepts::EventType && !matches!(value, Value::Str(_)) {
            self.problem(NO_TYPE);
        }
    }

    /// Adds a value to its key as what the key accepts. One that cannot be that is kept, and the record says so.
    fn convert(&mut self, key: Key, accepts: Accepts, value: Value<'_>) {
        self.seen.insert(key);
        let name = Name::Key(key);
        if let Some(number) = accepts.number(value) {
            self.push(name, number);
            if accepts == Accepts::Share && !accepts.takes(number) {
                self.problem("the confidence is not from 0 to 1");
            }
            return;
        }
        match (accepts, text_of(value)) {
            (Accepts::Id, Some(text)) => self.id(key, &text),
            (Accepts::Address, Some(text)) => self.address(key, &text),
            (Accepts::Text, Some(text)) => self.text(name, &text),
            (Accepts::Identifier, Some(text)) => self.identifier(key, &text),
            // Read in any case, written in one.
            (Accepts::Decision, Some(text)) => {
                let known = Decision::known(&text).map(Decision::as_str);
                let problem = "the decision is none of allow, warn, block, modify, error, skipped";
                self.word(name, &text, known, problem);
            }
            (Accepts::Phase, Some(text)) => {
                let known = Phase::parse(text.to_ascii_lowercase()).map(Phase::as_str);
                let problem = "the phase is none of input, output, tool";
                self.word(name, &text, known, problem);
            }
            _ => {
                self.keep(name, value);
                self.problem(format!("{} has not the type it should have", key.name()));
            }
        }
    }

    /// Adds a word of a closed set. Any other word is somebody's text.
    fn word(&mut self, name: Name<&str>, text: &str, known: Option<&str>, problem: &str) {
        match known {
            Some(known) => self.push(name, Value::Str(known)),
            None => {
                self.text(name, text);
                self.problem(problem);
            }
        }
    }

    /// What stands in each record of a request, so that it must not be long.
    fn id(&mut self, key: Key, text: &str) {
        let kept = frame::cut(text, LONGEST_ID);
        if kept.len() < text.len() {
            let name = key.name();
            self.problem(format!(
                "{name} is longer than {LONGEST_ID} bytes and was cut"
            ));
        }
        self.push(Name::Key(key), Value::Str(kept));
    }

    /// An address in the spelling by which it is looked for.
    fn address(&mut self, key: Key, text: &str) {
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => {
                let address = IpAddr::V6(address).to_canonical().to_string();
                self.id(key, &address);
            }
            // IPv4 has one spelling, and any other text stays as it is.
            _ => self.id(key, text),
        }
    }

    /// An id that is not kept as it is: its tag, or nothing at all.
    fn identifier(&mut self, key: Key, text: &str) {
        if let Some(rule) = self.mode.id.filter(|rule| rule.is_tagged()) {
            let tag = self.redactors.replace_id(rule, text);
            self.push(Name::Key(key), Value::Str(&tag));
        }
    }

    /// Keeps a value beside the key that does not take it, or where there is none.
    fn other(&mut self, name: &str, value: Value<'_>) {
        let name = self.free_name(name);
        self.keep(Name::Other(&name), value);
    }

    fn keep(&mut self, name: Name<&str>, value: Value<'_>) {
        if let Some(rule) = self.mode.id {
            // The second value of an id, or one that is no text.
            let text = text_of(value).map(|text| self.redactors.replace_id(rule, &text));
            return self.push(
                name,
                Value::Str(text.as_deref().unwrap_or(WITHHELD_BY_RULE)),
            );
        }
        match value {
            Value::Str(text) => self.text(name, text),
            // A card number is one as a number too.
            Value::U64(number) => self.number(name, value, number),
            Value::I64(number) => self.number(name, value, number.unsigned_abs()),
            Value::F64(number) if number.fract() == 0.0 && number.abs() < 1e20 => {
                self.number(name, value, number.abs() as u64);
            }
            _ if self.mode.policy == FieldPolicy::Withhold => {
                self.push(name, Value::Str(WITHHELD_BY_RULE));
            }
            value => self.push(name, value),
        }
    }

    /// A number whose digits may be a value: many of them, or as the name says.
    fn number(&mut self, name: Name<&str>, value: Value<'_>, digits: u64) {
        if self.mode.policy == FieldPolicy::Withhold {
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

/// A value as a text. `None`: it is not a scalar.
fn text_of<'a>(value: Value<'a>) -> Option<Cow<'a, str>> {
    Some(match value {
        Value::Str(text) => text.into(),
        Value::U64(number) => number.to_string().into(),
        Value::I64(number) => number.to_string().into(),
        Value::F64(number) => number.to_string().into(),
        Value::Bool(truth) => truth.to_string().into(),
        Value::Json(_) | Value::Group(_) => return None,
    })
}
