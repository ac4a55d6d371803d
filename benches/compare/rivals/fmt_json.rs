//! `tracing_subscriber::fmt().json()` over tracing-appender's non-blocking writer and its daily
//! file: what most Rust services have, and the peer that all ratios divide by.
//!
//! It is told to wait instead of losing lines (`lossy(false)`). Formatting happens on the thread
//! that emits; a thread of its own writes each line with one `write(2)`.

use std::path::Path;

use tracing::Dispatch;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Candidate, Contender, QUEUE, Role, Texts, tracing_event};

pub const CANDIDATE: Candidate = Candidate {
    name: "fmt",
    what: "fmt().json() + tracing-appender",
    role: Role::Peer,
    open,
};

/// A layer that writes through a non-blocking writer.
pub struct Layered {
    pub dispatch: Dispatch,
    pub guard: WorkerGuard,
}

fn open(directory: &Path) -> Box<dyn Contender> {
    let (writer, guard) = rolling_writer(directory);
    let layer = tracing_subscriber::fmt::layer().json().with_writer(writer);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    Box::new(Layered { dispatch, guard })
}

pub fn rolling_writer(directory: &Path) -> (NonBlocking, WorkerGuard) {
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("audit")
        .filename_suffix("log")
        .build(directory)
        .expect("the file can be made");
    NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(QUEUE)
        .finish(appender)
}

impl Contender for Layered {
    fn within(&self, work: &mut dyn FnMut()) {
        tracing_event::in_spans(&self.dispatch, work);
    }

    fn emit(&self, texts: &Texts) {
        tracing_event::emit(texts);
    }

    fn finish(self: Box<Self>) {
        drop(self.guard);
    }
}
