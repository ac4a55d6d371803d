//! Without a command: what trail this is, and what one could ask next.

use std::io::Write as _;
use std::path::Path;

use super::source::{Input, size};
use super::style::stdout;
use super::text::one_line;
use super::{Done, Ended, Trouble, args, time};
use crate::read::{Query, Trail};

pub(super) fn run(typed: Option<&Path>) -> Done {
    let source = args::Source {
        trail: typed.map(Path::to_owned),
        no_index: false,
    };
    let (trail, path) = match Input::open(&source) {
        Ok(input) => input.trail("the overview")?,
        Err(Trouble::Usage(what)) => {
            return Err(Trouble::Usage(format!(
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
        "{}: {files} {}, {:.1} MB",
        shown,
        if files == 1 { "file" } else { "files" },
        size(&trail, &Query::new()) as f64 / 1e6
    )?;
    let name = match typed {
        Some(_) => format!(" {shown}"),
        None => String::new(),
    };
    let whole = whole(&trail, &name);
    let (Some(first), Some(last)) = (first, last) else {
        let found = if whole.starts_with("NOT") {
            whole.as_str()
        } else {
            ""
        };
        writeln!(out, "{}", format!("it has no record\n{found}").trim_end())?;
        out.flush()?;
        return Ok(Ended::Nothing);
    };
    let zone = time::Zone::UTC;
    writeln!(
        out,
        "records #{} to #{}, {} to {}",
        first.record.seq,
        last.record.seq,
        zone.full(first.record.timestamp),
        zone.full(last.record.timestamp)
    )?;
    let state = match last.record.ends_trail() {
        true => "its writer has ended it in order",
        false => "it is open: it is being written, or its writer died",
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
            "what was blocked today",
        ),
        (
            format!("show {conversation}{name}"),
            "the last conversation",
        ),
        (format!("tail{name}"), "what happens now"),
        (format!("stats{name}"), "how much, by whom, how fast"),
        (format!("check{name}"), "is anything missing"),
        (format!("verify{name}"), "was anything changed"),
        (
            format!("export --output audit.csv{name}"),
            "for a spreadsheet",
        ),
    ] {
        writeln!(out, "  stinger-audit {command:<44} {what}")?;
    }
    out.flush()?;
    Ok(Ended::Found)
}

/// A trail of more bytes is not read for an overview.
const MOST: u64 = 64 << 20;

/// Whether something is missing, in a line.
fn whole(trail: &Trail, name: &str) -> String {
    let is_read = size(trail, &Query::new()) <= MOST;
    let findings = match is_read {
        true => trail.check().findings.len(),
        false => trail.check_ends().len(),
    };
    match (findings, is_read) {
        (0, true) => "complete: nothing is missing".to_owned(),
        (0, false) => {
            format!("whether it is complete: `stinger-audit check{name}` reads all of it")
        }
        (1, _) => format!("NOT complete: 1 finding, see `stinger-audit check{name}`"),
        (count, _) => {
            format!("NOT complete: {count} findings, see `stinger-audit check{name}`")
        }
    }
}
