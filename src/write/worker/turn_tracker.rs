//! Where each conversation and each of its turns stands: numbers and states for applications that give none.
//!
//! Runs on the worker, in the order of `seq`. Memory is bounded: of conversations and turns that have
//! been silent longest the place is forgotten. Such a conversation counts on from 1 when it comes back, and such
//! a turn has the number of the conversation's last one.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use crate::record::{EventType, Outcome, Record, TurnState};

/// Conversations remembered, and turns: this many at least, twice as many at most.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(crate) struct TurnTracker {
    /// Each where its last turn stands.
    conversations: Places,
    /// Those whose records carry a `turn_id`: several of one conversation may be open.
    turns: Places,
    key: RandomState,
}

/// Where those stand that were noted last.
#[derive(Default)]
struct Places {
    recent: ById,
    older: ById,
}

type ById = HashMap<Id, Place, BuildHasherDefault<IdentityHasher>>;

/// What a conversation or a turn is named by, hashed with a key of the process: ids may be of any length, and
/// of 20,000 hashes no two meet by chance or by somebody's choice.
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

/// Where a conversation or a turn stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) turn: u64,
    pub(crate) state: TurnState,
}

/// What a record does to its conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) event_type: &'a [u8],
    /// Whether one of its decisions is `block`.
    pub(crate) blocks: bool,
    /// The turn that the application says it is.
    pub(crate) turn: Option<u64>,
    /// Which of the turns that may be open it is of.
    pub(crate) of: Option<Of<'a>>,
}

/// The turn that a record names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) turn_id: &'a [u8],
    /// How the turn's answer ended, where the record says so.
    pub(crate) outcome: Option<Outcome>,
}

impl Step<'_> {
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
            self.of.map_or(TurnState::Answered, |of| of.answered())
        } else if self.of.is_some() {
            Outcome::of_event(self.event_type).map_or(state, Outcome::state)
        } else {
            state
        }
    }
}

impl Of<'_> {
    fn answered(&self) -> TurnState {
        self.outcome.map_or(TurnState::Answered, Outcome::state)
    }
}

impl Place {
    /// Of a conversation: a prompt begins its next turn.
    fn step(&mut self, step: Step<'_>) {
        self.turn = match step.turn {
            Some(turn) => turn,
            None if step.is_prompt() || self.turn == 0 => self.turn.saturating_add(1),
            None => self.turn,
        };
        self.state = step.state_after(self.state);
    }

    /// Of a turn, which keeps its number.
    fn step_within(&mut self, step: Step<'_>) {
        self.turn = step.turn.unwrap_or(self.turn);
        self.state = step.state_after(self.state);
    }
}

impl Places {
    fn get(&self, id: Id) -> Option<Place> {
        let place = self.recent.get(&id).or_else(|| self.older.get(&id));
        place.copied()
    }

    /// Changes the place of an id, which one that is not known gets, and says what it is then.
    fn change(&mut self, id: Id, change: impl FnOnce(&mut Place)) -> Place {
        if let Some(known) = self.recent.get_mut(&id) {
            change(known);
            return *known;
        }
        let mut place = self.older.remove(&id).unwrap_or_default();
        change(&mut place);
        if self.recent.len() >= REMEMBERED {
            std::mem::swap(&mut self.recent, &mut self.older);
            self.recent.clear();
        }
        self.recent.insert(id, place);
        place
    }
}

impl TurnTracker {
    /// Notes a record, and says where its turn stands after it; where it names none, its conversation.
    pub(crate) fn note(&mut self, conversation: &[u8], step: Step<'_>) -> Place {
        let id = self.id(conversation);
        match step.of {
            None => self.conversations.change(id, |place| place.step(step)),
            Some(of) => self.note_turn(id, of.turn_id, step),
        }
    }

    fn note_turn(&mut self, conversation: Id, turn_id: &[u8], step: Step<'_>) -> Place {
        let id = self.turn(conversation, turn_id);
        if self.turns.get(id).is_none() {
            let place = self
                .conversations
                .change(conversation, |last| last.step(step));
            if step.is_prompt() || step.turn.is_some() {
                self.turns.change(id, |turn| *turn = place);
            }
            return place;
        }
        let place = self.turns.change(id, |turn| turn.step_within(step));
        self.conversations.change(conversation, |last| {
            if last.turn == place.turn || last.turn == 0 {
                *last = place;
            }
        });
        place
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
        let place = Place {
            turn,
            state: state.unwrap_or_default(),
        };
        let conversation = self.id(conversation.as_bytes());
        let turn_id = record.turn_id.as_deref();
        if let Some(turn_id) = turn_id {
            let id = self.turn(conversation, turn_id.as_bytes());
            self.turns.change(id, |turn| *turn = place);
        }
        let begins = turn_id.is_none() || record.event_type == EventType::UserPrompt;
        self.conversations.change(conversation, |last| {
            if begins || last.turn <= turn {
                *last = place;
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

    fn step(event_type: &str) -> Step<'_> {
        Step {
            event_type: event_type.as_bytes(),
            blocks: false,
            turn: None,
            of: None,
        }
    }

    fn of<'a>(turn_id: &'a str, step: Step<'a>) -> Step<'a> {
        Step {
            of: Some(Of {
                turn_id: turn_id.as_bytes(),
                outcome: None,
            }),
            ..step
        }
    }

    #[test]
    fn turns_are_counted_by_prompts_and_states_follow_events() {
        let mut flow = TurnTracker::default();
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
    fn a_record_that_names_its_turn_has_that_turns_number_whatever_others_do() {
        let mut flow = TurnTracker::default();
        let mut note = |turn_id, event_type| {
            let place = flow.note(b"c", of(turn_id, step(event_type)));
            (place.turn, place.state.as_str())
        };
        assert_eq!(note("a", "user_prompt"), (1, "prompted"));
        assert_eq!(note("b", "user_prompt"), (2, "prompted"));
        assert_eq!(note("a", "llm_response"), (1, "answered"));
        assert_eq!(note("a", "turn_withheld"), (1, "withheld"));
        assert_eq!(note("b", "guardrail_decision"), (2, "prompted"));
        assert_eq!(note("c", "user_prompt"), (3, "prompted"));
        assert_eq!(note("b", "turn_abandoned"), (2, "abandoned"));
        // What names no turn is of the last one.
        let last = flow.note(b"c", step("note"));
        assert_eq!((last.turn, last.state.as_str()), (3, "prompted"));
        let end = flow.note(b"c", of("c", step("turn_failed")));
        assert_eq!((end.turn, end.state), (3, TurnState::Failed));
        assert_eq!(flow.note(b"c", step("note")).state, TurnState::Failed);
        // The same id in another conversation is another turn.
        assert_eq!(flow.note(b"d", of("c", step("user_prompt"))).turn, 1);
    }

    #[test]
    fn memory_is_bounded_and_active_conversations_are_kept() {
        let mut flow = TurnTracker::default();
        for number in 0..5 * REMEMBERED {
            flow.note(b"active", step("user_prompt"));
            let number = number.to_string();
            flow.note(number.as_bytes(), of(&number, step("user_prompt")));
            for places in [&flow.conversations, &flow.turns] {
                assert!(places.recent.len() + places.older.len() <= 2 * REMEMBERED);
            }
        }
        let place = flow.note(b"active", step("llm_response"));
        assert_eq!(place.turn, 5 * REMEMBERED as u64);
    }
}
