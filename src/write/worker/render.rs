//! From a frame to its line: keys in their order, conversation flow, decisions, `seq`.

use chrono::{DateTime, SecondsFormat, Utc};

use super::turn_tracker::{TurnEvent, TurnRef, TurnTracker};
use crate::record::{Decision, EventType, Outcome, Record};
use crate::trail::internal::{Key, KeySet, json};
use crate::write::journal::frame::{Fields, Frame, Name, Read, Value};

/// Renders lines, one after the other.
#[derive(Default)]
pub(crate) struct Renderer {
    turns: TurnTracker,
    /// Stands in every record, if the trail is a stream: whoever collects it may have several runs in one.
    run_id: Option<String>,
    second: CachedSecond,
}

/// The fields of a frame, sorted by what they are.
struct Sorted<'a> {
    keys: KeySet,
    known: [Option<Read<'a>>; Key::ALL.len()],
    /// All fields, from the first on that is not among the known ones.
    rest: Fields<'a>,
    has_problems: bool,
    has_decisions: bool,
}

impl<'a> Sorted<'a> {
    fn new(fields: Fields<'a>) -> Sorted<'a> {
        let mut sorted = Sorted {
            keys: KeySet::default(),
            known: [None; Key::ALL.len()],
            rest: Fields(&[]),
            has_problems: false,
            has_decisions: false,
        };
        let mut left = fields;
        loop {
            let here = left;
            let Some((name, value)) = left.next() else {
                return sorted;
            };
            match (name, value) {
                (Name::Key(Key::Decisions), Value::Group(_)) => sorted.has_decisions = true,
                (Name::Key(Key::Problems), Value::Str(_)) => sorted.has_problems = true,
                (Name::Key(key), value) => {
                    sorted.keys.insert(key);
                    sorted.known[key as usize] = Some(value);
                    continue;
                }
                (Name::Other(_), _) => {}
            }
            if sorted.rest.0.is_empty() {
                sorted.rest = here;
            }
        }
    }

    fn decisions(&self) -> impl Iterator<Item = Fields<'a>> {
        let rest = match self.has_decisions {
            true => self.rest,
            false => Fields(&[]),
        };
        rest.filter_map(|field| match field {
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
            && !self.has_decisions
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
    Key::ConversationState,
    Key::Decisions,
    Key::TokensProcessed,
]);

/// Keys that follow the application's own fields.
const LAST: KeySet = KeySet::of(&[Key::Redactions, Key::RedactionCounts]);

impl Renderer {
    pub(crate) fn new(turns: TurnTracker, run_id: Option<String>) -> Renderer {
        Renderer {
            turns,
            run_id,
            second: CachedSecond::default(),
        }
    }

    /// Appends the line of a frame, with its line feed.
    pub(crate) fn line(&mut self, out: &mut Vec<u8>, seq: u64, frame: Frame<'_>) {
        let sorted = Sorted::new(frame.fields);
        out.extend_from_slice(b"{\"seq\":");
        json::push_value(out, &seq);
        out.extend_from_slice(b",\"timestamp\":\"");
        self.second.push(out, frame.timestamp_micros);
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
                    push_some(
                        out,
                        key,
                        given.or(position.map(|position| Value::U64(position.turn))),
                    );
                }
                Key::ConversationState => {
                    let state =
                        position.map(|position| Value::Str(position.state.as_str().as_bytes()));
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
        let missing = sorted.missing(event_type);
        if sorted.has_problems || missing.is_some() {
            out.extend_from_slice(b",\"problems\":[");
            let problems = sorted.problems().chain(missing.map(str::as_bytes));
            for (index, problem) in problems.enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json::push_string(out, problem);
            }
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

fn push_decisions<'a>(out: &mut Vec<u8>, sorted: &Sorted<'a>) {
    if !sorted.has_plain_decision() && !sorted.has_decisions {
        return;
    }
    out.extend_from_slice(b",\"guardrail_decisions\":[");
    let mut first = true;
    let mut push = |known: &dyn Fn(Key) -> Option<Read<'a>>, others: Fields<'a>| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.push(b'{');
        let begin = out.len();
        for key in Key::OF_DECISION {
            push_some(out, key, known(key));
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
        push(&|key| sorted.get(key), Fields(&[]));
    }
    for fields in sorted.decisions() {
        let find = |key| {
            let mut fields = fields.into_iter();
            fields.find_map(|(name, value)| (name == Name::Key(key)).then_some(value))
        };
        push(&find, fields);
    }
    out.push(b']');
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

/// RFC 3339 with microseconds; the part up to the second is kept from line to line.
#[derive(Default)]
struct CachedSecond {
    second: i64,
    text: String,
}

impl CachedSecond {
    fn push(&mut self, out: &mut Vec<u8>, micros: i64) {
        let (second, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        if self.text.is_empty() || self.second != second {
            // The clock of the emitting thread gave the time: it is within chrono's range.
            let time = DateTime::<Utc>::from_timestamp(second, 0).unwrap_or_default();
            self.second = second;
            self.text = time.to_rfc3339_opts(SecondsFormat::Secs, true);
            self.text.pop();
        }
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'.');
        for divisor in [100_000, 10_000, 1_000, 100, 10, 1] {
            out.push(b'0' + (fraction / divisor % 10) as u8);
        }
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::internal::timestamp_text;

    #[test]
    fn the_cached_timestamp_equals_chronos() {
        let mut cached = CachedSecond::default();
        for micros in [
            0,
            1,
            999_999,
            1_000_000,
            -1,
            1_795_000_000_123_456,
            1_795_000_000_123_457,
        ] {
            let mut out = Vec::new();
            cached.push(&mut out, micros);
            let time = DateTime::from_timestamp_micros(micros).expect("in range");
            assert_eq!(String::from_utf8(out).expect("UTF-8"), timestamp_text(time));
        }
    }
}
