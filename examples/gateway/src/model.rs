//! A stand-in for a model: it repeats what it hears, as slowly as a fast model would. If it has a tool, it calls that.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{Stream, unfold};
use stinger_audit::turn::{Chunk, ToolCallDelta};

/// How long the stand-in takes.
#[derive(Clone, Copy)]
pub struct StandIn {
    /// Until the first piece of an answer.
    pub first: Duration,
    /// From one piece to the next.
    pub between: Duration,
}

impl Default for StandIn {
    fn default() -> StandIn {
        StandIn {
            first: Duration::from_millis(80),
            between: Duration::from_millis(2),
        }
    }
}

/// The model could not answer.
#[derive(Debug)]
pub struct ModelError;

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model is overloaded")
    }
}

impl std::error::Error for ModelError {}

/// What the model answers.
pub enum Answer {
    Text(String),
    /// It does not want to, and says why.
    Refusal(String),
    Call {
        id: String,
        name: String,
        arguments: String,
    },
}

/// A piece of an answer.
pub enum Piece {
    Text(String),
    Refusal(String),
    /// The first piece of a call has its id and its name.
    Call {
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    },
}

impl Chunk for Piece {
    fn text(&self) -> Result<&str, String> {
        match self {
            Piece::Text(text) | Piece::Refusal(text) => Ok(text),
            Piece::Call { .. } => Ok(""),
        }
    }

    fn tool_calls(&self) -> Vec<ToolCallDelta<'_>> {
        match self {
            Piece::Call {
                id,
                name,
                arguments,
            } => vec![ToolCallDelta {
                index: 0,
                id: id.as_deref(),
                name: name.as_deref(),
                arguments,
            }],
            _ => Vec::new(),
        }
    }
}

/// An answer on its way.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Piece, ModelError>> + Send>>;

impl StandIn {
    pub async fn complete(&self, prompt: &str, tool: Option<&str>) -> Result<Answer, ModelError> {
        let answer = answer(prompt, tool);
        let pieces = answer.text().split_inclusive(' ').count() as u32;
        tokio::time::sleep(self.first + self.between * pieces).await;
        match prompt.contains("be overloaded") {
            true => Err(ModelError),
            false => Ok(answer),
        }
    }

    /// The answer word by word. One that fails does so behind its first words.
    pub fn stream(&self, prompt: &str, tool: Option<&str>) -> Pieces {
        let answer = answer(prompt, tool);
        let words = answer.text().split_inclusive(' ').enumerate();
        let mut pieces: Vec<Result<Piece, ModelError>> = words
            .map(|(place, word)| Ok(answer.piece(place == 0, word.to_owned())))
            .collect();
        if prompt.contains("be overloaded") {
            pieces.truncate(3);
            pieces.push(Err(ModelError));
        }
        let (first, between) = (self.first, self.between);
        let state = (pieces.into_iter(), first);
        Box::pin(unfold(state, move |(mut pieces, pause)| async move {
            tokio::time::sleep(pause).await;
            Some((pieces.next()?, (pieces, between)))
        }))
    }
}

impl Answer {
    /// Its text; of a call the arguments.
    pub fn text(&self) -> &str {
        match self {
            Answer::Text(text) | Answer::Refusal(text) => text,
            Answer::Call { arguments, .. } => arguments,
        }
    }

    fn piece(&self, is_first: bool, word: String) -> Piece {
        match self {
            Answer::Text(_) => Piece::Text(word),
            Answer::Refusal(_) => Piece::Refusal(word),
            Answer::Call { id, name, .. } => Piece::Call {
                id: is_first.then(|| id.clone()),
                name: is_first.then(|| name.clone()),
                arguments: word,
            },
        }
    }
}

fn answer(prompt: &str, tool: Option<&str>) -> Answer {
    match tool {
        _ if prompt.contains("be unhelpful") => {
            Answer::Refusal("I am sorry, I cannot help with that.".to_owned())
        }
        Some(name) => Answer::Call {
            id: "call_1".to_owned(),
            name: name.to_owned(),
            arguments: serde_json::json!({ "heard": prompt }).to_string(),
        },
        None => Answer::Text(format!(
            "I am a stand-in for a model and know nothing, but I heard: {prompt}"
        )),
    }
}
