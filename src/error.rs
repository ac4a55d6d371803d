//! The errors of setting up a trail and of recording in it. They wrap those of [`trail`](crate::trail) and
//! [`redact`](crate::redact).

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::record::system::FORMAT;
use crate::redact::internal::ErrorChain;
use crate::{redact, trail};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: what failed, where, and what to do next.
///
/// `Display` gives this level only; [`source`](StdError::source) gives the next. `Debug` writes the whole chain in one
/// line, because that is what `fn main() -> Result<(), stinger_audit::Error>` prints. No message carries audited text.
pub struct Error(Box<ErrorKind>);

/// What failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is invalid.
    Setting {
        /// The setting: a method of the builder or an environment variable.
        setting: String,
        /// Its value.
        value: String,
        /// Why the value is invalid.
        reason: InvalidSetting,
    },
    /// An environment variable would switch the trail or its redaction off in production.
    /// The trail records the attempt.
    Refused {
        /// The environment variable.
        setting: &'static str,
        /// Its value.
        value: String,
        /// Why the value is refused.
        reason: Refusal,
        /// The environment.
        environment: Environment,
        /// How the environment was detected.
        environment_reason: String,
    },
    /// A destination cannot hold a trail.
    Destination {
        /// The destination, as given.
        destination: String,
        /// Why not.
        reason: InvalidDestination,
    },
    /// Another writer holds the trail.
    Locked {
        /// The trail.
        trail: PathBuf,
        /// The process that holds it, if that is known.
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
    /// A response was not released.
    NotReleased {
        /// The turn, as its records name it.
        turn_id: String,
        /// Why not.
        reason: NotReleased,
    },
    /// The trail cannot be written at the moment: what was recorded is not known to be durable.
    Unwritable {
        /// The trail.
        trail: String,
        /// Whether the record was lost, which the trail counts. Else it waits and is written once that is possible, and
        /// must not be recorded again.
        lost: bool,
    },
    /// An error of the trail's files, or of reading them.
    Trail(trail::Error),
    /// An error of the redaction.
    Redaction(redact::Error),
}

/// Why a setting is invalid.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidSetting {
    /// There is no setting of this name. The names that there are.
    Unknown(&'static [&'static str]),
    /// The value is neither true nor false.
    NotABoolean,
    /// The buffer is smaller than this many bytes.
    SmallBuffer(usize),
    /// Heartbeats would follow each other in less than a second.
    ShortInterval,
    /// Retention would keep no file.
    KeepsNothing,
    /// A trail does not know this rotation.
    UnknownRotation,
    /// Retention needs files that roll.
    NeverRolls,
    /// Retention needs a destination that is a file.
    NoFiles,
    /// The text is not an address or a network in CIDR notation.
    NotANetwork,
    /// The trail's seal key is this file, not in the given directory.
    SealKeyElsewhere(PathBuf),
    /// The destination in an environment variable is invalid.
    Destination(Error),
}

/// Why a setting is refused in production.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It would switch the trail off.
    SwitchesOff,
    /// It would switch the redaction off.
    SwitchesRedactionOff,
    /// It would take back the fail-safe mode that the code asks for.
    TakesFailSafeBack,
    /// Its destination keeps nothing.
    KeepsNothing(Error),
}

/// Why a destination cannot hold a trail.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidDestination {
    /// The list of destinations is empty.
    None,
    /// It is named twice.
    Twice,
    /// It is stderr, which carries the trail's warnings.
    Stderr,
    /// It begins with `~` or `$`.
    NotExpanded,
    /// It begins with `-`.
    Hyphen,
    /// It is a URL of this scheme, with this rest.
    Url(String, String),
    /// It is the null device.
    NullDevice,
    /// It is a device or a FIFO.
    Special,
    /// A writer of this format wrote it.
    OtherFormat(u64),
    /// The file holds something that is not a trail.
    NotATrail,
    /// It is a link to this file, which the trail has not made.
    Link(PathBuf),
    /// The thread or the buffer that it needs cannot be made.
    NoResources(io::Error),
}

/// Why a response was not released.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReleased {
    /// It is the response of another turn.
    OtherTurn,
    /// This guardrail blocked it.
    Blocked(String),
}

impl Error {
    /// What failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// File, line and byte, if the error is about a line.
    pub fn position(&self) -> Option<&trail::error::Position> {
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
        })
    }

    pub(crate) fn destination(destination: impl ToString, reason: InvalidDestination) -> Error {
        Error::from(ErrorKind::Destination {
            destination: destination.to_string(),
            reason,
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

impl From<redact::Error> for Error {
    fn from(error: redact::Error) -> Self {
        Error::from(ErrorKind::Redaction(error))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::Setting {
                reason: InvalidSetting::Destination(source),
                ..
            }
            | ErrorKind::Refused {
                reason: Refusal::KeepsNothing(source),
                ..
            } => Some(source),
            ErrorKind::Destination {
                reason: InvalidDestination::NoResources(source),
                ..
            } => Some(source),
            ErrorKind::Trail(error) => error.source(),
            ErrorKind::Redaction(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Setting {
                setting,
                value,
                reason,
            } => write!(f, "{setting} cannot be {value:?}: {reason}"),
            ErrorKind::Refused {
                setting,
                value,
                reason,
                environment,
                environment_reason,
            } => write!(
                f,
                "{setting}={value:?} is refused: {reason}; this is {environment} ({environment_reason}). \
                 Unset {setting}, or set STINGER_ENV=development on a developer's machine"
            ),
            ErrorKind::Destination {
                destination,
                reason,
            } => write!(f, "{destination:?} cannot hold an audit trail: {reason}"),
            ErrorKind::Locked { trail, pid } => {
                let trail = trail.display();
                write!(f, "the audit trail {trail} is being written by ")?;
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
                 open a trail of its own, such as ./audit.{{pid}}.log, before or after the fork"
            ),
            ErrorKind::Closed => write!(
                f,
                "the audit trail was closed, and what comes later is not in it; open it again to record more"
            ),
            ErrorKind::NotReleased { turn_id, reason } => write!(
                f,
                "the response of turn {turn_id} is not released: {reason}; the trail says so, and the user must not see it"
            ),
            ErrorKind::Unwritable { trail, lost } => write!(
                f,
                "the audit trail {trail} cannot be written at the moment; {}; \
                 status() names the cause, and recording resumes by itself once it is gone",
                match lost {
                    true => "the record was lost, and is counted",
                    false =>
                        "what was recorded is not known to be durable, but waits and will be written: do not record it again",
                }
            ),
            ErrorKind::Trail(error) => error.fmt(f),
            ErrorKind::Redaction(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use InvalidSetting as Why;
        f.write_str(match self {
            Why::Unknown(names) => {
                let names = names.join(", ");
                return write!(f, "there is no such setting; there are {names}");
            }
            Why::NotABoolean => "write true or false, or unset it",
            Why::SmallBuffer(least) => {
                return write!(
                    f,
                    "records of ordinary size would not fit; give it {least} bytes or more"
                );
            }
            Why::ShortInterval => "heartbeats would fill the trail; choose 1 second or more",
            Why::KeepsNothing => "nothing would be kept; keep 1 or more",
            Why::UnknownRotation => {
                "a trail does not know this rotation; choose MINUTELY, HOURLY, DAILY, WEEKLY or NEVER"
            }
            Why::NeverRolls => {
                "a trail that never rolls has one file, which cannot be removed; choose a rotation, such as Rotation::DAILY"
            }
            Why::NoFiles => {
                "stdout keeps no files; name a file as destination, or leave the setting out"
            }
            Why::NotANetwork => {
                "write an address or a network, such as 10.0.0.0/8 or 2001:db8::/32"
            }
            Why::SealKeyElsewhere(key) => {
                return write!(
                    f,
                    "the key of this trail is {}, beside it; move it there, or leave seal_keys unset: \
                     another key would break the chain of seals",
                    key.display()
                );
            }
            Why::Destination(_) => "the destination is invalid",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::SwitchesOff => "the audit trail cannot be switched off",
            Refusal::SwitchesRedactionOff => {
                "redaction can be turned off only in code, with redact_pii(false)"
            }
            Refusal::TakesFailSafeBack => {
                "the code asks for fail-safe, which only code can take back"
            }
            Refusal::KeepsNothing(_) => "its destination keeps nothing",
        })
    }
}

impl fmt::Display for InvalidDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use InvalidDestination as Why;
        f.write_str(match self {
            Why::None => {
                "the list of destinations is empty; name a file, such as ./logs/audit.log, or \"stdout\""
            }
            Why::Twice => "it is named twice; name it once",
            Why::Stderr => {
                "stderr carries the trail's warnings; use \"stdout\", or ./stderr for a file of that name"
            }
            Why::NotExpanded => {
                "the shell's ~ and $ are not expanded here; write the whole path"
            }
            Why::Hyphen => {
                "for standard output write \"stdout\", for a file of that name put ./ in front"
            }
            Why::Url(scheme, path) if scheme == "file" => {
                return write!(f, "write the path itself: {path}");
            }
            Why::Url(scheme, _) => {
                return write!(
                    f,
                    "the scheme {scheme:?} is unknown; a destination is a path, such as ./logs/audit.log, or \"stdout\""
                );
            }
            Why::NullDevice => {
                "it keeps nothing, being the null device; name a file, such as ./logs/audit.log, or \"stdout\""
            }
            Why::Special => {
                "it is a device or a FIFO, which can hold a copy but not the trail; \
                 name a file as well, such as ./logs/audit.log"
            }
            Why::OtherFormat(format) => {
                return write!(
                    f,
                    "it was written in format {format}, this version writes format {FORMAT}, and it was left as it is; \
                     open it with the version that wrote it, or choose another name"
                );
            }
            Why::NotATrail => {
                "a file of that name holds something that is no audit trail; move it away, or choose another name"
            }
            Why::Link(target) => {
                let target = target.display();
                return write!(f, "it is a link to {target}; name that file itself");
            }
            Why::NoResources(_) => "the system gives it no thread or buffer",
        })
    }
}

impl fmt::Display for NotReleased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotReleased::OtherTurn => f.write_str("the response is another turn's"),
            NotReleased::Blocked(by) => write!(f, "the guardrail {by} blocked it"),
        }
    }
}
