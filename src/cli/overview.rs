//! Without a command: what trail this is, and what one could ask next.

use std::io::Write as _;
use std::path::Path;

use super::source::{Input, size};
use super::style::Out;
use super::text::one_line;
use super::{Done, Ended, Trouble, args, time};
use crate::read::Query;

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
    let mut out = Out::plain();
    writeln!(
        out,
        "{}: {files} {}, {:.1} MB",
        shown,
        if files == 1 { "file" } else { "files" },
        size(&trail) as f64 / 1e6
    )?;
    let (Some(first), Some(last)) = (first, last) else {
        writeln!(out, "it has no record yet")?;
        out.finish()?;
        return Ok(Ended::Nothing);
    };
    let zone = time::Zone { local: false };
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
    writeln!(out, "{state}")?;
    let conversation = trail
        .lines_reversed(Query::new())?
        .flatten()
        .take(1_000)
        .find_map(|line| line.record.conversation_id)
        .unwrap_or_else(|| "ID".to_owned());
    let conversation = one_line(&conversation);
    let name = match typed {
        Some(_) => format!(" {shown}"),
        None => String::new(),
    };
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
    out.finish()?;
    Ok(Ended::Found)
}
