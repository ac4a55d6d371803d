use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::scan::files_in_order;
use super::{Lines, Outcome, Query, Trail, Turn};
use crate::error::{Error, ErrorKind, Position, Unreadable};
use crate::record::Record;
use crate::trail::checkpoint::Checkpoint;
use crate::trail::{TrailName, tail};

/// Whether a trail is complete: what is missing, torn or without an end, and where.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
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

impl Report {
    /// Whether nothing was found.
    pub fn is_complete(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Trail {
    /// Reads the whole trail and says whether it is complete: holes, torn and foreign lines,
    /// unclean ends, gaps, turns without a prompt, an outcome or a decision they expected, and an end behind
    /// which the checkpoint beside the trail knows of more.
    /// Of several trails each is checked for itself.
    pub fn check(&self) -> Report {
        self.check_watched(|_| ())
    }

    /// The same, for whoever shows progress: `watch` gets the lines before they are read.
    pub(crate) fn check_watched<T>(&self, watch: impl Fn(&Lines) -> T) -> Report {
        let mut whole: Option<Report> = None;
        for name in &self.names {
            // Before the lines: a writer may add to both.
            let end = End::of(name);
            let lines = Lines::new(std::slice::from_ref(name), Query::new(), None);
            let _watching = watch(&lines);
            let report = Check::default().run(lines, Some(end));
            match &mut whole {
                None => whole = Some(report),
                Some(whole) => whole.add(report),
            }
        }
        whole.unwrap_or_default()
    }

    /// What is to be said of the ends of the trails without reading the rest.
    #[cfg(feature = "cli")]
    pub(crate) fn check_ends(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for name in &self.names {
            let end = End::of(name);
            let newest = files_in_order(name).ok().and_then(|mut files| files.pop());
            let last = newest.and_then(|newest| tail(&newest).ok()?.last);
            let is_closed = last.as_ref().is_some_and(Record::ends_trail);
            findings.extend(end.judge(last.map(|last| last.seq), is_closed, None));
        }
        findings
    }
}

impl Report {
    /// Of lines that come from a stream, which may hold others.
    #[cfg(feature = "cli")]
    pub(crate) fn of(lines: Lines) -> Report {
        Check::default().run(lines, None)
    }

    /// What is left of a trail that has no file any more. `None`: there was none.
    #[cfg(feature = "cli")]
    pub(crate) fn of_remains(path: &Path) -> Option<Report> {
        let name = TrailName::new(path).ok()?;
        let end = End::of(&name);
        let mut findings = end.judge(None, false, None);
        if findings.is_empty() && name.journal().exists() {
            findings.push(Finding {
                kind: FindingKind::Cut,
                seq: None,
                position: None,
                detail: format!(
                    "the files of the trail are gone, and how many records with them is not known; {} is left",
                    name.journal().display()
                ),
            });
        }
        (!findings.is_empty()).then(|| Report {
            findings,
            ..Report::default()
        })
    }

    /// Takes in what another trail came to.
    fn add(&mut self, other: Report) {
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
    }
}

/// What stands beside a trail and at the ends of its files.
struct End<'n> {
    name: &'n TrailName,
    /// `Err`: a file that is no checkpoint.
    checkpoint: Result<Option<Checkpoint>, PathBuf>,
}

/// Whoever writes a line is not at it for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(100);

impl End<'_> {
    fn of(name: &TrailName) -> End<'_> {
        let path = name.checkpoint();
        let checkpoint = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(path),
            Ok(note) => Checkpoint::read(&note).map(Some).ok_or(path),
        };
        End { name, checkpoint }
    }

    /// What is wrong behind the record `last`. `unfinished`: a line behind it.
    fn judge(&self, last: Option<u64>, is_closed: bool, unfinished: Option<Error>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |kind, position: Option<Position>, detail| {
            findings.push(Finding {
                kind,
                seq: None,
                position,
                detail,
            });
        };
        let files = files_in_order(self.name).unwrap_or_default();
        for (place, file) in files.iter().enumerate() {
            let Ok(tail) = tail(file) else {
                continue;
            };
            let is_newest = place + 1 == files.len();
            let is_left = !is_newest || is_closed || !is_written(self.name, file);
            if !tail.is_unended || !is_left {
                continue;
            }
            match tail.torn {
                0 => find(
                    FindingKind::Torn,
                    None,
                    format!("{}: its last line has no line feed", file.display()),
                ),
                // In a file that was left it is told as what it is.
                bytes if is_newest => {
                    let position = unfinished.as_ref().and_then(Error::position).cloned();
                    let detail = match position {
                        Some(_) => format!("the last line has no end ({bytes} bytes)"),
                        None => format!(
                            "{}: its last line has no end ({bytes} bytes)",
                            file.display()
                        ),
                    };
                    find(FindingKind::Torn, position, detail);
                }
                _ => {}
            }
        }
        match &self.checkpoint {
            // The seal that it is of is the record behind those that it is over.
            Ok(Some(checkpoint)) if last.is_none_or(|last| last < checkpoint.size) => {
                let has = last.map_or(0, |last| last + 1);
                let gone = checkpoint.size + 1 - has;
                let records = if gone == 1 {
                    "record is"
                } else {
                    "records are"
                };
                let what = match (last, files.is_empty()) {
                    (Some(last), _) => format!("the trail ends with record {last}"),
                    (None, true) => "the trail has no file".to_owned(),
                    (None, false) => "the trail has no record".to_owned(),
                };
                find(
                    FindingKind::Cut,
                    None,
                    format!(
                        "{gone} {records} gone: the checkpoint beside the trail knows of record {}, and {what}",
                        checkpoint.size
                    ),
                );
            }
            Ok(_) => {}
            Err(path) => find(
                FindingKind::Foreign,
                None,
                format!(
                    "{} is not the checkpoint that was signed, or cannot be read",
                    path.display()
                ),
            ),
        }
        findings
    }
}

/// Whether a process may be writing to this file, whose last line has no end.
fn is_written(name: &TrailName, file: &Path) -> bool {
    let pid = fs::read_to_string(name.lock()).ok();
    let pid = pid.and_then(|pid| pid.trim().parse::<u32>().ok());
    let processes = Path::new("/proc");
    let runs = pid.is_some_and(|pid| {
        !processes.join("self").exists() || processes.join(pid.to_string()).exists()
    });
    let length = || file.metadata().map(|found| found.len()).ok();
    let modified = file.metadata().and_then(|found| found.modified());
    let is_fresh = modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < PATIENCE));
    // Processes of another container are not seen, what they write is.
    let grows = || {
        let before = length();
        std::thread::sleep(MOMENT);
        before != length()
    };
    is_fresh && (runs || grows())
}

#[derive(Default)]
struct Check {
    report: Report,
    /// Turns that have not ended, by their ids or by conversation and number, with the place of
    /// their first record.
    open: BTreeMap<(String, u64), (Turn, Position)>,
    starts_behind: Option<(u64, Position)>,
    /// The last turn of each conversation, whose id is hashed: there may be many.
    turns: HashMap<u64, u64>,
    hasher: RandomState,
    /// The last line, if it has no end.
    unfinished: Option<Error>,
}

impl Check {
    fn run(mut self, lines: Lines, end: Option<End<'_>>) -> Report {
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
        let number = |key: &str| record.other.get(key).and_then(Value::as_u64).unwrap_or(0);
        match record.event_type.as_str() {
            "trail_opened" => self.report.is_closed = false,
            "trail_closed" => self.report.is_closed = true,
            "trail_gap" => {
                let reason = record
                    .other
                    .get("reason")
                    .and_then(Value::as_str)
                    .unwrap_or("");
                let detail = format!("{} records were lost: {reason}", number("lost"));
                self.find(FindingKind::Gap, record.seq, position, detail);
            }
            "trail_recovered" => {
                let detail = format!(
                    "the writer before did not end the trail; {} records were recovered from its journal",
                    number("replayed")
                );
                self.find(FindingKind::UncleanEnd, record.seq, position, detail);
            }
            "trail_pruned" => {
                // The records that are there begin behind what was removed.
                if let Some((first, _)) = self.starts_behind.take() {
                    self.report.pruned = first;
                }
            }
            _ => {}
        }
    }

    fn turn(&mut self, mut record: Record, position: Position) {
        // Where no handler took it, somebody looks for paths.
        let status = record.other.get("status").and_then(Value::as_u64);
        let is_taken = !matches!(status, Some(404 | 405));
        if record.event_type.as_str() == "request_unaudited" && is_taken {
            let path = record
                .other
                .get("path")
                .and_then(Value::as_str)
                .unwrap_or("");
            let detail = format!("a request to {path} left no record");
            self.find(FindingKind::Unaudited, record.seq, &position, detail);
        }
        if let (Some(conversation), Some(number)) = (&record.conversation_id, record.turn_number) {
            let id = self.hasher.hash_one(conversation);
            // Where the beginning is gone, turns begin somewhere.
            let starts_whole = self.report.first.is_some_and(|(first, _)| first == 0);
            let before = match self.turns.get(&id) {
                Some(last) => *last,
                None if starts_whole => 0,
                None => number,
            };
            if number > before + 1 {
                let missing = match number - before - 1 {
                    1 => format!("turn {}", before + 1),
                    _ => format!("turns {} to {}", before + 1, number - 1),
                };
                let detail = format!("conversation {conversation}: {missing} missing");
                self.find(FindingKind::MissingTurn, record.seq, &position, detail);
            }
            self.turns.insert(id, number.max(before));
        }
        let turn_id = record.other.get("turn_id").and_then(Value::as_str);
        let key = match (turn_id, &record.conversation_id, record.turn_number) {
            (Some(turn_id), ..) => (turn_id.to_owned(), 0),
            (None, Some(conversation), Some(number)) => (conversation.clone(), number),
            _ => return,
        };
        // It comes behind the end.
        if record.event_type.as_str() == "turn_withheld" && !self.open.contains_key(&key) {
            return;
        }
        // Only that there is a text counts; it may be long.
        for text in [&mut record.prompt, &mut record.response]
            .into_iter()
            .flatten()
        {
            *text = String::new();
        }
        let number = record.turn_number;
        let is_end =
            record.other.contains_key("outcome") || record.event_type.as_str().starts_with("turn_");
        let (turn, _) = self.open.entry(key.clone()).or_insert_with(|| {
            let turn = Turn {
                number,
                records: Vec::new(),
            };
            (turn, position)
        });
        turn.records.push(record);
        // A turn with an id has one end. One without has what follows a block, too: its next
        // prompt ends it.
        if is_end && key.1 == 0 {
            self.ended(&key);
        } else if let Some(before) = key.1.checked_sub(1) {
            self.ended(&(key.0, before));
        }
    }

    /// A turn that nothing follows any more.
    fn ended(&mut self, key: &(String, u64)) {
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

    fn end(mut self, end: Option<End<'_>>) -> Report {
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
