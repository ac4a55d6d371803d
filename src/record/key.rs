//! The known keys of a record: their names, their order, what they may hold,
//! and the OpenTelemetry names under which they are understood.

/// What a key's value is, which decides how it is coerced and whether it is redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a word of a closed set: written as a string, never redacted.
    Id,
    /// A person's or a model's words: written as a string, redacted.
    Text,
    /// A whole number, 0 or greater.
    Count,
    /// A number.
    Number,
    /// Made by the trail, or a list: an event cannot set it with a plain value.
    Composed,
}

macro_rules! keys {
    ($($variant:ident $name:literal $kind:ident [$($alias:literal),*];)*) => {
        /// A known key. The order of the variants is the order of the keys in a line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Key { $($variant),* }

        impl Key {
            pub(crate) const ALL: &'static [Key] = &[$(Key::$variant),*];

            /// The key that a field of this name sets, under any of its names.
            pub(crate) fn of(field: &str) -> Option<Key> {
                match field {
                    $($name $(| $alias)* => Some(Key::$variant),)*
                    _ => None,
                }
            }

            pub(crate) fn name(self) -> &'static str {
                match self { $(Key::$variant => $name),* }
            }

            /// The key in a line, with the comma before it and the colon behind.
            pub(crate) fn member(self) -> &'static str {
                match self { $(Key::$variant => concat!(",\"", $name, "\":")),* }
            }

            pub(crate) fn kind(self) -> Kind {
                match self { $(Key::$variant => Kind::$kind),* }
            }
        }
    };
}

keys! {
    EventType         "event_type"          Id       [];
    RequestId         "request_id"          Id       ["request.id"];
    UserId            "user_id"             Id       ["user.id", "enduser.id"];
    SessionId         "session_id"          Id       ["session.id"];
    UserIp            "user_ip"             Id       ["client.address"];
    UserAgent         "user_agent"          Text     ["user_agent.original"];
    ConversationId    "conversation_id"     Id       ["gen_ai.conversation.id"];
    TurnNumber        "turn_number"         Count    [];
    ConversationState "conversation_state"  Id       [];
    Prompt            "prompt"              Text     ["gen_ai.prompt", "gen_ai.input.messages"];
    Response          "response"            Text     ["gen_ai.completion", "gen_ai.output.messages"];
    Decisions         "guardrail_decisions" Composed [];
    ProcessingTimeMs  "processing_time_ms"  Number   [];
    ModelUsed         "model_used"          Id       ["gen_ai.request.model", "gen_ai.response.model"];
    TokensProcessed   "tokens_processed"    Count    [];
    // A single decision, as a bare macro gives it. Where `filter_name` or `decision` is
    // set these make up one element of guardrail_decisions, else they stand for themselves.
    FilterName        "filter_name"         Id       [];
    Decision          "decision"            Id       [];
    Reason            "reason"              Text     [];
    Confidence        "confidence"          Number   [];
    RuleTriggered     "rule_triggered"      Text     [];
    Phase             "phase"               Id       [];
    LatencyMs         "latency_ms"          Number   [];
    // Kept under their own names; tokens_processed is their sum where it is not given.
    InputTokens       "gen_ai.usage.input_tokens"  Count [];
    OutputTokens      "gen_ai.usage.output_tokens" Count [];
    // Made by the trail.
    Seq               "seq"                 Composed [];
    Timestamp         "timestamp"           Composed [];
    Problems          "problems"            Composed [];
    Redactions        "redactions"          Composed [];
    // Of the OpenTelemetry span that the event lies in.
    TraceId           "trace_id"            Id       [];
    SpanId            "span_id"             Id       [];
    // How many values of which kind `redactions` lists. Made by the trail.
    RedactionCounts   "redaction_counts"    Composed [];
}

impl Key {
    /// Keys that attribute a record: an event inherits them from its spans.
    pub(crate) fn is_attribution(self) -> bool {
        matches!(
            self,
            Key::RequestId
                | Key::UserId
                | Key::SessionId
                | Key::UserIp
                | Key::UserAgent
                | Key::ConversationId
                | Key::TurnNumber
                | Key::ModelUsed
                | Key::InputTokens
                | Key::OutputTokens
                | Key::TraceId
                | Key::SpanId
        )
    }

    /// Keys of one element of `guardrail_decisions`.
    pub(crate) fn is_of_decision(self) -> bool {
        matches!(
            self,
            Key::FilterName
                | Key::Decision
                | Key::Reason
                | Key::Confidence
                | Key::RuleTriggered
                | Key::Phase
                | Key::LatencyMs
        )
    }
}

/// A set of known keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeySet(u32);

impl KeySet {
    /// Adds a key and says whether it was new.
    pub(crate) fn insert(&mut self, key: Key) -> bool {
        let bit = 1 << key as u32;
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    pub(crate) fn contains(self, key: Key) -> bool {
        self.0 & (1 << key as u32) != 0
    }

    /// Whether a key is in both.
    pub(crate) fn meets(self, other: KeySet) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn of(keys: &[Key]) -> KeySet {
        let mut set = 0;
        let mut place = 0;
        while place < keys.len() {
            set |= 1 << keys[place] as u32;
            place += 1;
        }
        KeySet(set)
    }

    pub(crate) fn with(self, others: KeySet) -> KeySet {
        KeySet(self.0 | others.0)
    }

    pub(crate) fn without(self, others: KeySet) -> KeySet {
        KeySet(self.0 & !others.0)
    }
}

/// The keys in their order.
impl Iterator for KeySet {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        let key = Key::ALL.get(self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(*key)
    }
}

const _: () = assert!(Key::ALL.len() <= 32, "KeySet holds 32 keys");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_under_its_own_name_and_number() {
        for (number, &key) in Key::ALL.iter().enumerate() {
            assert_eq!(Key::of(key.name()), Some(key));
            assert_eq!(key as usize, number);
        }
    }

    #[test]
    fn a_set_has_its_keys_in_order() {
        let some = [Key::Prompt, Key::EventType, Key::RedactionCounts];
        let set = KeySet::of(&some).with(KeySet::of(&[Key::Reason]));
        let keys: Vec<Key> = set.without(KeySet::of(&[Key::Prompt])).collect();
        assert_eq!(keys, [Key::EventType, Key::Reason, Key::RedactionCounts]);
        assert_eq!(KeySet::of(Key::ALL).count(), Key::ALL.len());
        assert!(set.meets(KeySet::of(&[Key::Seq, Key::Prompt])));
        assert!(!set.meets(KeySet::of(&[Key::Seq])));
    }
}
