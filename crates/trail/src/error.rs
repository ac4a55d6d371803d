//! The errors of reading a trail and of its files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::record::system::FORMAT;
pub use stinger_audit_redaction::error::Position;
use stinger_audit_redaction::internal::{ErrorChain, remedy};

/// A result with this module's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error about a trail: what failed, where, and what to do next.
///
/// `Display` gives this level only; [`source`](std::error::Error::source) gives the next. `Debug` writes the whole chain. No
/// message carries audited text.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

/// What failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A path cannot name a trail.
    #[error("{name:?} cannot name an audit trail: {reason}")]
    Name {
        /// The path.
        name: String,
        /// Why not.
        reason: InvalidName,
    },
    /// An operation on a file failed.
    #[error("couldn't {action} {path}{}", remedy(source))]
    Io {
        /// The operation, as a verb phrase ("write to").
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is no trail of this name.
    #[error("there is no audit trail {trail}: {}; give the destination that the service writes to", searched(directory, *directory_exists))]
    NoTrail {
        /// The name.
        trail: PathBuf,
        /// The directory that was searched for its files.
        directory: PathBuf,
        /// Whether the directory exists.
        directory_exists: bool,
    },
    /// A line of a trail cannot be read as a record.
    #[error("{position}: {reason} ({length} bytes)")]
    Unreadable {
        /// Where the line begins.
        position: Position,
        /// The line's length in bytes, without its line feed.
        length: u64,
        /// What kind of line it is.
        reason: Unreadable,
    },
    /// A text is not a verifier key.
    #[error(
        "{0:?} is not a verifier key; give it as `trail_opened` has it in `identity`: stinger-audit/…+…+…"
    )]
    Key(String),
    /// A text is not a signed checkpoint. The first line of it.
    #[error(
        "{0:?} does not begin a sound checkpoint; give all that `stinger-audit checkpoint` printed"
    )]
    Checkpoint(String),
    /// Whether a trail is intact, or a proof holds, cannot be told.
    #[error("couldn't verify the trail: {0}")]
    Unverifiable(Unverifiable),
    /// An export cannot be written.
    #[error("couldn't write the {format} export{}", remedy(source))]
    Export {
        /// The format of the export.
        format: &'static str,
        /// The writer's error.
        source: io::Error,
    },
}

/// Why a path cannot name a trail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The path is empty.
    #[error("it is empty; name a file, such as ./logs/audit.log, or \"stdout\"")]
    Empty,
    /// The path names a directory.
    #[error("it is a directory; name a file in it, such as {}", example.display())]
    Directory {
        /// A file in it.
        example: PathBuf,
    },
    /// The file's name is not UTF-8.
    #[error("its file name is not UTF-8")]
    NotUtf8,
    /// Another placeholder than `{pid}` and `{hostname}`, or one in the directory's name.
    #[error(
        "only {{pid}} and {{hostname}} may stand in the file's name, and none in its directory"
    )]
    Placeholder,
}

/// Why a line of a trail is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The line ends in the middle of a record: the writer died while writing it.
    #[error("a torn line: its writer died while writing it")]
    Torn,
    /// The last line of the newest file has no end yet: it is being written, or it is torn.
    #[error("an unfinished line: it is being written, or torn")]
    Unfinished,
    /// The line is no record of a trail: something else wrote it, or it was damaged.
    #[error("not a record of the trail: {why}")]
    Foreign {
        /// What is missing.
        why: String,
    },
    /// A writer of another format begins here.
    #[error("written by format {format}; this reads format {FORMAT}")]
    OtherFormat {
        /// Its format.
        format: u64,
    },
}

/// Why a trail or a proof cannot be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unverifiable {
    /// A pattern names several trails.
    #[error("these are several trails; name one of them")]
    SeveralTrails,
    /// The trail has no seal.
    #[error("there is no seal in it; a trail is sealed unless its writer was told not to")]
    NoSeal,
    /// The trail has no seal, and no sound checkpoint is beside it.
    #[error(
        "there is no seal in it, and no checkpoint beside it; a trail is sealed unless its writer was told not to"
    )]
    NoCheckpoint,
    /// The text does not begin as an inclusion proof does.
    #[error(
        "this is no evidence: it does not begin with `stinger-audit evidence 1`; give all that `stinger-audit prove` wrote"
    )]
    NotAProof,
    /// An inclusion proof has no record.
    #[error("there is no record in the evidence")]
    NoProvenRecord,
    /// The proof of a record is not as one is written. Its place among the records, from 0 on.
    #[error("the evidence is damaged: the proof of its record {} is not as one is written", .0 + 1)]
    DamagedProof(usize),
    /// The records are proven in different checkpoints.
    #[error("the records of the evidence stand in different checkpoints; prove them together")]
    DifferentCheckpoints,
    /// The checkpoint in the proof is not the one that was signed.
    #[error("the checkpoint of the evidence is not what was signed")]
    ForgedCheckpoint,
    /// The record of this index is not the one that the checkpoint signs.
    #[error("record {0} is not the one that the checkpoint signs, or its proof was changed")]
    OtherRecord(u64),
    /// A proven line is not a record.
    #[error("the proven line of index {index} is not a record: {why}")]
    NotARecord {
        /// The line's index in the tree.
        index: u64,
        /// What the parser says, without its quotes of the line.
        why: String,
    },
    /// No seal covers the record yet.
    #[error("record {seq} is not sealed: the last seal is over the records before {size}")]
    NotSealed {
        /// The record's `seq`.
        seq: u64,
        /// The number of records that are sealed.
        size: u64,
    },
    /// The record with this `seq` is missing, or no seal precedes it.
    #[error(
        "record {0} is missing, or no seal precedes it: `stinger-audit verify` says which are proven"
    )]
    MissingRecord(u64),
    /// The records from this `seq` on are not those that were sealed.
    #[error(
        "the records from {0} on are not those that were sealed; `stinger-audit verify` says which"
    )]
    Altered(u64),
    /// A record could not be read a second time.
    #[error("a record could not be read again")]
    RecordGone,
}

impl Error {
    /// What failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The position of the line, if the error is about one.
    pub fn position(&self) -> Option<&Position> {
        match self.kind() {
            ErrorKind::Unreadable { position, .. } => Some(position),
            _ => None,
        }
    }

    /// The same error about a line, with so many lines in front of it.
    #[cfg(feature = "read")]
    pub(crate) fn behind(mut self, lines: u64) -> Error {
        if let ErrorKind::Unreadable { position, .. } = &mut *self.0 {
            position.line += lines;
        }
        self
    }

    #[doc(hidden)]
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Error {
        let path = path.to_owned();
        Error::from(ErrorKind::Io {
            action,
            path,
            source,
        })
    }

    pub(crate) fn name(name: impl Into<String>, reason: InvalidName) -> Error {
        let name = name.into();
        Error::from(ErrorKind::Name { name, reason })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl From<Unverifiable> for Error {
    fn from(reason: Unverifiable) -> Self {
        Error::from(ErrorKind::Unverifiable(reason))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

fn searched(directory: &Path, exists: bool) -> String {
    let directory = directory.display();
    match exists {
        true => format!("no file in {directory} has that name, or that name with a date in it"),
        false => format!("the directory {directory} does not exist"),
    }
}
