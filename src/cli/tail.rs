//! `tail`: the last records that match, and those that come.

use std::io::Write as _;
use std::time::Duration;

use super::args::TailArguments;
use super::query::row;
use super::source::{Input, Unreadable};
use super::style::{Out, Style};
use super::text::json_line;
use super::{Done, Ended, nearest};
use crate::error::Result;
use crate::read::Line;

/// How often it looks for something new.
const PULSE: Duration = Duration::from_millis(20);

pub(super) fn run(arguments: &TailArguments) -> Done {
    let input = Input::open(&arguments.source)?;
    let query = arguments.filters.query(arguments.look.zone())?;
    let style = Style::new(&arguments.look);
    let mut out = Out::plain();
    let mut unreadable = Unreadable::of(&input);
    let mut found = 0_u64;
    let mut show = |line: Result<Line>, out: &mut Out| {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                unreadable.tell(&error);
                return Ok(());
            }
        };
        found += 1;
        match arguments.json {
            true => {
                out.write_all(&json_line(&line.bytes))?;
                out.write_all(b"\n")
            }
            false => writeln!(out, "{}", row(&style, &line.record)),
        }
    };
    match &input {
        Input::Stdin => {
            let (lines, _progress) = input.lines(query);
            for line in lines {
                show(line, &mut out)?;
                out.flush()?;
            }
        }
        Input::Trail { trail, .. } => {
            let (last, mut coming) = trail.follow(query, arguments.lines)?;
            for line in last {
                show(line, &mut out)?;
            }
            out.flush()?;
            if !arguments.no_follow {
                loop {
                    match coming.next() {
                        Some(line) => show(line, &mut out)?,
                        None => {
                            out.flush()?;
                            std::thread::sleep(PULSE);
                        }
                    }
                }
            }
        }
    }
    out.finish()?;
    if found == 0 {
        nearest::tell(&input, &arguments.filters);
    }
    unreadable.finish()?;
    Ok(match found {
        0 => Ended::Nothing,
        _ => Ended::Found,
    })
}
