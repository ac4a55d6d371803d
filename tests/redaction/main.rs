//! Redaction from the event to the file: nothing that was planted is anywhere, and what stands in
//! its place serves an investigation.

#[path = "../common/mod.rs"]
mod common;

mod fields;
mod ids;
mod keys;
mod placeholders;
mod planted;
mod redactors;
