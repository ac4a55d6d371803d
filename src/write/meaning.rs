//! What the name of a field means, for the record and for the redaction.
//!
//! The names of an event's fields stand in the program, and mean the same each time. A thread keeps
//! what they mean for the callsites that it comes by, so that an event compares no strings.

use std::cell::RefCell;
use std::rc::Rc;

use tracing::Metadata;
use tracing::callsite::Identifier;
use tracing::field::Field;

use super::frame::Value;
use crate::record::{Key, Kind};
use crate::redact::{Chain, Manner};

#[derive(Clone, Copy)]
pub(super) struct Meaning {
    /// The key that the field sets, if its name is one's.
    pub(super) key: Option<Key>,
    pub(super) manner: Manner,
    /// Which values the key takes as they are; any other is looked at.
    takes: Takes,
}

#[derive(Clone, Copy, Default)]
struct Takes {
    strings: bool,
    counts: bool,
    numbers: bool,
}

impl Meaning {
    pub(super) fn of(name: &str, redactors: &Chain) -> Meaning {
        let key = Key::of(name);
        Meaning {
            key,
            manner: redactors.manner(name, key.map(Key::name)),
            takes: key.map_or(Takes::default(), |key| Takes::of(key, redactors)),
        }
    }

    pub(super) fn of_key(key: Key, redactors: &Chain) -> Meaning {
        Meaning {
            key: Some(key),
            manner: redactors.manner(key.name(), None),
            takes: Takes::of(key, redactors),
        }
    }

    /// The key that takes such a value as it is.
    #[inline]
    pub(super) fn key_for(&self, value: &Value<'_>) -> Option<Key> {
        let takes = match value {
            Value::Str(_) => self.takes.strings,
            Value::U64(_) => self.takes.counts,
            Value::F64(_) => self.takes.numbers,
            _ => false,
        };
        self.key.filter(|_| takes)
    }
}

impl Takes {
    fn of(key: Key, redactors: &Chain) -> Takes {
        let strings = match key {
            Key::EventType | Key::Decision | Key::Phase | Key::ConversationState => false,
            Key::UserId | Key::UserIp => redactors
                .builtin()
                .is_none_or(|builtin| builtin.keeps_identifier(key == Key::UserIp)),
            key => key.kind() == Kind::Id,
        };
        Takes {
            strings,
            counts: matches!(key.kind(), Kind::Count | Kind::Number),
            numbers: key.kind() == Kind::Number,
        }
    }
}

/// What the fields of a callsite mean, in their order.
pub(super) struct Meanings {
    callsite: Identifier,
    /// The redactors' number: their rules are part of what a name means.
    redactors: u64,
    fields: Box<[Meaning]>,
}

/// A thread keeps those of so many callsites.
const KEPT: usize = 256;

thread_local! {
    /// Those that are asked for most stand in front.
    static KNOWN: RefCell<Vec<Rc<Meanings>>> = const { RefCell::new(Vec::new()) };
}

impl Meanings {
    /// Of the fields of an event or a span.
    #[inline]
    pub(super) fn of(metadata: &'static Metadata<'static>, redactors: &Chain) -> Rc<Meanings> {
        let (callsite, number) = (metadata.callsite(), redactors.number());
        let found = KNOWN.try_with(|known| {
            // Nothing of the application's runs while they are borrowed.
            let mut known = known.borrow_mut();
            let mut all = known.iter();
            let place = all.position(|of| of.callsite == callsite && of.redactors == number)?;
            known.swap(place, place / 2);
            Some(known[place / 2].clone())
        });
        if let Ok(Some(found)) = found {
            return found;
        }
        let names = metadata.fields().iter().map(|field| field.name());
        let made = Rc::new(Meanings {
            callsite,
            redactors: number,
            fields: names.map(|name| Meaning::of(name, redactors)).collect(),
        });
        let _ = KNOWN.try_with(|known| {
            let mut known = known.borrow_mut();
            known.truncate(KEPT - 1);
            known.push(made.clone());
        });
        made
    }

    /// Of one of these fields.
    #[inline]
    pub(super) fn get(&self, field: &Field) -> Meaning {
        self.fields[field.index()]
    }
}
