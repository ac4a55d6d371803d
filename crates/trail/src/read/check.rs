use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Lines, Outcome, Query, Trail, Turn};
use crate::error::{Error, ErrorKind, Position, Unreadable};
use crate::format::TrailName;
use crate::format::catalog::Catalog;
use crate::record::{Record, SystemEvent};

mod end;

use end::End;

/// Whether a trail is complete: what is missing, torn or without an end, and where.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// Records read.
    pub records: u64,
    /// The first and the last of them: `seq` and time.
    pub first: Option<(u64, DateTime<Utc>)>,
    /// The last of them.
    pub last: Option<(u64, DateTime<Utc>)>,
    /// Turns of conversations that have ended.
    pub turns: u64,
    /// Whether the last writer has ended the trail. Else it is being written, or its writer died.
    pub is_closed: bool,
    /// How many records retention has removed from the beginning, where the trail says so.
    pub pruned: u64,
    /// What is not as it should be, in the order of the trail.
    pub findings: Vec<Finding>,
    /// What an operator should know although nothing is missing: files that are dated in another order than that of
    /// their records, because a clock was wrong.
    pub notices: Vec<String>,
}

/// Something that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The record at which it shows.
    pub seq: Option<u64>,
    /// Where that stands.
    pub position: Option<Position>,
    /// What exactly.
    pub detail: String,
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingKind {
    /// Records are missing: `seq` goes on behind a hole.
    Hole,
    /// A `seq` comes twice, or too late.
    OutOfOrder,
    /// The end is gone: the checkpoint beside the trail knows of more records than the trail has.
    Cut,
    /// A line was torn when its writer died, or lacks its line feed though nobody writes any more.
    Torn,
    /// A line is no record.
    Foreign,
    /// A writer of another format wrote from here on.
    OtherFormat,
    /// A file could not be read to its end.
    Unreadable,
    /// A writer ended without ending the trail; what it left was recovered.
    UncleanEnd,
    /// Records were lost, and the trail says how many.
    Gap,
    /// A prompt has no outcome.
    NoOutcome,
    /// A turn was abandoned.
    Abandoned,
    /// A guardrail that had to decide did not.
    MissingDecision,
    /// An answer or a decision has no prompt.
    NoPrompt,
    /// The turns of a conversation are numbered with a hole.
    MissingTurn,
    /// A request on an audited route left no record of its own.
    Unaudited,
}

impl FindingKind {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::Hole => "hole",
            FindingKind::OutOfOrder => "out of order",
            FindingKind::Cut => "cut",
            FindingKind::Torn => "torn line",
            FindingKind::Foreign => "foreign line",
            FindingKind::OtherFormat => "other format",
            FindingKind::Unreadable => "unreadable",
            FindingKind::UncleanEnd => "unclean end",
            FindingKind::Gap => "gap",
            FindingKind::NoOutcome => "no outcome",
            FindingKind::Abandoned => "abandoned",
            FindingKind::MissingDecision => "missing decision",
            FindingKind::NoPrompt => "no prompt",
            FindingKind::MissingTurn => "missing turn",
            FindingKind::Unaudited => "unaudited",
        }
    }
}

impl CheckReport {
    /// Whether nothing was found.
    pub fn is_complete(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Trail {
    /// Reads the whole trail and says whether it is complete: holes, torn and foreign lines,
    /// unclean ends, gaps, turns without a prompt, an outcome or a decision they expected, prompts of requests that
    /// belong to no conversation and have no outcome, and an end behind
    /// which the checkpoint beside the trail knows of more.
    /// Of several trails each is checked for itself.
    pub fn check(&self) -> CheckReport {
        self.check_watched(|_| ())
    }

    /// The same, for whoever shows progress: `watch` gets the lines before they are read.
    #[doc(hidden)]
    pub fn check_watched<T>(&self, watch: impl Fn(&Lines) -> T) -> CheckReport {
        let mut whole: Option<CheckReport> = None;
        for name in &self.names {
            // Before the lines: a writer may add to both.
            let end = End::of(name);
            let lines = Lines::new(std::slice::from_ref(name), Query::new(), None);
            let _watching = watch(&lines);
            let mut report = TrailChecker::default().run(lines, Some(end));
            report.notices.extend(misdated(name));
            match &mut whole {
                None => whole = Some(report),
                Some(whole) => whole.add(report),
            }
        }
        whole.unwrap_or_default()
    }
}

impl CheckReport {
    /// Of lines that come from a stream, which may hold others.
    pub fn of(lines: Lines) -> CheckReport {
        TrailChecker::default().run(lines, None)
    }

    /// Takes in what another trail came to.
    fn add(&mut self, other: CheckReport) {
        let by_time = |place: &(u64, DateTime<Utc>)| place.1;
        self.records += other.records;
        self.first = [self.first, other.first]
            .into_iter()
            .flatten()
            .min_by_key(by_time);
        self.last = [self.last, other.last]
            .into_iter()
            .flatten()
            .max_by_key(by_time);
        self.turns += other.turns;
        self.is_closed &= other.is_closed;
        self.pruned += other.pruned;
        self.findings.extend(other.findings);
        self.notices.extend(other.notices);
    }
}

/// What is to be said of files whose dates and records are in different orders.
fn misdated(name: &TrailName) -> Option<String> {
    let mut catalog = Catalog::list(name).ok()?;
    catalog.order_by_heads();
    let disorder = catalog.disorder()?;
    Some(format!(
        "{disorder}; records are in the order of seq, and a time range may leave out what a wrong clock dated"
    ))
}

#[derive(Default)]
struct TrailChecker {
    report: CheckReport,
    /// Turns that have not ended, with the place of their first record.
    open: BTreeMap<TurnKey, (Turn, Position)>,
    starts_behind: Option<(u64, Position)>,
    /// The prompts that belong to a request and to no turn, and have no outcome yet.
    unanswered: HashMap<String, Vec<(u64, Position)>>,
    /// The last turn of each conversation, whose id is hashed: there may be many. `None`: its number is not known.
    turns: HashMap<u64, Option<u64>>,
    hasher: RandomState,
    /// The last line, if it has no end.
    unfinished: Option<Error>,
}

/// By what the records of a turn name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TurnKey {
    Id(String),
    /// Conversation and number, if it is known.
    Number(String, Option<u64>),
}

impl TurnKey {
    fn of(record: &Record) -> Option<TurnKey> {
        let number = record.turn_number;
        let id = record.turn_id.clone().map(TurnKey::Id);
        id.or_else(|| {
            let conversation = record.conversation_id.clone();
            conversation.map(|conversation| TurnKey::Number(conversation, number))
        })
    }

    /// The turn that nothing follows any more when this one begins.
    fn before(&self) -> Option<TurnKey> {
        match self {
            TurnKey::Number(conversation, Some(number)) => Some(TurnKey::Number(
                conversation.clone(),
                Some(number.checked_sub(1)?),
            )),
            _ => None,
        }
    }
}

impl TrailChecker {
    fn run(mut self, lines: Lines, end: Option<End<'_>>) -> CheckReport {
        for line in lines {
            match line {
                Ok(line) => self.record(line.record, line.position),
                Err(error) => self.unreadable(error),
            }
        }
        self.end(end)
    }

    fn find(&mut self, kind: FindingKind, seq: u64, position: &Position, detail: String) {
        self.report.findings.push(Finding {
            kind,
            seq: Some(seq),
            position: Some(position.clone()),
            detail,
        });
    }

    fn record(&mut self, record: Record, position: Position) {
        let report = &mut self.report;
        report.records += 1;
        let seq = record.seq;
        match report.last {
            None if seq > 0 => self.starts_behind = Some((seq, position.clone())),
            None => {}
            Some((last, _)) if seq > last + 1 => {
                let detail = match seq - last - 1 {
                    1 => format!("record {} is missing", last + 1),
                    count => format!("records {} to {} are missing: {count}", last + 1, seq - 1),
                };
                self.find(FindingKind::Hole, seq, &position, detail);
            }
            Some((last, _)) if seq <= last => {
                let detail = format!("record {seq} comes behind record {last}");
                self.find(FindingKind::OutOfOrder, seq, &position, detail);
            }
            Some(_) => {}
        }
        let report = &mut self.report;
        let place = (seq, record.timestamp);
        report.first.get_or_insert(place);
        if report.last.is_none_or(|(last, _)| last < seq) {
            report.last = Some(place);
        }
        if record.is_about_trail() {
            self.own(&record, &position);
        } else {
            self.turn(record, position);
        }
    }

    /// What the trail says of itself.
    fn own(&mut self, record: &Record, position: &Position) {
        match record.system_event() {
            Some(SystemEvent::Opened(_)) => self.report.is_closed = false,
            Some(SystemEvent::Closed(_)) => self.report.is_closed = true,
            Some(SystemEvent::Gap(gap)) => {
                let detail = format!("{} records were lost: {}", gap.lost, gap.reason);
                self.find(FindingKind::Gap, record.seq, position, detail);
            }
            Some(SystemEvent::Recovered(recovered)) => {
                let detail = format!(
                    "the writer before did not end the trail; {} records were recovered from its journal",
                    recovered.replayed
                );
                self.find(FindingKind::UncleanEnd, record.seq, position, detail);
            }
            Some(SystemEvent::Pruned(_)) => {
                // The records that are there begin behind what was removed.
                if let Some((first, _)) = self.starts_behind.take() {
                    self.report.pruned = first;
                }
            }
            _ => {}
        }
    }

    fn turn(&mut self, mut record: Record, position: Position) {
        // Where no handler took it, somebody looks for paths. One that switches protocols has only begun.
        let status = record.other.get("status").and_then(Value::as_u64);
        let is_taken = !matches!(status, Some(101 | 404 | 405));
        if record.event_type.as_str() == "request_unaudited" && is_taken {
            let path = record
                .other
                .get("path")
                .and_then(Value::as_str)
                .unwrap_or("");
            let detail = format!("a request to {path} left no record");
            self.find(FindingKind::Unaudited, record.seq, &position, detail);
        }
        if let Some(conversation) = &record.conversation_id {
            let id = self.hasher.hash_one(conversation);
            // Where the beginning is gone, turns begin somewhere.
            let starts_whole = self.report.first.is_some_and(|(first, _)| first == 0);
            let before = self.turns.get(&id).copied();
            let before = before.unwrap_or(starts_whole.then_some(0));
            if let (Some(before), Some(number)) = (before, record.turn_number)
                && number > before + 1
            {
                let missing = match number - before - 1 {
                    1 => format!("turn {}", before + 1),
                    _ => format!("turns {} to {}", before + 1, number - 1),
                };
                let detail = format!("conversation {conversation}: {missing} missing");
                self.find(FindingKind::MissingTurn, record.seq, &position, detail);
            }
            if record.turn_number.is_some() || record.turn_number_unknown.is_some() {
                let last = record.turn_number;
                self.turns
                    .insert(id, last.map(|number| number.max(before.unwrap_or(0))));
            }
        }
        let Some(mut key) = TurnKey::of(&record) else {
            return self.request(&record, position);
        };
        if let Some(last) = self.last_open(&key).filter(|(turn, _)| turn.takes(&record)) {
            key = last.1;
        }
        // It comes behind the end.
        if record.ends_turn() == Some(Outcome::Withheld) && !self.open.contains_key(&key) {
            return;
        }
        let is_second = |(turn, _): &(Turn, Position)| !turn.takes(&record);
        if self.open.get(&key).is_some_and(is_second) {
            self.ended(&key);
        }
        // Only that there is a text counts; it may be long.
        for text in [&mut record.prompt, &mut record.response]
            .into_iter()
            .flatten()
        {
            *text = String::new();
        }
        let is_end = record.ends_turn().is_some();
        let (turn, _) = self
            .open
            .entry(key.clone())
            .or_insert_with(|| (Turn::of(Vec::new()), position));
        turn.number = turn.number.or(record.turn_number);
        turn.records.push(record);
        // A turn with an id has one end. One without has what follows a block, too: its next
        // prompt ends it.
        if is_end {
            self.ended(&key);
        } else if let Some(before) = key.before() {
            self.ended(&before);
        }
    }

    /// A record of no turn: the last prompt of its request is the one that it answers.
    fn request(&mut self, record: &Record, position: Position) {
        // LIMIT: nothing says which outcome belongs to a prompt without any id.
        let Some(request_id) = &record.request_id else {
            return;
        };
        if record.prompt.is_some() {
            let prompts = self.unanswered.entry(request_id.clone()).or_default();
            prompts.push((record.seq, position));
        }
        if (record.is_answer() || record.blocking().is_some())
            && let Some(prompts) = self.unanswered.get_mut(request_id)
        {
            prompts.pop();
            if prompts.is_empty() {
                self.unanswered.remove(request_id);
            }
        }
    }

    /// The turn that is meant by a record without a number: the last open one of its conversation.
    fn last_open(&self, key: &TurnKey) -> Option<(&Turn, TurnKey)> {
        let TurnKey::Number(conversation, None) = key else {
            return None;
        };
        if self.open.contains_key(key) {
            return None;
        }
        let last = TurnKey::Number(conversation.clone(), Some(u64::MAX));
        let mut open = self.open.range(key..=&last).rev();
        open.next().map(|(key, (turn, _))| (turn, key.clone()))
    }

    /// A turn that nothing follows any more.
    fn ended(&mut self, key: &TurnKey) {
        let Some((turn, position)) = self.open.remove(key) else {
            return;
        };
        self.report.turns += 1;
        let Some(first) = turn.records.first() else {
            return;
        };
        let seq = first.seq;
        let conversation = first.conversation_id.as_deref().unwrap_or("unknown");
        let name = match turn.number {
            Some(number) => format!("turn {number} of conversation {conversation}"),
            None => format!("a turn of conversation {conversation}"),
        };
        let found = turn.completeness();
        if !found.prompt {
            self.find(
                FindingKind::NoPrompt,
                seq,
                &position,
                format!("{name} has no prompt"),
            );
        }
        match found.outcome {
            None if found.prompt => {
                let detail = format!("{name} has no outcome, or not yet");
                self.find(FindingKind::NoOutcome, seq, &position, detail);
            }
            Some(Outcome::Abandoned) => {
                let detail = format!("{name} was abandoned");
                self.find(FindingKind::Abandoned, seq, &position, detail);
            }
            _ => {}
        }
        if !found.missing.is_empty() && found.outcome.is_some() {
            let detail = format!(
                "{name}: {} of {} guardrails did not decide: {}",
                found.missing.len(),
                found.expected.len(),
                found.missing.join(", ")
            );
            self.find(FindingKind::MissingDecision, seq, &position, detail);
        }
    }

    fn unreadable(&mut self, error: Error) {
        let kind = match error.kind() {
            ErrorKind::Unreadable { reason, .. } => match reason {
                Unreadable::Torn => FindingKind::Torn,
                // The writer may be about to end it.
                Unreadable::Unfinished => {
                    self.unfinished = Some(error);
                    return;
                }
                Unreadable::Foreign { .. } => FindingKind::Foreign,
                Unreadable::OtherFormat { .. } => FindingKind::OtherFormat,
            },
            _ => FindingKind::Unreadable,
        };
        self.report.findings.push(Finding {
            kind,
            seq: None,
            position: error.position().cloned(),
            detail: match error.kind() {
                ErrorKind::Unreadable { reason, length, .. } => {
                    format!("{reason} ({length} bytes)")
                }
                _ => format!("{error:?}"),
            },
        });
    }

    fn end(mut self, end: Option<End<'_>>) -> CheckReport {
        if let Some((first, position)) = self.starts_behind.take() {
            let detail = match first {
                1 => "record 0 is missing at the beginning".to_owned(),
                count => format!(
                    "records 0 to {} are missing at the beginning: {count}",
                    first - 1
                ),
            };
            self.find(FindingKind::Hole, first, &position, detail);
        }
        let open: Vec<_> = self.open.keys().cloned().collect();
        for key in open {
            self.ended(&key);
        }
        for (request_id, prompts) in std::mem::take(&mut self.unanswered) {
            for (seq, position) in prompts {
                let detail = format!("a prompt of request {request_id} has no outcome, or not yet");
                self.find(FindingKind::NoOutcome, seq, &position, detail);
            }
        }
        let by_seq = |finding: &Finding| finding.seq.unwrap_or(u64::MAX);
        self.report.findings.sort_by_key(by_seq);
        let last = self.report.last.map(|(last, _)| last);
        let unfinished = self.unfinished.take();
        match (end, unfinished) {
            (Some(end), unfinished) => {
                let findings = end.judge(last, self.report.is_closed, unfinished);
                self.report.findings.extend(findings);
            }
            // A stream has ended.
            (None, Some(error)) => self.report.findings.push(Finding {
                kind: FindingKind::Torn,
                seq: None,
                position: error.position().cloned(),
                detail: "the last line has no end".to_owned(),
            }),
            (None, None) => {}
        }
        self.report
    }
}
