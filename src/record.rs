//! The schema: what one line of the trail says.
//!
//! Nothing here does I/O or knows about threads. The writer renders these keys
//! in the order of [`Record`]'s fields, and the reader parses them back.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

mod decision;
mod event_type;
mod key;
mod redaction;
pub mod system;

pub use decision::{Decision, GuardrailDecision, Phase};
pub use event_type::EventType;
pub(crate) use key::{Key, KeySet, Kind, Source};
pub use redaction::Redaction;
pub use system::SystemEvent;

/// One record of a trail.
///
/// Fields stand in the order of the keys in the line, and carry the keys' names.
/// An absent key is `None` (or empty, for the lists).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// 0-based place of the record in its trail, across files and restarts.
    pub seq: u64,
    /// When the event was emitted: RFC 3339 in the line, UTC, microseconds.
    #[serde(serialize_with = "rfc3339")]
    pub timestamp: DateTime<Utc>,
    /// What happened.
    pub event_type: EventType,
    /// The request that the event belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The user's address, as the application gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_ip: Option<String>,
    /// The user's client, as it named itself: attacker-written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The conversation that the turn belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// 1-based number of the turn within its conversation: of the one that `turn_id` names, where the record has
    /// one, else of the last that began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_number: Option<u64>,
    /// Where that turn stands after this record: `open` (no prompt was seen), `prompted`, `answered` or `blocked`; where
    /// the record has a `turn_id` also `failed`, `cut`, `abandoned` or `withheld`. Or what the application says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_state: Option<String>,
    /// What was asked, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What was answered, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Which guardrails decided what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardrail_decisions: Vec<GuardrailDecision>,
    /// How long the step took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_time_ms: Option<f64>,
    /// The model that was asked or that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_used: Option<String>,
    /// Tokens in and out, together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_processed: Option<u64>,
    /// Every other key of the line under its own name, and any known key whose
    /// value has not the type it should have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The value of a line that is JSON but no record, with the reason.
#[derive(Debug)]
pub(crate) struct NotARecord(pub(crate) &'static str);

impl Record {
    /// Reads a record from the keys of its line.
    ///
    /// Nothing is dropped: what does not fit the schema stays in `other`.
    pub(crate) fn from_map(mut map: Map<String, Value>) -> Result<Record, NotARecord> {
        let seq = map
            .remove("seq")
            .and_then(|v| v.as_u64())
            .ok_or(NotARecord("it has no seq"))?;
        let timestamp = map
            .remove("timestamp")
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .ok_or(NotARecord("it has no RFC 3339 timestamp"))?
            .with_timezone(&Utc);
        let Some(Value::String(event_type)) = map.remove("event_type") else {
            return Err(NotARecord("it has no event_type"));
        };
        Ok(Record {
            seq,
            timestamp,
            event_type: EventType::from(event_type),
            request_id: take_string(&mut map, "request_id"),
            user_id: take_string(&mut map, "user_id"),
            session_id: take_string(&mut map, "session_id"),
            user_ip: take_string(&mut map, "user_ip"),
            user_agent: take_string(&mut map, "user_agent"),
            conversation_id: take_string(&mut map, "conversation_id"),
            turn_number: take(&mut map, "turn_number", Value::as_u64),
            conversation_state: take_string(&mut map, "conversation_state"),
            prompt: take_string(&mut map, "prompt"),
            response: take_string(&mut map, "response"),
            guardrail_decisions: take_decisions(&mut map),
            processing_time_ms: take(&mut map, "processing_time_ms", Value::as_f64),
            model_used: take_string(&mut map, "model_used"),
            tokens_processed: take(&mut map, "tokens_processed", Value::as_u64),
            other: map,
        })
    }

    /// Whether the trail wrote this record about itself (`trail_opened` and the like).
    pub fn is_about_trail(&self) -> bool {
        self.event_type.is_about_trail()
    }

    /// Whether nothing follows it unless another writer begins: `trail_closed`, or the seal over it.
    pub(crate) fn ends_trail(&self) -> bool {
        match self.system_event() {
            Some(SystemEvent::Closed(_)) => true,
            Some(SystemEvent::Sealed(seal)) => seal.reason == "closed",
            _ => false,
        }
    }

    /// What the trail says of itself in this record. A field that is missing or of another type has its default.
    /// `None`: the record is not the trail's own, or of a type that this version does not know.
    pub fn system_event(&self) -> Option<SystemEvent> {
        SystemEvent::parse(self.event_type.as_str(), &self.other)
    }

    /// What was replaced in the record's texts, as its key `redactions` tells.
    pub fn redactions(&self) -> Vec<Redaction> {
        let told = self.other.get("redactions").and_then(Value::as_array);
        let told = told.into_iter().flatten();
        told.filter_map(|told| Redaction::deserialize(told).ok())
            .collect()
    }

    /// The decision that stopped the turn here, if one did.
    pub fn blocking(&self) -> Option<&GuardrailDecision> {
        self.guardrail_decisions
            .iter()
            .find(|d| d.decision == Decision::Block)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::deserialize(deserializer)?;
        Record::from_map(map).map_err(|NotARecord(why)| serde::de::Error::custom(why))
    }
}

/// The timestamp as the trail writes it.
pub(crate) fn timestamp_text(timestamp: DateTime<Utc>) -> String {
    timestamp.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn rfc3339<S: Serializer>(timestamp: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer
        .serialize_str(&timestamp_text(*timestamp))
        .map_err(S::Error::custom)
}

fn rfc3339_option<S: Serializer>(
    timestamp: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    timestamp.map(timestamp_text).serialize(serializer)
}

fn take<T>(
    map: &mut Map<String, Value>,
    key: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    let value = read(map.get(key)?)?;
    map.remove(key);
    Some(value)
}

fn take_string(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    if !map.get(key)?.is_string() {
        return None;
    }
    match map.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn take_decisions(map: &mut Map<String, Value>) -> Vec<GuardrailDecision> {
    let Some(value) = map.get("guardrail_decisions") else {
        return Vec::new();
    };
    match Vec::deserialize(value) {
        Ok(decisions) => {
            map.remove("guardrail_decisions");
            decisions
        }
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_record_survives_the_way_to_json_and_back() {
        let line = r#"{"seq":0,"timestamp":"2026-11-23T10:00:00.000001Z","event_type":"guardrail_decision","user_id":"u","guardrail_decisions":[{"filter_name":"pii","decision":"block","reason":"email","confidence":0.5,"rule_triggered":"r","phase":"input","latency_ms":1.5,"detail":"x"}],"tokens_processed":3,"note":"n"}"#;
        let record: Record = serde_json::from_str(line).expect("a record");
        assert_eq!(serde_json::to_string(&record).expect("JSON"), line);
        assert_eq!(
            record.blocking().map(|d| d.filter_name.as_str()),
            Some("pii")
        );
    }
}
