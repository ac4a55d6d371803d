//! The trail of [stinger-audit](https://docs.rs/stinger-audit): its records, its files, and how they are read and
//! verified.
//!
//! An application depends on `stinger-audit`, which writes trails and exports this crate's modules. A program that only
//! reads trails can depend on this crate alone: it knows nothing of `tracing`.
//!
//! - [`record`]: the records and their keys
//! - [`mod@format`]: the specification of the files
//! - [`read`]: query, follow, conversations, check, verify and export (feature `read`)
//! - [`error`]: what can fail
#![deny(missing_docs)]
#![warn(unreachable_pub)]

pub mod error;
pub mod format;
#[cfg(feature = "read")]
pub mod read;
pub mod record;

pub use error::{Error, Result};
