use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Query, Trail};
use crate::error::Error;
use crate::record::{Decision, GuardrailDecision, Record};

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
        let mut turns: BTreeMap<Option<u64>, Vec<Record>> = BTreeMap::new();
        let mut unreadable = Vec::new();
        for record in self.query(Query::new().conversation_id(&id)) {
            match record {
                Ok(record) => turns.entry(record.turn_number).or_default().push(record),
                Err(error) => unreadable.push(error),
            }
        }
        let turns = turns.into_iter().map(|(number, mut records)| {
            records.sort_by_key(|record| record.seq);
            Turn { number, records }
        });
        Conversation {
            conversation_id: id,
            turns: turns.collect(),
            unreadable,
        }
    }
}

impl Conversation {
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
    /// What was asked.
    pub fn prompt(&self) -> Option<&Record> {
        self.records.iter().find(|record| record.prompt.is_some())
    }

    /// What was answered.
    pub fn response(&self) -> Option<&Record> {
        self.records.iter().find(|record| record.response.is_some())
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
