//! `tag`: the tags of a known value. `redact --dry-run`: what a change of the rules would hide or expose.

use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::dry_run::{self, Change, Effect};
use super::exit::{Answer, CommandError, CommandResult};
use super::filters::Filters;
use super::source::{Input, ReadErrors, TrailArgument};
use super::style::{Out, stdout};
use super::text::one_line;
use super::time::Zone;
use stinger_audit_redaction::{Keys, Redactor, Rules};

#[derive(Args)]
#[command(mut_arg("trail", |arg| arg.help("The trail, to find its key file. Default: STINGER_AUDIT_DESTINATION, else ./audit.log")))]
pub(super) struct TagArguments {
    /// The value: an email address, a phone number, a user's id
    #[arg(value_name = "VALUE")]
    value: String,
    #[command(flatten)]
    source: TrailArgument,
    /// The key file. Default: redaction.keys beside the trail
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

#[derive(Args)]
#[command(mut_arg("trail", |arg| arg.help("The trail, one of its files, or `-` for plain text on standard input")))]
pub(super) struct RedactArguments {
    #[command(flatten)]
    source: TrailArgument,
    /// Show what would change. This is required: a trail is evidence, and no command changes it
    #[arg(long)]
    dry_run: bool,
    /// A TOML file with the new rules. Default: the built-in rules
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The key file. Default: redaction.keys beside the trail, if there is one
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
}

pub(super) fn tag(arguments: &TagArguments) -> CommandResult {
    let keys = key_file(&arguments.keys, &arguments.source);
    let mut out = stdout();
    for tag in Keys::read(keys)?.tags(&arguments.value) {
        writeln!(out, "{tag}")?;
    }
    out.flush()?;
    Ok(Answer::Match)
}

/// The key file: what was typed, else the file that the writer makes beside its trail.
fn key_file(typed: &Option<PathBuf>, trail: &TrailArgument) -> PathBuf {
    let beside = || trail.path().with_file_name("redaction.keys");
    typed.clone().unwrap_or_else(beside)
}

pub(super) fn run(arguments: &RedactArguments) -> CommandResult {
    if !arguments.dry_run {
        return Err(CommandError::Usage(
            "a trail is evidence, and no command changes it; add --dry-run to see what a change of \
             the rules would hide or expose"
                .to_owned(),
        ));
    }
    let rules = match &arguments.rules {
        Some(path) => Rules::from_file(path)?,
        None => Rules::new(),
    };
    let path = key_file(&arguments.keys, &arguments.source);
    let keys = match arguments.keys.is_some() || path.exists() {
        true => Some(Keys::read(path)?),
        false => None,
    };
    let redactor = Redactor::new(rules, keys);
    match arguments.source.open()? {
        Input::Stdin => text(&redactor),
        Input::Trail { trail, .. } => {
            let mut out = stdout();
            let mut read_errors = ReadErrors::default();
            let mut totals = Totals::default();
            for record in trail.query(arguments.filters.query(Zone::UTC)?) {
                let record = match record {
                    Ok(record) => record,
                    Err(error) => {
                        read_errors.report(&error);
                        continue;
                    }
                };
                for (field, change) in dry_run::in_record(&record, &redactor) {
                    totals.show(&mut out, &format!("#{} {field}", record.seq), &change)?;
                }
            }
            totals.finish(out, read_errors)
        }
    }
}

/// Compares the rules with the built-in ones on plain text from standard input, line by line.
fn text(redactor: &Redactor) -> CommandResult {
    let builtin = Redactor::new(Rules::new(), None);
    let mut out = stdout();
    let mut totals = Totals::default();
    for (number, line) in io::stdin().lock().lines().enumerate() {
        for change in dry_run::in_text(&line?, &builtin, redactor) {
            totals.show(&mut out, &format!("line {}", number + 1), &change)?;
        }
    }
    totals.finish(out, ReadErrors::default())
}

#[derive(Default)]
struct Totals {
    hidden: u64,
    exposed: u64,
}

impl Totals {
    fn show(&mut self, out: &mut Out, place: &str, change: &Change) -> io::Result<()> {
        let (word, count) = match change.effect {
            Effect::Hides => ("hides", &mut self.hidden),
            Effect::Exposes => ("EXPOSES", &mut self.exposed),
        };
        *count += 1;
        let Change {
            kind, rule, value, ..
        } = change;
        let line = format!("{place} {kind} ({rule}): {value}");
        writeln!(out, "{word:<8} {}", one_line(&line))
    }

    fn finish(self, mut out: Out, read_errors: ReadErrors) -> CommandResult {
        out.flush()?;
        eprintln!(
            "stinger-audit: {} would be hidden, {} exposed",
            self.hidden, self.exposed
        );
        read_errors.finish()?;
        Ok(Answer::of(self.hidden + self.exposed > 0))
    }
}
