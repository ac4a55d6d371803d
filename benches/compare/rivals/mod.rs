//! The contenders, each in a file of its own, and what they have in common.

mod emit;
mod fmt_json;
mod json_subscriber;
mod logforth;
mod ours;
mod plain_write;
mod slog;
mod spdlog;
mod tracing_event;

use std::path::Path;

/// In the order of the tables.
pub const ALL: &[&Candidate] = &[
    &fmt_json::CANDIDATE,
    &json_subscriber::CANDIDATE,
    &slog::CANDIDATE,
    &spdlog::CANDIDATE,
    &logforth::CANDIDATE,
    &emit::CANDIDATE,
    &plain_write::CANDIDATE,
    &ours::PLAIN,
    &ours::REDACTED,
    &ours::REDACTED_SEALED,
];

/// How many records may wait for whoever writes them, wherever that can be said: what
/// tracing-appender has by default. A burst of the bench fills nobody's queue.
const QUEUE: usize = tracing_appender::non_blocking::DEFAULT_BUFFERED_LINES_LIMIT;

/// Somebody who can be compared.
pub struct Candidate {
    /// As in `RATIO` lines and `STINGER_BENCH_ONLY`.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    pub role: Role,
    /// Opens a trail in an empty directory: one file whose name ends in `.log`.
    pub open: fn(&Path) -> Box<dyn Contender>,
}

pub enum Role {
    /// Whom all others are divided by.
    Peer,
    Rival,
    Ours {
        /// Of the names in `RATIO` lines.
        suffix: &'static str,
    },
}

/// A trail that is open. It loses nothing, and waits where it cannot keep up.
pub trait Contender: Sync {
    /// Does the work on the calling thread where [`about`] surrounds it, as spans or as whatever
    /// the library has instead.
    fn within(&self, work: &mut dyn FnMut());

    /// Records the event. Called within [`within`](Contender::within).
    fn emit(&self, texts: &Texts);

    /// Sees to it that what was emitted gets into the file, where that does not happen unasked.
    fn flush(&self) {}

    /// Writes everything, and ends the threads.
    fn finish(self: Box<Self>);
}

/// The long fields of the record: 500 characters of prompt and 300 of response.
pub struct Texts {
    pub prompt: String,
    pub response: String,
}

impl Texts {
    pub fn sample() -> Texts {
        let words = "The quick brown fox jumps over the lazy dog, and nobody minds. ";
        Texts {
            prompt: words.repeat(8)[..500].to_owned(),
            response: words.repeat(5)[..300].to_owned(),
        }
    }
}

/// The other ten of the record's twelve fields.
pub mod record {
    pub const EVENT_TYPE: &str = "llm_response";
    pub const USER_IP: &str = "192.0.2.17";
    pub const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64)";
    pub const FILTER_NAME: &str = "prompt_injection";
    pub const DECISION: &str = "allow";
    pub const CONFIDENCE: f64 = 0.97;
    pub const PROCESSING_TIME_MS: f64 = 812.5;
    pub const MODEL_USED: &str = "large-model-1";
    pub const TOKENS_PROCESSED: u64 = 321;
    pub const TURN_NUMBER: u64 = 3;
}

/// Whom the record is about. The event does not say it: what surrounds the event does.
pub mod about {
    pub const USER_ID: &str = "user-4711";
    pub const SESSION_ID: &str = "session-0815";
    pub const CONVERSATION_ID: &str = "conversation-42";
    pub const REQUEST_ID: &str = "request-1";
}
