//! The page of a conversation: its head, its turns, and the gaps between them.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};

use crate::style::{Out, Style, Tone};
use crate::text::{count, one_line, wrapped};
use crate::time::rounded;
use stinger_audit_trail::read::{Conversation, Turn};

/// A longer silence is shown.
const SILENCE: TimeDelta = TimeDelta::minutes(5);
/// The width of the names on the left.
const MARGIN: usize = 10;
/// Lines are no wider, even if the terminal is: long lines are hard to read.
pub(super) const WIDEST: usize = 100;

pub(super) struct Page<'s> {
    pub(super) style: &'s Style,
    pub(super) all: bool,
    /// The names of the trails that the records are of, if there are several.
    pub(super) trails: Vec<String>,
}

impl Page<'_> {
    pub(super) fn conversation(
        &self,
        out: &mut Out,
        conversation: &Conversation,
        is_shown: impl Fn(&Turn) -> bool,
    ) -> io::Result<()> {
        let style = self.style;
        let records = || conversation.turns.iter().flat_map(|turn| &turn.records);
        let mut users: Vec<String> = records()
            .filter_map(|r| r.user_id.as_deref())
            .map(one_line)
            .collect();
        users.dedup();
        users.sort();
        users.dedup();
        let user = match users.as_slice() {
            [] => "unknown".to_owned(),
            users => users.join(", "),
        };
        let turns = conversation.turns.len();
        let first = records()
            .map(|record| record.timestamp)
            .min()
            .unwrap_or_default();
        let head = format!(
            "conversation {}  user {user}  {}  {}",
            one_line(&conversation.conversation_id),
            style.zone.date(first),
            count(turns as u64, "turn"),
        );
        writeln!(out, "{}", style.paint(Tone::Strong, &head))?;
        let mut missing = conversation.missing_turns().into_iter().peekable();
        let mut last: Option<DateTime<Utc>> = None;
        let mut seen = HashSet::new();
        let mut turns = conversation.turns.iter().peekable();
        while let Some(turn) = turns.next() {
            let begun = begun(turn);
            while let Some(range) = missing.next_if(|range| is_behind(turn, range)) {
                let what = match range.start() == range.end() {
                    true => format!("turn {} is missing", range.start()),
                    false => format!("turns {} to {} are missing", range.start(), range.end()),
                };
                writeln!(out, "\n{}", style.paint(Tone::Bad, &format!("  ╳ {what}")))?;
            }
            if !is_shown(turn) {
                let mut hidden = vec![turn];
                let gap = missing.peek();
                while let Some(next) = turns.next_if(|next| {
                    !is_shown(next) && !gap.is_some_and(|range| is_behind(next, range))
                }) {
                    hidden.push(next);
                }
                writeln!(out, "\n{}", style.paint(Tone::Faint, &hidden_line(&hidden)))?;
                last = None;
                continue;
            }
            if let Some(last) = last
                && begun - last > SILENCE
            {
                let silence = format!("  ⋮ {} of silence", rounded(begun - last));
                writeln!(out, "\n{}", style.paint(Tone::Faint, &silence))?;
            }
            self.turn(out, turn, &mut seen)?;
            last = turn.records.iter().map(|record| record.timestamp).max();
        }
        Ok(())
    }

    pub(super) fn text_width(&self) -> usize {
        self.style.width.min(WIDEST).saturating_sub(MARGIN + 2)
    }

    /// A text, in lines that fit.
    pub(super) fn text(&self, out: &mut Out, name: &str, text: &str) -> io::Result<()> {
        for (number, line) in wrapped(text, self.text_width()).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let line = self.style.with_placeholders(line);
            writeln!(out, "{}", format!("  {name:<MARGIN$}{line}").trim_end())?;
        }
        Ok(())
    }

    pub(super) fn note(&self, out: &mut Out, tone: Tone, name: &str, note: &str) -> io::Result<()> {
        for (number, line) in wrapped(note, self.text_width()).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            writeln!(
                out,
                "  {name:<MARGIN$}{}",
                self.style.paint(tone, line.trim_end())
            )?;
        }
        Ok(())
    }
}

pub(super) fn begun(turn: &Turn) -> DateTime<Utc> {
    let first = turn.records.first();
    first.map(|record| record.timestamp).unwrap_or_default()
}

/// Whether a turn comes after these numbers.
fn is_behind(turn: &Turn, range: &RangeInclusive<u64>) -> bool {
    turn.number.is_some_and(|number| number > *range.end())
}

/// The line for turns that the filters hide.
fn hidden_line(turns: &[&Turn]) -> String {
    let records: usize = turns.iter().map(|turn| turn.records.len()).sum();
    let numbers = || turns.iter().filter_map(|turn| turn.number);
    let which = match (numbers().min(), numbers().max()) {
        (Some(first), Some(last)) if first == last => format!("turn {first}"),
        (Some(first), Some(last)) => format!("turns {first} to {last}"),
        _ => "without a number".to_owned(),
    };
    format!(
        "  ⋯ {which}: hidden by the filters ({})",
        count(records as u64, "record")
    )
}
