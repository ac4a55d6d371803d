//! The command `stinger-audit`, for incident response and audits.
//!
//! `args` parses what was typed; each command has its options beside its code. The command only reads a trail.
//! Data goes to stdout, messages to stderr. The texts in a trail are attacker-written: none reaches a terminal
//! unescaped (`text`).

use std::ffi::OsString;
use std::process::ExitCode;

mod args;
mod check;
mod dry_run;
mod evidence;
mod exit;
mod export;
mod filters;
mod index;
mod index_cache;
mod intended;
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

use args::Command;

/// Runs the command with these arguments, the program's name first.
///
/// Exit codes: 0 match, 1 no match, 2 error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match args::parse(&typed) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let result = match arguments.command {
        None => overview::run(&arguments.trail),
        Some(Command::Query(arguments)) => query::run(&arguments),
        Some(Command::Show(arguments)) => show::run(&arguments),
        Some(Command::Tail(arguments)) => tail::run(&arguments),
        Some(Command::Stats(arguments)) => stats::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        Some(Command::Checkpoint(arguments)) => verify::checkpoint(&arguments),
        Some(Command::Prove(arguments)) => evidence::prove(&arguments),
        Some(Command::Index(arguments)) => index::run(&arguments),
        Some(Command::Tag(arguments)) => redact::tag(&arguments),
        Some(Command::Redact(arguments)) => redact::run(&arguments),
        Some(Command::Completions { shell }) => args::completions(shell),
        Some(Command::Man) => args::man(),
    };
    exit::code(result, &typed)
}
