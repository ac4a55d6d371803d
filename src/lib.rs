//! A security audit trail for LLM services.
#![deny(missing_docs)]
#![warn(unreachable_pub)]

mod audit;
mod destination;
pub mod environment;
mod error;
pub mod read;
pub mod record;
pub mod redact;
mod settings;
pub mod trail;
mod write;

pub use audit::{Audit, Builder, audit, builder, enable, layer, to};
pub use destination::{Destination, Destinations};
pub use error::{Error, ErrorKind, Position, Result, Unreadable};
pub use settings::Retain;
pub use tracing_appender::rolling::Rotation;
pub use write::{
    CopyStatus, Entry, Reach, Status, TARGET, event, guardrail, log_guardrail_decision, log_prompt,
    log_response, prompt, response,
};
