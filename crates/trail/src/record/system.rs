//! What a trail records about itself: one payload for each event type that begins with `trail_`.
//!
//! A new version may add fields to a payload. Build one with `..Default::default()`, and match it with `..`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rfc3339_option;

/// The version of the format that this library writes and reads.
pub const FORMAT: u64 = 1;
/// What follows the timestamp of every seal.
pub(crate) const SEAL_MEMBER: &[u8] = b"\"event_type\":\"trail_sealed\",";

macro_rules! system_events {
    ($($(#[$doc:meta])* $variant:ident $name:literal {
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            #[serde(default)]
            pub struct $variant { $($(#[$field_meta])* pub $field: $type,)* }

            impl $variant {
                /// The `event_type` of these records.
                pub const EVENT_TYPE: &str = $name;
            }

            impl From<$variant> for SystemEvent {
                fn from(payload: $variant) -> SystemEvent {
                    SystemEvent::$variant(payload)
                }
            }
        )*

        /// A record that the trail writes about itself, parsed. See
        /// [`Record::system_event`](super::Record::system_event).
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum SystemEvent {
            $($(#[$doc])* $variant($variant)),*
        }

        impl SystemEvent {
            /// The `event_type` of the record.
            pub fn event_type(&self) -> &'static str {
                match self { $(SystemEvent::$variant(_) => $name),* }
            }

            /// The fields of the record. A field that is absent is null.
            #[doc(hidden)]
            pub fn fields(&self) -> Map<String, Value> {
                let fields = match self { $(SystemEvent::$variant(payload) => serde_json::to_value(payload)),* };
                match fields {
                    Ok(Value::Object(fields)) => fields,
                    _ => unreachable!("invariant: a payload is a struct of JSON values"),
                }
            }

            /// Parses the fields of a record. `None`: the type is not known.
            pub(super) fn parse(event_type: &str, fields: &Map<String, Value>) -> Option<SystemEvent> {
                Some(match event_type {
                    $($name => SystemEvent::$variant($variant::deserialize(fields).unwrap_or_default()),)*
                    _ => return None,
                })
            }
        }

        #[cfg(test)]
        pub(crate) const EXAMPLES: &[fn() -> SystemEvent] = &[$(|| $variant::default().into()),*];
    };
}

system_events! {
    /// A writer opened the trail.
    Opened "trail_opened" {
        /// The version of the format.
        format: u64,
        /// The version of the library.
        version: String,
        /// A random id of this run of the writer.
        run_id: Option<String>,
        /// `development`, `container` or `production`.
        environment: String,
        /// Why it is that environment.
        environment_reason: String,
        /// Where the trail is written.
        destination: String,
        /// Where copies of it are written.
        copies: Vec<String>,
        /// Whether the built-in redaction is on.
        redact_pii: bool,
        /// Whether the application has redactors of its own.
        custom_redactor: bool,
        /// The id of the key that tags are made with.
        redaction_key: Option<String>,
        /// Whether the trail is fail-safe.
        fail_safe: bool,
        /// The first key of the seals.
        identity: Option<String>,
        /// How often files roll.
        rotation: String,
        /// What retention keeps.
        retention: Option<String>,
        /// The host.
        hostname: Option<String>,
        /// The process.
        pid: u32,
    }
    /// A writer ended the trail in order.
    Closed "trail_closed" {
        /// Records written by this writer, this one among them.
        written: u64,
        /// Records lost.
        lost: u64,
        /// Failed attempts to write.
        write_errors: u64,
    }
    /// The writer before did not end the trail in order.
    Recovered "trail_recovered" {
        /// Records that were recovered from its journal.
        replayed: u64,
        /// Bytes of the journal that could not be read.
        damaged_bytes: u64,
        /// Lines that it left unfinished.
        torn: Vec<Torn>,
        /// The last `seq` before the recovery.
        last_seq: Option<u64>,
        /// The time of that record.
        #[serde(serialize_with = "rfc3339_option")]
        last_seen: Option<DateTime<Utc>>,
    }
    /// Records were lost.
    Gap "trail_gap" {
        /// How many.
        lost: u64,
        /// How many of each type.
        types: BTreeMap<String, u64>,
        /// When the first of them was lost.
        #[serde(serialize_with = "rfc3339_option")]
        from: Option<DateTime<Utc>>,
        /// When the last of them was lost.
        #[serde(serialize_with = "rfc3339_option")]
        to: Option<DateTime<Utc>>,
        /// Why.
        reason: String,
    }
    /// A seal over all records before it.
    Sealed "trail_sealed" {
        /// Why it was due: `opened`, `busy`, `closed` …
        reason: String,
        /// The signed checkpoint, a C2SP note.
        checkpoint: String,
        /// The roots of the complete subtrees, the largest first, base64.
        frontier: Vec<String>,
        /// The first four bytes of each leaf since the last seal but one, in hexadecimal digits.
        leaves: String,
    }
    /// At opening, the seals were not those that the key file expects.
    SealBroken "trail_seal_broken" {
        /// What was found.
        happened: String,
        /// The number of the seal that should be the last.
        expected_seal: Option<u64>,
        /// The number of the last seal that is there.
        found_seal: Option<u64>,
        /// The origin of the seals whose key is lost.
        origin: Option<String>,
        /// The first record after the seal that closed the trail.
        from_seq: Option<u64>,
        /// The last of these records.
        to_seq: Option<u64>,
    }
    /// Retention is about to remove files.
    Pruned "trail_pruned" {
        /// What retention keeps.
        retention: String,
        /// The files that go.
        files: Vec<PrunedFile>,
    }
    /// Somebody tried to switch the trail or its redaction off.
    Refused "trail_refused" {
        /// What was refused.
        refused: String,
    }
    /// Somebody removed, renamed, replaced or cut a file of the trail.
    FileRestored "trail_file_restored" {
        /// The file.
        file: Option<String>,
        /// `removed`, `renamed`, `replaced` or `cut`.
        happened: String,
        /// Bytes that are gone.
        bytes_gone: Option<u64>,
        /// Bytes that were written again.
        restored_bytes: Option<u64>,
        /// The name that the file in its place was given.
        set_aside: Option<String>,
    }
    /// The medium refused a file; what was not synced was written to a new one.
    SyncFailed "trail_sync_failed" {
        /// The file that was left.
        file: Option<String>,
        /// Bytes that were written again.
        rewritten_bytes: Option<u64>,
    }
    /// A copy misses records that the trail has.
    CopyGap "trail_copy_gap" {
        /// The copy.
        destination: String,
        /// How many records.
        missed: u64,
        /// The first of them.
        first_seq: u64,
        /// The last of them.
        last_seq: u64,
        /// Why.
        reason: String,
    }
    /// The writer lives.
    Heartbeat "trail_heartbeat" {
        /// Records accepted.
        accepted: u64,
        /// Records written.
        written: u64,
        /// Records lost.
        lost: u64,
        /// Bytes that wait in the journal.
        backlog_bytes: u64,
        /// Why events of the application do not reach the trail, if they do not.
        events_filtered: Option<String>,
    }
    /// The disk is nearly full.
    LowDisk "trail_low_disk" {
        /// Bytes that are left.
        available_bytes: u64,
        /// The threshold.
        threshold_bytes: u64,
    }
    /// The clock was set: times before and after this record do not compare.
    ClockJumped "trail_clock_jumped" {
        /// By how much; negative: back.
        milliseconds: i64,
    }
    /// The trail could not be written, and it is fail-safe: the typed functions returned errors from then on.
    WriteFailed "trail_write_failed" {
        /// Since when.
        #[serde(serialize_with = "rfc3339_option")]
        since: Option<DateTime<Utc>>,
        /// Why.
        reason: String,
    }
    /// After `trail_write_failed`: records are durable again.
    WriteResumed "trail_write_resumed" {}
    /// An error in the writer itself; nothing was lost by it.
    WorkerRestarted "trail_worker_restarted" {}
    /// Events of the application do not reach the trail.
    EventsFiltered "trail_events_filtered" {
        /// Why.
        reason: String,
    }
    /// Events of the application reach the trail again.
    EventsDelivered "trail_events_delivered" {}
    /// A backend of the crate `log` shows the texts of bare macros.
    LogBackend "trail_log_backend" {
        /// Why, and what to do.
        reason: String,
    }
    /// Records of the crate `log` with the audit target were refused: they have no fields to record.
    LogRefused "trail_log_refused" {
        /// How many.
        refused: u64,
    }
}

/// A line that a writer left unfinished.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Torn {
    /// The file.
    pub file: Option<String>,
    /// The length of the line.
    pub bytes: u64,
    /// The SHA-256 of the line, in hexadecimal digits.
    pub sha256: String,
}

/// A file that retention removes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PrunedFile {
    /// Its name.
    pub file: Option<String>,
    /// The `seq` of its first record.
    pub first_seq: Option<u64>,
    /// The `seq` of its last record.
    pub last_seq: Option<u64>,
    /// Its length.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_event_is_read_back_from_its_fields() {
        for example in EXAMPLES {
            let event = example();
            assert!(event.event_type().starts_with("trail_"));
            let read = SystemEvent::parse(event.event_type(), &event.fields());
            assert_eq!(read, Some(event));
        }
        let gap = Gap {
            lost: 3,
            types: BTreeMap::from([("user_prompt".to_owned(), 3)]),
            from: DateTime::from_timestamp_micros(1_700_000_000_000_000),
            ..Gap::default()
        };
        let event = SystemEvent::from(gap);
        let fields = event.fields();
        assert_eq!(fields["from"], "2023-11-14T22:13:20.000000Z");
        assert_eq!(SystemEvent::parse("trail_gap", &fields), Some(event));
        assert_eq!(SystemEvent::parse("trail_unknown", &fields), None);
        assert!(SEAL_MEMBER.ends_with(format!("\"{}\",", Sealed::EVENT_TYPE).as_bytes()));
    }

    #[test]
    fn a_system_event_with_odd_fields_keeps_its_type() {
        let fields = Map::from_iter([("lost".to_owned(), "many".into())]);
        assert_eq!(
            SystemEvent::parse("trail_gap", &fields),
            Some(Gap::default().into())
        );
    }
}
