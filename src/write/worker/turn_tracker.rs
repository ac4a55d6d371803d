//! Where each conversation and each of its turns stands: numbers and states for applications that give none.
//!
//! Runs on the worker, in the order of `seq`. Memory is bounded by 4 MiB: the positions of the conversations and turns
//! that have been silent longest are forgotten, all but that they were there. When one comes back, nobody knows its
//! number, and the record says so. A conversation that is new, and is not taken for a forgotten one, begins with turn 1.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::record::{EventType, Outcome, Record, TurnState};

/// Conversations remembered, and turns: this many at least, twice as many at most. So many fill a table of 2^15
/// slots; the four tables have 3.2 MiB.
const REMEMBERED: usize = 28_672;

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
    forgotten: Forgotten,
}

type ById = HashMap<Id, TurnPosition>;

/// Which ids were forgotten: a Bloom filter, which takes a few new ids for forgotten ones and never the other way round.
#[derive(Default)]
struct Forgotten {
    has_filter: bool,
    /// Any id may be a forgotten one: there is no filter, or what was before this process is not known.
    is_anything: bool,
    /// Empty until the first id is forgotten.
    bits: Vec<u64>,
}

/// What a conversation or a turn is named by, hashed with a key of the process: ids may be of any length, and
/// of 60,000 hashes no two meet by chance or by somebody's choice.
type Id = u64;

/// Where a conversation or a turn stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TurnPosition {
    turn: u64,
    is_known: bool,
    /// `None`: it is not known.
    pub(crate) state: Option<TurnState>,
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

    /// The state after the event, where the event or the state before it says.
    fn state_after(&self, state: Option<TurnState>) -> Option<TurnState> {
        if self.blocks {
            Some(TurnState::Blocked)
        } else if self.is_prompt() {
            Some(TurnState::Prompted)
        } else if self.is(EventType::LlmResponse) {
            let outcome = self.turn_ref.and_then(|turn| turn.outcome);
            Some(outcome.map_or(TurnState::Answered, Outcome::state))
        } else if self.turn_ref.is_some() {
            let ended = Outcome::of_event(self.event_type).map(Outcome::state);
            ended.or(state)
        } else {
            state
        }
    }
}

impl TurnPosition {
    /// Of what has no turn yet.
    const NEW: TurnPosition = TurnPosition {
        turn: 0,
        is_known: true,
        state: Some(TurnState::Open),
    };

    /// Of what nothing is known of.
    const UNKNOWN: TurnPosition = TurnPosition {
        turn: 0,
        is_known: false,
        state: None,
    };

    /// The number of the turn. `None`: it is not known.
    pub(crate) fn number(self) -> Option<u64> {
        self.is_known.then_some(self.turn)
    }

    /// A conversation goes on: a prompt begins its next turn.
    fn advance(&mut self, event: TurnEvent<'_>) {
        if event.turn.is_none() && (event.is_prompt() || self.turn == 0) {
            self.turn = self.turn.saturating_add(1);
        }
        self.advance_within(event);
    }

    /// A turn goes on, and keeps its number.
    fn advance_within(&mut self, event: TurnEvent<'_>) {
        self.turn = event.turn.unwrap_or(self.turn);
        self.is_known |= event.turn.is_some();
        self.state = event.state_after(self.state);
    }
}

impl Forgotten {
    /// 2^22 bits, 512 KiB. After 200,000 forgotten conversations 0.1 % of the new ones are taken for one of them, and after
    /// a million 15 %.
    const BITS: u64 = 1 << 22;

    /// Where the bits of an id are, which is a hash.
    fn bits_of(id: Id) -> [u64; 4] {
        let step = (id >> 32) | 1;
        [0, 1, 2, 3].map(|round: u64| id.wrapping_add(round.wrapping_mul(step)) % Self::BITS)
    }

    fn insert(&mut self, id: Id) {
        if !self.has_filter {
            self.is_anything = true;
            return;
        }
        self.bits.resize((Self::BITS / 64) as usize, 0);
        for bit in Self::bits_of(id) {
            self.bits[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    fn may_hold(&self, id: Id) -> bool {
        let is_set = |bit: u64| self.bits[(bit / 64) as usize] & 1 << (bit % 64) != 0;
        self.is_anything || !self.bits.is_empty() && Self::bits_of(id).into_iter().all(is_set)
    }
}

impl Positions {
    /// `None`: it is new.
    fn get(&self, id: Id) -> Option<TurnPosition> {
        let known = self.recent.get(&id).or_else(|| self.older.get(&id));
        let forgotten = || self.forgotten.may_hold(id).then_some(TurnPosition::UNKNOWN);
        known.copied().or_else(forgotten)
    }

    /// Changes the position of an id, which one that is not known gets, and says what it is then.
    fn change(&mut self, id: Id, change: impl FnOnce(&mut TurnPosition)) -> TurnPosition {
        if let Some(known) = self.recent.get_mut(&id) {
            change(known);
            return *known;
        }
        let mut position = self.get(id).unwrap_or(TurnPosition::NEW);
        change(&mut position);
        self.older.remove(&id);
        if self.recent.len() >= REMEMBERED {
            std::mem::swap(&mut self.recent, &mut self.older);
            for (id, _) in self.recent.drain() {
                self.forgotten.insert(id);
            }
        }
        self.recent.insert(id, position);
        position
    }
}

impl TurnTracker {
    /// `is_complete`: what it will [`remember`](TurnTracker::remember) is all that the trail holds.
    pub(crate) fn new(is_complete: bool) -> TurnTracker {
        let positions = |has_filter| Positions {
            forgotten: Forgotten {
                has_filter,
                is_anything: !is_complete,
                ..Forgotten::default()
            },
            ..Positions::default()
        };
        TurnTracker {
            conversations: positions(true),
            // A turn begins with its prompt: one that comes without is an old one.
            turns: positions(false),
            key: RandomState::new(),
        }
    }

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
        let begins = event.is_prompt() || event.turn.is_some();
        match self.turns.get(id) {
            // A prompt begins its turn, also one that is taken for a forgotten one.
            Some(turn) if turn != TurnPosition::UNKNOWN || !begins => {}
            _ => {
                let position = self
                    .conversations
                    .change(conversation, |last| last.advance(event));
                if begins {
                    self.turns.change(id, |turn| *turn = position);
                }
                return position;
            }
        }
        let position = self.turns.change(id, |turn| turn.advance_within(event));
        self.conversations.change(conversation, |last| {
            if [position.number(), Some(0)].contains(&last.number()) {
                *last = position;
            }
        });
        position
    }

    /// Goes on where an earlier process left a conversation and its turns.
    pub(crate) fn remember(&mut self, record: &Record) {
        let Some(conversation) = &record.conversation_id else {
            return;
        };
        let state = record.conversation_state.as_deref();
        let position = TurnPosition {
            turn: record.turn_number.unwrap_or(0),
            is_known: record.turn_number.is_some(),
            // A word of the application's own says nothing here.
            state: state.map(|state| TurnState::parse(state).unwrap_or_default()),
        };
        let conversation = self.id(conversation.as_bytes());
        let turn_id = record.turn_id.as_deref();
        if let Some(turn_id) = turn_id {
            let id = self.turn(conversation, turn_id.as_bytes());
            self.turns.change(id, |turn| *turn = position);
        }
        let begins = turn_id.is_none() || record.event_type == EventType::UserPrompt;
        self.conversations.change(conversation, |last| {
            if begins || last.number() <= position.number() {
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

    /// The number, 0 if it is not known, and the state.
    fn place(position: TurnPosition) -> (u64, &'static str) {
        let state = position.state.map_or("unknown", TurnState::as_str);
        (position.number().unwrap_or(0), state)
    }

    #[test]
    fn turns_are_counted_by_prompts_and_states_follow_events() {
        let mut tracker = TurnTracker::new(true);
        let mut note = |step| place(tracker.note(b"c", step));
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
        let mut tracker = TurnTracker::new(true);
        let mut note =
            |turn_id, event_type| place(tracker.note(b"c", of(turn_id, step(event_type))));
        assert_eq!(note("a", "user_prompt"), (1, "prompted"));
        assert_eq!(note("b", "user_prompt"), (2, "prompted"));
        assert_eq!(note("a", "llm_response"), (1, "answered"));
        assert_eq!(note("a", "turn_withheld"), (1, "withheld"));
        assert_eq!(note("b", "guardrail_decision"), (2, "prompted"));
        assert_eq!(note("c", "user_prompt"), (3, "prompted"));
        assert_eq!(note("b", "turn_abandoned"), (2, "abandoned"));
        // What names no turn is of the last one.
        let last = tracker.note(b"c", step("note"));
        assert_eq!(place(last), (3, "prompted"));
        let end = tracker.note(b"c", of("c", step("turn_failed")));
        assert_eq!(place(end), (3, "failed"));
        assert_eq!(place(tracker.note(b"c", step("note"))), (3, "failed"));
        // The same id in another conversation is another turn.
        let other = tracker.note(b"d", of("c", step("user_prompt")));
        assert_eq!(place(other), (1, "prompted"));
    }

    impl Positions {
        /// What the tables hold in memory: a slot has its entry and one byte more.
        fn bytes(&self) -> usize {
            let slots = |table: &ById| (table.capacity() * 8 / 7).next_power_of_two();
            let slot = size_of::<(Id, TurnPosition)>() + 1;
            (slots(&self.recent) + slots(&self.older)) * slot + self.forgotten.bits.len() * 8
        }
    }

    #[test]
    fn no_number_is_wrong_and_memory_stays_below_4_mib_whatever_is_forgotten() {
        let mut tracker = TurnTracker::new(true);
        let numbers = || (0..4 * REMEMBERED).map(|number| number.to_string());
        let mut unknown = 0;
        for number in numbers() {
            tracker.note(b"active", step("user_prompt"));
            let id = number.as_bytes();
            let first = tracker.note(id, of(&number, step("user_prompt")));
            assert!(matches!(first.number(), Some(1) | None), "{first:?}");
            unknown += usize::from(!first.is_known);
        }
        assert!(
            unknown < REMEMBERED / 100,
            "{unknown} new conversations were taken for forgotten ones"
        );
        let bytes = tracker.conversations.bytes() + tracker.turns.bytes();
        assert!((1 << 20..=4 << 20).contains(&bytes), "{bytes}");
        let active = tracker.note(b"active", step("llm_response"));
        assert_eq!(place(active), (4 * REMEMBERED as u64, "answered"));
        // Whatever is noted last is known, and the first are forgotten.
        let late = tracker.note(b"1", of("1", step("turn_failed")));
        assert_eq!(place(late), (0, "failed"));
        let note = tracker.note(b"2", step("note"));
        assert_eq!(place(note), (0, "unknown"));
        for number in numbers() {
            let second = tracker.note(number.as_bytes(), step("user_prompt"));
            assert!(matches!(second.number(), Some(2) | None), "{second:?}");
        }
        let given = TurnEvent {
            turn: Some(7),
            ..step("user_prompt")
        };
        assert_eq!(place(tracker.note(b"1", given)), (7, "prompted"));
        assert_eq!(
            place(tracker.note(b"1", step("user_prompt"))),
            (8, "prompted")
        );
    }

    #[test]
    fn what_was_before_the_first_record_that_was_read_is_not_known() {
        let mut tracker = TurnTracker::new(false);
        let line = r#"{"seq":7,"timestamp":"2026-11-24T10:00:00Z","event_type":"user_prompt",
            "conversation_id":"known","turn_number":4,"conversation_state":"prompted"}"#;
        tracker.remember(&serde_json::from_str(line).expect("a record"));
        let known = tracker.note(b"known", step("user_prompt"));
        assert_eq!(place(known), (5, "prompted"));
        for expected in [(0, "prompted"), (0, "prompted")] {
            assert_eq!(place(tracker.note(b"c", step("user_prompt"))), expected);
        }
        // A turn that begins in a known conversation has its number.
        let turn = tracker.note(b"known", of("t", step("user_prompt")));
        assert_eq!(place(turn), (6, "prompted"));
        assert_eq!(
            place(tracker.note(b"known", of("t", step("note")))),
            (6, "prompted")
        );
    }
}
