//! From a frame to its line: keys in their order, conversation flow, decisions, `seq`.

use chrono::DateTime;

use super::turn_tracker::{TurnEvent, TurnPosition, TurnRef, TurnTracker};
use crate::format::internal::{Key, KeySet, json, timestamp_text};
use crate::record::{Decision, EventType, Outcome, Record};
use crate::write::journal::frame::{Fields, Frame, Name, Read, Value};

/// Renders lines, one after the other.
pub(crate) struct Renderer {
    turns: TurnTracker,
    /// Stands in every record, if the trail is a stream: whoever collects it may have several runs in one.
    run_id: Option<String>,
}

/// The fields of a frame, sorted by what they are.
struct Sorted<'a> {
    keys: KeySet,
    known: [Option<Read<'a>>; Key::ALL.len()],
    /// All fields, from the first on that is not among the known ones.
    rest: Fields<'a>,
}

impl<'a> Sorted<'a> {
    fn new(fields: Fields<'a>) -> Sorted<'a> {
        let mut sorted = Sorted {
            keys: KeySet::default(),
            known: [None; Key::ALL.len()],
            rest: Fields(&[]),
        };
        let mut left = fields;
        loop {
            let here = left;
            let Some((name, value)) = left.next() else {
                return sorted;
            };
            match (name, value) {
                (Name::Key(Key::Decisions), Value::Group(_))
                | (Name::Key(Key::Problems), Value::Str(_))
                | (Name::Other(_), _) => {
                    if sorted.rest.0.is_empty() {
                        sorted.rest = here;
                    }
                }
                (Name::Key(key), value) => {
                    sorted.keys.insert(key);
                    sorted.known[key as usize] = Some(value);
                }
            }
        }
    }

    fn decisions(&self) -> impl Iterator<Item = Fields<'a>> {
        self.rest.filter_map(|field| match field {
            (Name::Key(Key::Decisions), Value::Group(fields)) => Some(Fields(fields)),
            _ => None,
        })
    }

    fn problems(&self) -> impl Iterator<Item = &'a [u8]> {
        self.rest.filter_map(|field| match field {
            (Name::Key(Key::Problems), Value::Str(problem)) => Some(problem),
            _ => None,
        })
    }

    /// The turn that the record names.
    fn turn(&self) -> Option<TurnRef<'a>> {
        Some(TurnRef {
            turn_id: self.text(Key::TurnId)?,
            outcome: self.text(Key::Outcome).and_then(Outcome::parse),
        })
    }

    fn get(&self, key: Key) -> Option<Read<'a>> {
        self.known[key as usize]
    }

    fn text(&self, key: Key) -> Option<&'a [u8]> {
        match self.get(key) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    fn count(&self, key: Key) -> Option<u64> {
        match self.get(key) {
            Some(Value::U64(number)) => Some(number),
            _ => None,
        }
    }

    /// What the event should have said and has not.
    fn missing(&self, event_type: &[u8]) -> Option<&'static str> {
        let is = |known: EventType| event_type == known.as_str().as_bytes();
        if self.get(Key::Prompt).is_none() && is(EventType::UserPrompt) {
            Some("the user_prompt came without a prompt")
        } else if is(EventType::GuardrailDecision)
            && !self.has_plain_decision()
            && self.decisions().next().is_none()
        {
            Some("the guardrail_decision came without a decision")
        } else {
            None
        }
    }

    /// Whether the event's own plain fields make up a decision.
    fn has_plain_decision(&self) -> bool {
        self.get(Key::FilterName).is_some() || self.get(Key::Decision).is_some()
    }

    fn blocks(&self) -> bool {
        let block = Decision::Block.as_str().as_bytes();
        let is_block =
            |(name, value)| name == Name::Key(Key::Decision) && value == Value::Str(block);
        self.text(Key::Decision) == Some(block)
            || self.decisions().any(|mut fields| fields.any(is_block))
    }
}

/// Keys that may stand in a line without standing in its frame.
const COMPOSED: KeySet = KeySet::of(&[
    Key::EventType,
    Key::RunId,
    Key::TurnNumber,
    Key::TurnNumberUnknown,
    Key::ConversationState,
    Key::Decisions,
    Key::TokensProcessed,
]);

/// Keys that follow the application's own fields.
const LAST: KeySet = KeySet::of(&[Key::Redactions, Key::RedactionCounts]);

impl Renderer {
    pub(crate) fn new(turns: TurnTracker, run_id: Option<String>) -> Renderer {
        Renderer { turns, run_id }
    }

    /// Appends the line of a frame, with its line feed.
    pub(crate) fn line(&mut self, out: &mut Vec<u8>, seq: u64, frame: Frame<'_>) {
        let sorted = Sorted::new(frame.fields);
        out.extend_from_slice(b"{\"seq\":");
        json::push_value(out, &seq);
        out.extend_from_slice(b",\"timestamp\":\"");
        // The clock of the emitting thread gave the time: it is within chrono's range.
        let time = DateTime::from_timestamp_micros(frame.timestamp_micros).unwrap_or_default();
        out.extend_from_slice(timestamp_text(time).as_bytes());
        out.push(b'"');

        let event_type = sorted
            .text(Key::EventType)
            .unwrap_or(EventType::Unspecified.as_str().as_bytes());
        let position = sorted.text(Key::ConversationId).map(|conversation| {
            let event = TurnEvent {
                event_type,
                blocks: sorted.blocks(),
                turn: sorted.count(Key::TurnNumber),
                turn_ref: sorted.turn(),
            };
            self.turns.note(conversation, event)
        });
        let tokens = || {
            let input = sorted.count(Key::InputTokens);
            let output = sorted.count(Key::OutputTokens);
            let sum = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
            input.or(output).map(|_| Value::U64(sum))
        };

        let mut keys = sorted.keys.with(COMPOSED);
        if sorted.has_plain_decision() {
            keys = keys.without(Key::OF_DECISION);
        }
        for key in keys.without(LAST) {
            let given = sorted.get(key);
            match key {
                Key::EventType => push_known(out, key, Value::Str(event_type)),
                Key::RunId => {
                    let run_id = self.run_id.as_deref().map(str::as_bytes);
                    push_some(out, key, given.or(run_id.map(Value::Str)));
                }
                Key::TurnNumber => {
                    let turn = position.and_then(TurnPosition::number);
                    push_some(out, key, given.or(turn.map(Value::U64)));
                }
                Key::TurnNumberUnknown => {
                    let is_unknown = position.is_some_and(|position| position.number().is_none());
                    push_some(out, key, is_unknown.then_some(Value::Bool(true)));
                }
                Key::ConversationState => {
                    let state = position.and_then(|position| position.state);
                    let state = state.map(|state| Value::Str(state.as_str().as_bytes()));
                    push_some(out, key, given.or(state));
                }
                Key::TokensProcessed => push_some(out, key, given.or_else(tokens)),
                Key::Decisions => push_decisions(out, &sorted),
                _ => push_some(out, key, given),
            }
        }
        for (name, value) in sorted.rest {
            if let Name::Other(name) = name {
                push_other(out, name, value);
            }
        }
        let missing = sorted.missing(event_type).map(str::as_bytes);
        let mut before: &[u8] = b",\"problems\":[";
        for problem in sorted.problems().chain(missing) {
            out.extend_from_slice(std::mem::replace(&mut before, b","));
            json::push_string(out, problem);
        }
        if before == b"," {
            out.push(b']');
        }
        for key in LAST {
            push_some(out, key, sorted.get(key));
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Whether every reader takes a line for the record of this number. What a frame holds as JSON goes into its line
/// unread, and the frame may be somebody else's: a journal is a file.
pub(crate) fn is_record(line: &[u8], seq: u64) -> bool {
    let Some((b'\n', line)) = line.split_last() else {
        return false;
    };
    json::is_escaped(line)
        && serde_json::from_slice::<Record>(line).is_ok_and(|record| record.seq == seq)
}

fn push_decisions(out: &mut Vec<u8>, sorted: &Sorted<'_>) {
    let mut before: &[u8] = b",\"guardrail_decisions\":[";
    let mut push = |decision: &Sorted<'_>, others: Fields<'_>| {
        out.extend_from_slice(std::mem::replace(&mut before, b","));
        out.push(b'{');
        let begin = out.len();
        for key in Key::OF_DECISION {
            push_some(out, key, decision.get(key));
        }
        for (name, value) in others {
            if let Name::Other(name) = name {
                push_other(out, name, value);
            }
        }
        // Fields push a comma before themselves; the first one needs none.
        if out.len() > begin {
            out.remove(begin);
        }
        out.push(b'}');
    };
    if sorted.has_plain_decision() {
        push(sorted, Fields(&[]));
    }
    for fields in sorted.decisions() {
        push(&Sorted::new(fields), fields);
    }
    if before == b"," {
        out.push(b']');
    }
}

fn push_some(out: &mut Vec<u8>, key: Key, value: Option<Read<'_>>) {
    if let Some(value) = value {
        push_known(out, key, value);
    }
}

fn push_known(out: &mut Vec<u8>, key: Key, value: Read<'_>) {
    out.extend_from_slice(key.member().as_bytes());
    push_value(out, value);
}

/// Appends a comma, a name that is no key's and its value.
fn push_other(out: &mut Vec<u8>, name: &[u8], value: Read<'_>) {
    out.push(b',');
    json::push_string(out, name);
    out.push(b':');
    push_value(out, value);
}

fn push_value(out: &mut Vec<u8>, value: Read<'_>) {
    match value {
        Value::Str(text) => json::push_string(out, text),
        Value::U64(number) => json::push_value(out, &number),
        Value::I64(number) => json::push_value(out, &number),
        Value::F64(number) => json::push_f64(out, number),
        Value::Bool(truth) => json::push_value(out, &truth),
        Value::Json(text) => out.extend_from_slice(text),
        // Only guardrail_decisions holds groups.
        Value::Group(_) => out.extend_from_slice(b"null"),
    }
}
