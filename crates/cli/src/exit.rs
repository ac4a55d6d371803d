//! How a command ends: with a match, without one, or with an error.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::intended::intended;
use super::text;
use stinger_audit_redaction::error::ErrorChain;
use stinger_audit_trail::error::{Error, ErrorKind};

/// How a command that did what it was asked to ended.
pub(super) enum Answer {
    Match,
    NoMatch,
}

impl Answer {
    pub(super) fn of(is_match: bool) -> Answer {
        match is_match {
            true => Answer::Match,
            false => Answer::NoMatch,
        }
    }
}

/// Why a command could not do what it was asked to.
pub(super) enum CommandError {
    /// The trail, or something in it.
    Trail(Error),
    /// The rules or the keys of the redaction.
    Redaction(stinger_audit_redaction::Error),
    /// What was typed, and what to type instead.
    Usage(String),
    /// A file of the user's.
    File {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Part of the request failed, and stderr or the output has said so already.
    Reported,
    /// Nobody reads the output any more.
    Closed,
    /// The output cannot be written.
    Output(io::Error),
}

pub(super) type CommandResult = Result<Answer, CommandError>;

impl CommandError {
    /// For `map_err`: a file of the user's could not be used.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CommandError {
        let path = path.to_owned();
        move |source| CommandError::File {
            doing,
            path,
            source,
        }
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> CommandError {
        match error.kind() {
            ErrorKind::Export { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
                CommandError::Closed
            }
            _ => CommandError::Trail(error),
        }
    }
}

impl From<stinger_audit_redaction::Error> for CommandError {
    fn from(error: stinger_audit_redaction::Error) -> CommandError {
        CommandError::Redaction(error)
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> CommandError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => CommandError::Closed,
            _ => CommandError::Output(error),
        }
    }
}

/// Says on stderr what went wrong with the command that was typed, and gives the exit code.
pub(super) fn code(result: CommandResult, typed: &[OsString]) -> ExitCode {
    let message = match result {
        Ok(Answer::Match) | Err(CommandError::Closed) => return ExitCode::SUCCESS,
        Ok(Answer::NoMatch) => return ExitCode::from(1),
        Err(CommandError::Reported) => return ExitCode::from(2),
        Err(CommandError::Usage(message)) => text::safe(&message),
        // What is wrong with a regular expression takes several lines.
        Err(CommandError::Redaction(error)) => text::safe(&ErrorChain(&error).to_string()),
        Err(CommandError::File {
            doing,
            path,
            source,
        }) => text::one_line(&format!("failed to {doing} {}: {source}", path.display())),
        Err(CommandError::Output(error)) => format!("failed to write the output: {error}"),
        Err(CommandError::Trail(error)) => {
            let message = text::one_line(&explained(&error));
            // A word that is no trail may have been meant as a command.
            let is_word = typed.len() == 2 && matches!(error.kind(), ErrorKind::NoTrail { .. });
            match intended(typed).filter(|_| is_word) {
                Some(intended) => {
                    format!("{message}\n\nDid you mean:  {}", text::one_line(&intended))
                }
                None if is_word => {
                    format!("{message}\n\nstinger-audit --help lists the commands")
                }
                None => message,
            }
        }
    };
    eprintln!("stinger-audit: {message}");
    ExitCode::from(2)
}

/// An error and its causes. If the user may not read a file, what to do about it.
pub(super) fn explained(error: &Error) -> String {
    let chain = ErrorChain(error).to_string();
    match error.kind() {
        ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            format!("{chain}; only its owner may read a trail: run this as the user that writes it")
        }
        _ => chain,
    }
}
