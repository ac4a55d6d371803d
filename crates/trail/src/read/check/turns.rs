//! Turns and requests: what each should have, and which are never answered.

use std::hash::BuildHasher as _;

use serde_json::Value;

use super::{FindingKind, TrailChecker};
use crate::error::Position;
use crate::read::{Outcome, Turn};
use crate::record::Record;

/// By what the records of a turn name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TurnKey {
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
    pub(super) fn turn(&mut self, mut record: Record, position: Position) {
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
    pub(super) fn ended(&mut self, key: &TurnKey) {
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
}
