use std::fmt;

use serde_json::Value as Json;

use crate::record::ToolCall;
use crate::write::Entry;

/// A response that has not been released.
#[must_use = "a response is let go by release()"]
pub struct HeldResponse<R> {
    pub(super) response: R,
    pub(super) turn_id: String,
    /// The record of the response, without its text.
    pub(super) entry: Entry<'static>,
}

impl<R> HeldResponse<R> {
    /// A tool that the model calls in the response: an element of `tool_calls` in its record. A response that has
    /// nothing else is held as an empty text.
    ///
    /// ```
    /// # use stinger_audit::record::ToolCall;
    /// # fn main() -> Result<(), stinger_audit::Error> {
    /// # let dir = tempfile::tempdir().expect("a directory");
    /// # let audit = stinger_audit::to(dir.path().join("audit.log")).open()?;
    /// let turn = audit.turn("c-42").begin("Which trains go to Paris?")?;
    /// let call = ToolCall::new("search_trains").id("call-1").arguments_json(r#"{"to":"Paris"}"#);
    /// let answer = turn.hold("").tool_call(call);
    /// turn.release(answer)?;
    /// # Ok(()) }
    /// ```
    pub fn tool_call(mut self, call: ToolCall) -> Self {
        self.entry = self.entry.tool_call(call);
        self
    }

    /// A file in the response: its length and its SHA-256 are recorded, its content is not.
    pub fn attachment(mut self, kind: impl Into<String>, content: impl AsRef<[u8]>) -> Self {
        self.entry = self.entry.attachment(kind, content);
        self
    }

    /// A file in the response by its URL; see [`Entry::attachment_url`].
    pub fn attachment_url(mut self, kind: impl Into<String>, url: &str) -> Self {
        self.entry = self.entry.attachment_url(kind, url);
        self
    }

    /// A field of the application's own for the record of the response, such as why the model refused. Strings and map
    /// keys in it are redacted.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.entry = self.entry.field(name.into(), value.into());
        self
    }
}

impl<R> fmt::Debug for HeldResponse<R> {
    /// Without the response: this is printed where debug output goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldResponse")
            .field("turn_id", &self.turn_id)
            .finish_non_exhaustive()
    }
}
