//! The format of a trail on disk, format 1. This page is its specification.
//!
//! # Definitions
//!
//! A *trail* is a sequence of records, named by a path such as `./logs/audit.log`:
//! directory `./logs`, prefix `audit`, suffix `log`. Its *files* are the plain file of that
//! name and every file `audit.DATE.log` in the directory, where DATE is `2026-11-23`,
//! `2026-11-23-14` or `2026-11-23-14-05` (UTC: the day or the Sunday of the week, the hour,
//! the minute in which the file was begun) or `2026-11-23-14-05-59` (the second in which the file was set aside: it is
//! written no more). Where the trail rolls, `audit.log` is a symbolic
//! link to the newest file. `audit.log.lock` is held by the one writer and names its process;
//! `audit.log.journal` holds what was emitted and is not yet in the trail, and
//! `audit.log.replaced-N` is what somebody put in the place of a live file. `audit.log.sealkey` holds the key that signs
//! the next seal, and nobody else needs it; `audit.log.checkpoint` is the last seal's checkpoint. None of these is read but
//! the last, by `verify`, which it tells how far the trail had come: forging it can raise an alarm and hide nothing
//! that the trail itself shows.
//!
//! # Grammar
//!
//! ```text
//! file    = *( line LF ) [ torn ]
//! line    = record | foreign
//! record  = one JSON object (RFC 8259), UTF-8, with seq, timestamp and event_type
//! foreign = any bytes but LF
//! torn    = any bytes but LF: the writer died while it wrote them
//! ```
//!
//! The keys of a record come in the order of [`Record`](crate::record::Record)'s fields; the application's own fields
//! stand in front of `problems`. An absent key is left out, and no key occurs twice. `trail_opened` names the `format`;
//! a reader of another format reports that record.
//!
//! If the trail is a stream, such as stdout, every record has `run_id`, also a seal, whose checkpoint then signs it. In
//! files only `trail_opened` has it.
//!
//! No key of a record is equal to another, or the beginning of another one's path: a record with `user` has no key
//! `user.id`, because a collector that expands dots cannot hold both. The same holds for an element of
//! `guardrail_decisions`. The writer renames the application's fields:
//!
//! - A name that is equal to a known key, or is the beginning of its path or continues it, gets the prefix `event.`:
//!   `outcome`, `prompt.length` and `gen_ai.usage` become `event.outcome`, `event.prompt.length` and
//!   `event.gen_ai.usage`. The name `event` becomes `event.event`. Only keys that the application may set, such as
//!   `user_id`, take the first value that they are given.
//! - A name that collides with an earlier field gets `#2` at the end of the segment that they have in common, then `#3`:
//!   after `note` and `a.b` the names `note`, `a.b.c` and `a` become `note#2`, `a.b#2.c` and `a#2`.
//! - A name of more than 32 KiB is cut.
//!
//! A path in `redactions[].field` is a JSON pointer (RFC 6901) without its first slash: `guardrail_decisions/0/reason`.
//! In it a field of the name `a/b` is `a~1b`.
//!
//! In strings C0, C1, DEL, bidirectional controls, zero-width characters, the byte order mark,
//! tag characters and the separators U+2028 and U+2029 are `\u`-escaped, so that no line acts on
//! the terminal that shows it.
//!
//! # Invariants
//!
//! - I1: `seq` counts 0, 1, 2 … over all files, across rolls and restarts. A hole is a finding.
//!   (`a_trail_goes_on_where_the_last_process_left_it`)
//! - I2: within a file `seq` rises, and no two files hold seqs of each other's range; the names
//!   of files and their dates say nothing. `seq` is the order.
//!   (`conversations_come_back_text_for_text_across_rolls_and_restarts`) Lines may come again,
//!   byte for byte, at the head of the file behind one that the medium refused; readers take
//!   them once.
//!   Times are those of emission and may run against `seq` by what the threads overlapped.
//! - I3: a torn line is ended with LF by the next writer, left in place, and declared by the
//!   `trail_recovered` record that follows. (`a_torn_line_is_ended_kept_and_declared`)
//! - I4: event types that begin with `trail_` are the trail's own, and those that begin with `turn_` are a turn's. An
//!   application's event of such a type is written as `application.trail_…`. (`an_application_cannot_speak_for_the_trail`)
//! - I5: files are readable by their owner only, mode 0600. (`the_trail_is_private_to_its_owner`)
//! - I6: readers never write. (`a_reader_changes_nothing`)
//! - I7: line N without its line feed is leaf N of the tree (RFC 6962, SHA-256); torn and foreign lines are none. A
//!   `trail_sealed` record is over all leaves before it, and every byte of its line follows from its signature.
//!   (`every_byte_that_is_flipped_is_caught`)
//! - I8: seals of one origin are numbered 0, 1, 2 …, each signed by the key that the one before names as the next.
//!   (`a_tail_that_is_written_and_signed_anew_is_caught`)
//!
//! # Records of the trail's own
//!
//! Their fields are those of the payloads in [`record::system`](crate::record::system).
//!
//! | event_type | says |
//! |---|---|
//! | `trail_opened` | a writer began: the format, `run_id`, settings, environment and why, version, host, pid |
//! | `trail_closed` | it ended in order: totals |
//! | `trail_recovered` | the last writer did not end in order: how many records were replayed from the journal, what was torn, when it was last seen |
//! | `trail_sealed` | everything before it, signed: `reason`, `checkpoint` (a C2SP signed note), `frontier` (the roots of the complete subtrees, the largest first), `leaves` (the first four bytes of each leaf since the last seal but one) |
//! | `trail_seal_broken` | at opening, the seals were not those that the key's file tells of: the end was cut, or the key is lost |
//! | `trail_heartbeat` | the writer lives: its counts |
//! | `trail_write_failed`, `trail_write_resumed` | under fail-safe: the trail could not be written, and is again |
//! | `trail_file_restored` | somebody removed, renamed or replaced the live file; what became of it |
//! | `trail_sync_failed` | the medium refused a file, which was left, and what it held written again |
//! | `trail_low_disk` | the disk is nearly full |
//! | `trail_clock_jumped` | the clock was set: times before and behind do not compare |
//! | `trail_worker_restarted` | an error in the writer itself; nothing was lost by it |
//! | `trail_gap` | records are missing: how many, of which types, between which times, why |
//! | `trail_copy_gap` | the same of a further destination; the trail itself has them |
//! | `trail_pruned` | retention is about to remove files: which, and which `seq` they held |
//! | `trail_refused` | somebody tried to switch the trail or its redaction off |
//! | `trail_events_filtered` | events of the application do not reach the trail, and why |
//! | `trail_events_delivered` | they do again |
//! | `trail_log_backend` | a backend of the crate `log` shows the texts of bare macros, and what to do |
//! | `trail_log_refused` | records of the crate `log` with the audit target were refused: how many |
//!
//! # Assumptions about the media
//!
//! An append that returned is visible to every reader of the file, and survives the process. What
//! fdatasync returned for survives the loss of power.

/// No trail has so many records: readers of JSON take a larger number for another one.
pub(crate) const MOST_RECORDS: u64 = 1 << 53;

#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
pub(crate) mod catalog;
#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
pub(crate) mod checkpoint;
mod checksum;
pub(crate) mod durable;
pub(crate) mod files;
pub(crate) mod json;
mod name;
pub(crate) mod pattern;
#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
mod record_heads;
pub(crate) mod reverse_blocks;
#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
pub(crate) mod seal;
#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
mod seal_resume;
#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
pub(crate) mod tail;
#[expect(missing_docs, reason = "only `internal` shows it, which is not an API")]
pub(crate) mod tree;

pub use name::{Period, TrailName};
pub(crate) use tail::{head, is_record, seq_of, tail};

/// What the writer and the command need of the format.
///
/// It is not an API: it may change with every version, and the crates that use it are pinned to the version of this
/// one.
#[doc(hidden)]
pub mod internal {
    pub use super::catalog::Catalog;
    pub use super::checkpoint::{Checkpoint, PublicKey, origin, verifier_key};
    pub use super::checksum::checksum;
    pub use super::durable::{DurableFile, sync_directory_of};
    pub use super::files::{
        create_private_dir, is_same_file, open_private, open_private_as, point_link, read_at,
    };
    pub use super::pattern::{Pattern, hostname};
    pub use super::record_heads::{RecordHead, record_heads};
    pub use super::seal::{Hint, HintText, Seal, hint};
    pub use super::seal_resume::{SealResume, resume_seals, skip_missing};
    pub use super::tail::{Tail, TornLine, head, recent, tail};
    pub use super::tree::{Frontier, leaf};
    pub use crate::record::key::{Key, KeySet, Source, ValueKind};
    pub use crate::record::timestamp_text;

    /// JSON with the trail's escapes.
    pub mod json {
        pub use crate::format::json::{
            is_escaped, push_escaped, push_f64, push_string, push_value, safe_text,
            without_controls, write_safely,
        };
    }
}
