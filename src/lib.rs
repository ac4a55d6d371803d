//! A security audit trail for LLM services.
//!
//! Prompts, responses and guardrail decisions, emitted as [`tracing`] events, attributed by the
//! spans around them, redacted, and written as JSON lines, apart from debug output.
//!
//! # Getting started
//!
//! ```no_run
//! use stinger_audit::record::GuardrailDecision;
//! use tracing::{info, info_span};
//!
//! fn main() -> Result<(), stinger_audit::Error> {
//!     stinger_audit::enable()?;
//!
//!     let _request = info_span!("request", user_id = "u-7", conversation_id = "c-42").entered();
//!     stinger_audit::log_prompt("I'm ann@example.com. What is the capital of France?")?;
//!     stinger_audit::log_guardrail_decision(GuardrailDecision::allow("prompt_injection"))?;
//!     stinger_audit::log_response("Paris.")?;
//!     info!(target: stinger_audit::TARGET, event_type = "session_ended");
//!     Ok(())
//! }
//! ```
//!
//! There is no guard to keep: the trail is complete when `main` returns, in
//! [`std::process::exit`], and after a panic.
//!
//! Settings come before [`enable`](Builder::enable):
//!
//! ```no_run
//! # fn main() -> Result<(), stinger_audit::Error> {
//! use stinger_audit::config::{Retention, Rotation};
//!
//! let audit = stinger_audit::to("./logs/audit.log")
//!     .rotation(Rotation::HOURLY)
//!     .retention(Retention::days(90))
//!     .enable()?;
//! assert!(audit.status().writer.writable);
//! # Ok(()) }
//! ```
//!
//! Beside a subscriber of the application's own, the trail is a layer:
//!
//! ```no_run
//! # fn main() -> Result<(), stinger_audit::Error> {
//! use tracing_subscriber::prelude::*;
//!
//! tracing_subscriber::registry()
//!     .with(stinger_audit::layer()?)
//!     .with(tracing_subscriber::fmt::layer())
//!     .init();
//! # Ok(()) }
//! ```
//!
//! # What is recorded
//!
//! Every event with the target [`TARGET`], and whatever the typed functions are given:
//! [`log_prompt`], [`log_response`], [`log_guardrail_decision`], and their forms that say more,
//! [`emit::prompt`], [`emit::response`], [`emit::guardrail`] and [`emit::event`]. A
//! [`Record`](record::Record) lists the keys. A [`turn`] ties a prompt, its guardrails and its response together, so that none of them
//! is forgotten. A field of another name is kept under it; an event without an `event_type` is recorded
//! as `unspecified`. What went wrong while an event was recorded stands in its key `problems`.
//!
//! Macros pass through the application's subscriber, where a global filter can drop them; the
//! typed functions do not. [`Audit::check_event_delivery`] tells whether macros arrive.
//!
//! # Files and names
//!
//! The trail `./logs/audit.log` has the files `./logs/audit.2026-11-23.log` and so on; the name
//! itself is a link to the newest. [`mod@format`] is the specification.
//!
//! # When files roll
//!
//! By the clock, in UTC, as [`Rotation`](config::Rotation) says. [`Retention`](config::Retention) removes old files, by their exact names.
//!
//! # Durability
//!
//! What `event!` or a typed function returned from survives the process, however that ends: it
//! stands in the journal beside the trail until its line is written, and the next process
//! writes what this one did not. A trail on stdout has no journal.
//!
//! [`Audit::confirm`] returns when everything recorded before is on the medium. Without it a
//! loss of power takes at most the last second. [`Audit::flush`] waits only for the system.
//!
//! # When writing fails
//!
//! The worker tries again, and [`Audit::status`], [`Audit::health`] and stderr say so. Records
//! wait in the journal; when it is full, emitting threads wait up to [`Builder::enqueue_timeout`], then
//! records are counted as lost, and a `trail_gap` record says how many. Under
//! [`Builder::fail_safe`] the typed functions and `confirm` return an error from the first
//! failure until a record is durable again, so that the service can refuse to answer. Such an error means that
//! the record is not known to be durable, not that there is none: it waits, and is written when that can be done, unless
//! the error says that it was lost. Do not record it again.
//!
//! # Reading while it is written
//!
//! [`read::Trail`] opens a trail by its name, read-only, whether it is being written or not.
//!
//! # What verification proves, and what not
//!
//! [`read::Trail::verify`] reads every byte against the seals in the trail, and names what was changed,
//! removed, added or moved since it was sealed. It does not prove what an attacker inside the process did before
//! that, nor the second that is not sealed yet, nor whose the first key is if nobody has kept it
//! ([`read::VerifyOptions::key`]), nor that an end was not cut off if nobody has kept a checkpoint
//! ([`read::VerifyOptions::checkpoint`]).
//!
//! # Defaults and why
//!
//! The [`environment`] decides them; `trail_opened` and [`Audit::status`] say what it was taken
//! for, and why. An unknown environment is production, because a mistake must not cost privacy.
//!
//! # Troubleshooting
//!
//! ## does not currently support filters
//!
//! `fmt().finish().with(audit.layer())` panics with these words, inside tracing-subscriber. The audit layer has a filter,
//! which a finished `fmt` subscriber does not take. Make the log a layer as well:
//! `registry().with(audit.layer()).with(fmt::layer()).init()`.
#![deny(missing_docs)]
#![warn(unreachable_pub)]

mod audit;
pub mod config;
mod destination;
pub mod environment;
pub mod error;
mod rotation;
pub mod turn;
#[cfg(feature = "tower")]
pub mod web;
mod write;

pub use audit::{Audit, Builder, audit, builder, enable, layer, to};
pub use error::Error;
#[doc(inline)]
pub use stinger_audit_redaction as redact;
#[cfg(feature = "read")]
#[doc(inline)]
pub use stinger_audit_trail::read;
#[doc(inline)]
pub use stinger_audit_trail::{format, record};
pub use write::{TARGET, log_guardrail_decision, log_prompt, log_response};

/// The typed functions with all that they can say. An [`Entry`](emit::Entry) is recorded by its method
/// [`log`](emit::Entry::log).
pub mod emit {
    pub use crate::write::{Entry, FieldValue, event, guardrail, prompt, response};
}

/// What [`Audit`] says about a trail that runs.
pub mod status {

    pub use crate::write::{
        Confirm, CopyStatus, EffectiveConfig, EventDelivery, Health, RecordCounts, Status,
        WriterStatus,
    };
}
