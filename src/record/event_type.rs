use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::Field;

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum EventType {
    /// `user_prompt`: a prompt came in, whatever became of it.
    UserPrompt,
    /// `llm_response`: the model's answer.
    LlmResponse,
    /// `guardrail_decision`: one or more guardrails decided.
    GuardrailDecision,
    /// `unspecified`: the event came without an event_type.
    Unspecified,
    /// Any other name: the application's own, or one that begins with `trail_` or `turn_`.
    Other(String),
}

impl EventType {
    /// The name, as it stands in the line.
    pub fn as_str(&self) -> &str {
        match self {
            EventType::Other(name) => name,
            known => known.known(),
        }
    }

    /// The name, borrowed if it is known.
    #[doc(hidden)]
    pub fn into_name(self) -> Cow<'static, str> {
        match self {
            EventType::Other(name) => Cow::Owned(name),
            known => Cow::Borrowed(known.known()),
        }
    }

    /// The name of one that is known. That of any other is its own.
    fn known(&self) -> &'static str {
        match self {
            EventType::UserPrompt => "user_prompt",
            EventType::LlmResponse => "llm_response",
            EventType::GuardrailDecision => "guardrail_decision",
            EventType::Unspecified | EventType::Other(_) => "unspecified",
        }
    }

    /// Whether records of this type are the trail's own: their names begin with `trail_`.
    pub fn is_about_trail(&self) -> bool {
        EventType::names_trail(self.as_str())
    }

    /// Whether records of the type of this name are the trail's own.
    #[doc(hidden)]
    pub fn names_trail(name: impl AsRef<[u8]>) -> bool {
        name.as_ref().starts_with(b"trail_")
    }

    /// Whether only the trail, or a turn, may give a record this type.
    #[doc(hidden)]
    pub fn is_reserved(name: &str) -> bool {
        EventType::names_trail(name) || name.starts_with("turn_")
    }
}

impl Field for EventType {
    fn take(value: Value) -> Result<Self, Value> {
        String::take(value).map(EventType::from)
    }
}

impl From<&str> for EventType {
    fn from(name: &str) -> Self {
        match name {
            "user_prompt" => EventType::UserPrompt,
            "llm_response" => EventType::LlmResponse,
            "guardrail_decision" => EventType::GuardrailDecision,
            "unspecified" => EventType::Unspecified,
            other => EventType::Other(other.to_owned()),
        }
    }
}

impl From<String> for EventType {
    fn from(name: String) -> Self {
        EventType::from(name.as_str())
    }
}

impl From<EventType> for String {
    fn from(event_type: EventType) -> Self {
        event_type.into_name().into_owned()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
