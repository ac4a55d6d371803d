//! What can go wrong, said so that a person can act on it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::record::system::FORMAT;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Something that went wrong: what, where, and what to do next.
///
/// `Display` says all of it in one line, the reason that the system gave with it; so
/// [`source`](std::error::Error::source) has only what lies behind that reason, and a report of the whole chain says nothing
/// twice. `Debug` is the same line, because that is what `fn main() -> Result<(), stinger_audit::Error>`
/// shows. No message carries audited text.
pub struct Error(Box<ErrorKind>);

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting asks for something impossible.
    Setting {
        /// The setting: a method of the builder or an environment variable.
        setting: String,
        /// What it was set to.
        value: String,
        /// Why that cannot be, and what to do instead.
        why: String,
    },
    /// An environment variable would switch the trail or its redaction off in production.
    /// The attempt is a record of the trail.
    Refused {
        /// The environment variable.
        setting: String,
        /// What it was set to.
        value: String,
        /// Why this counts as production, and what to do instead.
        why: String,
    },
    /// A destination cannot hold a trail.
    Destination {
        /// The destination, as given.
        destination: String,
        /// Why not, and what to do instead.
        why: String,
    },
    /// Another writer holds the trail.
    Locked {
        /// The trail.
        trail: PathBuf,
        /// The process that holds it, where it is known.
        pid: Option<u32>,
    },
    /// The application has installed a global `tracing` subscriber already.
    SubscriberInstalled,
    /// The process has switched its trail on already.
    AlreadyEnabled {
        /// The trail.
        trail: String,
    },
    /// No trail is open in this process.
    NotOpen,
    /// The trail was closed.
    Closed,
    /// This process was forked from the one that opened the trail.
    Forked,
    /// A response was not let go.
    NotReleased {
        /// The turn, as its records name it.
        turn_id: String,
        /// Why not.
        why: String,
    },
    /// The trail cannot be written at the moment: what was recorded is not known to be durable.
    Unwritable {
        /// The trail.
        trail: String,
        /// Whether the record was lost, which the trail counts. Else it waits and is written once that is possible, and
        /// must not be recorded again.
        lost: bool,
    },
    /// An operation on a file failed.
    Io {
        /// What was being done, as a verb phrase ("write to").
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no trail under this name.
    NoTrail {
        /// The name.
        trail: PathBuf,
        /// What was looked for, or what to do instead.
        why: String,
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
    /// A rule of the redaction is none.
    Rule {
        /// Where in its file it stands, where it comes from one.
        position: Option<Position>,
        /// The rule, or the key of the file.
        rule: String,
        /// Why it is none, and what to do instead.
        why: String,
    },
    /// Whether a trail is intact cannot be told.
    Unverifiable {
        /// What is missing.
        why: String,
    },
    /// A selection cannot be exported.
    Export {
        /// What was being written.
        format: &'static str,
        /// What the writer said.
        source: io::Error,
    },
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

/// A place in a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file.
    pub file: PathBuf,
    /// 1-based line.
    pub line: u64,
    /// 0-based byte at which the line begins.
    pub byte: u64,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// File, line and byte, where the error has such a place.
    pub fn position(&self) -> Option<&Position> {
        match &*self.0 {
            ErrorKind::Unreadable { position, .. } => Some(position),
            ErrorKind::Rule { position, .. } => position.as_ref(),
            _ => None,
        }
    }

    /// Whether what was to be recorded is not in the trail, and will not be.
    pub(crate) fn is_loss(&self) -> bool {
        !matches!(&*self.0, ErrorKind::Unwritable { lost: false, .. })
    }

    /// The same error about a rule, with the place where it stands.
    pub(crate) fn at(mut self, place: Position) -> Error {
        if let ErrorKind::Rule { position, .. } = &mut *self.0 {
            *position = Some(place);
        }
        self
    }

    /// The same error about a line, with so many lines in front of it.
    pub(crate) fn behind(mut self, lines: u64) -> Error {
        if let ErrorKind::Unreadable { position, .. } = &mut *self.0 {
            position.line += lines;
        }
        self
    }

    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Error {
        Error::from(ErrorKind::Io {
            doing,
            path: path.to_owned(),
            source,
        })
    }

    pub(crate) fn setting(
        setting: impl Into<String>,
        value: impl Into<String>,
        why: impl Into<String>,
    ) -> Error {
        Error::from(ErrorKind::Setting {
            setting: setting.into(),
            value: value.into(),
            why: why.into(),
        })
    }

    pub(crate) fn destination(destination: impl Into<String>, why: impl Into<String>) -> Error {
        Error::from(ErrorKind::Destination {
            destination: destination.into(),
            why: why.into(),
        })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            ErrorKind::Setting {
                setting,
                value,
                why,
            } => write!(f, "{setting} cannot be {value:?}: {why}"),
            ErrorKind::Refused {
                setting,
                value,
                why,
            } => {
                write!(f, "{setting}={value:?} is refused: {why}")
            }
            ErrorKind::Destination { destination, why } => {
                write!(f, "{destination:?} cannot hold an audit trail: {why}")
            }
            ErrorKind::Locked { trail, pid } => {
                write!(
                    f,
                    "the audit trail {} is being written by ",
                    trail.display()
                )?;
                match pid {
                    Some(pid) if *pid == std::process::id() => write!(f, "this very process")?,
                    Some(pid) => write!(f, "process {pid}")?,
                    None => write!(f, "another process")?,
                }
                write!(
                    f,
                    "; a trail has one writer: close that one first, or give this one a destination of its own"
                )
            }
            ErrorKind::SubscriberInstalled => write!(
                f,
                "the application has installed a global tracing subscriber already; \
                 add the audit layer to it instead: registry().with(stinger_audit::layer()?)"
            ),
            ErrorKind::AlreadyEnabled { trail } => write!(
                f,
                "this process writes the audit trail {trail} already, under a global tracing subscriber; \
                 stinger_audit::audit() has its handle, and open() opens further trails"
            ),
            ErrorKind::NotOpen => write!(
                f,
                "no audit trail is open in this process; call stinger_audit::enable() first"
            ),
            ErrorKind::Forked => write!(
                f,
                "this process was forked from the one that opened the audit trail, and cannot record in it; \
                 open a trail of its own, such as ./audit.{{pid}}.log, before or behind the fork"
            ),
            ErrorKind::Closed => write!(
                f,
                "the audit trail was closed, and what comes later is not in it; open it again to record more"
            ),
            ErrorKind::NotReleased { turn_id, why } => write!(
                f,
                "the response of turn {turn_id} is not released: {why}; the trail says so, and the user must not see it"
            ),
            ErrorKind::Unwritable { trail, lost } => {
                write!(
                    f,
                    "the audit trail {trail} cannot be written at the moment; "
                )?;
                f.write_str(match lost {
                    true => "the record was lost, and is counted",
                    false => {
                        "what was recorded is not known to be durable, but waits and will be written: do not record it again"
                    }
                })?;
                write!(
                    f,
                    "; status() names the cause, and recording resumes by itself once it is gone"
                )
            }
            ErrorKind::Io {
                doing,
                path,
                source,
            } => {
                write!(f, "couldn't {doing} {}: {source}", path.display())?;
                f.write_str(remedy(source.kind()))
            }
            ErrorKind::NoTrail { trail, why } => {
                write!(f, "there is no audit trail {}: {why}", trail.display())
            }
            ErrorKind::Unreadable {
                position,
                length,
                reason,
            } => {
                write!(f, "{position}: {reason} ({length} bytes)")
            }
            ErrorKind::Rule {
                position,
                rule,
                why,
            } => {
                if let Some(position) = position {
                    write!(f, "{position}: ")?;
                }
                write!(f, "{rule} is no rule of the redaction: {why}")
            }
            ErrorKind::Unverifiable { why } => write!(f, "couldn't verify the trail: {why}"),
            ErrorKind::Export { format, source } => {
                write!(f, "couldn't write the {format} export: {source}")?;
                f.write_str(remedy(source.kind()))
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What to do where the system said no, to be put behind its reason.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => {
            "; give the user of this process the right to it (chown, chmod), or choose another path"
        }
        io::ErrorKind::NotFound => "; create it, or choose another path",
        io::ErrorKind::NotADirectory => "; a part of the path is a file: choose another path",
        io::ErrorKind::IsADirectory => "; name a file in it",
        io::ErrorKind::ReadOnlyFilesystem => "; choose a path on a file system that can be written",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there",
        _ => "",
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            ErrorKind::Io { source, .. } | ErrorKind::Export { source, .. } => source.source(),
            _ => None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, line {}, byte {}",
            self.file.display(),
            self.line,
            self.byte
        )
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
