//! The schema: what one line of the trail says.
//!
//! Nothing here does I/O or knows about threads. The writer renders these keys
//! in the order of [`Record`]'s fields, and the reader parses them back.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

mod decision;
mod event_type;
#[expect(
    missing_docs,
    reason = "only `trail::internal` shows it, which is not an API"
)]
pub(crate) mod key;
mod model;
mod object;
mod outcome;
mod redaction;
pub mod system;

pub use decision::{Decision, GuardrailDecision, Phase};
pub use event_type::EventType;
use key::Key;
pub use model::{Attachment, ToolCall};
#[cfg(feature = "csv")]
pub(crate) use object::Field;
use object::object;
pub use outcome::{Outcome, TurnState};
pub use redaction::Redaction;
use system::FORMAT;
pub use system::SystemEvent;

object! {
    /// One record of a trail.
    ///
    /// Fields stand in the order of the keys in the line, and carry the keys' names.
    /// An absent key is `None` (or empty, for the lists).
    Record
    required {
        /// 0-based place of the record in its trail, across files and restarts.
        seq: u64, "it has no seq";
        /// When the event was emitted: RFC 3339 in the line, UTC, microseconds.
        #[serde(serialize_with = "rfc3339")]
        timestamp: DateTime<Utc>, "it has no RFC 3339 timestamp";
        /// What happened.
        event_type: EventType, "it has no event_type";
    }
    {
        /// Which run of a writer wrote the record: in `trail_opened`, and on stdout in every record.
        run_id "run_id": Option<String>;
        /// The sender's own id of the event.
        event_id "event_id": Option<String>;
        /// The sender's own time of the event, RFC 3339.
        event_timestamp "event_timestamp": Option<String>;
        /// The request that the event belongs to.
        request_id "request_id": Option<String>;
        /// The request, as the client called it: attacker-written.
        client_request_id "client_request_id": Option<String>;
        /// The customer or organisation.
        tenant_id "tenant_id": Option<String>;
        /// For whom.
        user_id "user_id": Option<String>;
        /// The user's session.
        session_id "session_id": Option<String>;
        /// The user's address, as the application gave it, in one spelling: `::ffff:192.0.2.1` is `192.0.2.1`.
        user_ip "user_ip": Option<String>;
        /// The user's client, as it named itself: attacker-written.
        user_agent "user_agent": Option<String>;
        /// The agent that acted.
        agent_id "agent_id": Option<String>;
        /// The conversation that the turn belongs to.
        conversation_id "conversation_id": Option<String>;
        /// The turn: several of one conversation may be open.
        turn_id "turn_id": Option<String>;
        /// 1-based number of the turn within its conversation: of the one that `turn_id` names, if the record has
        /// one, else of the last that began.
        turn_number "turn_number": Option<u64>;
        /// Whether the writer does not know the number: it had forgotten the conversation or the turn, or did not read
        /// so far back when it opened the trail. `turn_number` is left out then.
        turn_number_unknown "turn_number_unknown": Option<bool>;
        /// Where that turn stands after this record: `open` (no prompt was seen), `prompted`, `answered` or `blocked`; if
        /// the record has a `turn_id` also `failed`, `cut`, `abandoned` or `withheld`. Or what the application says.
        conversation_state "conversation_state": Option<String>;
        /// What was asked, redacted.
        prompt "prompt": Option<String>;
        /// What was answered, redacted.
        response "response": Option<String>;
        /// Which tools the model called.
        tool_calls "tool_calls": Vec<ToolCall>;
        /// Which files came with the prompt or the answer.
        attachments "attachments": Vec<Attachment>;
        /// Which guardrails decided what.
        guardrail_decisions "guardrail_decisions": Vec<GuardrailDecision>;
        /// How the turn's answer ended. An event cannot set it.
        outcome "outcome": Option<Outcome>;
        /// The guardrails that must decide in the turn. An event cannot set it.
        expects "expects": Vec<String>;
        /// How long the step took, in milliseconds.
        processing_time_ms "processing_time_ms": Option<f64>;
        /// Who runs the model.
        provider "provider": Option<String>;
        /// What was done with the model, such as `chat`.
        operation "operation": Option<String>;
        /// The model that was asked.
        model_requested "model_requested": Option<String>;
        /// The model that answered.
        model_used "model_used": Option<String>;
        /// Tokens in and out, together.
        tokens_processed "tokens_processed": Option<u64>;
        /// Tokens in.
        input_tokens "gen_ai.usage.input_tokens": Option<u64>;
        /// Tokens out.
        output_tokens "gen_ai.usage.output_tokens": Option<u64>;
        /// The OpenTelemetry trace.
        trace_id "trace_id": Option<String>;
        /// The OpenTelemetry span.
        span_id "span_id": Option<String>;
    }
    last {
        /// What is odd about the event.
        problems "problems": Vec<String>;
        /// What was replaced in the record's texts.
        redactions "redactions": Vec<Redaction>;
        /// How many values of each kind were replaced.
        redaction_counts "redaction_counts": BTreeMap<String, u64>;
    }
}

impl Record {
    /// Whether the trail wrote this record about itself (`trail_opened` and the like).
    pub fn is_about_trail(&self) -> bool {
        self.event_type.is_about_trail()
    }

    /// Whether nothing follows it unless another writer begins: `trail_closed`, or the seal over it.
    #[doc(hidden)]
    pub fn ends_trail(&self) -> bool {
        match self.system_event() {
            Some(SystemEvent::Closed(_)) => true,
            Some(SystemEvent::Sealed(seal)) => seal.reason == "closed",
            _ => false,
        }
    }

    /// What the trail says of itself in this record. A field that is missing or of another type has its default.
    /// `None`: the record is not the trail's own, or of a type that this version does not know.
    pub fn system_event(&self) -> Option<SystemEvent> {
        let mut event = SystemEvent::parse(self.event_type.as_str(), &self.other);
        if let Some(SystemEvent::Opened(opened)) = &mut event {
            opened.run_id.clone_from(&self.run_id);
        }
        event
    }

    /// The format that a writer begins here, if it is not this one.
    #[doc(hidden)]
    pub fn other_format(&self) -> Option<u64> {
        match self.system_event() {
            Some(SystemEvent::Opened(opened)) => Some(opened.format),
            _ => None,
        }
        .filter(|format| *format != FORMAT)
    }

    /// How the turn ended, if this record is its end: one of those that the turn itself writes.
    pub fn ends_turn(&self) -> Option<Outcome> {
        self.turn_id.as_ref()?;
        match self.event_type {
            EventType::LlmResponse => self.outcome,
            _ => Outcome::of_event(self.event_type.as_str()),
        }
    }

    /// The keys that follow prompt and response, but those that have a place of their own wherever a record is shown.
    #[doc(hidden)]
    pub fn details(&self) -> Map<String, Value> {
        let is_shown = |name: &str| match Key::of(name) {
            Some(
                Key::Decisions | Key::ProcessingTimeMs | Key::ModelUsed | Key::TokensProcessed,
            ) => true,
            Some(key) => (key as u8) < Key::ToolCalls as u8,
            None => false,
        };
        let Ok(Value::Object(mut details)) = serde_json::to_value(self) else {
            unreachable!("invariant: a record is an object of JSON values");
        };
        details.retain(|name, _| self.other.contains_key(name) || !is_shown(name));
        details
    }

    /// Whether it is an answer of the model: one that only calls tools has no `response`.
    #[doc(hidden)]
    pub fn is_answer(&self) -> bool {
        let has_other = !self.tool_calls.is_empty() || !self.attachments.is_empty();
        self.response.is_some() || self.event_type == EventType::LlmResponse && has_other
    }

    /// The model that answered, or the one that was asked if that is not known.
    pub fn model(&self) -> Option<&str> {
        self.model_used
            .as_deref()
            .or(self.model_requested.as_deref())
    }

    /// The decision that stopped the turn here, if one did.
    pub fn blocking(&self) -> Option<&GuardrailDecision> {
        self.guardrail_decisions
            .iter()
            .find(|d| d.decision == Decision::Block)
    }
}

/// Why a line is no record, without those words of the parser that may quote the line.
#[cfg(feature = "read")]
pub(crate) fn not_a_record(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((why, _)) if error.is_data() && !why.starts_with("invalid type") => why.to_owned(),
        _ => format!("it is no JSON object from byte {} on", error.column()),
    }
}

/// The timestamp as the trail writes it.
#[doc(hidden)]
pub fn timestamp_text(timestamp: DateTime<Utc>) -> String {
    timestamp.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn rfc3339<S: Serializer>(timestamp: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&timestamp_text(*timestamp))
}

fn rfc3339_option<S: Serializer>(
    timestamp: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    timestamp.map(timestamp_text).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use key::ValueKind;

    #[test]
    fn a_known_key_of_the_wrong_type_is_kept_in_other() {
        let line = r#"{"seq":7,"timestamp":"2026-11-23T10:00:00.000001Z","event_type":"user_prompt",
            "turn_number":"three","prompt":9,"guardrail_decisions":"none","note":true}"#;
        let record: Record = serde_json::from_str(line).expect("a record");
        assert_eq!(record.turn_number, None);
        assert_eq!(record.other["turn_number"], "three");
        assert_eq!(record.other["prompt"], 9);
        assert_eq!(record.other["guardrail_decisions"], "none");
        assert_eq!(record.other["note"], true);
    }

    /// A line with every key that a record has, in the order of the table, and a field of the application's own.
    fn whole_line() -> String {
        let mut line = String::from("{");
        for key in Key::ALL.iter().filter(|key| !key.is_of_decision()) {
            let value = match key {
                Key::Timestamp => "\"2026-11-23T10:00:00.000001Z\"".to_owned(),
                Key::EventType => "\"llm_response\"".to_owned(),
                Key::Outcome => "\"modified\"".to_owned(),
                Key::Decisions => r#"[{"filter_name":"f","decision":"block","reason":"r","confidence":0.5,"rule_triggered":"t","policy":"p@1","phase":"tool","latency_ms":1.5,"own":[1]}]"#.to_owned(),
                Key::ToolCalls => r#"[{"id":"1","name":"search","arguments":{"q":"Lyon"},"result":"none","error":"late","own":2}]"#.to_owned(),
                Key::Attachments => r#"[{"kind":"image/png","bytes":7,"sha256":"ab","url":"https://a.example/b"}]"#.to_owned(),
                Key::Redactions => r#"[{"type":"EMAIL","field":"prompt","start":4,"end":9,"tag":"k1:X","rule":"email"}]"#.to_owned(),
                Key::RedactionCounts => r#"{"EMAIL":1}"#.to_owned(),
                Key::Expects => r#"["f","g"]"#.to_owned(),
                Key::Problems => r#"["odd"]"#.to_owned(),
                Key::TurnNumberUnknown => "true".to_owned(),
                Key::Seq => "7".to_owned(),
                key => match key.kind() {
                    ValueKind::Count => "3".to_owned(),
                    ValueKind::Number => "2.5".to_owned(),
                    _ => format!("\"{}\"", key.name()),
                },
            };
            if *key == Key::Problems {
                line.push_str(",\"own\":{\"deep\":[null]}");
            }
            line.push_str(key.member());
            line.push_str(&value);
        }
        line.push('}');
        line.replacen("{,", "{", 1)
    }

    #[test]
    fn every_key_has_its_field_and_survives_the_way_to_json_and_back() {
        let line = whole_line();
        let record: Record = serde_json::from_str(&line).expect("a record");
        let own: Vec<_> = record.other.keys().collect();
        assert_eq!(own, ["own"]);
        assert_eq!(serde_json::to_string(&record).expect("JSON"), line);
        assert_eq!(record.blocking().map(|d| d.filter_name.as_str()), Some("f"));
        let value = serde_json::to_value(&record).expect("JSON");
        let again: Record = serde_json::from_value(value).expect("a record");
        assert_eq!(again, record);
    }

    #[test]
    fn a_value_of_another_type_is_kept_under_its_key() {
        let whole: Value = serde_json::from_str(&whole_line()).expect("JSON");
        let required = [Key::Seq, Key::Timestamp, Key::EventType];
        let odd = [
            serde_json::json!(null),
            serde_json::json!({"a": [1.5, {"b": false}]}),
            serde_json::json!([{"name": "search"}, "no object", 3]),
        ];
        for key in Key::ALL {
            if key.is_of_decision() || required.contains(key) {
                continue;
            }
            for odd in &odd {
                let mut map = whole.clone();
                map[key.name()] = odd.clone();
                let line = map.to_string();
                let record: Record = serde_json::from_str(&line).expect("a record");
                assert_eq!(&record.other[key.name()], odd);
                assert_eq!(serde_json::to_value(&record).expect("JSON"), map);
            }
        }
        for key in required {
            let line = whole_line().replacen(key.member().trim_start_matches(','), "\"x\":", 1);
            let error = serde_json::from_str::<Record>(&line).expect_err("no record");
            let why = not_a_record(&error);
            assert!(why.starts_with("it has no "), "{why}");
        }
    }

    #[test]
    fn a_key_that_occurs_twice_makes_no_record() {
        let line = whole_line();
        serde_json::from_str::<Record>(&line).expect("a record");
        let twice = |error: serde_json::Error| not_a_record(&error);
        let decision_keys = Key::OF_DECISION.map(Key::member);
        let keys = Key::ALL.iter().filter(|key| !key.is_of_decision());
        for member in keys
            .map(|key| key.member())
            .chain(decision_keys)
            .chain([",\"own\":"])
        {
            let member = member.trim_start_matches(',');
            for (first, again) in [("null", member), ("\"x\"", member)] {
                let odd = format!("{member}{first},{again}");
                let error = serde_json::from_str::<Record>(&line.replacen(member, &odd, 1));
                assert_eq!(
                    twice(error.expect_err("no record")),
                    "a key occurs twice",
                    "{member}"
                );
            }
        }
        let error = serde_json::from_str::<Record>("[\"seq\"]").expect_err("no record");
        assert_eq!(not_a_record(&error), "it is no JSON object from byte 0 on");
    }
}
