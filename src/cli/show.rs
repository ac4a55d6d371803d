//! `show`: a conversation, rebuilt, one block a turn. Between prompt and response stands the gate.

use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};

use super::args::ShowArguments;
use super::query::{sign, tone, word};
use super::source::{Input, Unreadable};
use super::style::{Out, Style, Tone};
use super::text::{fitted, one_line, wrapped};
use super::time::spoken;
use super::{Done, Ended, Trouble};
use crate::read::{Conversation, Outcome, Query, Turn};
use crate::record::{Decision, GuardrailDecision, Phase, Record};

/// A silence longer than this is drawn.
const SILENCE: TimeDelta = TimeDelta::minutes(5);

pub(super) fn run(arguments: &ShowArguments) -> Done {
    let input = Input::open(&arguments.source)?;
    let id = resolve(&arguments.id, &input, arguments.filters.query()?)?;
    let Some(id) = id else {
        eprintln!(
            "stinger-audit: {} has no conversation {}",
            input.name(),
            one_line(&arguments.id)
        );
        return Ok(Ended::Nothing);
    };
    let query = arguments.filters.query()?.conversation_id(&id);
    let (lines, progress) = input.lines(query);
    let mut records = Vec::new();
    let mut unreadable = Unreadable::default();
    let mut out = match arguments.json {
        true => Out::plain(),
        false => Out::paged(&arguments.look),
    };
    for line in lines {
        match line {
            Ok(line) if arguments.json => {
                out.write_all(&line.bytes)?;
                out.write_all(b"\n")?;
                records.push(line.record);
            }
            Ok(line) => records.push(line.record),
            Err(error) => unreadable.tell(&error),
        }
    }
    drop(progress);
    let is_empty = records.is_empty();
    if !arguments.json && !is_empty {
        let conversation = Conversation::of(id, records);
        let style = Style::new(&arguments.look);
        Page {
            style: &style,
            all: arguments.all,
        }
        .conversation(&mut out, &conversation)?;
    }
    out.finish()?;
    unreadable.finish();
    Ok(match is_empty {
        true => Ended::Nothing,
        false => Ended::Found,
    })
}

/// The conversation that is meant: of exactly that id, else the only one that begins with it.
fn resolve(typed: &str, input: &Input, query: Query) -> Result<Option<String>, Trouble> {
    if matches!(input, Input::Stdin) {
        return Ok(Some(typed.to_owned()));
    }
    let exact = query.clone().conversation_id(typed);
    if input.lines(exact).0.any(|line| line.is_ok()) {
        return Ok(Some(typed.to_owned()));
    }
    let mut ids: Vec<String> = Vec::new();
    for line in input
        .lines(query.conversation_id(typed).by_prefix())
        .0
        .flatten()
    {
        if let Some(id) = line.record.conversation_id
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    match ids.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(id.clone())),
        [first, ..] => {
            const NAMED: usize = 5;
            let named: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
            let more = match ids.len() {
                count if count > NAMED => format!(" and {} more", count - NAMED),
                _ => String::new(),
            };
            Err(Trouble::Usage(format!(
                "{} conversations begin with {typed}: {}{more}; name one, such as: stinger-audit show {first}",
                ids.len(),
                named.join(", ")
            )))
        }
    }
}

struct Page<'s> {
    style: &'s Style,
    all: bool,
}

/// The width of the names on the left.
const MARGIN: usize = 10;
/// A terminal's lines are not filled past this: long lines are hard to read.
const WIDEST: usize = 100;

impl Page<'_> {
    fn conversation(&self, out: &mut Out, conversation: &Conversation) -> io::Result<()> {
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
            [] => "nobody named".to_owned(),
            users => users.join(", "),
        };
        let turns = conversation.turns.len();
        let first = records()
            .map(|record| record.timestamp)
            .min()
            .unwrap_or_default();
        let head = format!(
            "conversation {}  user {user}  {}  {turns} {}",
            one_line(&conversation.conversation_id),
            style.zone.date(first),
            if turns == 1 { "turn" } else { "turns" },
        );
        writeln!(out, "{}", style.paint(Tone::Strong, &head))?;
        let missing = conversation.missing_turns();
        let mut last: Option<DateTime<Utc>> = None;
        let mut number = 0;
        for turn in &conversation.turns {
            let begun = turn
                .records
                .first()
                .map(|record| record.timestamp)
                .unwrap_or_default();
            if let Some(current) = turn.number
                && let Some(range) = missing
                    .iter()
                    .find(|range| *range.start() > number && *range.end() < current)
            {
                let what = match range.start() == range.end() {
                    true => format!("turn {} is missing", range.start()),
                    false => format!("turns {} to {} are missing", range.start(), range.end()),
                };
                writeln!(out, "\n{}", style.paint(Tone::Bad, &format!("  ╳ {what}")))?;
            }
            if let Some(last) = last
                && begun - last > SILENCE
            {
                let silence = format!("  ⋮ {} of silence", spoken(begun - last));
                writeln!(out, "\n{}", style.paint(Tone::Faint, &silence))?;
            }
            self.turn(out, turn)?;
            number = turn.number.unwrap_or(number);
            last = turn.records.iter().map(|record| record.timestamp).max();
        }
        Ok(())
    }

    fn turn(&self, out: &mut Out, turn: &Turn) -> io::Result<()> {
        let style = self.style;
        let width = style.width.min(WIDEST);
        let (end, tone) = ending(turn);
        let begun = turn
            .records
            .first()
            .map(|record| record.timestamp)
            .unwrap_or_default();
        let title = match turn.number {
            Some(number) => format!("── turn {number}  {}  ", style.zone.clock(begun)),
            None => format!("── without a turn  {}  ", style.zone.clock(begun)),
        };
        let used = title.chars().count() + end.chars().count() + 1;
        let rule = "─".repeat(width.saturating_sub(used).clamp(2, WIDEST));
        writeln!(
            out,
            "\n{}{} {}",
            style.paint(Tone::Strong, &title),
            style.paint(tone, &end),
            style.paint(Tone::Faint, &rule)
        )?;
        if let Some(text) = turn.prompt().and_then(|record| record.prompt.as_deref()) {
            self.text(out, "prompt", text)?;
        } else {
            self.note(out, Tone::Bad, "prompt", "none is recorded")?;
        }
        self.gate(out, turn)?;
        if let Some(record) = turn.response() {
            self.text(
                out,
                "response",
                record.response.as_deref().unwrap_or_default(),
            )?;
        }
        for record in &turn.records {
            self.other(out, record)?;
        }
        self.figures(out, turn)
    }

    /// The guardrails: who decided what, and where it stopped.
    fn gate(&self, out: &mut Out, turn: &Turn) -> io::Result<()> {
        let decisions: Vec<&GuardrailDecision> = turn.decisions().collect();
        let is_passed = |decision: &&&GuardrailDecision| decision.decision == Decision::Allow;
        let passed: Vec<String> = decisions
            .iter()
            .filter(is_passed)
            .map(|decision| one_line(&decision.filter_name))
            .collect();
        let folded = !self.all && !passed.is_empty();
        if folded {
            let passed = format!("✓ {} passed: {}", passed.len(), passed.join(", "));
            self.note(out, Tone::Good, "gate", &passed)?;
        }
        let open = decisions
            .iter()
            .filter(|decision| self.all || !is_passed(decision));
        let mut is_first = !folded;
        for decision in open {
            let name = if std::mem::take(&mut is_first) {
                "gate"
            } else {
                ""
            };
            self.note(out, tone(decision), name, &told(decision))?;
            if let Some(reason) = &decision.reason {
                self.note(out, Tone::Faint, "", &format!("  {}", one_line(reason)))?;
            }
        }
        if let Some(stopped) = stopped_where(turn) {
            let name = if decisions.is_empty() { "gate" } else { "" };
            self.note(out, Tone::Bad, name, &format!("  → {stopped}"))?;
        }
        let found = turn.completeness();
        if !found.missing.is_empty() {
            let names: Vec<String> = found.missing.iter().map(|name| one_line(name)).collect();
            let decided = found.expected.len() - found.missing.len();
            let missing = format!(
                "{decided} of {} expected guardrails decided; missing: {}",
                found.expected.len(),
                names.join(", ")
            );
            self.note(out, Tone::Doubtful, "", &missing)?;
        }
        if decisions.is_empty() && found.expected.is_empty() {
            self.note(out, Tone::Doubtful, "gate", "no guardrail decided")?;
        }
        Ok(())
    }

    /// A record that is neither prompt, response nor decision.
    fn other(&self, out: &mut Out, record: &Record) -> io::Result<()> {
        let is_known = record.prompt.is_some()
            || record.response.is_some()
            || !record.guardrail_decisions.is_empty()
            || record.event_type.as_str().starts_with("turn_");
        if is_known {
            return Ok(());
        }
        let said = serde_json::to_string(&record.other).unwrap_or_default();
        let line = format!(
            "{}  {}",
            one_line(record.event_type.as_str()),
            one_line(&said)
        );
        self.note(out, Tone::Faint, "event", &fitted(&line, self.room() * 2))
    }

    fn figures(&self, out: &mut Out, turn: &Turn) -> io::Result<()> {
        let model = turn
            .records
            .iter()
            .rev()
            .find_map(|record| record.model_used.as_deref());
        let tokens = turn
            .records
            .iter()
            .find_map(|record| record.tokens_processed);
        let time = turn
            .records
            .iter()
            .filter_map(|record| record.processing_time_ms)
            .reduce(f64::max);
        let values: u64 = turn
            .records
            .iter()
            .filter_map(|record| record.other.get("redaction_counts")?.as_object())
            .flat_map(|counts| counts.values().filter_map(serde_json::Value::as_u64))
            .sum();
        let figures: Vec<String> = [
            model.map(|model| format!("model {}", one_line(model))),
            tokens.map(|tokens| format!("{tokens} tokens")),
            time.map(|time| format!("{time:.0} ms")),
            (values > 0).then(|| format!("{values} redacted")),
        ]
        .into_iter()
        .flatten()
        .collect();
        match figures.is_empty() {
            true => Ok(()),
            false => self.note(out, Tone::Faint, "", &figures.join("  ")),
        }
    }

    fn room(&self) -> usize {
        self.style.width.min(WIDEST).saturating_sub(MARGIN + 2)
    }

    /// A text of somebody's, in lines that fit.
    fn text(&self, out: &mut Out, name: &str, text: &str) -> io::Result<()> {
        for (number, line) in wrapped(text, self.room()).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let line = self.style.with_placeholders(line);
            writeln!(out, "{}", format!("  {name:<MARGIN$}{line}").trim_end())?;
        }
        Ok(())
    }

    fn note(&self, out: &mut Out, tone: Tone, name: &str, note: &str) -> io::Result<()> {
        for (number, line) in wrapped(note, self.room()).iter().enumerate() {
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

/// `✗ BLOCK pii (input, 97 %, rule card-number, 1.8 ms)`.
fn told(decision: &GuardrailDecision) -> String {
    let phase = decision.phase.map(|phase| phase.as_str().to_owned());
    let confidence = decision
        .confidence
        .map(|confidence| format!("confidence {confidence}"));
    let rule = decision
        .rule_triggered
        .as_deref()
        .map(|rule| format!("rule {}", one_line(rule)));
    let latency = decision
        .latency_ms
        .map(|latency| format!("{latency:.1} ms"));
    let more: Vec<String> = [phase, confidence, rule, latency]
        .into_iter()
        .flatten()
        .collect();
    let more = match more.is_empty() {
        true => String::new(),
        false => format!(" ({})", more.join(", ")),
    };
    let name = one_line(&decision.filter_name);
    format!("{} {} {name}{more}", sign(decision), word(decision))
}

/// How a turn ended, in a word.
fn ending(turn: &Turn) -> (String, Tone) {
    match turn.outcome() {
        Some(Outcome::Released) => ("answered".to_owned(), Tone::Good),
        Some(Outcome::Modified) => ("answered otherwise".to_owned(), Tone::Doubtful),
        Some(Outcome::Blocked) => ("BLOCKED".to_owned(), Tone::Bad),
        Some(Outcome::Failed) => ("failed".to_owned(), Tone::Bad),
        Some(Outcome::Stopped) => ("STOPPED".to_owned(), Tone::Bad),
        Some(Outcome::Cut) => ("cut: the client went away".to_owned(), Tone::Doubtful),
        Some(Outcome::Abandoned) => ("abandoned".to_owned(), Tone::Bad),
        Some(Outcome::Withheld) => ("withheld: the trail was not writable".to_owned(), Tone::Bad),
        None => ("no outcome".to_owned(), Tone::Doubtful),
    }
}

/// Where a turn was stopped, in words.
fn stopped_where(turn: &Turn) -> Option<&'static str> {
    let outcome = turn.outcome();
    let blocking = turn.blocking();
    match (outcome, blocking.and_then(|decision| decision.phase)) {
        (Some(Outcome::Stopped), _) => Some("the answer was cut off here"),
        (Some(Outcome::Withheld), _) => Some("the answer was not let go"),
        (Some(Outcome::Modified), _) => Some("another answer was let go in its place"),
        (Some(Outcome::Blocked), Some(Phase::Output)) => Some("the answer was withheld"),
        (Some(Outcome::Blocked), Some(Phase::Tool)) => Some("the tool call was stopped"),
        (Some(Outcome::Blocked), _) if turn.response().is_none() => {
            Some("the input never reached the model")
        }
        (Some(Outcome::Blocked), _) => Some("the answer was withheld"),
        _ => None,
    }
}
