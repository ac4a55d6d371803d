//! What can be typed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::filters::Filters;
use super::time::Zone;
use super::{Done, Ended, output};
use crate::trail::TrailName;

/// Reads a security audit trail: find, follow, rebuild, count, check and export.
#[derive(Parser)]
#[command(
    name = "stinger-audit",
    bin_name = "stinger-audit",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "TRAIL is the destination that the service writes to. Without it: the first file of \
                  STINGER_AUDIT_DESTINATION, else ./audit.log. `-` is standard input.\n\
                  Exit codes: 0 found, 1 nothing found, 2 trouble."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Without a command: says what trail this is.
    #[arg(value_name = "TRAIL")]
    pub(super) trail: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// The records that match, one a line
    Query(QueryArguments),
    /// A conversation, rebuilt: prompts, what each guardrail decided, answers
    Show(ShowArguments),
    /// The last records that match, and those that come
    Tail(TailArguments),
    /// Counts: decisions by guardrail, users, models, hours, latency, tokens
    Stats(StatsArguments),
    /// The records that match as CSV, JSON or JSON lines
    Export(ExportArguments),
    /// Whether the trail is complete: holes, torn lines, unclean ends, gaps, turns without an end
    Check(CheckArguments),
    /// Whether the trail is what was written: what was changed, removed, added, moved; or whether evidence
    /// holds
    Verify(VerifyArguments),
    /// The latest checkpoint, to be kept elsewhere: `verify --checkpoint` compares with it
    Checkpoint(TrailArguments),
    /// Evidence of single records for somebody who is not to see the others
    Prove(ProveArguments),
    /// Makes the indexes of a large trail's files, which a query would make when it needs them
    Index(TrailArguments),
    /// The tags that stand for a value in the trail
    Tag(TagArguments),
    /// What a change of the redaction rules would hide or expose
    Redact(RedactArguments),
    /// Completions for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page
    #[command(hide = true)]
    Man,
}

/// Where the records come from.
#[derive(Args)]
pub(super) struct Source {
    /// The trail, a file of one, or `-` for standard input
    #[arg(value_name = "TRAIL")]
    pub(super) trail: Option<PathBuf>,
    /// Reads the files themselves. What an index says is never evidence
    #[arg(long)]
    pub(super) no_index: bool,
}

/// How it looks.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Look {
    /// Times in the zone of this machine, not in UTC; also those that are typed without a zone
    #[arg(long)]
    pub(super) local: bool,
    /// Colours: on a terminal, always or never. NO_COLOR switches them off; `always` is for `| less -R`
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: When,
}

impl Look {
    pub(super) fn zone(&self) -> Zone {
        Zone { local: self.local }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Args)]
pub(super) struct QueryArguments {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// At most so many records
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// The newest first
    #[arg(long)]
    pub(super) reverse: bool,
    /// The lines of the trail, byte for byte
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Args)]
pub(super) struct ShowArguments {
    /// The conversation, or the beginning of its id
    #[arg(value_name = "CONVERSATION", value_parser = NonEmptyStringValueParser::new())]
    pub(super) id: String,
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// Guardrails that passed, one by one
    #[arg(long)]
    pub(super) all: bool,
    /// The lines of the trail, byte for byte
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Args)]
pub(super) struct TailArguments {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// How many records to begin with: 10 unless told otherwise. Of standard input so many at its end, all as
    /// they come unless told
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) lines: Option<usize>,
    /// Ends behind the last record there is. It ends also when --until has passed
    #[arg(long)]
    pub(super) no_follow: bool,
    /// The lines of the trail, byte for byte
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Args)]
pub(super) struct StatsArguments {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// How many users and models to name
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) top: usize,
    /// As one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// The form
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub(super) format: Format,
    /// In CSV: the decision that matters most in columns of its own, or a row for each decision
    #[arg(long, value_name = "HOW", default_value = "columns")]
    pub(super) decisions: Decisions,
    /// CSV for machines: cells that a spreadsheet would take for formulas stay as they are
    #[arg(long)]
    pub(super) csv_raw: bool,
    /// The file to write; it gets its name when it is complete. Default, and `-`: stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replaces a file that exists; never one of a trail
    #[arg(long, requires = "output")]
    pub(super) force: bool,
    /// At most so many records
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Csv,
    /// One object: what was exported, when and by whom, and the records
    Json,
    /// The lines of the trail, byte for byte
    Jsonl,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Decisions {
    Columns,
    Rows,
}

#[derive(Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) source: Source,
    /// At most so many findings of each kind
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Args)]
#[command(after_help = "Exit codes: 0 intact, 1 not, 2 it could not be told.")]
pub(super) struct VerifyArguments {
    /// The trail, a file of evidence from `prove`, or `-` for standard input
    #[arg(value_name = "TRAIL")]
    pub(super) trail: Option<PathBuf>,
    /// The key that the trail must begin with, as its `trail_opened` and its writer's first line have it;
    /// of evidence, the key that must have signed it
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// A checkpoint that was kept: the trail must extend it
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) look: Look,
}

#[derive(Args)]
pub(super) struct TrailArguments {
    /// The trail
    #[arg(value_name = "TRAIL")]
    pub(super) trail: Option<PathBuf>,
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub(super) struct ProveArguments {
    /// The trail
    #[arg(value_name = "TRAIL")]
    pub(super) trail: Option<PathBuf>,
    /// The record of this number; may be repeated
    #[arg(long, value_name = "N", group = "what")]
    pub(super) seq: Vec<u64>,
    /// All records of this conversation
    #[arg(long, value_name = "ID", group = "what")]
    pub(super) conversation: Option<String>,
    /// Writes the evidence to this file, and a page beside it that says what it shows
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replaces files that exist; those of a trail it never does
    #[arg(long, requires = "output")]
    pub(super) force: bool,
}

#[derive(Args)]
pub(super) struct TagArguments {
    /// The value: an email address, a phone number, a user's id
    #[arg(value_name = "VALUE")]
    pub(super) value: String,
    #[command(flatten)]
    pub(super) source: Source,
    /// The file of the keys. Default: redaction.keys beside the trail
    #[arg(long, value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct RedactArguments {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) filters: Filters,
    /// Shows what would change; a trail is evidence and is never changed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// A TOML file of rules. Default: the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Option<PathBuf>,
    /// The file of the keys. Default: redaction.keys beside the trail, where there is one
    #[arg(long, value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,
}

/// The right call in the place of the commonest wrong ones.
pub(super) fn meant(typed: &[OsString]) -> Option<String> {
    let words: Vec<String> = typed
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let first = words.first()?;
    let rest = || words[1..].join(" ");
    // Words of other tools for the same.
    let command = match first.as_str() {
        "list" | "ls" | "search" | "find" | "grep" | "cat" => "query",
        "follow" | "watch" => "tail",
        "conversation" | "get" => "show",
        "count" | "summary" => "stats",
        "csv" | "json" | "dump" => "export",
        "validate" | "audit" => "verify",
        "proof" | "evidence" => "prove",
        // A filter or a trail without a command.
        _ if first.starts_with("--") && first != "--help" && words.len() > 1 => {
            return Some(format!("stinger-audit query {}", words.join(" ")));
        }
        _ if words.len() > 1 && (first.contains(['.', '/']) || Path::new(first).exists()) => {
            return Some(format!("stinger-audit query {first} {}", rest()));
        }
        _ => return None,
    };
    Some(
        format!("stinger-audit {command} {}", rest())
            .trim_end()
            .to_owned(),
    )
}

/// What to do instead where several files of a trail were typed, as a shell makes them of a pattern.
pub(super) fn several(error: &clap::Error) -> Option<String> {
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
        "{file}: one trail is read at a time, by its name, and with all of its files; name it once, such as {}",
        name.display()
    ))
}

/// Writes completions for a shell to stdout.
pub(super) fn completions(shell: clap_complete::Shell) -> Done {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "stinger-audit", &mut out);
    io::Write::write_all(&mut io::stdout(), &out)?;
    Ok(Ended::Found)
}

/// Writes the manual page to stdout.
pub(super) fn man() -> Done {
    let mut out = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut out)?;
    io::Write::write_all(&mut io::stdout(), &out)?;
    Ok(Ended::Found)
}
