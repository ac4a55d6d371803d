//! `export`: the records that match, for another program or an auditor.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::Utc;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::exit::{CommandError, CommandResult};
use super::filters::Filters;
use super::output::Output;
use super::source::{Input, ReadErrors, TrailArgument};
use super::suggest;
use super::text::{count, json_line, one_line, write_json_line};
use super::time::{Zone, to_micros};
use stinger_audit_trail::error::Result;
use stinger_audit_trail::format::internal::hostname;
use stinger_audit_trail::format::internal::json::safe_text;
use stinger_audit_trail::read::{Csv, ExportSummary, Line, Query};

#[derive(Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    source: TrailArgument,
    #[command(flatten)]
    filters: Filters,
    /// The format. `json` is one object: who exported what, when, and the records; `jsonl` is the lines of the trail,
    /// byte for byte
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "csv",
        help_heading = "Output"
    )]
    format: Format,
    /// In CSV: one row per record, with columns for its most severe decision, or one row per decision
    #[arg(
        long,
        value_name = "HOW",
        default_value = "columns",
        help_heading = "Output"
    )]
    decisions: Decisions,
    /// Write CSV for programs: cells that a spreadsheet would run as formulas stay as they are
    #[arg(long, help_heading = "Output")]
    csv_raw: bool,
    /// Write to this file, which gets its name when it is complete. Default, and `-`: standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Replace a file that exists. A file of a trail is never replaced
    #[arg(long, requires = "output", help_heading = "Output")]
    force: bool,
    /// Export at most N records
    #[arg(long, value_name = "N", help_heading = "Output")]
    limit: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Jsonl,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Decisions {
    Columns,
    Rows,
}

pub(super) fn run(arguments: &ExportArguments) -> CommandResult {
    let input = arguments.source.open()?;
    let query = arguments.filters.query(Zone::UTC)?;
    let mut out = Output::open(arguments.output.as_deref(), &input, arguments.force)?;
    let exported = write(arguments, &input, query, &mut out)?;
    out.complete()?;
    let mut read_errors = ReadErrors::of(&input);
    exported
        .unreadable
        .iter()
        .for_each(|error| read_errors.report(error));
    if let Some(path) = arguments
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"))
    {
        eprintln!(
            "stinger-audit: wrote {} to {}",
            count(exported.records, "record"),
            one_line(&path.to_string_lossy())
        );
    }
    suggest::finish(exported.records, &input, &arguments.filters, read_errors)
}

fn write(
    arguments: &ExportArguments,
    input: &Input,
    query: Query,
    out: &mut impl Write,
) -> Result<ExportSummary, CommandError> {
    let limit = arguments.limit.unwrap_or(usize::MAX);
    if let Format::Csv = arguments.format {
        let mut csv = Csv::new();
        if arguments.decisions == Decisions::Rows {
            csv = csv.row_a_decision();
        }
        if arguments.csv_raw {
            csv = csv.raw();
        }
        let (rows, _progress) = input.rows(query, csv);
        return Ok(Csv::write_rows(rows.take(limit), out)?);
    }
    let (lines, _progress) = input.evidence(query);
    let lines = lines.take(limit);
    if let Format::Jsonl = arguments.format {
        return each(lines, |line| write_json_line(out, &line.bytes));
    }
    let head = json!({
        "exported_at": to_micros(Utc::now()),
        "exported_by": who(),
        "trail": input.name(),
        "filters": arguments.filters.as_typed(),
        "program": concat!("stinger-audit ", env!("CARGO_PKG_VERSION")),
    });
    let head = safe_text(&head);
    write!(out, "{{\"export\":{head},\n\"records\":[")?;
    let mut separator = "\n";
    let exported = each(lines, |line| {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        out.write_all(&json_line(&line.bytes))
    })?;
    // How many is known at the end, so that memory is bounded.
    let tail = json!({ "records": exported.records, "unreadable": exported.unreadable.len() });
    writeln!(out, "\n],\n\"summary\":{tail}}}")?;
    Ok(exported)
}

fn each(
    lines: impl Iterator<Item = Result<Line>>,
    mut put: impl FnMut(&Line) -> io::Result<()>,
) -> Result<ExportSummary, CommandError> {
    let mut exported = ExportSummary::default();
    for line in lines {
        match line {
            Ok(line) => {
                put(&line)?;
                exported.records += 1;
            }
            Err(error) => exported.unreadable.push(error),
        }
    }
    Ok(exported)
}

/// The user and the machine, as far as the environment tells.
fn who() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let user = user.as_deref().unwrap_or("unknown");
    match hostname() {
        Some(host) => format!("{user}@{host}"),
        None => user.to_owned(),
    }
}
