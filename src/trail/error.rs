//! The errors of reading a trail and of its files.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::record::system::FORMAT;
pub use crate::redact::error::Position;
use crate::redact::internal::{ErrorChain, fmt_io};

/// A result with this module's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error about a trail: what failed, where, and what to do next.
///
/// `Display` gives this level only; [`source`](StdError::source) gives the next. `Debug` writes the whole chain. No
/// message carries audited text.
pub struct Error(Box<ErrorKind>);

/// What failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A path cannot name a trail.
    Name {
        /// The path.
        name: String,
        /// Why not.
        reason: InvalidName,
    },
    /// An operation on a file failed.
    Io {
        /// The operation, as a verb phrase ("write to").
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is no trail of this name.
    NoTrail {
        /// The name.
        trail: PathBuf,
        /// The directory that was searched for its files.
        directory: PathBuf,
        /// Whether the directory exists.
        directory_exists: bool,
    },
    /// A line of a trail cannot be read as a record.
    Unreadable {
        /// Where the line begins.
        position: Position,
        /// The line's length in bytes, without its line feed.
        length: u64,
        /// What kind of line it is.
        reason: Unreadable,
    },
    /// A text is not a verifier key.
    Key(String),
    /// A text is not a signed checkpoint. The first line of it.
    Checkpoint(String),
    /// Whether a trail is intact, or a proof holds, cannot be told.
    Unverifiable(Unverifiable),
    /// An export cannot be written.
    Export {
        /// The format of the export.
        format: &'static str,
        /// The writer's error.
        source: io::Error,
    },
}

/// Why a path cannot name a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// The path is empty.
    Empty,
    /// The path names a directory.
    Directory,
    /// The file's name is not UTF-8.
    NotUtf8,
    /// Another placeholder than `{pid}` and `{hostname}`, or one in the directory's name.
    Placeholder,
}

/// Why a line of a trail is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreadable {
    /// The line ends in the middle of a record: the writer died while writing it.
    Torn,
    /// The last line of the newest file has no end yet: it is being written, or it is torn.
    Unfinished,
    /// The line is no record of a trail: something else wrote it, or it was damaged.
    Foreign {
        /// What is missing.
        why: String,
    },
    /// A writer of another format begins here.
    OtherFormat {
        /// Its format.
        format: u64,
    },
}

/// Why a trail or a proof cannot be verified.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unverifiable {
    /// A pattern names several trails.
    SeveralTrails,
    /// The trail has no seal.
    NoSeal,
    /// The text is not an inclusion proof, or it is damaged.
    NotAProof,
    /// The checkpoint in the proof is not the one that was signed.
    ForgedCheckpoint,
    /// The record of this index is not the one that the checkpoint signs.
    OtherRecord(u64),
    /// A proven line is not a record.
    NotARecord(serde_json::Error),
    /// No seal covers the record yet.
    NotSealed {
        /// The record's `seq`.
        seq: u64,
        /// The number of records that are sealed.
        size: u64,
    },
    /// The record with this `seq` is missing, or no seal precedes it.
    MissingRecord(u64),
    /// The records from this `seq` on are not those that were sealed.
    Altered(u64),
    /// A record could not be read a second time.
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
    pub(crate) fn behind(mut self, lines: u64) -> Error {
        if let ErrorKind::Unreadable { position, .. } = &mut *self.0 {
            position.line += lines;
        }
        self
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Error {
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

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } | ErrorKind::Export { source, .. } => Some(source),
            ErrorKind::Unverifiable(Unverifiable::NotARecord(source)) => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Name { name, reason } => {
                write!(f, "{name:?} cannot name an audit trail: {reason}")
            }
            ErrorKind::Io {
                action,
                path,
                source,
            } => fmt_io(f, action, path, source),
            ErrorKind::NoTrail {
                trail,
                directory,
                directory_exists,
            } => {
                let (trail, directory) = (trail.display(), directory.display());
                write!(f, "there is no audit trail {trail}: ")?;
                match directory_exists {
                    true => write!(
                        f,
                        "no file in {directory} has that name, or that name with a date in it"
                    )?,
                    false => write!(f, "the directory {directory} does not exist")?,
                }
                f.write_str("; give the destination that the service writes to")
            }
            ErrorKind::Unreadable {
                position,
                length,
                reason,
            } => write!(f, "{position}: {reason} ({length} bytes)"),
            ErrorKind::Key(key) => write!(
                f,
                "{key:?} is not a verifier key; give it as `trail_opened` has it in `identity`: stinger-audit/…+…+…"
            ),
            ErrorKind::Checkpoint(line) => write!(
                f,
                "{line:?} does not begin a sound checkpoint; give all that `stinger-audit checkpoint` printed"
            ),
            ErrorKind::Unverifiable(reason) => write!(f, "couldn't verify the trail: {reason}"),
            ErrorKind::Export { format, source } => {
                let action = format!("write the {format} export to");
                fmt_io(f, &action, Path::new("its output"), source)
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidName::Empty => {
                "it is empty; name a file, such as ./logs/audit.log, or \"stdout\""
            }
            InvalidName::Directory => "it is a directory; name a file in it, such as audit.log",
            InvalidName::NotUtf8 => "its file name is not UTF-8",
            InvalidName::Placeholder => {
                "only {pid} and {hostname} may stand in the file's name, and none in its directory"
            }
        })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Torn => write!(f, "a torn line: its writer died while writing it"),
            Unreadable::Unfinished => write!(f, "an unfinished line: it is being written, or torn"),
            Unreadable::OtherFormat { format } => {
                write!(f, "written by format {format}; this reads format {FORMAT}")
            }
            Unreadable::Foreign { why } => write!(f, "not a record of the trail: {why}"),
        }
    }
}

impl fmt::Display for Unverifiable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Unverifiable as Why;
        f.write_str(match self {
            Why::SeveralTrails => "these are several trails; name one of them",
            Why::NoSeal => "there is no seal in it; a trail is sealed unless its writer was told not to",
            Why::NotAProof => "this is no evidence as `stinger-audit prove` writes it",
            Why::ForgedCheckpoint => "the checkpoint of the evidence is not what was signed",
            Why::OtherRecord(index) => {
                return write!(
                    f,
                    "record {index} is not the one that the checkpoint signs, or its proof was changed"
                );
            }
            Why::NotARecord(_) => "a proven line is not a record",
            Why::NotSealed { seq, size } => {
                return write!(
                    f,
                    "record {seq} is not sealed: the last seal is over the records in front of {size}"
                );
            }
            Why::MissingRecord(seq) => {
                return write!(
                    f,
                    "record {seq} is missing, or no seal is in front of it: `stinger-audit verify` says which are proven"
                );
            }
            Why::Altered(seq) => {
                return write!(
                    f,
                    "the records from {seq} on are not those that were sealed; `stinger-audit verify` says which"
                );
            }
            Why::RecordGone => "a record could not be read again",
        })
    }
}
