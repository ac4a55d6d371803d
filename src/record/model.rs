//! What a turn with a model has beside its texts: tool calls and attachments.

use serde_json::Value;

use super::object::object;

object! {
    /// A call of a tool by the model: an element of `tool_calls`.
    #[derive(Default)]
    ToolCall
    {
        /// The id that the model gave the call.
        id "id": Option<String>;
        /// The tool.
        name "name": String;
        /// What it was called with, as text or JSON, redacted.
        arguments "arguments": Option<Value>;
        /// What it returned, as text or JSON, redacted.
        result "result": Option<Value>;
        /// Why it failed, redacted.
        error "error": Option<String>;
    }
}

object! {
    /// A file or an image that came with a prompt or an answer: an element of `attachments`. The trail has its hash,
    /// not its content.
    #[derive(Default)]
    Attachment
    {
        /// What it is, such as `image/png`.
        kind "kind": String;
        /// Its length.
        bytes "bytes": Option<u64>;
        /// Its SHA-256, in hexadecimal digits.
        sha256 "sha256": String;
    }
}
