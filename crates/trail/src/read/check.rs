use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;

use chrono::{DateTime, Utc};

use super::{Lines, Query, Trail, Turn};
use crate::error::{Error, ErrorKind, Position, Unreadable};
use crate::format::TrailName;
use crate::format::catalog::Catalog;
use crate::record::{Record, SystemEvent};

mod end;
mod turns;

use end::End;
use turns::TurnKey;

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
