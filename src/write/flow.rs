//! Where each conversation stands: turn numbers and states for applications that give none.
//!
//! Runs on the worker, in the order of `seq`. Memory is bounded: of conversations that have
//! been silent longest the place is forgotten, and they count on from 1 when they come back.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use crate::record::{EventType, Record};

/// Conversations remembered: this many at least, twice as many at most.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(super) struct Flow {
    recent: Places,
    older: Places,
    key: RandomState,
}

type Places = HashMap<Id, Place, BuildHasherDefault<IdentityHasher>>;

/// A conversation's id, hashed with a key of the process: ids may be of any length, and of 20,000 hashes
/// no two meet by chance or by somebody's choice.
type Id = u64;

/// An id is a hash already, and nobody outside knows its key.
#[derive(Default)]
struct IdentityHasher(Id);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("invariant: nothing but ids is hashed")
    }
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) turn: u64,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// No prompt of it was seen.
    #[default]
    Open,
    /// A prompt is waiting for its answer.
    Prompted,
    /// The model answered.
    Answered,
    /// A guardrail stopped the turn.
    Blocked,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Prompted => "prompted",
            State::Answered => "answered",
            State::Blocked => "blocked",
        }
    }

    fn parse(word: &str) -> Option<State> {
        [
            State::Open,
            State::Prompted,
            State::Answered,
            State::Blocked,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// What a record does to its conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) event_type: &'a [u8],
    /// Whether one of its decisions is `block`.
    pub(super) blocks: bool,
    /// The turn that the application says it is.
    pub(super) turn: Option<u64>,
}

impl Place {
    fn step(&mut self, step: Step<'_>) {
        let is = |known: EventType| step.event_type == known.as_str().as_bytes();
        let is_prompt = is(EventType::UserPrompt);
        self.turn = match step.turn {
            Some(turn) => turn,
            None if is_prompt || self.turn == 0 => self.turn.saturating_add(1),
            None => self.turn,
        };
        self.state = if step.blocks {
            State::Blocked
        } else if is_prompt {
            State::Prompted
        } else if is(EventType::LlmResponse) {
            State::Answered
        } else {
            self.state
        };
    }
}

impl Flow {
    /// Notes a record, and says where its conversation stands after it.
    pub(super) fn note(&mut self, conversation: &[u8], step: Step<'_>) -> Place {
        let id = self.id(conversation);
        if let Some(known) = self.recent.get_mut(&id) {
            known.step(step);
            return *known;
        }
        let mut place = self.older.remove(&id).unwrap_or_default();
        place.step(step);
        if self.recent.len() >= REMEMBERED {
            std::mem::swap(&mut self.recent, &mut self.older);
            self.recent.clear();
        }
        self.recent.insert(id, place);
        place
    }

    /// Goes on where an earlier process left a conversation.
    pub(super) fn remember(&mut self, record: &Record) {
        let (Some(conversation), Some(turn)) = (&record.conversation_id, record.turn_number) else {
            return;
        };
        let state = record.conversation_state.as_deref().and_then(State::parse);
        let place = Place {
            turn,
            state: state.unwrap_or_default(),
        };
        let id = self.id(conversation.as_bytes());
        self.recent.insert(id, place);
    }

    fn id(&self, conversation: &[u8]) -> Id {
        self.key.hash_one(conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(event_type: &str) -> Step<'_> {
        Step {
            event_type: event_type.as_bytes(),
            blocks: false,
            turn: None,
        }
    }

    #[test]
    fn turns_are_counted_by_prompts_and_states_follow_events() {
        let mut flow = Flow::default();
        let mut note = |step| {
            let place = flow.note(b"c", step);
            (place.turn, place.state.as_str())
        };
        let blocked = Step {
            blocks: true,
            ..step("guardrail_decision")
        };
        assert_eq!(note(step("user_prompt")), (1, "prompted"));
        assert_eq!(note(step("guardrail_decision")), (1, "prompted"));
        assert_eq!(note(step("llm_response")), (1, "answered"));
        assert_eq!(note(step("user_prompt")), (2, "prompted"));
        assert_eq!(note(blocked), (2, "blocked"));
        assert_eq!(
            note(Step {
                turn: Some(7),
                ..step("user_prompt")
            }),
            (7, "prompted")
        );
        assert_eq!(note(step("user_prompt")), (8, "prompted"));
    }

    #[test]
    fn memory_is_bounded_and_active_conversations_are_kept() {
        let mut flow = Flow::default();
        for number in 0..5 * REMEMBERED {
            flow.note(b"active", step("user_prompt"));
            flow.note(number.to_string().as_bytes(), step("user_prompt"));
            assert!(flow.recent.len() + flow.older.len() <= 2 * REMEMBERED);
        }
        let place = flow.note(b"active", step("llm_response"));
        assert_eq!(place.turn, 5 * REMEMBERED as u64);
    }
}
