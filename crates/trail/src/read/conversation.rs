use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use super::{Line, Query, Trail};
use crate::error::Error;
use crate::record::{Decision, EventType, GuardrailDecision, Outcome, Record};

/// A conversation, rebuilt from a trail.
#[derive(Debug)]
#[non_exhaustive]
pub struct Conversation {
    /// Its id.
    pub conversation_id: String,
    /// Its turns, as they begin: by the times of their prompts, and of one writer in the order in which it wrote them. Two
    /// writers, such as replicas, may give two turns the same number.
    pub turns: Vec<Turn>,
    /// Lines that could not be read: any of them might belong here.
    pub unreadable: Vec<Error>,
}

/// One turn of a conversation: a prompt, what the guardrails decided, the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Turn {
    /// 1-based number within the conversation, where the records have one.
    pub number: Option<u64>,
    /// Its records, in order. Never empty.
    pub records: Vec<Record>,
    /// Which of several trails each of them is of, counted as [`Trail::names`] has them.
    pub trails: Vec<usize>,
}

/// Whether a turn has what it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completeness {
    /// Its prompt is recorded.
    pub prompt: bool,
    /// The guardrails that had to decide.
    pub expected: Vec<String>,
    /// Those of them that did not.
    pub missing: Vec<String>,
    /// How it ended. `None`: it has no end, or not yet.
    pub outcome: Option<Outcome>,
}

impl Completeness {
    /// Whether nothing is missing, and the turn was not abandoned.
    pub fn is_complete(&self) -> bool {
        self.prompt
            && self.missing.is_empty()
            && !matches!(self.outcome, None | Some(Outcome::Abandoned))
    }
}

/// What a turn should have and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// There is no prompt.
    Prompt,
    /// No guardrail decided anything.
    Decisions,
    /// There is no response, and nothing blocked it.
    Response,
}

impl Trail {
    /// Rebuilds a conversation. One that the trail does not know has no turns.
    pub fn conversation(&self, id: impl Into<String>) -> Conversation {
        let id = id.into();
        let mut unreadable = Vec::new();
        let lines = self.lines(Query::new().conversation_id(&id));
        let lines = lines.filter_map(|line| line.map_err(|error| unreadable.push(error)).ok());
        let conversation = Conversation::of(id, lines);
        Conversation {
            unreadable,
            ..conversation
        }
    }
}

impl Conversation {
    /// A conversation of the records in these lines, in the order in which they were read.
    pub fn of(id: impl Into<String>, lines: impl IntoIterator<Item = Line>) -> Conversation {
        let mut turns = Turns::default();
        lines.into_iter().for_each(|line| turns.add(line));
        turns.begun.sort_by_key(|(begun, _)| *begun);
        Conversation {
            conversation_id: id.into(),
            turns: turns.begun.into_iter().map(|(_, turn)| turn).collect(),
            unreadable: Vec::new(),
        }
    }

    /// Numbers between 1 and the last turn that no record has, as ranges. There is none if the number of a turn is not
    /// known: it may be one of these.
    pub fn missing_turns(&self) -> Vec<RangeInclusive<u64>> {
        let is_unknown = |turn: &Turn| turn.number.is_none() && turn.prompt().is_some();
        if self.turns.iter().any(is_unknown) {
            return Vec::new();
        }
        let numbers = self.turns.iter().filter_map(|turn| turn.number);
        let (mut missing, mut expected) = (Vec::new(), 1);
        for number in numbers.collect::<BTreeSet<_>>() {
            if expected < number {
                missing.push(expected..=number - 1);
            }
            expected = number.saturating_add(1);
        }
        missing
    }
}

/// Which writer a record is of: the trail, and the run where every record has one.
type Writer = (usize, Option<String>);

/// The turns of a conversation, while its lines are read.
#[derive(Default)]
struct Turns {
    /// Each with the time at which it begins, by a clock of its writer that does not go back, and where that was read.
    begun: Vec<((DateTime<Utc>, usize), Turn)>,
    /// The writers of their first records.
    writers: Vec<Writer>,
    /// Those with an id, the newest last.
    by_id: HashMap<String, Vec<usize>>,
    /// The last of a writer without an id, of each number and of all.
    by_number: HashMap<(Writer, Option<u64>), usize>,
    clocks: HashMap<Writer, DateTime<Utc>>,
    lines: usize,
}

impl Turns {
    fn add(&mut self, line: Line) {
        let Line { record, trail, .. } = line;
        let writer = (trail, record.run_id.clone());
        let clock = self.clocks.entry(writer.clone()).or_default();
        *clock = record.timestamp.max(*clock);
        let begun = (*clock, self.lines);
        self.lines += 1;
        let takes = |turn: &usize| self.begun[*turn].1.takes(&record);
        let turn = match &record.turn_id {
            // Turns may run side by side: the id tells them apart, the number does not. Another writer's turn of this id
            // is the same one, unless each has its prompt.
            Some(id) => {
                let of_id = self.by_id.get(id).map_or(&[][..], Vec::as_slice);
                let mut newest = of_id.iter().rev().copied();
                let own = newest.clone().find(|turn| self.writers[*turn] == writer);
                own.filter(takes).or_else(|| newest.find(takes))
            }
            None => {
                let of_number = (writer.clone(), record.turn_number);
                self.by_number.get(&of_number).copied().filter(takes)
            }
        };
        let turn = turn.unwrap_or_else(|| {
            let turn = self.begun.len();
            match &record.turn_id {
                Some(id) => self.by_id.entry(id.clone()).or_default().push(turn),
                None => {
                    for number in [record.turn_number, None] {
                        self.by_number.insert((writer.clone(), number), turn);
                    }
                }
            }
            self.begun.push((begun, Turn::of(Vec::new())));
            self.writers.push(writer);
            turn
        });
        let (begins, turn) = &mut self.begun[turn];
        if is_prompt(&record) && turn.prompt().is_none() {
            *begins = begun;
        }
        turn.number = turn.number.or(record.turn_number);
        turn.records.push(record);
        turn.trails.push(trail);
    }
}

/// The trail of a record, the run if every record has one, and `seq`.
#[doc(hidden)]
pub type RecordIdentity = (usize, Option<String>, u64);

#[doc(hidden)]
pub fn record_identity(trail: usize, record: &Record) -> RecordIdentity {
    (trail, record.run_id.clone(), record.seq)
}

fn is_prompt(record: &Record) -> bool {
    record.event_type == EventType::UserPrompt
}

/// Whether one record holds both what was asked and what was answered.
fn is_exchange(record: &Record) -> bool {
    record.prompt.is_some() && record.response.is_some()
}

impl Turn {
    /// The turn that has these records of one trail.
    pub fn of(mut records: Vec<Record>) -> Turn {
        records.sort_by_key(|record| record.seq);
        Turn {
            number: records.iter().find_map(|record| record.turn_number),
            trails: vec![0; records.len()],
            records,
        }
    }

    /// Whether a record that names this turn is of it: a turn has one prompt, and another one begins another turn.
    pub(super) fn takes(&self, record: &Record) -> bool {
        let is_second = |is: fn(&Record) -> bool| is(record) && self.records.iter().any(is);
        !is_second(is_prompt) && !is_second(is_exchange)
    }

    /// What tells its records apart from all others of the conversation: the trail of each, the run, and `seq`.
    #[doc(hidden)]
    pub fn identities(&self) -> impl Iterator<Item = RecordIdentity> {
        let records = self.trails.iter().zip(&self.records);
        records.map(|(trail, record)| record_identity(*trail, record))
    }

    /// What was asked: the first of its [`prompts`](Turn::prompts).
    pub fn prompt(&self) -> Option<&Record> {
        self.prompts().next()
    }

    /// The records with what was asked, in order: the prompt, and those that repeat it.
    pub fn prompts(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.prompt.is_some())
    }

    /// What was answered: the first of its [`responses`](Turn::responses).
    pub fn response(&self) -> Option<&Record> {
        self.responses().next()
    }

    /// All that was answered, in order.
    pub fn responses(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.is_answer())
    }

    /// What the guardrails decided, in order.
    pub fn decisions(&self) -> impl Iterator<Item = &GuardrailDecision> {
        self.records
            .iter()
            .flat_map(|record| &record.guardrail_decisions)
    }

    /// The decision that stopped the turn, if one did.
    pub fn blocking(&self) -> Option<&GuardrailDecision> {
        self.decisions()
            .find(|decision| decision.decision == Decision::Block)
    }

    /// How the turn ended, where its records say.
    pub fn outcome(&self) -> Option<Outcome> {
        let mut ends = self.records.iter().filter_map(Record::ends_turn);
        let first = ends.next();
        let said = match ends.any(|end| end == Outcome::Withheld) {
            true => Some(Outcome::Withheld),
            false => first,
        };
        // Turns whose records were written one by one.
        said.or_else(|| self.response().map(|_| Outcome::Released))
            .or_else(|| self.blocking().map(|_| Outcome::Blocked))
    }

    /// Whether the turn has what it should have: its prompt, a decision of each guardrail that
    /// it expected, and an end.
    pub fn completeness(&self) -> Completeness {
        let mut expects = self.records.iter().map(|record| &record.expects);
        let expected = expects.find(|expects| !expects.is_empty());
        let expected = expected.cloned().unwrap_or_default();
        let decided = |name: &String| self.decisions().any(|found| found.filter_name == *name);
        let outcome = self.outcome();
        // What comes behind a block is not asked any more.
        let is_stopped = outcome == Some(Outcome::Blocked);
        let missing = expected.iter().filter(|name| !decided(name) && !is_stopped);
        Completeness {
            prompt: self.prompt().is_some(),
            missing: missing.cloned().collect(),
            expected,
            outcome,
        }
    }

    /// What the turn should have and has not.
    pub fn missing(&self) -> Vec<Missing> {
        [
            (self.prompt().is_none(), Missing::Prompt),
            (self.decisions().next().is_none(), Missing::Decisions),
            (
                self.response().is_none() && self.blocking().is_none(),
                Missing::Response,
            ),
        ]
        .into_iter()
        .filter_map(|(is_missing, what)| is_missing.then_some(what))
        .collect()
    }
}
