//! What can be typed.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use super::check::CheckArguments;
use super::evidence::ProveArguments;
use super::exit::{Answer, CommandResult};
use super::export::ExportArguments;
use super::intended::intended;
use super::query::QueryArguments;
use super::redact::{RedactArguments, TagArguments};
use super::show::ShowArguments;
use super::source::TrailArgument;
use super::stats::StatsArguments;
use super::tail::TailArguments;
use super::verify::VerifyArguments;
use super::{output, text};
use stinger_audit_trail::format::TrailName;

/// Reads a security audit trail: find, follow, rebuild, count, check, verify and export records.
#[derive(Parser)]
#[command(
    name = "stinger-audit",
    bin_name = "stinger-audit",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "TRAIL is the destination that the service writes to, such as /var/log/audit.log. Default: the \
                  first file of STINGER_AUDIT_DESTINATION, else ./audit.log. `-` is standard input.\n\
                  Exit codes: 0 match, 1 no match, 2 error."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) trail: TrailArgument,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the records that match, one per line
    Query(QueryArguments),
    /// Show a conversation turn by turn: prompts, guardrail decisions, responses
    Show(ShowArguments),
    /// Print the last records that match, then new ones as they are written
    Tail(TailArguments),
    /// Count decisions, users, models, latencies and tokens
    Stats(StatsArguments),
    /// Export the records that match as CSV, JSON or JSON lines
    Export(ExportArguments),
    /// Check that the trail is complete: holes, torn lines, unclean ends, gaps, turns without an outcome
    Check(CheckArguments),
    /// Verify that the trail was not changed since it was written, or that evidence from `prove` is valid
    Verify(VerifyArguments),
    /// Print the latest checkpoint. Keep it elsewhere: `verify --checkpoint` compares the trail with it
    #[command(mut_arg("trail", |arg| arg.help("The trail. Default: STINGER_AUDIT_DESTINATION, else ./audit.log")))]
    Checkpoint(TrailArgument),
    /// Write evidence of single records for somebody who must not see the others
    Prove(ProveArguments),
    /// Build the indexes of a large trail. A query builds those that it needs by itself
    #[command(mut_arg("trail", |arg| arg.help("The trail. Default: STINGER_AUDIT_DESTINATION, else ./audit.log")))]
    Index(TrailArgument),
    /// Print the tags that replace a value in the trail
    Tag(TagArguments),
    /// Show what a change of the redaction rules would hide or expose
    Redact(RedactArguments),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Parses what was typed. If that is no command, says so and gives the exit code; so does a call for help.
pub(super) fn parse(typed: &[OsString]) -> Result<Arguments, ExitCode> {
    Arguments::try_parse_from(typed).map_err(|error| {
        if let Some(message) = several_files(&error) {
            eprintln!("stinger-audit: {}", text::one_line(&message));
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
        if let Some(intended) = intended(typed) {
            eprintln!("\nDid you mean:  {}", text::one_line(&intended));
        }
        ExitCode::from(if error.use_stderr() { 2 } else { 0 })
    })
}

/// What to do if several files of a trail were typed, as a shell expands a pattern.
fn several_files(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(file)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    if !is_unknown || !Path::new(file).is_file() {
        return None;
    }
    let name = TrailName::new(file).ok()?;
    let name = output::undated(&name).unwrap_or(name).path();
    Some(format!(
        "{file}: one trail is read at a time, with all of its files; give its name once, such as {}",
        name.display()
    ))
}

/// Writes completions for a shell to stdout.
pub(super) fn completions(shell: clap_complete::Shell) -> CommandResult {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "stinger-audit", &mut out);
    io::stdout().write_all(&out)?;
    Ok(Answer::Match)
}

/// Writes the manual page to stdout.
pub(super) fn man() -> CommandResult {
    let mut out = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut out)?;
    io::stdout().write_all(&out)?;
    Ok(Answer::Match)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_every_option_has_a_help_text() {
        let command = Arguments::command();
        assert!(command.get_subcommands().count() >= 12);
        for command in command.get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let name = format!("{} {}", command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{name}");
            }
        }
    }
}
