//! The shapes of OpenAI's chat completions, as far as the gateway speaks them.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stinger_audit::record::{Attachment, ToolCall};

use crate::model::{Answer, Piece};

#[derive(Deserialize)]
pub struct ChatRequest {
    pub model: String,
    pub messages: Vec<Message>,
    #[serde(default)]
    pub tools: Vec<Value>,
    #[serde(default)]
    pub stream: bool,
}

#[derive(Deserialize)]
pub struct Message {
    pub role: String,
    /// A text, or a list of parts.
    #[serde(default)]
    pub content: Value,
    /// The tools that an answer calls.
    #[serde(default)]
    pub tool_calls: Vec<Value>,
    /// The call that a tool's message is the result of.
    #[serde(default)]
    pub tool_call_id: String,
}

/// What a request asks.
pub struct Asked {
    /// The text of the user's last message.
    pub prompt: String,
    /// What that message holds beside text: its kind, and a URL.
    pub files: Vec<(String, String)>,
    /// What the tools returned that the last answer called.
    pub results: Vec<ToolCall>,
    /// All other messages.
    pub before: Value,
    /// The tool that the stand-in is to call.
    pub tool: Option<String>,
}

impl Asked {
    /// All that an attacker may have written: the prompt, and what the tools returned.
    pub fn texts(&self) -> String {
        let results = self.results.iter().filter_map(|call| call.result.as_ref());
        let results = results.filter_map(Value::as_str).map(str::to_owned);
        let prompt = std::iter::once(self.prompt.clone());
        prompt.chain(results).collect::<Vec<_>>().join("\n")
    }
}

impl ChatRequest {
    /// The user's last message, and what is around it. It must be the last one, but for results of tools behind it.
    pub fn asked(&self) -> Option<Asked> {
        let is_result = |message: &&Message| message.role == "tool";
        let results = self.messages.iter().rev().take_while(is_result).count();
        let (before, results) = self.messages.split_at(self.messages.len() - results);
        let is_user = |message: &Message| message.role == "user";
        let place = match results.is_empty() {
            true => before
                .len()
                .checked_sub(1)
                .filter(|last| is_user(&before[*last]))?,
            false => before.iter().rposition(is_user)?,
        };
        let name_of = |id: &str| {
            let calls = before.iter().flat_map(|message| &message.tool_calls);
            let called = calls.clone().find(|call| call["id"] == id)?;
            called["function"]["name"].as_str()
        };
        let results = results.iter().map(|message| {
            let name = name_of(&message.tool_call_id).unwrap_or("unknown");
            ToolCall::new(name)
                .id(&message.tool_call_id)
                .result(message.text())
        });
        let results: Vec<_> = results.collect();
        let others = before
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place);
        let tool = self.tools.first().filter(|_| results.is_empty());
        Some(Asked {
            prompt: before[place].text(),
            files: before[place].parts().iter().filter_map(file).collect(),
            before: others.map(|(_, message)| message.told()).collect(),
            tool: tool.and_then(|tool| Some(tool["function"]["name"].as_str()?.to_owned())),
            results,
        })
    }
}

impl Message {
    fn parts(&self) -> &[Value] {
        self.content.as_array().map_or(&[], Vec::as_slice)
    }

    fn text(&self) -> String {
        let own = self.content.as_str();
        let texts = self.parts().iter().filter_map(text);
        own.into_iter().chain(texts).collect::<Vec<_>>().join("\n")
    }

    /// The message as the trail has it: what is no text by its length and its hash.
    fn told(&self) -> Value {
        let mut told = Map::from_iter([("role".to_owned(), json!(self.role))]);
        let parts = self.parts().iter().map(|part| match file(part) {
            Some((kind, url)) => json!(Attachment::from_url(kind, &url)),
            None => part.clone(),
        });
        let content = match &self.content {
            Value::Array(_) => parts.collect(),
            content => content.clone(),
        };
        for (name, value) in [
            ("content", content),
            ("tool_calls", json!(self.tool_calls)),
            ("tool_call_id", json!(self.tool_call_id)),
        ] {
            if ![Value::Null, json!([]), json!("")].contains(&value) {
                told.insert(name.to_owned(), value);
            }
        }
        Value::Object(told)
    }
}

/// The text of a part of a message. A refusal is one.
fn text(part: &Value) -> Option<&str> {
    part["text"].as_str().or(part["refusal"].as_str())
}

/// The kind and the URL of a part that is no text.
fn file(part: &Value) -> Option<(String, String)> {
    if text(part).is_some() {
        return None;
    }
    let kind = part["type"].as_str().unwrap_or("unknown").to_owned();
    let audio = &part["input_audio"];
    let url = match (audio["data"].as_str(), audio["format"].as_str()) {
        (Some(data), format) => format!("data:audio/{};base64,{data}", format.unwrap_or("unknown")),
        _ => {
            let known = [
                &part["image_url"]["url"],
                &part["image_url"],
                &part["file"]["file_data"],
                &part["file"]["file_id"],
            ];
            let known = known.into_iter().find_map(Value::as_str);
            // What the gateway does not know is hashed as it came.
            known.map_or_else(|| format!("data:,{part}"), str::to_owned)
        }
    };
    Some((kind, url))
}

#[derive(Clone, Copy)]
pub enum Finish {
    Stop,
    ToolCalls,
    ContentFilter,
}

impl Finish {
    pub fn as_str(self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::ToolCalls => "tool_calls",
            Finish::ContentFilter => "content_filter",
        }
    }
}

/// A stand-in's count: its tokens are words.
pub fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn tool_call(index: usize, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut call = json!({ "index": index, "function": { "arguments": arguments } });
    if let (Some(id), Some(name)) = (id, name) {
        call["id"] = json!(id);
        call["type"] = json!("function");
        call["function"]["name"] = json!(name);
    }
    call
}

pub fn completion(
    id: &str,
    model: &str,
    answer: Option<&Answer>,
    tokens: u64,
    finish: Finish,
) -> Value {
    let mut message = json!({ "role": "assistant", "content": null });
    match answer {
        Some(Answer::Text(text)) => message["content"] = json!(text),
        Some(Answer::Refusal(why)) => message["refusal"] = json!(why),
        Some(Answer::Call {
            id,
            name,
            arguments,
        }) => {
            message["tool_calls"] = json!([tool_call(0, Some(id), Some(name), arguments)]);
        }
        None => {}
    }
    json!({
        "id": format!("chatcmpl-{id}"),
        "object": "chat.completion",
        "created": created(),
        "model": model,
        "choices": [{
            "index": 0,
            "message": message,
            "finish_reason": finish.as_str(),
        }],
        "usage": { "total_tokens": tokens },
    })
}

pub fn chunk(id: &str, model: &str, piece: Option<&Piece>, finish: Option<Finish>) -> Value {
    let delta = match piece {
        Some(Piece::Text(text)) => json!({ "role": "assistant", "content": text }),
        Some(Piece::Refusal(why)) => json!({ "role": "assistant", "refusal": why }),
        Some(Piece::Call {
            id,
            name,
            arguments,
        }) => {
            let call = tool_call(0, id.as_deref(), name.as_deref(), arguments);
            json!({ "role": "assistant", "tool_calls": [call] })
        }
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
