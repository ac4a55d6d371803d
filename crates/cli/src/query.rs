//! `query`: the records that match, one per line.

use std::io::{self, Write as _};

use clap::Args;

use super::exit::{CommandError, CommandResult};
use super::filters::Filters;
use super::source::{Input, ReadErrors, Source};
use super::style::{DisplayOptions, Out, Style, Tone, stdout};
use super::suggest;
use super::text::{one_line, truncated, write_json_line};
use stinger_audit_trail::error::Result;
use stinger_audit_trail::read::Line;
use stinger_audit_trail::record::{Decision, GuardrailDecision, Record};

#[derive(Args)]
pub(super) struct QueryArguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    filters: Filters,
    /// Print at most N records
    #[arg(long, value_name = "N", help_heading = "Output")]
    limit: Option<usize>,
    /// Newest first
    #[arg(long, help_heading = "Output")]
    reverse: bool,
    /// Print the lines of the trail, byte for byte
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    display: DisplayOptions,
}

pub(super) fn run(arguments: &QueryArguments) -> CommandResult {
    let input = arguments.source.open()?;
    let query = arguments.filters.query(arguments.display.zone())?;
    let mut read_errors = ReadErrors::of(&input);
    let found = match (arguments.reverse, &input) {
        (false, _) => {
            let (lines, _progress) = input.lines(query);
            print(arguments, lines, &mut read_errors)?
        }
        (true, Input::Trail { trail, .. }) => {
            print(arguments, trail.lines_reversed(query)?, &mut read_errors)?
        }
        (true, Input::Stdin) => {
            return Err(CommandError::Usage(
                "--reverse needs a trail: standard input cannot be read backwards".to_owned(),
            ));
        }
    };
    suggest::finish(found, &input, &arguments.filters, read_errors)
}

fn print(
    arguments: &QueryArguments,
    lines: impl Iterator<Item = Result<Line>>,
    read_errors: &mut ReadErrors,
) -> Result<u64, CommandError> {
    let style = Style::new(&arguments.display);
    let mut out = stdout();
    let mut found = 0;
    for line in lines {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                read_errors.report(&error);
                continue;
            }
        };
        if arguments.limit.is_some_and(|limit| found >= limit as u64) {
            break;
        }
        found += 1;
        write_line(&mut out, &style, &line, arguments.json)?;
    }
    out.flush()?;
    Ok(found)
}

/// Writes a line of the trail as it is, or its record for people.
pub(super) fn write_line(
    out: &mut Out,
    style: &Style,
    line: &Line,
    is_json: bool,
) -> io::Result<()> {
    match is_json {
        true => write_json_line(out, &line.bytes),
        false => writeln!(out, "{}", row(style, &line.record)),
    }
}

/// One record in one line.
fn row(style: &Style, record: &Record) -> String {
    let time = style.zone.full(record.timestamp);
    let seq = format!("#{}", record.seq);
    let event = one_line(record.event_type.as_str());
    let user = one_line(record.user_id.as_deref().unwrap_or("-"));
    let place = match (&record.conversation_id, record.turn_number) {
        (Some(id), Some(turn)) => format!("{} turn {turn}", one_line(id)),
        (Some(id), None) => one_line(id),
        (None, _) => "-".to_owned(),
    };
    let mut parts: Vec<String> = Vec::new();
    let mut widths = Vec::new();
    let head = [
        (Tone::Faint, time, 0),
        (Tone::Faint, seq, 5),
        (Tone::Strong, event, 18),
        (Tone::Good, user, 6),
        (Tone::Faint, place, 12),
    ];
    for (tone, text, width) in head {
        widths.push(text.chars().count().max(width));
        let padding = " ".repeat(width.saturating_sub(text.chars().count()));
        parts.push(style.paint(tone, &text) + &padding);
    }
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let room = style.width.saturating_sub(used).max(20);
    parts.push(what(style, record, room));
    parts.join("  ")
}

/// The content of a record, in so many columns.
fn what(style: &Style, record: &Record, room: usize) -> String {
    if record.is_about_trail() {
        let mut said = record.other.clone();
        // For verifiers, not for eyes.
        for key in ["checkpoint", "frontier", "leaves"] {
            said.remove(key);
        }
        let said = serde_json::to_string(&said).unwrap_or_default();
        return style.paint(Tone::Faint, &truncated(&one_line(&said), room));
    }
    let decisions: Vec<String> = record.guardrail_decisions.iter().map(verdict).collect();
    let decisions = decisions.join("; ");
    let text = record
        .prompt
        .as_deref()
        .or(record.response.as_deref())
        .map(str::to_owned)
        .or_else(|| {
            let said = ["reason", "error", "path"].into_iter();
            said.filter_map(|key| record.other.get(key)?.as_str().map(str::to_owned))
                .next()
        })
        .unwrap_or_default();
    let text = one_line(&text);
    let line = match (decisions.is_empty(), text.is_empty()) {
        (true, true) => one_line(&serde_json::to_string(&record.details()).unwrap_or_default()),
        (true, false) => text,
        (false, true) => decisions,
        (false, false) => format!("{decisions} | {text}"),
    };
    let line = style.with_placeholders(&truncated(&line, room));
    match record
        .guardrail_decisions
        .iter()
        .map(tone)
        .min_by_key(|tone| *tone as u8)
    {
        Some(tone @ (Tone::Bad | Tone::Doubtful)) => style.paint(tone, &line),
        _ => line,
    }
}

/// `✗ BLOCK pii: holds a card number`.
pub(super) fn verdict(decision: &GuardrailDecision) -> String {
    let name = match decision.filter_name.as_str() {
        "" => "unnamed guardrail".to_owned(),
        name => one_line(name),
    };
    let reason = decision.reason.as_deref().map(one_line);
    let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
    format!("{} {} {name}{reason}", sign(decision), word(decision))
}

pub(super) fn sign(decision: &GuardrailDecision) -> &'static str {
    match decision.decision {
        Decision::Allow => "✓",
        Decision::Block => "✗",
        Decision::Skipped => "-",
        _ => "!",
    }
}

pub(super) fn word(decision: &GuardrailDecision) -> String {
    match decision.decision {
        Decision::Block => "BLOCK".to_owned(),
        ref other => one_line(other.as_str()),
    }
}

pub(super) fn tone(decision: &GuardrailDecision) -> Tone {
    match decision.decision {
        Decision::Block => Tone::Bad,
        Decision::Allow => Tone::Good,
        Decision::Skipped => Tone::Faint,
        _ => Tone::Doubtful,
    }
}
