//! The known keys of a record: their names, their order, what they may hold,
//! and the OpenTelemetry names under which they are understood.

/// What a key's value is, which decides how it is coerced and whether it is redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
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

/// Who gives a key its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The event.
    Event,
    /// The event, or a span around it: the key attributes the record.
    Attribution,
    /// The event. Where it names a guardrail or a decision, these keys make up one element of
    /// guardrail_decisions, else they stand for themselves.
    Decision,
    /// The trail or the turn, and nobody else.
    Trail,
}

macro_rules! keys {
    ($($variant:ident $name:literal $kind:ident $source:ident [$($alias:literal),*];)*) => {
        /// A known key. The order of the variants is the order of the keys in a line; an application's own fields
        /// stand in front of `problems`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Key { $($variant),* }

        impl Key {
            pub const ALL: &'static [Key] = &[$(Key::$variant),*];

            /// The key that a field of this name sets, under any of its names.
            pub fn of(field: &str) -> Option<Key> {
                match field {
                    $($name $(| $alias)* => Some(Key::$variant),)*
                    _ => None,
                }
            }

            pub fn name(self) -> &'static str {
                match self { $(Key::$variant => $name),* }
            }

            /// The key in a line, with the comma before it and the colon behind.
            pub fn member(self) -> &'static str {
                match self { $(Key::$variant => concat!(",\"", $name, "\":")),* }
            }

            pub fn kind(self) -> ValueKind {
                match self { $(Key::$variant => ValueKind::$kind),* }
            }

            pub const fn source(self) -> Source {
                match self { $(Key::$variant => Source::$source),* }
            }
        }
    };
}

keys! {
    Seq               "seq"                 Composed Trail       [];
    Timestamp         "timestamp"           Composed Trail       [];
    EventType         "event_type"          Id       Event       [];
    RunId             "run_id"              Composed Trail       [];
    EventId           "event_id"            Id       Event       [];
    EventTimestamp    "event_timestamp"     Id       Event       [];
    RequestId         "request_id"          Id       Attribution ["request.id"];
    // What a client wrote: it is searched like a text.
    ClientRequestId   "client_request_id"   Text     Attribution [];
    TenantId          "tenant_id"           Id       Attribution ["tenant.id"];
    UserId            "user_id"             Id       Attribution ["user.id", "enduser.id"];
    SessionId         "session_id"          Id       Attribution ["session.id"];
    UserIp            "user_ip"             Id       Attribution ["client.address"];
    UserAgent         "user_agent"          Text     Attribution ["user_agent.original"];
    AgentId           "agent_id"            Id       Attribution ["gen_ai.agent.id"];
    ConversationId    "conversation_id"     Id       Attribution ["gen_ai.conversation.id"];
    TurnId            "turn_id"             Id       Attribution [];
    TurnNumber        "turn_number"         Count    Attribution [];
    TurnNumberUnknown "turn_number_unknown" Composed Trail       [];
    ConversationState "conversation_state"  Id       Event       [];
    Prompt            "prompt"              Text     Event       ["gen_ai.prompt", "gen_ai.input.messages"];
    Response          "response"            Text     Event       ["gen_ai.completion", "gen_ai.output.messages"];
    ToolCalls         "tool_calls"          Composed Event       [];
    Attachments       "attachments"         Composed Event       [];
    Decisions         "guardrail_decisions" Composed Event       [];
    Outcome           "outcome"             Composed Trail       [];
    Expects           "expects"             Composed Trail       [];
    ProcessingTimeMs  "processing_time_ms"  Number   Event       [];
    Provider          "provider"            Id       Attribution ["gen_ai.provider.name", "gen_ai.system"];
    Operation         "operation"           Id       Attribution ["gen_ai.operation.name"];
    ModelRequested    "model_requested"     Id       Attribution ["gen_ai.request.model"];
    ModelUsed         "model_used"          Id       Attribution ["gen_ai.response.model"];
    // The sum of the next two, if the event does not give it.
    TokensProcessed   "tokens_processed"    Count    Event       [];
    InputTokens       "gen_ai.usage.input_tokens"  Count Attribution [];
    OutputTokens      "gen_ai.usage.output_tokens" Count Attribution [];
    TraceId           "trace_id"            Id       Attribution [];
    SpanId            "span_id"             Id       Attribution [];
    FilterName        "filter_name"         Id       Decision    [];
    Decision          "decision"            Id       Decision    [];
    Reason            "reason"              Text     Decision    [];
    Confidence        "confidence"          Number   Decision    [];
    RuleTriggered     "rule_triggered"      Text     Decision    [];
    // `name@version` would look like an email address to the redaction.
    Policy            "policy"              Id       Decision    [];
    Phase             "phase"               Id       Decision    [];
    LatencyMs         "latency_ms"          Number   Decision    [];
    Problems          "problems"            Composed Trail       [];
    Redactions        "redactions"          Composed Trail       [];
    RedactionCounts   "redaction_counts"    Composed Trail       [];
}

impl Key {
    /// Keys that attribute a record: an event inherits them from its spans.
    pub fn is_attribution(self) -> bool {
        self.source() == Source::Attribution
    }

    /// Keys of one element of `guardrail_decisions`, in their order.
    pub const OF_DECISION: KeySet = {
        let mut set = KeySet(0);
        let mut index = 0;
        while index < Key::ALL.len() {
            if matches!(Key::ALL[index].source(), Source::Decision) {
                set = set.with(KeySet::of(&[Key::ALL[index]]));
            }
            index += 1;
        }
        set
    };

    /// What a call of a model has used: a span gives it to one record, the response.
    pub const USAGE: KeySet = KeySet::of(&[Key::InputTokens, Key::OutputTokens]);

    pub fn is_of_decision(self) -> bool {
        self.source() == Source::Decision
    }
}

/// A set of known keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeySet(u64);

impl KeySet {
    /// Adds a key and says whether it was new.
    pub fn insert(&mut self, key: Key) -> bool {
        let bit = 1 << key as u64;
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    pub fn contains(self, key: Key) -> bool {
        self.0 & (1 << key as u64) != 0
    }

    /// Whether a key is in both.
    pub fn meets(self, other: KeySet) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn of(keys: &[Key]) -> KeySet {
        let mut set = 0;
        let mut place = 0;
        while place < keys.len() {
            set |= 1 << keys[place] as u64;
            place += 1;
        }
        KeySet(set)
    }

    pub const fn with(self, others: KeySet) -> KeySet {
        KeySet(self.0 | others.0)
    }

    pub fn without(self, others: KeySet) -> KeySet {
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

const _: () = assert!(Key::ALL.len() <= 64, "KeySet holds 64 keys");

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
