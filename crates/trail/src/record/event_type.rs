use std::borrow::Cow;

use super::object::open_words;

open_words! {
    /// What a record is about.
    EventType {
        /// `user_prompt`: a prompt came in, whatever became of it.
        UserPrompt "user_prompt",
        /// `llm_response`: the model's answer.
        LlmResponse "llm_response",
        /// `guardrail_decision`: one or more guardrails decided.
        GuardrailDecision "guardrail_decision",
        /// `unspecified`: the event came without an event_type.
        Unspecified "unspecified",
    }
    /// Any other name: the application's own, or one that begins with `trail_` or `turn_`.
    other, compared by str::eq
}

impl EventType {
    /// The name, borrowed if it is known.
    #[doc(hidden)]
    pub fn into_name(self) -> Cow<'static, str> {
        match EventType::known(self.as_str()) {
            Some(known) => Cow::Borrowed(known.as_str()),
            None => Cow::Owned(self.into()),
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
