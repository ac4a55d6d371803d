//! Where each conversation and each of its turns stands: numbers and states for applications that give none.
//!
//! Runs on the worker, in the order of `seq`. Memory is bounded: of conversations and turns that have
//! been silent longest the position is forgotten. Such a conversation counts on from 1 when it comes back, and such
//! a turn has the number of the conversation's last one.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::record::{EventType, Outcome, Record, TurnState};

/// Conversations remembered, and turns: this many at least, twice as many at most.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(crate) struct TurnTracker {
    /// Each where its last turn stands.
    conversations: Positions,
    /// Those whose records carry a `turn_id`: several of one conversation may be open.
    turns: Positions,
    key: RandomState,
}

/// Where those stand that were noted last.
#[derive(Default)]
struct Positions {
    recent: ById,
    older: ById,
}

type ById = HashMap<Id, TurnPosition>;

/// What a conversation or a turn is named by, hashed with a key of the process: ids may be of any length, and
/// of 20,000 hashes no two meet by chance or by somebody's choice.
type Id = u64;

/// Where a conversation or a turn stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TurnPosition {
    pub(crate) turn: u64,
    pub(crate) state: TurnState,
}

/// What a record does to its conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnEvent<'a> {
    pub(crate) event_type: &'a [u8],
    /// Whether one of its decisions is `block`.
    pub(crate) blocks: bool,
    /// The turn that the application says it is.
    pub(crate) turn: Option<u64>,
    /// Which of the turns that may be open it is of.
    pub(crate) turn_ref: Option<TurnRef<'a>>,
}

/// The turn that a record names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnRef<'a> {
    pub(crate) turn_id: &'a [u8],
    /// How the turn's answer ended, where the record says so.
    pub(crate) outcome: Option<Outcome>,
}

impl TurnEvent<'_> {
    fn is(&self, known: EventType) -> bool {
        self.event_type == known.as_str().as_bytes()
    }

    fn is_prompt(&self) -> bool {
        self.is(EventType::UserPrompt)
    }

    fn state_after(&self, state: TurnState) -> TurnState {
        if self.blocks {
            TurnState::Blocked
        } else if self.is_prompt() {
            TurnState::Prompted
        } else if self.is(EventType::LlmResponse) {
            let outcome = self.turn_ref.and_then(|turn| turn.outcome);
            outcome.map_or(TurnState::Answered, Outcome::state)
        } else if self.turn_ref.is_some() {
            Outcome::of_event(self.event_type).map_or(state, Outcome::state)
        } else {
            state
        }
    }
}

impl TurnPosition {
    /// A conversation goes on: a prompt begins its next turn.
    fn advance(&mut self, event: TurnEvent<'_>) {
        self.turn = match event.turn {
            Some(turn) => turn,
            None if event.is_prompt() || self.turn == 0 => self.turn.saturating_add(1),
            None => self.turn,
        };
        self.state = event.state_after(self.state);
    }

    /// A turn goes on, and keeps its number.
    fn advance_within(&mut self, event: TurnEvent<'_>) {
        self.turn = event.turn.unwrap_or(self.turn);
        self.state = event.state_after(self.state);
    }
}

impl Positions {
    fn get(&self, id: Id) -> Option<TurnPosition> {
        let position = self.recent.get(&id).or_else(|| self.older.get(&id));
        position.copied()
    }

    /// Changes the position of an id, which one that is not known gets, and says what it is then.
    fn change(&mut self, id: Id, change: impl FnOnce(&mut TurnPosition)) -> TurnPosition {
        if let Some(known) = self.recent.get_mut(&id) {
            change(known);
            return *known;
        }
        let mut position = self.older.remove(&id).unwrap_or_default();
        change(&mut position);
        if self.recent.len() >= REMEMBERED {
            std::mem::swap(&mut self.recent, &mut self.older);
            self.recent.clear();
        }
        self.recent.insert(id, position);
        position
    }
}

impl TurnTracker {
    /// Notes a record, and says where its turn stands after it; where it names none, its conversation.
    pub(crate) fn note(&mut self, conversation: &[u8], event: TurnEvent<'_>) -> TurnPosition {
        let id = self.id(conversation);
        match event.turn_ref {
            None => self
                .conversations
                .change(id, |position| position.advance(event)),
            Some(turn) => self.note_turn(id, turn.turn_id, event),
        }
    }

    fn note_turn(
        &mut self,
        conversation: Id,
        turn_id: &[u8],
        event: TurnEvent<'_>,
    ) -> TurnPosition {
        let id = self.turn(conversation, turn_id);
        if self.turns.get(id).is_none() {
            let position = self
                .conversations
                .change(conversation, |last| last.advance(event));
            if event.is_prompt() || event.turn.is_some() {
                self.turns.change(id, |turn| *turn = position);
            }
            return position;
        }
        let position = self.turns.change(id, |turn| turn.advance_within(event));
        self.conversations.change(conversation, |last| {
            if last.turn == position.turn || last.turn == 0 {
                *last = position;
            }
        });
        position
    }

    /// Goes on where an earlier process left a conversation and its turns.
    pub(crate) fn remember(&mut self, record: &Record) {
        let (Some(conversation), Some(turn)) = (&record.conversation_id, record.turn_number) else {
            return;
        };
        let state = record
            .conversation_state
            .as_deref()
            .and_then(TurnState::parse);
        let position = TurnPosition {
            turn,
            state: state.unwrap_or_default(),
        };
        let conversation = self.id(conversation.as_bytes());
        let turn_id = record.turn_id.as_deref();
        if let Some(turn_id) = turn_id {
            let id = self.turn(conversation, turn_id.as_bytes());
            self.turns.change(id, |turn| *turn = position);
        }
        let begins = turn_id.is_none() || record.event_type == EventType::UserPrompt;
        self.conversations.change(conversation, |last| {
            if begins || last.turn <= turn {
                *last = position;
            }
        });
    }

    fn id(&self, conversation: &[u8]) -> Id {
        self.key.hash_one(conversation)
    }

    fn turn(&self, conversation: Id, turn_id: &[u8]) -> Id {
        self.key.hash_one((conversation, turn_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(event_type: &str) -> TurnEvent<'_> {
        TurnEvent {
            event_type: event_type.as_bytes(),
            blocks: false,
            turn: None,
            turn_ref: None,
        }
    }

    fn of<'a>(turn_id: &'a str, event: TurnEvent<'a>) -> TurnEvent<'a> {
        TurnEvent {
            turn_ref: Some(TurnRef {
                turn_id: turn_id.as_bytes(),
                outcome: None,
            }),
            ..event
        }
    }

    #[test]
    fn turns_are_counted_by_prompts_and_states_follow_events() {
        let mut tracker = TurnTracker::default();
        let mut note = |step| {
            let position = tracker.note(b"c", step);
            (position.turn, position.state.as_str())
        };
        let blocked = TurnEvent {
            blocks: true,
            ..step("guardrail_decision")
        };
        assert_eq!(note(step("user_prompt")), (1, "prompted"));
        assert_eq!(note(step("guardrail_decision")), (1, "prompted"));
        assert_eq!(note(step("llm_response")), (1, "answered"));
        assert_eq!(note(step("user_prompt")), (2, "prompted"));
        assert_eq!(note(blocked), (2, "blocked"));
        assert_eq!(
            note(TurnEvent {
                turn: Some(7),
                ..step("user_prompt")
            }),
            (7, "prompted")
        );
        assert_eq!(note(step("user_prompt")), (8, "prompted"));
    }

    #[test]
    fn a_record_that_names_its_turn_has_that_turns_number_whatever_others_do() {
        let mut tracker = TurnTracker::default();
        let mut note = |turn_id, event_type| {
            let position = tracker.note(b"c", of(turn_id, step(event_type)));
            (position.turn, position.state.as_str())
        };
        assert_eq!(note("a", "user_prompt"), (1, "prompted"));
        assert_eq!(note("b", "user_prompt"), (2, "prompted"));
        assert_eq!(note("a", "llm_response"), (1, "answered"));
        assert_eq!(note("a", "turn_withheld"), (1, "withheld"));
        assert_eq!(note("b", "guardrail_decision"), (2, "prompted"));
        assert_eq!(note("c", "user_prompt"), (3, "prompted"));
        assert_eq!(note("b", "turn_abandoned"), (2, "abandoned"));
        // What names no turn is of the last one.
        let last = tracker.note(b"c", step("note"));
        assert_eq!((last.turn, last.state.as_str()), (3, "prompted"));
        let end = tracker.note(b"c", of("c", step("turn_failed")));
        assert_eq!((end.turn, end.state), (3, TurnState::Failed));
        assert_eq!(tracker.note(b"c", step("note")).state, TurnState::Failed);
        // The same id in another conversation is another turn.
        assert_eq!(tracker.note(b"d", of("c", step("user_prompt"))).turn, 1);
    }

    #[test]
    fn memory_is_bounded_and_active_conversations_are_kept() {
        let mut tracker = TurnTracker::default();
        for number in 0..5 * REMEMBERED {
            tracker.note(b"active", step("user_prompt"));
            let number = number.to_string();
            tracker.note(number.as_bytes(), of(&number, step("user_prompt")));
            for positions in [&tracker.conversations, &tracker.turns] {
                assert!(positions.recent.len() + positions.older.len() <= 2 * REMEMBERED);
            }
        }
        let position = tracker.note(b"active", step("llm_response"));
        assert_eq!(position.turn, 5 * REMEMBERED as u64);
    }
}
