//! The shapes of OpenAI's chat completions, as far as the gateway speaks them.

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub struct ChatRequest {
    pub model: String,
    pub messages: Vec<Message>,
    #[serde(default)]
    pub stream: bool,
}

#[derive(Deserialize)]
pub struct Message {
    pub role: String,
    /// A text, or a list of parts.
    #[serde(default)]
    pub content: Value,
}

impl ChatRequest {
    /// The text of the last message, which must be the user's, and the messages before it.
    pub fn split(&self) -> Option<(String, Value)> {
        let (last, before) = self.messages.split_last()?;
        let before = before
            .iter()
            .map(|message| json!({ "role": message.role, "content": message.content }));
        (last.role == "user").then(|| (last.text(), before.collect()))
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|part| part["text"].as_str());
                texts.collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Finish {
    Stop,
    ContentFilter,
}

impl Finish {
    fn as_str(self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::ContentFilter => "content_filter",
        }
    }
}

/// A stand-in's count: its tokens are words.
pub fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

pub fn completion(
    id: &str,
    model: &str,
    content: Option<&str>,
    tokens: u64,
    finish: Finish,
) -> Value {
    json!({
        "id": format!("chatcmpl-{id}"),
        "object": "chat.completion",
        "created": created(),
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content },
            "finish_reason": finish.as_str(),
        }],
        "usage": { "total_tokens": tokens },
    })
}

pub fn chunk(id: &str, model: &str, content: Option<&str>, finish: Option<Finish>) -> Value {
    let delta = match content {
        Some(content) => json!({ "role": "assistant", "content": content }),
        None => json!({}),
    };
    json!({
        "id": format!("chatcmpl-{id}"),
        "object": "chat.completion.chunk",
        "created": created(),
        "model": model,
        "choices": [{
            "index": 0,
            "delta": delta,
            "finish_reason": finish.map(Finish::as_str),
        }],
    })
}

pub fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "type": code, "code": code, "message": message } })
}

fn created() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
