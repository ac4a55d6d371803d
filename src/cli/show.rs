//! `show`: a conversation, rebuilt, one block a turn. Between prompt and response stands the gate.

use std::collections::HashSet;
use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};

use super::args::ShowArguments;
use super::query::{sign, tone, word};
use super::source::{Input, Unreadable};
use super::style::{Out, Style, Tone, stdout};
use super::text::{fitted, json_line, one_line, wrapped};
use super::time::spoken;
use super::{Done, Ended, Trouble};
use crate::read::{Conversation, Outcome, Query, Turn};
use crate::record::{Decision, GuardrailDecision, Phase, Record};

/// A silence longer than this is drawn.
const SILENCE: TimeDelta = TimeDelta::minutes(5);

pub(super) fn run(arguments: &ShowArguments) -> Done {
    if !arguments.filters.conversation.is_empty() {
        return Err(Trouble::Usage(format!(
            "show takes one conversation: {}; leave --conversation out, or ask query for several",
            arguments.id
        )));
    }
    let filters = arguments.filters.query(arguments.look.zone())?;
    let input = Input::open(&arguments.source)?;
    let mut unreadable = Unreadable::of(&input);
    let Some(id) = resolve(&arguments.id, &input, &mut unreadable)? else {
        return nothing(&input, &arguments.id, unreadable);
    };
    let (lines, progress) = input.lines(Query::new().conversation_id(&id));
    let mut records = Vec::new();
    let mut bytes = Vec::new();
    for line in lines {
        match line {
            Ok(line) => {
                if arguments.json {
                    bytes.push((line.record.seq, line.bytes));
                }
                records.push(line.record);
            }
            Err(error) => unreadable.tell(&error),
        }
    }
    drop(progress);
    if records.is_empty() {
        return nothing(&input, &id, unreadable);
    }
    let conversation = Conversation::of(id, records);
    let is_shown = |turn: &&Turn| turn.records.iter().any(|record| filters.selects(record));
    let shown: Vec<&Turn> = conversation.turns.iter().filter(is_shown).collect();
    if arguments.json {
        let records = shown.iter().flat_map(|turn| &turn.records);
        let shown: HashSet<u64> = records.map(|record| record.seq).collect();
        let mut out = stdout();
        for (_, bytes) in bytes.iter().filter(|(seq, _)| shown.contains(seq)) {
            out.write_all(&json_line(bytes))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
    } else if !shown.is_empty() {
        let style = Style::new(&arguments.look);
        let mut out = stdout();
        let page = Page {
            style: &style,
            all: arguments.all,
        };
        page.conversation(&mut out, &conversation, |turn| is_shown(&turn))?;
        out.flush()?;
    }
    let left_out = conversation.turns.len() - shown.len();
    if left_out > 0 {
        eprintln!(
            "stinger-audit: the filters leave out {left_out} of {} turns of conversation {}",
            conversation.turns.len(),
            one_line(&conversation.conversation_id)
        );
    }
    unreadable.finish()?;
    Ok(match shown.is_empty() {
        true => Ended::Nothing,
        false => Ended::Found,
    })
}

fn nothing(input: &Input, id: &str, unreadable: Unreadable) -> Done {
    eprintln!(
        "stinger-audit: {} has no conversation {}",
        one_line(&input.name()),
        one_line(id)
    );
    unreadable.finish()?;
    Ok(Ended::Nothing)
}

/// The conversation that is meant: of exactly that id, else the only one that begins with it.
fn resolve(
    typed: &str,
    input: &Input,
    unreadable: &mut Unreadable,
) -> Result<Option<String>, Trouble> {
    if matches!(input, Input::Stdin) {
        return Ok(Some(typed.to_owned()));
    }
    let exact = Query::new().conversation_id(typed);
    if input.lines(exact.clone()).0.any(|line| line.is_ok()) {
        return Ok(Some(typed.to_owned()));
    }
    let mut ids: Vec<String> = Vec::new();
    for line in input.lines(exact.by_prefix()).0 {
        match line {
            Ok(line) => {
                if let Some(id) = line.record.conversation_id
                    && !ids.contains(&id)
                {
                    ids.push(id);
                }
            }
            Err(error) => unreadable.tell(&error),
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
    fn conversation(
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
        let mut seen = HashSet::new();
        let mut turns = conversation.turns.iter().peekable();
        while let Some(turn) = turns.next() {
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
            if !is_shown(turn) {
                let mut left_out = vec![turn];
                while let Some(next) =
                    turns.next_if(|next| !is_shown(next) && is_next(&left_out, next))
                {
                    left_out.push(next);
                }
                writeln!(
                    out,
                    "\n{}",
                    style.paint(Tone::Faint, &left_out_line(&left_out))
                )?;
                number = left_out
                    .iter()
                    .rev()
                    .find_map(|turn| turn.number)
                    .unwrap_or(number);
                last = None;
                continue;
            }
            if let Some(last) = last
                && begun - last > SILENCE
            {
                let silence = format!("  ⋮ {} of silence", spoken(begun - last));
                writeln!(out, "\n{}", style.paint(Tone::Faint, &silence))?;
            }
            self.turn(out, turn, &mut seen)?;
            number = turn.number.unwrap_or(number);
            last = turn.records.iter().map(|record| record.timestamp).max();
        }
        Ok(())
    }

    fn turn(&self, out: &mut Out, turn: &Turn, seen: &mut HashSet<u64>) -> io::Result<()> {
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
        self.records(out, turn, seen)?;
        self.figures(out, turn)
    }

    /// Every record of a turn, in order; what guardrails decided one behind the other is one gate.
    fn records(&self, out: &mut Out, turn: &Turn, seen: &mut HashSet<u64>) -> io::Result<()> {
        let (prompts, responses) = (turn.prompts().count(), turn.responses().count());
        if prompts == 0 {
            self.note(out, Tone::Bad, "prompt", "none is recorded")?;
        }
        let (mut prompt, mut response) = (0, 0);
        let mut gate = Gate::of(turn);
        for record in &turn.records {
            if !seen.insert(record.seq) {
                self.gate(out, turn, &mut gate)?;
                let again = format!("#{} again: another line of this number", record.seq);
                self.note(out, Tone::Bad, "", &again)?;
            }
            if let Some(text) = &record.prompt {
                if !gate.decisions.is_empty() {
                    self.gate(out, turn, &mut gate)?;
                }
                prompt += 1;
                self.said(out, "prompt", (prompt, prompts), record, text)?;
            }
            gate.decisions.extend(&record.guardrail_decisions);
            if let Some(text) = &record.response {
                self.gate(out, turn, &mut gate)?;
                response += 1;
                self.said(out, "response", (response, responses), record, text)?;
            }
            let is_said = record.prompt.is_some() || record.response.is_some();
            if !is_said && record.guardrail_decisions.is_empty() {
                self.gate(out, turn, &mut gate)?;
                self.other(out, record)?;
            }
        }
        self.gate(out, turn, &mut gate)
    }

    /// A prompt or a response, with its place among several.
    fn said(
        &self,
        out: &mut Out,
        name: &str,
        (number, count): (usize, usize),
        record: &Record,
        text: &str,
    ) -> io::Result<()> {
        if count == 1 {
            return self.text(out, name, text);
        }
        let clock = self.style.zone.clock(record.timestamp);
        let place = format!("{number} of {count}  #{}  {clock}", record.seq);
        self.note(out, Tone::Doubtful, name, &place)?;
        self.text(out, "", text)
    }

    /// The guardrails: who decided what, and, behind the last of them, where it stopped.
    fn gate(&self, out: &mut Out, turn: &Turn, gate: &mut Gate<'_>) -> io::Result<()> {
        let decisions = std::mem::take(&mut gate.decisions);
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
        gate.left -= decisions.len();
        match gate.left == 0 && !std::mem::replace(&mut gate.is_concluded, true) {
            true => self.conclusion(out, turn, decisions.is_empty()),
            false => Ok(()),
        }
    }

    /// What the guardrails of a turn come to.
    fn conclusion(&self, out: &mut Out, turn: &Turn, is_alone: bool) -> io::Result<()> {
        if let Some(stopped) = stopped_where(turn) {
            let name = if is_alone { "gate" } else { "" };
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
        if is_alone && found.expected.is_empty() {
            self.note(out, Tone::Doubtful, "gate", "no guardrail decided")?;
        }
        Ok(())
    }

    /// A record that is neither prompt, response nor decision.
    fn other(&self, out: &mut Out, record: &Record) -> io::Result<()> {
        let said = serde_json::to_string(&record.details()).unwrap_or_default();
        let line = format!(
            "{}  {}",
            one_line(record.event_type.as_str()),
            one_line(&said)
        );
        self.note(out, Tone::Faint, "event", &fitted(&line, self.room() * 2))
    }

    fn figures(&self, out: &mut Out, turn: &Turn) -> io::Result<()> {
        let model = turn.records.iter().rev().find_map(Record::model);
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
            .flat_map(|record| record.redaction_counts.values())
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

/// Whether no number lies between these turns and that one.
fn is_next(turns: &[&Turn], next: &Turn) -> bool {
    let last = turns.iter().rev().find_map(|turn| turn.number);
    match (last, next.number) {
        (Some(last), Some(next)) => next <= last.saturating_add(1),
        (None, Some(next)) => next <= 1,
        _ => true,
    }
}

/// Turns that no filter asks for.
fn left_out_line(turns: &[&Turn]) -> String {
    let records: usize = turns.iter().map(|turn| turn.records.len()).sum();
    let numbers = || turns.iter().filter_map(|turn| turn.number);
    let which = match (numbers().next(), numbers().next_back()) {
        (Some(first), Some(last)) if first == last => format!("turn {first}"),
        (Some(first), Some(last)) => format!("turns {first} to {last}"),
        _ => "records without a turn".to_owned(),
    };
    format!("  ⋯ {which}: left out by the filters ({records} records)")
}

/// What guardrails of a turn decided and is not shown yet.
struct Gate<'t> {
    decisions: Vec<&'t GuardrailDecision>,
    /// How many decisions of the turn are not shown.
    left: usize,
    is_concluded: bool,
}

impl<'t> Gate<'t> {
    fn of(turn: &'t Turn) -> Gate<'t> {
        Gate {
            decisions: Vec::new(),
            left: turn.decisions().count(),
            is_concluded: false,
        }
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
    let policy = decision
        .policy
        .as_deref()
        .map(|policy| format!("policy {}", one_line(policy)));
    let latency = decision
        .latency_ms
        .map(|latency| format!("{latency:.1} ms"));
    let more: Vec<String> = [phase, confidence, rule, policy, latency]
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
