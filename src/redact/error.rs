//! The errors of redaction.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A result with this module's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of redaction: what failed, where, and what to do next.
///
/// `Display` gives this level only; [`source`](StdError::source) gives the next. `Debug` writes the whole chain.
pub struct Error(Box<ErrorKind>);

/// What failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A redaction rule is invalid.
    Rule {
        /// Where the rule stands, if it comes from a file.
        position: Option<Position>,
        /// The rule's name, or the key of the file.
        rule: String,
        /// Why the rule is invalid.
        reason: InvalidRule,
    },
    /// A file of redaction keys cannot be used.
    Keys {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        reason: InvalidKeys,
    },
    /// An operation on a file failed.
    Io {
        /// The operation, as a verb phrase ("read the redaction rules").
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Why a redaction rule is invalid.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidRule {
    /// The name does not consist of up to 32 capital letters, digits and `_`.
    Name,
    /// The name is that of a built-in kind.
    Reserved,
    /// The regular expression does not compile.
    Regex(regex::Error),
    /// The regular expression matches the empty text.
    MatchesEmpty,
    /// No kind of value has this name.
    UnknownKind,
    /// The file is not valid TOML, or has an unknown key or word.
    Syntax(String),
}

/// Why a file of redaction keys cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidKeys {
    /// Others than the owner may read or write the file.
    Shared,
    /// A line is not a key.
    Line(usize),
    /// The file has no key.
    Empty,
}

/// A position in a file.
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
    /// What failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The position of the rule, if it comes from a file.
    pub fn position(&self) -> Option<&Position> {
        match self.kind() {
            ErrorKind::Rule { position, .. } => position.as_ref(),
            _ => None,
        }
    }

    /// The same error, with the position of the rule.
    #[cfg(feature = "toml")]
    pub(super) fn at(mut self, place: Position) -> Error {
        if let ErrorKind::Rule { position, .. } = &mut *self.0 {
            *position = Some(place);
        }
        self
    }

    pub(super) fn rule(rule: &str, reason: InvalidRule) -> Error {
        Error::from(ErrorKind::Rule {
            position: None,
            rule: rule.to_owned(),
            reason,
        })
    }

    pub(super) fn keys(path: &Path, reason: InvalidKeys) -> Error {
        let path = path.to_owned();
        Error::from(ErrorKind::Keys { path, reason })
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Error {
        let path = path.to_owned();
        Error::from(ErrorKind::Io {
            action,
            path,
            source,
        })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::Rule {
                reason: InvalidRule::Regex(source),
                ..
            } => Some(source),
            ErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Rule {
                position,
                rule,
                reason,
            } => {
                if let Some(position) = position {
                    write!(f, "{position}: ")?;
                }
                write!(f, "invalid redaction rule {rule}: {reason}")
            }
            ErrorKind::Keys { path, reason } => {
                let path = path.display();
                write!(f, "invalid redaction keys {path}: {reason}")?;
                match reason {
                    InvalidKeys::Shared => write!(f, ": chmod 600 {path}"),
                    _ => Ok(()),
                }
            }
            ErrorKind::Io {
                action,
                path,
                source,
            } => fmt_io(f, action, path, source),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidRule::Name => {
                "a name has up to 32 capital letters, digits and _, such as EMPLOYEE_ID"
            }
            InvalidRule::Reserved => "the name is that of a built-in kind; choose another one",
            InvalidRule::Regex(_) => "its regular expression does not compile",
            InvalidRule::MatchesEmpty => {
                "its regular expression matches the empty text, which is everywhere; make it require a character"
            }
            InvalidRule::UnknownKind => "there is no kind of that name",
            InvalidRule::Syntax(message) => message,
        })
    }
}

impl fmt::Display for InvalidKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidKeys::Shared => f.write_str("others than its owner may read or write it"),
            InvalidKeys::Line(line) => write!(
                f,
                "line {line} is not a key: write the id, the time and 64 hex digits, separated by spaces"
            ),
            InvalidKeys::Empty => f.write_str("it has no key; remove the file to have one made"),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(f, "{file}, line {}, byte {}", self.line, self.byte)
    }
}

/// An error and its causes in one line, with `": "` between.
#[doc(hidden)]
pub struct ErrorChain<'e>(pub &'e dyn StdError);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Writes which operation on a file failed, and what to do if the system's error tells.
#[doc(hidden)]
pub fn fmt_io(
    f: &mut fmt::Formatter<'_>,
    action: &str,
    path: &Path,
    source: &io::Error,
) -> fmt::Result {
    write!(f, "couldn't {action} {}", path.display())?;
    f.write_str(match source.kind() {
        io::ErrorKind::PermissionDenied => {
            " (give this process's user access with chown or chmod, or choose another path)"
        }
        io::ErrorKind::NotFound => " (create it, or choose another path)",
        io::ErrorKind::NotADirectory => " (a part of the path is a file: choose another path)",
        io::ErrorKind::IsADirectory => " (name a file in it)",
        io::ErrorKind::ReadOnlyFilesystem => " (choose a path on a writable file system)",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => " (free some space there)",
        _ => "",
    })
}
