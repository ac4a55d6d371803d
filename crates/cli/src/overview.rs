//! Without a command: what trail this is, and which command to try next.

use std::io::Write as _;

use super::exit::{Answer, CommandError, CommandResult};
use super::progress::total_bytes;
use super::source::TrailArgument;
use super::style::stdout;
use super::text::{count, one_line};
use super::time::Zone;
use stinger_audit_trail::read::{Query, Trail};

pub(super) fn run(source: &TrailArgument) -> CommandResult {
    let (trail, path) = match source.open() {
        Ok(input) => input.trail("the overview")?,
        Err(CommandError::Usage(what)) => {
            return Err(CommandError::Usage(format!(
                "{what}\nstinger-audit --help lists the commands"
            )));
        }
        Err(trouble) => return Err(trouble),
    };
    let files: usize = trail
        .names()
        .iter()
        .filter_map(|name| name.files().ok())
        .map(|files| files.len())
        .sum();
    let first = trail.lines(Query::new()).flatten().next();
    let last = trail.lines_reversed(Query::new())?.flatten().next();
    let shown = one_line(&path.to_string_lossy());
    let mut out = stdout();
    writeln!(
        out,
        "{}: {}, {:.1} MB",
        shown,
        count(files as u64, "file"),
        total_bytes(&trail, &Query::new()) as f64 / 1e6
    )?;
    let name = match source.trail {
        Some(_) => format!(" {shown}"),
        None => String::new(),
    };
    let whole = completeness(&trail, &name);
    let (Some(first), Some(last)) = (first, last) else {
        let found = if whole.starts_with("NOT") {
            whole.as_str()
        } else {
            ""
        };
        writeln!(out, "{}", format!("it has no record\n{found}").trim_end())?;
        out.flush()?;
        return Ok(Answer::NoMatch);
    };
    let zone = Zone::UTC;
    writeln!(
        out,
        "records #{} to #{}, {} to {}",
        first.record.seq,
        last.record.seq,
        zone.full(first.record.timestamp),
        zone.full(last.record.timestamp)
    )?;
    let state = match last.record.ends_trail() {
        true => "closed: its writer ended it cleanly",
        false => "open: it is being written, or its writer died",
    };
    writeln!(out, "{state}\n{whole}")?;
    let conversation = trail
        .lines_reversed(Query::new())?
        .flatten()
        .take(1_000)
        .find_map(|line| line.record.conversation_id)
        .unwrap_or_else(|| "ID".to_owned());
    let conversation = one_line(&conversation);
    writeln!(out, "\nWhat next:")?;
    for (command, what) in [
        (
            format!("query --decision block --last 24h{name}"),
            "what was blocked in the last 24 hours",
        ),
        (
            format!("show {conversation}{name}"),
            "the last conversation",
        ),
        (format!("tail{name}"), "new records as they are written"),
        (format!("stats{name}"), "counts, users, latencies"),
        (format!("check{name}"), "is anything missing?"),
        (format!("verify{name}"), "was anything changed?"),
        (
            format!("export --output audit.csv{name}"),
            "for a spreadsheet",
        ),
    ] {
        writeln!(out, "  stinger-audit {command:<44} {what}")?;
    }
    out.flush()?;
    Ok(Answer::Match)
}

/// The overview does not read a larger trail.
const MOST_BYTES: u64 = 64 << 20;

/// Whether the trail is complete, in one line.
fn completeness(trail: &Trail, name: &str) -> String {
    let is_read = total_bytes(trail, &Query::new()) <= MOST_BYTES;
    let findings = match is_read {
        true => trail.check().findings.len(),
        false => trail.check_ends().len(),
    };
    match (findings, is_read) {
        (0, true) => "complete: nothing is missing".to_owned(),
        (0, false) => {
            format!("completeness not checked: `stinger-audit check{name}` reads all of it")
        }
        (found, _) => {
            let findings = count(found as u64, "finding");
            format!("NOT complete: {findings}, see `stinger-audit check{name}`")
        }
    }
}
