//! What runs on the thread that emits an event: from its fields to a frame for the journal.

pub(super) mod attribution;
mod clock;
pub(super) mod emit;
pub(super) mod encode;
pub(super) mod field_value;
pub(super) mod fields;
pub(super) mod layer;
mod meaning;
pub(super) mod probe;
mod told;
pub(super) mod trace;
#[cfg(feature = "tower")]
pub(super) mod watched;
