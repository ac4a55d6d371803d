//! What runs on the thread that emits an event: from its fields to a frame for the journal.

mod annotations;
pub(super) mod attribution;
mod clock;
mod delivery_check;
pub(super) mod emit;
pub(super) mod encode;
pub(super) mod event_delivery;
pub(super) mod field_schema;
pub(super) mod field_value;
pub(super) mod fields;
pub(super) mod find_layer;
mod from_log;
pub(super) mod layer;
mod layer_question;
#[cfg(feature = "tower")]
pub(super) mod span_usage;
mod span_values;
pub(super) mod trace;
