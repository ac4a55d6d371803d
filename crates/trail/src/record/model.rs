//! What a turn with a model has beside its texts: tool calls and attachments.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

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

impl ToolCall {
    /// A call of the tool of this name.
    pub fn new(name: impl Into<String>) -> ToolCall {
        ToolCall {
            name: name.into(),
            ..ToolCall::default()
        }
    }

    /// Sets the id that the model gave the call.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets what the tool is called with: a text, or anything that is JSON.
    pub fn arguments(mut self, arguments: impl Serialize) -> Self {
        self.arguments = Some(to_value(arguments));
        self
    }

    /// Sets what the tool is called with, as a model's API gives it: JSON in a text. A text that is no JSON, such as one
    /// that was cut, stands as text.
    pub fn arguments_json(self, arguments: &str) -> Self {
        let text = || Value::String(arguments.to_owned());
        self.arguments(serde_json::from_str::<Value>(arguments).unwrap_or_else(|_| text()))
    }

    /// Sets what the tool returned: a text, or anything that is JSON.
    pub fn result(mut self, result: impl Serialize) -> Self {
        self.result = Some(to_value(result));
        self
    }

    /// Sets why the call failed.
    pub fn error(mut self, error: impl fmt::Display) -> Self {
        self.error = Some(error.to_string());
        self
    }
}

/// A value as JSON, or why it cannot be.
fn to_value(value: impl Serialize) -> Value {
    serde_json::to_value(value)
        .unwrap_or_else(|error| Value::String(format!("[not JSON: {error}]")))
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
        /// Its SHA-256, in hexadecimal digits. Empty if the content is elsewhere.
        sha256 "sha256": String;
        /// Where the content is, redacted, if whoever recorded it had only the address.
        url "url": Option<String>;
    }
}

impl Attachment {
    /// The length and the hash of a content. The content itself is not kept.
    pub fn new(kind: impl Into<String>, content: impl AsRef<[u8]>) -> Attachment {
        let content = content.as_ref();
        Attachment {
            kind: kind.into(),
            bytes: Some(content.len() as u64),
            sha256: HEXLOWER.encode(&Sha256::digest(content)),
            ..Attachment::default()
        }
    }

    /// What a URL holds. Of a `data:` URL that is its content, of the type that it names. Any other URL is recorded as
    /// `url`: what is behind it is not known.
    pub fn from_url(kind: impl Into<String>, url: &str) -> Attachment {
        let kind = kind.into();
        match data_of(url) {
            Some((media_type, content)) if !media_type.is_empty() => {
                Attachment::new(media_type, content)
            }
            Some((_, content)) => Attachment::new(kind, content),
            None => Attachment {
                kind,
                url: Some(url.to_owned()),
                ..Attachment::default()
            },
        }
    }
}

/// The media type and the content of a `data:` URL. Content that is no base64 is taken as it stands.
fn data_of(url: &str) -> Option<(&str, Vec<u8>)> {
    let scheme = url.get(..5)?;
    let (head, data) = url[5..].split_once(',')?;
    let media_type = head.split(';').next().unwrap_or_default();
    let is_base64 = head.ends_with(";base64");
    let decoded = is_base64
        .then(|| BASE64.decode(data.as_bytes()).ok())
        .flatten();
    let content = decoded.unwrap_or_else(|| data.as_bytes().to_vec());
    scheme
        .eq_ignore_ascii_case("data:")
        .then_some((media_type, content))
}
