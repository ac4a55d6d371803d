//! What the name of a field means, for the record and for the redaction.
//!
//! The names of an event's fields stand in the program, and mean the same each time. A thread keeps
//! what they mean: for the callsites that it comes by, so that an event compares no strings, and for other names.

mod name_cache;

pub(crate) use name_cache::NameCache;

use super::fields::{LONGEST_NAME, is_reserved};
use crate::record::{Decision, EventType, Key, Kind};
use crate::redact::{Chain, Manner};
use crate::write::journal::frame::Value;

#[derive(Clone, Copy)]
pub(crate) struct Meaning {
    /// The key that the field sets, if its name is one's.
    pub(crate) key: Option<Key>,
    pub(crate) manner: Manner,
    pub(crate) mark: Mark,
    takes: Takes,
}

/// It is handed on in a register.
const _: () = assert!(size_of::<Meaning>() == 8);

/// What is to be done with a value that comes under a name.
pub(crate) enum Way<'a> {
    /// The key takes it as it is.
    AsItIs(Key),
    /// It is a text that the key takes when it has been redacted.
    Text(Key, &'a str),
    /// It belongs to no key, and stands under its name.
    Other,
    /// It has to be looked at.
    Rare,
}

/// A number that tells names apart: two with different marks do not collide.
#[derive(Clone, Copy)]
pub(crate) struct Mark(u16);

/// The marks of some names.
pub(crate) struct Marks([u64; Marks::WORDS]);

impl Mark {
    /// Of names that have to be looked at in any case. It is set from the start.
    const SET: Mark = Mark(0);

    fn of(name: &str) -> Mark {
        match name.len() > LONGEST_NAME || is_reserved(name, |_| true) {
            true => Mark::SET,
            false => Mark::of_segment(name),
        }
    }

    /// That of the first segment, which names that collide have in common.
    pub(crate) fn of_segment(name: &str) -> Mark {
        let first = name.split('.').next().unwrap_or_default();
        let mixed = crc32fast::hash(first.as_bytes()) as usize;
        Mark((mixed % (64 * Marks::WORDS)) as u16)
    }
}

impl Default for Marks {
    fn default() -> Marks {
        let mut marks = Marks([0; Marks::WORDS]);
        marks.insert(Mark::SET);
        marks
    }
}

impl Marks {
    /// A record may have many fields: few of them are to share a mark by chance.
    const WORDS: usize = 16;

    /// Adds a mark, and says whether it was there.
    pub(crate) fn insert(&mut self, Mark(mark): Mark) -> bool {
        let (word, bit) = (&mut self.0[usize::from(mark / 64)], 1 << (mark % 64));
        let was_there = *word & bit != 0;
        *word |= bit;
        was_there
    }
}

/// Which values a key takes without having them looked at, as most fields of most events have them.
#[derive(Clone, Copy, Default)]
struct Takes {
    strings: Strings,
    numbers: Numbers,
}

#[derive(Clone, Copy, Default)]
enum Numbers {
    #[default]
    None,
    /// From 0 on, whole.
    Counts,
    All,
    /// From 0 to 1.
    Shares,
}

#[derive(Clone, Copy, Default)]
enum Strings {
    #[default]
    None,
    All,
    /// A person's or a model's words, for which no rule of their own was made.
    Texts,
    /// All but the reserved ones and the empty one.
    EventTypes,
    /// The six words of a decision, as they are written.
    Decisions,
}

impl Meaning {
    fn new(name: &str, redactors: &Chain) -> Meaning {
        let key = Key::of(name);
        let manner = redactors.manner(name, key.map(Key::name));
        Meaning {
            key,
            manner,
            mark: Mark::of(name),
            takes: key.map_or(Takes::default(), |key| Takes::of(key, manner, redactors)),
        }
    }

    /// The key that takes every string as it is.
    #[inline]
    pub(crate) fn key_of_strings(&self) -> Option<Key> {
        self.key
            .filter(|_| matches!(self.takes.strings, Strings::All))
    }

    /// What is to be done with a value, where its key has none yet.
    #[inline]
    pub(crate) fn way<'a>(&self, value: &Value<'a>) -> Way<'a> {
        let Some(key) = self.key else {
            return Way::Other;
        };
        let takes = match (value, self.takes.strings) {
            (Value::Str(_), Strings::All) => true,
            (Value::Str(text), Strings::Texts) => return Way::Text(key, text),
            (Value::Str(text), Strings::EventTypes) => {
                !text.is_empty() && !EventType::is_reserved(text)
            }
            (Value::Str(text), Strings::Decisions) => Decision::is_word(text),
            (Value::U64(_), _) => matches!(self.takes.numbers, Numbers::Counts | Numbers::All),
            (Value::F64(number), _) => match self.takes.numbers {
                Numbers::None | Numbers::Counts => false,
                Numbers::All => true,
                Numbers::Shares => is_share(*number),
            },
            _ => false,
        };
        match takes {
            true => Way::AsItIs(key),
            false => Way::Rare,
        }
    }
}

impl Takes {
    fn of(key: Key, manner: Manner, redactors: &Chain) -> Takes {
        let keeps_identifier = |is_ip| {
            let builtin = redactors.builtin();
            builtin.is_none_or(|builtin| builtin.keeps_identifier(is_ip))
        };
        let strings = match (key, key.kind()) {
            (Key::EventType, _) => Strings::EventTypes,
            (Key::Decision, _) => Strings::Decisions,
            (Key::Phase | Key::ConversationState, _) => Strings::None,
            (Key::UserId, _) if !keeps_identifier(false) => Strings::None,
            (Key::UserIp, _) if !keeps_identifier(true) => Strings::None,
            (_, Kind::Id) => Strings::All,
            (_, Kind::Text) if manner == Manner::UNNAMED => Strings::Texts,
            _ => Strings::None,
        };
        Takes {
            strings,
            numbers: match key.kind() {
                Kind::Count => Numbers::Counts,
                Kind::Number if key == Key::Confidence => Numbers::Shares,
                Kind::Number => Numbers::All,
                _ => Numbers::None,
            },
        }
    }
}

/// Whether a number says how much of something there is, from nothing to all.
pub(crate) fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}
