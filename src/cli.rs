//! The command `stinger-audit`, for whoever has an incident to reconstruct or an auditor at the door.
//! Feature `cli`.
//!
//! Arguments as typed become a plan as meant (`args`, `source`, `time`), and that one output. It
//! only ever reads a trail. What is data goes to stdout, what is talk to stderr; the texts in a
//! trail are attacker-written, and none of them reaches a terminal as it is (`text`).

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use crate::trail::error::{Error, ErrorKind};

mod args;
mod check;
mod dry_run;
mod export;
mod filters;
mod index;
mod output;
mod overview;
mod progress;
mod query;
mod redact;
mod show;
mod source;
mod stats;
mod style;
mod suggest;
mod tail;
mod text;
mod time;
mod verify;

use args::{Arguments, Command};

/// How a command ended.
enum Ended {
    /// Something was found, or done.
    Found,
    /// Nothing was.
    Nothing,
}

impl Ended {
    fn of(is_found: bool) -> Ended {
        match is_found {
            true => Ended::Found,
            false => Ended::Nothing,
        }
    }
}

/// Why a command could not do what it was asked to.
enum Trouble {
    /// The trail, or what is in it.
    Trail(Error),
    /// The rules or the keys of the redaction.
    Redaction(crate::redact::Error),
    /// What was typed, and what to type instead.
    Usage(String),
    /// What was told already: a part of what was asked for could not be done, and the rest was.
    Told,
    /// Nobody reads the output any more.
    Closed,
    /// The output cannot be written.
    Output(io::Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error.kind() {
            ErrorKind::Export { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
                Trouble::Closed
            }
            _ => Trouble::Trail(error),
        }
    }
}

impl From<crate::redact::Error> for Trouble {
    fn from(error: crate::redact::Error) -> Trouble {
        Trouble::Redaction(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Trouble::Closed,
            _ => Trouble::Output(error),
        }
    }
}

type Done = Result<Ended, Trouble>;

/// Runs the command with these arguments, the program's name first.
///
/// It ends with 0 where something was found, 1 where nothing was, and 2 in trouble.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(what) = args::several(&error) {
                eprintln!("stinger-audit: {}", text::one_line(&what));
                return ExitCode::from(2);
            }
            match error.use_stderr() {
                // It quotes what was typed, which a shell may have made of the names of files.
                true => eprint!("{}", text::safe(&error.render().to_string())),
                // Help and version go to stdout; nobody may be reading there.
                false => {
                    let _ = error.print();
                }
            }
            if let Some(meant) = args::meant(&typed) {
                eprintln!("\nDid you mean:  {}", text::one_line(&meant));
            }
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let done = match arguments.command {
        None => overview::run(arguments.trail.as_deref()),
        Some(Command::Query(arguments)) => query::run(&arguments),
        Some(Command::Show(arguments)) => show::run(&arguments),
        Some(Command::Tail(arguments)) => tail::run(&arguments),
        Some(Command::Stats(arguments)) => stats::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        Some(Command::Checkpoint(arguments)) => verify::checkpoint(&arguments),
        Some(Command::Prove(arguments)) => verify::prove(&arguments),
        Some(Command::Index(arguments)) => index::run(&arguments),
        Some(Command::Tag(arguments)) => redact::tag(&arguments),
        Some(Command::Redact(arguments)) => redact::run(&arguments),
        Some(Command::Completions { shell }) => args::completions(shell),
        Some(Command::Man) => args::man(),
    };
    match done {
        Ok(Ended::Found) | Err(Trouble::Closed) => ExitCode::SUCCESS,
        Ok(Ended::Nothing) => ExitCode::from(1),
        Err(Trouble::Trail(error)) => {
            let told = match error.kind() {
                ErrorKind::Io { source, .. }
                    if source.kind() == io::ErrorKind::PermissionDenied =>
                {
                    text::one_line(&source::told(&error))
                }
                _ => text::one_line(&format!("{error:?}")),
            };
            eprintln!("stinger-audit: {told}");
            // A word that is no trail may have been meant for a command.
            if typed.len() == 2 && matches!(error.kind(), ErrorKind::NoTrail { .. }) {
                match args::meant(&typed) {
                    Some(meant) => eprintln!("\nDid you mean:  {}", text::one_line(&meant)),
                    None => eprintln!("\nstinger-audit --help lists the commands"),
                }
            }
            ExitCode::from(2)
        }
        Err(Trouble::Redaction(error)) => {
            // What is wrong with a regular expression takes several lines.
            eprintln!("stinger-audit: {}", text::safe(&format!("{error:?}")));
            ExitCode::from(2)
        }
        Err(Trouble::Told) => ExitCode::from(2),
        Err(Trouble::Usage(what)) => {
            eprintln!("stinger-audit: {}", text::safe(&what));
            ExitCode::from(2)
        }
        Err(Trouble::Output(error)) => {
            eprintln!("stinger-audit: couldn't write the output: {error}");
            ExitCode::from(2)
        }
    }
}
