//! The errors of setting up a trail and of recording in it. They wrap those of reading a [`trail`] and those of
//! [`redaction`].

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::record::system::FORMAT;
use crate::redact::internal::ErrorChain;
#[doc(inline)]
pub use stinger_audit_redaction::error as redaction;
#[doc(inline)]
pub use stinger_audit_trail::error as trail;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: what failed, where, and what to do next.
///
/// `Display` gives this level only; [`source`](std::error::Error::source) gives the next. `Debug` writes the whole chain in one
/// line, because that is what `fn main() -> Result<(), stinger_audit::Error>` prints. No message carries audited text.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

/// What failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is invalid.
    #[error("{setting} cannot be {value:?}: {reason}")]
    Setting {
        /// The setting: a method of the builder or an environment variable.
        setting: String,
        /// Its value.
        value: String,
        /// Why the value is invalid.
        reason: InvalidSetting,
        /// What is wrong with a destination.
        source: Option<Error>,
    },
    /// An environment variable would switch the trail or its redaction off in production.
    /// The trail records the attempt.
    #[error(
        "{setting}={value:?} is refused: {reason}; this is {environment} ({environment_reason}). \
         Unset {setting}, or set STINGER_ENV=development on a developer's machine"
    )]
    Refused {
        /// The environment variable.
        setting: &'static str,
        /// Its value.
        value: String,
        /// Why the value is refused.
        reason: Refusal,
        /// What is wrong with a destination.
        source: Option<Error>,
        /// The environment.
        environment: Environment,
        /// How the environment was detected.
        environment_reason: String,
    },
    /// A destination cannot hold a trail.
    #[error("{destination:?} cannot hold an audit trail: {reason}")]
    Destination {
        /// The destination, as given.
        destination: String,
        /// Why not.
        reason: InvalidDestination,
        /// The system's error, if it lacks resources.
        source: Option<io::Error>,
    },
    /// Another writer holds the trail.
    #[error(
        "the audit trail {trail} is being written by {}; a trail has one writer: close that one first, \
         or give this one a destination of its own",
        writer(*pid)
    )]
    Locked {
        /// The trail.
        trail: PathBuf,
        /// The process that holds it, if that is known.
        pid: Option<u32>,
    },
    /// The application has installed a global `tracing` subscriber already.
    #[error(
        "the application has installed a global tracing subscriber already; \
         add the audit layer to it instead: registry().with(stinger_audit::layer()?)"
    )]
    SubscriberInstalled,
    /// The process has switched its trail on already.
    #[error(
        "this process writes the audit trail {trail} already, under a global tracing subscriber; \
         stinger_audit::audit() has its handle, and open() opens further trails"
    )]
    AlreadyEnabled {
        /// The trail.
        trail: String,
    },
    /// No trail is open in this process.
    #[error("no audit trail is open in this process; call stinger_audit::enable() first")]
    NotOpen,
    /// The trail was closed.
    #[error(
        "the audit trail was closed, and what comes later is not in it; open it again to record more"
    )]
    Closed,
    /// This process was forked from the one that opened the trail.
    #[error(
        "this process was forked from the one that opened the audit trail, and cannot record in it; \
         open a trail of its own, such as ./audit.{{pid}}.log, before or after the fork"
    )]
    Forked,
    /// A response was not released.
    #[error(
        "the response of turn {turn_id} is not released: {reason}; the trail says so, and the user must not see it"
    )]
    NotReleased {
        /// The turn, as its records name it.
        turn_id: String,
        /// Why not.
        reason: NotReleased,
    },
    /// The trail cannot be written at the moment: what was recorded is not known to be durable.
    #[error(
        "the audit trail {trail} cannot be written at the moment; {}; \
         status() names the cause, and recording resumes by itself once it is gone",
        fate(*lost)
    )]
    Unwritable {
        /// The trail.
        trail: String,
        /// Whether the record was lost, which the trail counts. Else it waits and is written once that is possible, and
        /// must not be recorded again.
        lost: bool,
    },
    /// An error of the trail's files, or of reading them.
    #[error(transparent)]
    Trail(#[from] trail::Error),
    /// An error of the redaction.
    #[error(transparent)]
    Redaction(#[from] redaction::Error),
}

/// Why a setting is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSetting {
    /// There is no setting of this name. The names that there are.
    #[error("there is no such setting; there are {}", .0.join(", "))]
    Unknown(&'static [&'static str]),
    /// The value is neither true nor false.
    #[error("write true or false, or unset it")]
    NotABoolean,
    /// The buffer is smaller than this many bytes.
    #[error("records of ordinary size would not fit; give it {0} bytes or more")]
    SmallBuffer(usize),
    /// Heartbeats would follow each other in less than a second.
    #[error("heartbeats would fill the trail; choose 1 second or more")]
    ShortInterval,
    /// Retention would keep no file.
    #[error("nothing would be kept; keep 1 or more")]
    KeepsNothing,
    /// A trail does not know this rotation.
    #[error("a trail does not know this rotation; choose MINUTELY, HOURLY, DAILY, WEEKLY or NEVER")]
    UnknownRotation,
    /// Retention needs files that roll.
    #[error(
        "a trail that never rolls has one file, which cannot be removed; choose a rotation, such as Rotation::DAILY"
    )]
    NeverRolls,
    /// Retention needs a destination that is a file.
    #[error("stdout keeps no files; name a file as destination, or leave the setting out")]
    NoFiles,
    /// The text is not an address or a network in CIDR notation.
    #[error("write an address or a network, such as 10.0.0.0/8 or 2001:db8::/32")]
    NotANetwork,
    /// The trail's seal key is this file, not in the given directory.
    #[error(
        "the key of this trail is {0}, beside it; move it there, or leave seal_keys unset: \
         another key would break the chain of seals"
    )]
    SealKeyElsewhere(PathBuf),
    /// The destination in an environment variable is invalid.
    #[error("the destination is invalid")]
    Destination,
}

/// Why a setting is refused in production.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It would switch the trail off.
    #[error("the audit trail cannot be switched off")]
    SwitchesOff,
    /// It would switch the redaction off.
    #[error("redaction can be turned off only in code, with redact_pii(false)")]
    SwitchesRedactionOff,
    /// It would take back the fail-safe mode that the code asks for.
    #[error("the code asks for fail-safe, which only code can take back")]
    TakesFailSafeBack,
    /// Its destination keeps nothing.
    #[error("its destination keeps nothing")]
    KeepsNothing,
}

/// Why a destination cannot hold a trail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDestination {
    /// The list of destinations is empty.
    #[error(
        "the list of destinations is empty; name a file, such as ./logs/audit.log, or \"stdout\""
    )]
    None,
    /// It is named twice.
    #[error("it is named twice; name it once")]
    Twice,
    /// It is stderr, which carries the trail's warnings.
    #[error(
        "stderr carries the trail's warnings; use \"stdout\", or ./stderr for a file of that name"
    )]
    Stderr,
    /// It begins with `~` or `$`.
    #[error("the shell's ~ and $ are not expanded here; write the whole path")]
    NotExpanded,
    /// It begins with `-`.
    #[error("for standard output write \"stdout\", for a file of that name put ./ in front")]
    Hyphen,
    /// It is a file's URL, with this path.
    #[error("write the path itself: {0}")]
    FileUrl(String),
    /// It is a URL of this scheme.
    #[error(
        "the scheme {0:?} is unknown; a destination is a path, such as ./logs/audit.log, or \"stdout\""
    )]
    Url(String),
    /// It is the null device.
    #[error(
        "it keeps nothing, being the null device; name a file, such as ./logs/audit.log, or \"stdout\""
    )]
    NullDevice,
    /// It is a device or a FIFO.
    #[error(
        "it is a device or a FIFO, which can hold a copy but not the trail; \
         name a file as well, such as ./logs/audit.log"
    )]
    Special,
    /// A writer of this format wrote it.
    #[error(
        "it was written in format {0}, this version writes format {FORMAT}, and it was left as it is; \
         open it with the version that wrote it, or choose another name"
    )]
    OtherFormat(u64),
    /// The file holds something that is not a trail.
    #[error(
        "a file of that name holds something that is no audit trail; move it away, or choose another name"
    )]
    NotATrail,
    /// It is a link to this file, which the trail has not made.
    #[error("it is a link to {0}; name that file itself")]
    Link(PathBuf),
    /// The thread or the buffer that it needs cannot be made.
    #[error("the system gives it no thread or buffer")]
    NoResources,
}

/// Why a response was not released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReleased {
    /// It is the response of another turn.
    #[error("the response is another turn's")]
    OtherTurn,
    /// This guardrail blocked it.
    #[error("the guardrail {0} blocked it")]
    Blocked(String),
}

impl Error {
    /// What failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// File, line and byte, if the error is about a line.
    pub fn position(&self) -> Option<&trail::Position> {
        match self.kind() {
            ErrorKind::Trail(error) => error.position(),
            ErrorKind::Redaction(error) => error.position(),
            _ => None,
        }
    }

    /// Whether what was to be recorded is not in the trail, and will not be.
    pub(crate) fn is_loss(&self) -> bool {
        !matches!(self.kind(), ErrorKind::Unwritable { lost: false, .. })
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Error {
        trail::Error::io(action, path, source).into()
    }

    pub(crate) fn setting(
        setting: impl Into<String>,
        value: impl ToString,
        reason: InvalidSetting,
    ) -> Error {
        Error::from(ErrorKind::Setting {
            setting: setting.into(),
            value: value.to_string(),
            reason,
            source: None,
        })
    }

    pub(crate) fn destination(destination: impl ToString, reason: InvalidDestination) -> Error {
        Error::from(ErrorKind::Destination {
            destination: destination.to_string(),
            reason,
            source: None,
        })
    }

    pub(crate) fn no_resources(destination: impl ToString, source: io::Error) -> Error {
        Error::from(ErrorKind::Destination {
            destination: destination.to_string(),
            reason: InvalidDestination::NoResources,
            source: Some(source),
        })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl From<trail::Error> for Error {
    fn from(error: trail::Error) -> Self {
        Error::from(ErrorKind::Trail(error))
    }
}

impl From<redaction::Error> for Error {
    fn from(error: redaction::Error) -> Self {
        Error::from(ErrorKind::Redaction(error))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

fn writer(pid: Option<u32>) -> String {
    match pid {
        Some(pid) if pid == std::process::id() => "this very process".to_owned(),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

fn fate(lost: bool) -> &'static str {
    match lost {
        true => "the record was lost, and is counted",
        false => {
            "what was recorded is not known to be durable, but waits and will be written: do not record it again"
        }
    }
}
