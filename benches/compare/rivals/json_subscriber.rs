//! json-subscriber, the layer that replaces `fmt().json()`, over the same non-blocking writer and
//! with the same output: the current span and the list of spans with their fields.

use std::path::Path;

use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;

use super::fmt_json::{Layered, rolling_writer};
use super::{Candidate, Contender, Role};

pub const CANDIDATE: Candidate = Candidate {
    name: "json_subscriber",
    what: "json-subscriber + tracing-appender",
    role: Role::Rival,
    open,
};

fn open(directory: &Path) -> Box<dyn Contender> {
    let (writer, guard) = rolling_writer(directory);
    let layer = json_subscriber::fmt::layer()
        .with_current_span(true)
        .with_span_list(true)
        .with_writer(writer);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    Box::new(Layered { dispatch, guard })
}
