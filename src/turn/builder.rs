use std::time::Instant;

use serde_json::Value as Json;

use super::{Turn, TurnContext, next_id};
use crate::audit::Audit;
use crate::error::{Error, Result};
use crate::format::internal::Key;
use crate::record::{EventType, ToolCall};
use crate::write::{Entry, common_texts, event};

/// What is known of a turn before it begins. An empty id or the like is none: what the spans around say holds then.
#[derive(Clone, Debug)]
#[must_use = "a turn begins with begin(prompt)"]
pub struct TurnBuilder {
    audit: Audit,
    known: Vec<(Key, String)>,
    expects: Vec<String>,
    /// The record of the prompt, without its text.
    entry: Entry<'static>,
}

impl Audit {
    /// Begins a turn of a conversation, which cannot end unrecorded; see [`Turn`]. An empty id is none, and so is
    /// an empty user or the like: what the spans around the turn say holds then.
    pub fn turn(&self, conversation: impl Into<String>) -> TurnBuilder {
        TurnBuilder {
            audit: self.clone(),
            known: vec![(Key::ConversationId, conversation.into())],
            expects: Vec::new(),
            entry: event(EventType::UserPrompt),
        }
    }
}

impl TurnBuilder {
    common_texts! { String }

    fn text(mut self, key: Key, value: impl Into<String>) -> Self {
        self.known.retain(|(known, _)| *known != key);
        self.known.push((key, value.into()));
        self
    }

    /// The guardrails that must decide in this turn. Those that do not are a finding:
    /// `completeness` of the turn, on the reading side, names them.
    pub fn expects<G: Into<String>>(mut self, guardrails: impl IntoIterator<Item = G>) -> Self {
        self.expects.extend(guardrails.into_iter().map(Into::into));
        self
    }

    /// A file that comes with the prompt: its length and its SHA-256 are recorded, its content is not.
    pub fn attachment(mut self, kind: impl Into<String>, content: impl AsRef<[u8]>) -> Self {
        self.entry = self.entry.attachment(kind, content);
        self
    }

    /// A file that comes with the prompt by its URL, as images of a model's API do; see
    /// [`Entry::attachment_url`](crate::emit::Entry::attachment_url).
    pub fn attachment_url(mut self, kind: impl Into<String>, url: &str) -> Self {
        self.entry = self.entry.attachment_url(kind, url);
        self
    }

    /// A tool call whose result comes with the prompt: an element of `tool_calls`.
    pub fn tool_call(mut self, call: ToolCall) -> Self {
        self.entry = self.entry.tool_call(call);
        self
    }

    /// A field of the application's own for the record of the prompt. Strings and map keys in it
    /// are redacted.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.entry = self.entry.field(name.into(), value.into());
        self
    }

    /// Records the prompt and begins the turn. Under fail-safe the prompt is on the medium
    /// when this returns.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written. The prompt may be in the trail all the same, and its
    /// turn is abandoned then.
    pub fn begin(self, prompt: &str) -> Result<Turn> {
        let turn = self.record(prompt)?;
        turn.confirm()?;
        Ok(turn)
    }

    /// [`begin`](TurnBuilder::begin) that waits for the medium without a thread.
    ///
    /// # Errors
    ///
    /// As for `begin`.
    pub async fn begin_async(self, prompt: &str) -> Result<Turn> {
        let turn = self.record(prompt)?;
        turn.confirm_async().await?;
        Ok(turn)
    }

    fn record(self, prompt: &str) -> Result<Turn> {
        let id = next_id();
        let mut known = self.known;
        known.retain(|(_, text)| !text.is_empty());
        let (mut known, of_prompt): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|(key, _)| key.is_attribution());
        known.push((Key::TurnId, id.clone()));
        let mut entry: Entry<'_> = self.entry.text(Key::Prompt, prompt);
        for (key, text) in of_prompt {
            entry = entry.text(key, text);
        }
        if !self.expects.is_empty() {
            entry = entry.made(Key::Expects, self.expects);
        }
        let core = self.audit.core();
        let record = core.map(|core| core.turn_context(&known));
        let context = TurnContext {
            record: record.unwrap_or_default(),
            audit: self.audit,
        };
        let recorded = context.bind(entry).log();
        let turn = Turn {
            context,
            id,
            known,
            begun: Instant::now(),
            tokens: None,
            blocked_by: None,
            // A prompt that is not in the trail has no turn to abandon; of any other the end must be.
            ended: recorded.as_ref().is_err_and(Error::is_loss),
            holding: false,
        };
        recorded.map(|()| turn)
    }
}
