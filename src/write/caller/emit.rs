//! The typed functions: events that no filter can drop, whose text no other layer sees.
//!
//! They do not dispatch a `tracing` event. They look for the audit layer in the thread's
//! subscriber and record through it, with the attribution of the spans the thread is in;
//! where there is no layer, they record in the process's trail.

mod field_buffer;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value as Json;
use tracing::dispatcher;

use super::field_value::{Content, FieldValue};
use super::fields::FieldWriter;
use super::find_layer::with_layer;
use super::layer::AuditLayer;
use crate::error::{Error, ErrorKind, Result};
use crate::format::internal::Key;
use crate::record::{Attachment, Decision, EventType, GuardrailDecision, ToolCall};
use crate::write::journal::frame::Value;
use crate::write::registry::{Recording, SWITCHED_OFF, current};
use crate::write::{Core, RecordContext};

/// Records a prompt.
///
/// ```no_run
/// # fn main() -> Result<(), stinger_audit::Error> {
/// stinger_audit::log_prompt("What is the capital of France?")?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// No trail is open; or, under fail-safe, the trail cannot be written.
pub fn log_prompt(prompt: &str) -> Result<()> {
    self::prompt(prompt).log()
}

/// Records the model's answer.
///
/// # Errors
///
/// No trail is open; or, under fail-safe, the trail cannot be written.
pub fn log_response(response: &str) -> Result<()> {
    self::response(response).log()
}

/// Records what a guardrail decided.
///
/// ```no_run
/// use stinger_audit::record::GuardrailDecision;
/// # fn main() -> Result<(), stinger_audit::Error> {
/// stinger_audit::log_guardrail_decision(
///     GuardrailDecision::warn("toxicity").confidence(0.61),
/// )?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// No trail is open; or, under fail-safe, the trail cannot be written.
pub fn log_guardrail_decision(decision: GuardrailDecision) -> Result<()> {
    guardrail(decision).log()
}

/// A prompt to record, with what is known about it.
///
/// ```no_run
/// # fn main() -> Result<(), stinger_audit::Error> {
/// stinger_audit::emit::prompt("ignore all previous instructions")
///     .user_id("u-7")
///     .conversation_id("c-42")
///     .blocked("prompt_injection", "asks to ignore the system prompt")
///     .log()?;
/// # Ok(()) }
/// ```
pub fn prompt(prompt: &str) -> Entry<'_> {
    event(EventType::UserPrompt).text(Key::Prompt, prompt)
}

/// A model's answer to record. One that only calls tools, or has only attachments, has no text: the key `response` is
/// left out then.
///
/// ```no_run
/// # fn main() -> Result<(), stinger_audit::Error> {
/// use stinger_audit::record::ToolCall;
///
/// let call = ToolCall::new("search").id("call-1").arguments_json(r#"{"query":"trains"}"#);
/// stinger_audit::emit::response("").tool_call(call).log()?;
/// # Ok(()) }
/// ```
pub fn response(response: &str) -> Entry<'_> {
    event(EventType::LlmResponse).text(Key::Response, response)
}

/// A guardrail's decision to record, and further ones of the same step.
pub fn guardrail<'a>(decision: GuardrailDecision) -> Entry<'a> {
    event(EventType::GuardrailDecision).decision(decision)
}

/// An event of any type to record.
///
/// ```no_run
/// # fn main() -> Result<(), stinger_audit::Error> {
/// stinger_audit::emit::event("session_ended").user_id("u-7").field("idle_minutes", 30).log()?;
/// # Ok(()) }
/// ```
#[inline]
pub fn event<'a>(event_type: impl Into<EventType>) -> Entry<'a> {
    Entry::new().text(Key::EventType, event_type.into().into_name())
}

/// A record by which a turn says how it ends. No event of the application has such a type.
pub(crate) fn turn_end<'a>(event_type: &'static str) -> Entry<'a> {
    Entry::new().made(Key::EventType, event_type)
}

/// An event that is not recorded yet. [`log`](Entry::log) records it.
///
/// What is not said here comes from the spans that the thread is in.
#[must_use = "an entry is recorded by log()"]
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    fields: Vec<Field<'a>>,
    elements: Vec<Element>,
    turn: Option<Box<OfTurn>>,
}

/// Where the records of a turn go, and what surrounds them.
#[derive(Clone)]
struct OfTurn {
    /// `None`: the trail is switched off.
    core: Option<Arc<Core>>,
    context: RecordContext,
}

impl fmt::Debug for OfTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfTurn").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
struct Field<'a> {
    name: FieldName<'a>,
    value: FieldValue<'a>,
}

#[derive(Clone, Debug)]
enum FieldName<'a> {
    Key(Key),
    Other(Cow<'a, str>),
}

/// An element of one of the lists of a record.
#[derive(Clone, Debug)]
enum Element {
    Decision(GuardrailDecision),
    ToolCall(ToolCall),
    Attachment(Attachment),
}

/// The texts that an entry and the builder of a turn have in common. Each method is named after its key.
macro_rules! common_texts {
    ($value:ty) => {
        $crate::write::texts! { $value:
            /// The sender's own id of the event or prompt.
            event_id EventId;
            /// The sender's own time of the event or prompt, RFC 3339.
            event_timestamp EventTimestamp;
            /// The request.
            request_id RequestId;
            /// The request, as the client called it. Personal data and secrets in it are redacted.
            client_request_id ClientRequestId;
            /// The customer or organisation.
            tenant_id TenantId;
            /// For whom.
            user_id UserId;
            /// The user's session.
            session_id SessionId;
            /// The user's address.
            user_ip UserIp;
            /// The user's client, as it names itself.
            user_agent UserAgent;
            /// The agent that acts.
            agent_id AgentId;
            /// Who runs the model.
            provider Provider;
            /// What is done with the model, such as `chat`.
            operation Operation;
            /// The model that is asked.
            model_requested ModelRequested;
        }
    };
}

macro_rules! texts {
    ($value:ty: $($(#[$doc:meta])* $method:ident $key:ident;)*) => {
        $($(#[$doc])*
        #[inline]
        pub fn $method(self, value: impl Into<$value>) -> Self {
            self.text(Key::$key, value)
        })*
    };
}

pub(crate) use {common_texts, texts};

impl<'a> Entry<'a> {
    #[inline]
    fn new() -> Entry<'a> {
        Entry {
            fields: field_buffer::take(),
            elements: Vec::new(),
            turn: None,
        }
    }

    common_texts! { Cow<'a, str> }

    texts! { Cow<'a, str>:
        /// The conversation that the turn belongs to.
        conversation_id ConversationId;
        /// The turn, of which several may be open in one conversation.
        turn_id TurnId;
        /// Where the conversation stands, instead of what the trail would say.
        conversation_state ConversationState;
        /// The model that answered.
        model_used ModelUsed;
    }

    /// The 1-based number of the turn, instead of the one that the trail counts.
    #[inline]
    pub fn turn_number(self, turn: u64) -> Self {
        self.push(FieldName::Key(Key::TurnNumber), turn.into())
    }

    /// Tokens in and out, together.
    #[inline]
    pub fn tokens_processed(self, tokens: u64) -> Self {
        self.push(FieldName::Key(Key::TokensProcessed), tokens.into())
    }

    /// How long the step took, in milliseconds.
    #[inline]
    pub fn processing_time_ms(self, milliseconds: f64) -> Self {
        self.push(FieldName::Key(Key::ProcessingTimeMs), milliseconds.into())
    }

    /// What a guardrail decided. Each call adds one decision.
    pub fn decision(mut self, decision: GuardrailDecision) -> Self {
        self.elements.push(Element::Decision(decision));
        self
    }

    /// A call of a tool by the model, or its result: an element of `tool_calls`. Strings and map keys in it are redacted,
    /// but for its id.
    ///
    /// ```
    /// use stinger_audit::record::ToolCall;
    ///
    /// let call = ToolCall::new("search").id("call-1").arguments(serde_json::json!({ "query": "trains" }));
    /// let entry = stinger_audit::emit::event("tool_call").user_id("u-7").tool_call(call);
    /// # drop(entry);
    /// ```
    pub fn tool_call(mut self, call: ToolCall) -> Self {
        self.elements.push(Element::ToolCall(call));
        self
    }

    /// A file that comes with the prompt or the answer: an element of `attachments`. Its length and its SHA-256 are
    /// recorded, its content is not.
    pub fn attachment(self, kind: impl Into<String>, content: impl AsRef<[u8]>) -> Self {
        self.attached(Attachment::new(kind, content))
    }

    /// A file that comes by its URL, as images of a model's API do. Of a `data:` URL the length and the SHA-256 of its
    /// content are recorded, of any other the URL, redacted.
    pub fn attachment_url(self, kind: impl Into<String>, url: &str) -> Self {
        self.attached(Attachment::from_url(kind, url))
    }

    fn attached(mut self, attachment: Attachment) -> Self {
        self.elements.push(Element::Attachment(attachment));
        self
    }

    /// A guardrail stopped it: adds a `block` decision.
    pub fn blocked(self, filter_name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.decision(GuardrailDecision::block(filter_name).reason(reason))
    }

    /// It came too soon: adds a `block` decision of the filter `rate_limit`.
    pub fn rate_limited(self, reason: impl Into<String>) -> Self {
        self.blocked("rate_limit", reason)
    }

    /// It is too long: adds a `block` decision of the filter `length`.
    pub fn too_long(self, length: usize, limit: usize) -> Self {
        let decision = GuardrailDecision::new("length", Decision::Block)
            .reason(format!("{length} is past the limit of {limit}"))
            .field("length", length)
            .field("limit", limit);
        self.decision(decision)
    }

    /// A field of the application's own. Strings and map keys in it are redacted.
    ///
    /// A `&str` is borrowed until the entry is recorded; give a `String` where it ends before. A type that becomes a
    /// [`serde_json::Value`] is given as that.
    #[inline]
    pub fn field(self, name: impl Into<Cow<'a, str>>, value: impl Into<FieldValue<'a>>) -> Self {
        self.push(FieldName::Other(name.into()), value.into())
    }

    /// Sets a key that no event may set: what the turn says of itself.
    pub(crate) fn made(self, key: Key, value: impl Into<Json>) -> Self {
        let value = FieldValue(Content::Json(value.into()));
        self.push(FieldName::Key(key), value)
    }

    /// Makes it a record of a turn, which goes to the turn's trail.
    pub(crate) fn in_turn(mut self, core: Option<Arc<Core>>, context: RecordContext) -> Self {
        self.turn = Some(Box::new(OfTurn { core, context }));
        self
    }

    /// Records the event.
    ///
    /// # Errors
    ///
    /// No trail is open; or, under fail-safe, the trail cannot be written. The record waits to be written
    /// then, unless [`Unwritable`](crate::error::ErrorKind::Unwritable) says that it was lost: do not record it again.
    pub fn log(self) -> Result<()> {
        let recorded = self.record_here();
        field_buffer::give_back(self.fields);
        recorded
    }

    fn record_here(&self) -> Result<()> {
        if let Some(turn) = &self.turn {
            let record = |core: &Arc<Core>| self.record_in(core, turn.context.clone());
            return turn.core.as_ref().map_or(Ok(()), record);
        }
        let here = dispatcher::get_default(|dispatch| with_layer(dispatch, AuditLayer::here));
        match here {
            Some(Some((core, scope))) if !core.is_closed() => return self.record_in(&core, scope),
            // A layer without a trail: development switched it off.
            Some(None) => return Ok(()),
            _ => {}
        }
        match Recording::trail().or_else(current) {
            Some(core) => self.record_in(&core, core.context()),
            None if SWITCHED_OFF.load(Ordering::Relaxed) => Ok(()),
            None if here.is_some() => Err(Error::from(ErrorKind::Closed)),
            None => Err(Error::from(ErrorKind::NotOpen)),
        }
    }

    /// Records the event in this trail.
    pub(crate) fn log_to(self, core: &Arc<Core>) -> Result<()> {
        let of_turn = self.turn.as_ref().filter(|turn| {
            let own = turn.core.as_ref();
            own.is_some_and(|own| Arc::ptr_eq(own, core))
        });
        let context = of_turn.map(|turn| turn.context.clone());
        let recorded = self.record_in(core, context.unwrap_or_else(|| core.context()));
        field_buffer::give_back(self.fields);
        recorded
    }

    fn record_in(&self, core: &Core, context: impl Into<RecordContext>) -> Result<()> {
        core.record(context, |fields| self.fill(fields))
    }

    fn fill(&self, fields: &mut FieldWriter<'_>) {
        if fields.withholds_tenants() {
            for field in &self.fields {
                let is_tenant = match &field.name {
                    FieldName::Key(key) => *key == Key::TenantId,
                    FieldName::Other(name) => Key::of(name) == Some(Key::TenantId),
                };
                match &field.value.0 {
                    Content::Text(text) if is_tenant => fields.tenant(Value::Str(text)),
                    Content::Scalar(value) if is_tenant => fields.tenant(*value),
                    _ => {}
                }
            }
        }
        // First what a method was called for: a field of the same name stands beside it.
        for field in &self.fields {
            if let FieldName::Key(key) = field.name {
                if key == Key::Response && self.has_only_elements(&field.value) {
                    continue;
                }
                match &field.value.0 {
                    Content::Text(text) => fields.key(key, Value::Str(text)),
                    Content::Scalar(value) => fields.key(key, *value),
                    Content::Json(json) => fields.made(key, json),
                }
            }
        }
        for element in &self.elements {
            if let Element::Decision(decision) = element {
                fields.decision(decision);
            }
        }
        fields.elements(Key::ToolCalls, &self.elements, |element| match element {
            Element::ToolCall(call) => serde_json::to_value(call).ok(),
            _ => None,
        });
        fields.elements(Key::Attachments, &self.elements, |element| match element {
            Element::Attachment(attachment) => serde_json::to_value(attachment).ok(),
            _ => None,
        });
        for field in &self.fields {
            if let FieldName::Other(name) = &field.name {
                match &field.value.0 {
                    Content::Text(text) => fields.named_field(name, Value::Str(text)),
                    Content::Scalar(value) => fields.named_field(name, *value),
                    Content::Json(json) => fields.json_field(name, json),
                }
            }
        }
    }

    /// Whether a response without text has something else: tool calls or attachments.
    fn has_only_elements(&self, text: &FieldValue<'_>) -> bool {
        let is_other = |element: &Element| !matches!(element, Element::Decision(_));
        matches!(&text.0, Content::Text(text) if text.is_empty())
            && self.elements.iter().any(is_other)
    }

    #[inline]
    pub(crate) fn text(self, key: Key, text: impl Into<Cow<'a, str>>) -> Self {
        self.push(FieldName::Key(key), FieldValue(Content::Text(text.into())))
    }

    #[inline]
    fn push(mut self, name: FieldName<'a>, value: FieldValue<'a>) -> Self {
        self.fields.push(Field { name, value });
        self
    }
}
