//! `tail`: the last records that match, then new ones as they are written.

use std::collections::VecDeque;
use std::io::Write as _;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use clap::Args;

use super::exit::CommandResult;
use super::filters::Filters;
use super::query::write_line;
use super::source::{Input, ReadErrors, Source};
use super::style::{DisplayOptions, Out, Style, stdout};
use super::suggest;
use stinger_audit_trail::error::Result;
use stinger_audit_trail::read::{Line, Lines};

#[derive(Args)]
pub(super) struct TailArguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    filters: Filters,
    /// Start with the last N records. Default: 10. From standard input: all as they arrive, else the last N at
    /// its end
    #[arg(short = 'n', long, value_name = "N", help_heading = "Output")]
    lines: Option<usize>,
    /// Stop after the last record. Without it, tail stops when the time of --until has passed
    #[arg(long, help_heading = "Output")]
    no_follow: bool,
    /// Print the lines of the trail, byte for byte
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    display: DisplayOptions,
}

/// How often it looks for new records.
const INTERVAL: Duration = Duration::from_millis(20);
/// So many records it starts with by default.
const LINES: usize = 10;
/// A record may be written this long after its timestamp.
const DELAY: TimeDelta = TimeDelta::seconds(2);

pub(super) fn run(arguments: &TailArguments) -> CommandResult {
    let input = arguments.source.open()?;
    let query = arguments.filters.query(arguments.display.zone())?;
    let until = arguments.filters.until(arguments.display.zone())?;
    let style = Style::new(&arguments.display);
    let mut out = stdout();
    let mut read_errors = ReadErrors::of(&input);
    let mut found = 0_u64;
    let mut show = |line: Result<Line>, out: &mut Out| {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                read_errors.report(&error);
                return Ok(());
            }
        };
        found += 1;
        write_line(out, &style, &line, arguments.json)
    };
    match &input {
        Input::Stdin => {
            let (lines, _progress) = input.lines(query);
            match arguments.lines.or(arguments.no_follow.then_some(LINES)) {
                Some(count) => {
                    for line in last(lines, count) {
                        show(line, &mut out)?;
                    }
                }
                None => {
                    for line in lines {
                        show(line, &mut out)?;
                        out.flush()?;
                    }
                }
            }
        }
        Input::Trail { trail, .. } => {
            let count = arguments.lines.unwrap_or(LINES);
            let (last, mut coming) = trail.follow(query, count)?;
            for line in last {
                show(line, &mut out)?;
            }
            out.flush()?;
            if !arguments.no_follow {
                loop {
                    // Asked before the files: what was written until then is found.
                    let is_over = until.is_some_and(|until| until + DELAY < Utc::now());
                    match coming.next() {
                        Some(line) => show(line, &mut out)?,
                        None if is_over => break,
                        None => {
                            out.flush()?;
                            std::thread::sleep(INTERVAL);
                        }
                    }
                }
            }
        }
    }
    out.flush()?;
    suggest::finish(found, &input, &arguments.filters, read_errors)
}

/// The last records of a stream, when it has ended, and what could not be read of it.
fn last(lines: Lines, count: usize) -> VecDeque<Result<Line>> {
    let mut last = VecDeque::new();
    let mut records = 0;
    for line in lines {
        records += usize::from(line.is_ok());
        last.push_back(line);
        while records > count {
            let first = last.pop_front();
            records -= usize::from(first.is_some_and(|first| first.is_ok()));
        }
    }
    last
}
