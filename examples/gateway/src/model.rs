//! A stand-in for a model: it repeats what it hears, as slowly as a fast model would.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{Stream, unfold};

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

/// An answer on its way.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<String, ModelError>> + Send>>;

impl StandIn {
    pub async fn complete(&self, prompt: &str) -> Result<String, ModelError> {
        let answer = answer(prompt);
        let pieces = answer.split_inclusive(' ').count() as u32;
        tokio::time::sleep(self.first + self.between * pieces).await;
        match prompt.contains("be overloaded") {
            true => Err(ModelError),
            false => Ok(answer),
        }
    }

    /// The answer word by word. One that fails does so behind its first words.
    pub fn stream(&self, prompt: &str) -> Pieces {
        let mut pieces: Vec<Result<String, ModelError>> = answer(prompt)
            .split_inclusive(' ')
            .map(|word| Ok(word.to_owned()))
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

fn answer(prompt: &str) -> String {
    format!("I am a stand-in for a model and know nothing, but I heard: {prompt}")
}
