//! A turn on the page: its prompts and responses, and between them the decisions of its guardrails.

use std::collections::HashSet;
use std::io::{self, Write as _};

use serde_json::Value;

use super::page::{Page, WIDEST, begun};
use crate::query::{sign, tone, word};
use crate::style::{Out, Tone};
use crate::text::{one_line, truncated};
use stinger_audit_trail::read::{Outcome, RecordIdentity, Turn};
use stinger_audit_trail::record::{Decision, GuardrailDecision, Phase, Record};

impl Page<'_> {
    pub(super) fn turn(
        &self,
        out: &mut Out,
        turn: &Turn,
        seen: &mut HashSet<RecordIdentity>,
    ) -> io::Result<()> {
        let style = self.style;
        let width = style.width.min(WIDEST);
        let (end, tone) = ending(turn);
        let begun = begun(turn);
        let name = match turn.number {
            Some(number) => format!("turn {number}"),
            None if turn.prompt().is_some() => "turn, number unknown".to_owned(),
            None => "without a turn".to_owned(),
        };
        let mut title = format!("── {name}  {}  ", style.zone.clock(begun));
        if let Some(trail) = turn
            .trails
            .first()
            .and_then(|trail| self.trails.get(*trail))
        {
            title = format!("{title}{trail}  ");
        }
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

    /// Every record of a turn, in order. Guardrail decisions that follow each other make one gate.
    fn records(
        &self,
        out: &mut Out,
        turn: &Turn,
        seen: &mut HashSet<RecordIdentity>,
    ) -> io::Result<()> {
        let (prompts, responses) = (turn.prompts().count(), turn.responses().count());
        if prompts == 0 {
            self.note(out, Tone::Bad, "prompt", "not recorded")?;
        }
        let (mut prompt, mut response) = (0, 0);
        let mut gate = Gate::of(turn);
        for (identity, record) in turn.identities().zip(&turn.records) {
            if !seen.insert(identity) {
                self.gate(out, turn, &mut gate)?;
                let again = format!("#{} again: another line has this number", record.seq);
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
            if record.is_answer() {
                self.gate(out, turn, &mut gate)?;
                response += 1;
                if let Some(text) = &record.response {
                    self.said(out, "response", (response, responses), record, text)?;
                }
            }
            let is_said = record.prompt.is_some() || record.is_answer();
            if is_said {
                self.enclosed(out, record)?;
            } else if record.guardrail_decisions.is_empty() {
                self.gate(out, turn, &mut gate)?;
                self.other(out, record)?;
            }
        }
        self.gate(out, turn, &mut gate)
    }

    /// A prompt or a response. If there are several, with its position.
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

    /// What a prompt or a response has beside its text: tool calls and attachments.
    fn enclosed(&self, out: &mut Out, record: &Record) -> io::Result<()> {
        let calls = record.tool_calls.iter().map(|call| {
            let told = [&call.arguments, &call.result].into_iter().flatten();
            let told: Vec<String> = told.map(Value::to_string).collect();
            ("tool", format!("{} {}", call.name, told.join(" → ")))
        });
        let files = record.attachments.iter().map(|attachment| {
            let described = serde_json::to_string(attachment).unwrap_or_default();
            ("file", described)
        });
        for (name, line) in calls.chain(files) {
            let line = truncated(&one_line(&line), self.text_width() * 2);
            self.note(out, Tone::Faint, name, &line)?;
        }
        Ok(())
    }

    /// Which guardrail decided what and, after the last one, where the turn was stopped.
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
            self.note(out, tone(decision), name, &decision_line(decision))?;
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

    /// What the decisions of a turn mean together.
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
        self.note(
            out,
            Tone::Faint,
            "event",
            &truncated(&line, self.text_width() * 2),
        )
    }

    fn figures(&self, out: &mut Out, turn: &Turn) -> io::Result<()> {
        let model = turn.records.iter().rev().find_map(Record::model);
        let tokens = turn
            .records
            .iter()
            .filter_map(|record| record.tokens_processed)
            .reduce(u64::saturating_add);
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
}

/// Decisions of a turn that are not shown yet.
struct Gate<'t> {
    decisions: Vec<&'t GuardrailDecision>,
    /// How many of them there are in the whole turn.
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
fn decision_line(decision: &GuardrailDecision) -> String {
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

/// How a turn ended.
fn ending(turn: &Turn) -> (String, Tone) {
    match turn.outcome() {
        Some(Outcome::Released) => ("answered".to_owned(), Tone::Good),
        Some(Outcome::Modified) => ("answered with another text".to_owned(), Tone::Doubtful),
        Some(Outcome::Blocked) => ("BLOCKED".to_owned(), Tone::Bad),
        Some(Outcome::Stopped) => ("STOPPED".to_owned(), Tone::Bad),
        Some(Outcome::Cut) => ("cut: the client went away".to_owned(), Tone::Doubtful),
        Some(Outcome::Withheld) => ("withheld: the trail was not writable".to_owned(), Tone::Bad),
        // "failed", "abandoned".
        Some(other) => (other.as_str().to_owned(), Tone::Bad),
        None => ("no outcome".to_owned(), Tone::Doubtful),
    }
}

/// Where a turn was stopped.
fn stopped_where(turn: &Turn) -> Option<&'static str> {
    let outcome = turn.outcome();
    let blocking = turn.blocking();
    match (outcome, blocking.and_then(|decision| decision.phase)) {
        (Some(Outcome::Stopped), _) => Some("the response was stopped here"),
        (Some(Outcome::Withheld), _) => Some("the response was not released"),
        (Some(Outcome::Modified), _) => Some("another response was released instead"),
        (Some(Outcome::Blocked), Some(Phase::Output)) => Some("the response was withheld"),
        (Some(Outcome::Blocked), Some(Phase::Tool)) => Some("the tool call was stopped"),
        (Some(Outcome::Blocked), _) if turn.response().is_none() => {
            Some("the input never reached the model")
        }
        (Some(Outcome::Blocked), _) => Some("the response was withheld"),
        _ => None,
    }
}
