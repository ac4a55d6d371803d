//! What the name of a field means, for the record and for the redaction.
//!
//! The names of an event's fields stand in the program, and mean the same each time. A thread keeps
//! what they mean: for the callsites that it comes by, so that an event compares no strings, and for other names.

mod name_cache;

pub(crate) use name_cache::NameCache;

use crate::format::internal::{Key, ValueKind};
use crate::record::EventType;
use crate::redact::internal::{FieldMode, RedactionPipeline};
use crate::write::journal::frame::Value;

/// The parent of the names that the application may not set: `event.outcome`.
pub(crate) const EVENT: &str = "event";

/// Longer names are cut, so that a frame holds them with the numbers that tell them apart.
pub(crate) const LONGEST_NAME: usize = 32 << 10;

/// Longer ids, and whatever else attributes records, are cut: each record of a request has a copy, and a client may
/// have written it.
pub(crate) const LONGEST_ID: usize = 512;

/// Whether two names are equal, or one is the beginning of the other's path, as `user` is of `user.id`. A collector that
/// expands dots cannot hold both.
pub(crate) fn collide(one: &[u8], other: &[u8]) -> bool {
    let end = one.len().min(other.len());
    let rest = if one.len() > end {
        &one[end..]
    } else {
        &other[end..]
    };
    one[..end] == other[..end] && rest.first().is_none_or(|&byte| byte == b'.')
}

/// Whether an application's field may not have this name, given the keys that it stands beside.
pub(crate) fn is_reserved(name: &str, is_beside: impl Fn(Key) -> bool) -> bool {
    let collides = |key: &Key| is_beside(*key) && collide(key.name().as_bytes(), name.as_bytes());
    name == EVENT || Key::ALL.iter().any(collides)
}

/// What becomes of the field of a name.
#[derive(Clone, Copy)]
pub(crate) struct FieldPlan {
    /// The key that the field sets, if its name is one's.
    pub(crate) key: Option<Key>,
    pub(crate) accepts: Accepts,
    pub(crate) mode: FieldMode,
    pub(crate) fingerprint: NameFingerprint,
}

/// It is handed on in a register.
const _: () = assert!(size_of::<FieldPlan>() <= 8);

/// Which values a key accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// None: the field is kept beside the key.
    Nothing,
    /// Words of a person or a model, which are redacted.
    Text,
    /// Any text that is not too long, as it is.
    Id,
    /// An address, in one spelling.
    Address,
    /// An id that is replaced by a tag, or left out.
    Identifier,
    /// Any type but the reserved ones.
    EventType,
    /// One of the six words of a decision.
    Decision,
    /// A phase of a turn.
    Phase,
    /// Decisions as JSON in a text.
    Decisions,
    /// Whole numbers from 0 on.
    Count,
    Number,
    /// Numbers from 0 to 1.
    Share,
}

/// A number that tells names apart: two names with different fingerprints do not collide.
#[derive(Clone, Copy)]
pub(crate) struct NameFingerprint(u16);

/// The fingerprints of some names.
pub(crate) struct NameFingerprints([u64; NameFingerprints::WORDS]);

impl NameFingerprint {
    /// Of names that have to be looked at in any case. It is set from the start.
    const SET: NameFingerprint = NameFingerprint(0);

    fn of(name: &str) -> NameFingerprint {
        match name.len() > LONGEST_NAME || is_reserved(name, |_| true) {
            true => NameFingerprint::SET,
            false => NameFingerprint::of_segment(name),
        }
    }

    /// That of the first segment, which names that collide have in common.
    pub(crate) fn of_segment(name: &str) -> NameFingerprint {
        let first = name.split('.').next().unwrap_or_default();
        let mixed = crate::format::internal::checksum(first.as_bytes()) as usize;
        NameFingerprint((mixed % (64 * NameFingerprints::WORDS)) as u16)
    }
}

impl Default for NameFingerprints {
    fn default() -> NameFingerprints {
        let mut fingerprints = NameFingerprints([0; NameFingerprints::WORDS]);
        fingerprints.insert(NameFingerprint::SET);
        fingerprints
    }
}

impl NameFingerprints {
    /// A record may have many fields: few of them should share a fingerprint by chance.
    const WORDS: usize = 16;

    /// Adds a fingerprint, and says whether it was there.
    pub(crate) fn insert(&mut self, NameFingerprint(bit): NameFingerprint) -> bool {
        let (word, mask) = (&mut self.0[usize::from(bit / 64)], 1 << (bit % 64));
        let was_there = *word & mask != 0;
        *word |= mask;
        was_there
    }
}

impl FieldPlan {
    fn new(name: &str, redactors: &RedactionPipeline) -> FieldPlan {
        let key = Key::of(name);
        let mode = redactors.field_mode(name, key.map(Key::name));
        FieldPlan {
            key,
            accepts: match mode.id {
                Some(_) => Accepts::Identifier,
                None => key.map_or(Accepts::Nothing, Accepts::of),
            },
            mode,
            fingerprint: NameFingerprint::of(name),
        }
    }
}

impl Accepts {
    fn of(key: Key) -> Accepts {
        match (key, key.kind()) {
            (Key::EventType, _) => Accepts::EventType,
            (Key::Decision, _) => Accepts::Decision,
            (Key::Phase, _) => Accepts::Phase,
            (Key::Decisions, _) => Accepts::Decisions,
            (Key::Confidence, _) => Accepts::Share,
            (Key::UserIp, _) => Accepts::Address,
            // The application's own word for a state may be somebody's.
            (Key::ConversationState, _) | (_, ValueKind::Text) => Accepts::Text,
            (_, ValueKind::Id) => Accepts::Id,
            (_, ValueKind::Count) => Accepts::Count,
            (_, ValueKind::Number) => Accepts::Number,
            (_, ValueKind::Composed) => Accepts::Nothing,
        }
    }

    /// Whether the key takes a value as it is.
    #[inline]
    pub(crate) fn takes(self, value: Value<'_>) -> bool {
        match (self, value) {
            (Accepts::Id, Value::Str(text)) => text.len() <= LONGEST_ID,
            (Accepts::Count | Accepts::Number, Value::U64(_))
            | (Accepts::Number, Value::I64(_) | Value::F64(_)) => true,
            (Accepts::EventType, Value::Str(text)) => {
                !text.is_empty() && !EventType::is_reserved(text)
            }
            (Accepts::Share, Value::U64(number)) => number <= 1,
            (Accepts::Share, Value::F64(number)) => (0.0..=1.0).contains(&number),
            _ => false,
        }
    }

    /// A value as the number that the key wants, if it can be one.
    pub(crate) fn number<'a>(self, value: Value<'a>) -> Option<Value<'a>> {
        match (self, value) {
            (Accepts::Count, Value::I64(number)) => number.try_into().ok().map(Value::U64),
            (Accepts::Count, Value::Str(text)) => text.trim().parse().ok().map(Value::U64),
            (Accepts::Number | Accepts::Share, Value::Str(text)) => {
                text.trim().parse().ok().map(Value::F64)
            }
            (Accepts::Share, Value::U64(_) | Value::I64(_) | Value::F64(_)) => Some(value),
            _ => None,
        }
    }
}

/// Whether no rule for a field applies to a name: what it has is a number, a word, or a list that the trail makes.
pub(crate) fn is_fixed(name: &str) -> bool {
    Key::of(name).is_some_and(|key| {
        let is_text = Accepts::of(key) == Accepts::Text;
        !is_text && !matches!(key, Key::ToolCalls | Key::Attachments)
    })
}
