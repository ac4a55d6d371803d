use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Query, Trail};
use crate::error::Error;
use crate::record::{Decision, GuardrailDecision, Outcome, Record};

/// A conversation, rebuilt from a trail.
#[derive(Debug)]
#[non_exhaustive]
pub struct Conversation {
    /// Its id.
    pub conversation_id: String,
    /// Its turns, by their numbers; what has no number comes first.
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
    /// Its records, in the order of `seq`. Never empty.
    pub records: Vec<Record>,
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
        let mut records = Vec::new();
        let mut unreadable = Vec::new();
        for record in self.query(Query::new().conversation_id(&id)) {
            match record {
                Ok(record) => records.push(record),
                Err(error) => unreadable.push(error),
            }
        }
        Conversation {
            unreadable,
            ..Conversation::of(id, records)
        }
    }
}

impl Conversation {
    /// A conversation of these records.
    pub fn of(id: impl Into<String>, records: impl IntoIterator<Item = Record>) -> Conversation {
        let mut turns: BTreeMap<(Option<String>, Option<u64>), Vec<Record>> = BTreeMap::new();
        for record in records {
            // Turns may run side by side: the id tells them apart, the number does not.
            let key = match &record.turn_id {
                Some(turn_id) => (Some(turn_id.clone()), None),
                None => (None, record.turn_number),
            };
            turns.entry(key).or_default().push(record);
        }
        let mut turns: Vec<Turn> = turns.into_values().map(Turn::of).collect();
        turns.sort_by_key(|turn| (turn.number, turn.records.first().map(|record| record.seq)));
        Conversation {
            conversation_id: id.into(),
            turns,
            unreadable: Vec::new(),
        }
    }

    /// Numbers between 1 and the last turn that no record has, as ranges.
    pub fn missing_turns(&self) -> Vec<RangeInclusive<u64>> {
        let mut missing = Vec::new();
        let mut expected = 1;
        for number in self.turns.iter().filter_map(|turn| turn.number) {
            if expected < number {
                missing.push(expected..=number - 1);
            }
            expected = number.saturating_add(1);
        }
        missing
    }
}

impl Turn {
    /// The turn that has these records.
    pub fn of(mut records: Vec<Record>) -> Turn {
        records.sort_by_key(|record| record.seq);
        Turn {
            number: records.first().and_then(|record| record.turn_number),
            records,
        }
    }

    /// What was asked: the first of its [`prompts`](Turn::prompts).
    pub fn prompt(&self) -> Option<&Record> {
        self.prompts().next()
    }

    /// All that was asked, in order. A turn has one prompt, unless whoever recorded it gave several records
    /// the same turn.
    pub fn prompts(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.prompt.is_some())
    }

    /// What was answered: the first of its [`responses`](Turn::responses).
    pub fn response(&self) -> Option<&Record> {
        self.responses().next()
    }

    /// All that was answered, in order.
    pub fn responses(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.response.is_some())
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
