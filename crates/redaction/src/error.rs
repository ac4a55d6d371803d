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
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

/// What failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A redaction rule is invalid.
    #[error("{}invalid redaction rule {rule}: {reason}", at(position))]
    Rule {
        /// Where the rule stands, if it comes from a file.
        position: Option<Position>,
        /// The rule's name, or the key of the file.
        rule: String,
        /// Why the rule is invalid.
        reason: InvalidRule,
        /// The error of the regular expression, if that does not compile.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// A file of redaction keys cannot be used.
    #[error("invalid redaction keys {path}: {reason}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        reason: InvalidKeys,
    },
    /// An operation on a file failed.
    #[error("couldn't {action} {path}{}", remedy(source))]
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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRule {
    /// The name does not consist of up to 32 capital letters, digits and `_`.
    #[error("a name has up to 32 capital letters, digits and _, such as EMPLOYEE_ID")]
    Name,
    /// The name is that of a built-in kind.
    #[error("the name is that of a built-in kind; choose another one")]
    Reserved,
    /// The regular expression does not compile.
    #[error("its regular expression does not compile")]
    Regex,
    /// The regular expression matches the empty text.
    #[error(
        "its regular expression matches the empty text, which is everywhere; make it require a character"
    )]
    MatchesEmpty,
    /// No kind of value has this name.
    #[error("there is no kind of that name")]
    UnknownKind,
    /// No rule for a field applies to a name of the record.
    #[error(
        "the field is a number, a word or a list that the trail makes, or another name of an id, and no rule for a field \
         applies to it; name a text, or an id by its key such as session_id"
    )]
    Fixed,
    /// The name is not an id.
    #[error(
        "it is no id; user_id, user_ip, session_id, tenant_id, agent_id, conversation_id, turn_id, request_id, \
         client_request_id and event_id are"
    )]
    NotAnId,
    /// An id is not a text to redact.
    #[error("it is an id, which is kept, tagged or withheld, but not searched; use a rule for ids")]
    IdPolicy,
    /// The id cannot be tagged without keys.
    #[error(
        "without keys all its values would have one tag and become one conversation; set redaction_keys, or keep it"
    )]
    NoKeys,
    /// The tenant has no name.
    #[error("a rule for a tenant needs the tenant's id, and it is empty")]
    EmptyTenant,
    /// The texts of one tenant cannot be kept.
    #[error(
        "the texts of one tenant can be withheld, but not kept where those of others are redacted"
    )]
    TenantPolicy,
    /// The rule for a tenant cannot find the tenant's records.
    #[error("the records of a tenant cannot be found while tenant_id is withheld; tag or keep it")]
    TenantWithheld,
    /// The file is not valid TOML, or has an unknown key or word.
    #[error("{0}")]
    Syntax(String),
}

/// Why a file of redaction keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeys {
    /// Others than the owner may read or write the file.
    #[error("others than its owner may read or write it: chmod 600 it")]
    Shared,
    /// A line is not a key.
    #[error("line {0} is not a key: write the id, the time and 64 hex digits, separated by spaces")]
    Line(usize),
    /// The file has no key.
    #[error("it has no key; remove the file to have one made")]
    Empty,
}

/// A position in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}, byte {byte}")]
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
            source: None,
        })
    }

    #[cfg(feature = "regex")]
    pub(super) fn regex(rule: &str, source: regex::Error) -> Error {
        Error::from(ErrorKind::Rule {
            position: None,
            rule: rule.to_owned(),
            reason: InvalidRule::Regex,
            source: Some(source.into()),
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

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
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

/// What to do about an error of the system, if it tells.
#[doc(hidden)]
pub fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            " (give this process's user access with chown or chmod, or choose another path)"
        }
        io::ErrorKind::NotFound => " (create it, or choose another path)",
        io::ErrorKind::NotADirectory => " (a part of the path is a file: choose another path)",
        io::ErrorKind::IsADirectory => " (name a file in it)",
        io::ErrorKind::ReadOnlyFilesystem => " (choose a path on a writable file system)",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => " (free some space there)",
        _ => "",
    }
}

fn at(position: &Option<Position>) -> String {
    let position = position.as_ref();
    position.map_or_else(String::new, |position| format!("{position}: "))
}
