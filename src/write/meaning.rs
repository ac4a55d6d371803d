//! What the name of a field means, for the record and for the redaction.
//!
//! The names of an event's fields stand in the program, and mean the same each time. A thread keeps
//! what they mean for the callsites that it comes by, so that an event compares no strings.

use std::cell::RefCell;
use std::rc::Rc;

use tracing::Metadata;
use tracing::callsite::Identifier;

use super::frame::Value;
use crate::record::{Decision, EventType, Key, Kind};
use crate::redact::{Chain, Manner};

#[derive(Clone, Copy)]
pub(super) struct Meaning {
    /// The key that the field sets, if its name is one's.
    pub(super) key: Option<Key>,
    pub(super) manner: Manner,
    pub(super) mark: Mark,
    takes: Takes,
}

/// It is handed on in a register.
const _: () = assert!(size_of::<Meaning>() == 8);

/// What is to be done with a value that comes under a name.
pub(super) enum Way<'a> {
    /// The key takes it as it is.
    AsItIs(Key),
    /// It is a text that the key takes when it has been redacted.
    Text(Key, &'a str),
    /// It belongs to no key, and stands under its name.
    Other,
    /// It has to be looked at.
    Rare,
}

/// A number that tells names apart: two with different marks are not the same.
#[derive(Clone, Copy)]
pub(super) struct Mark(u16);

/// The marks of some names.
#[derive(Default)]
pub(super) struct Marks([u64; Marks::WORDS]);

impl Mark {
    pub(super) fn of(name: &str) -> Mark {
        let mixed = crc32fast::hash(name.as_bytes()) as usize;
        Mark((mixed % (64 * Marks::WORDS)) as u16)
    }
}

impl Marks {
    /// A record may have many fields: few of them are to share a mark by chance.
    const WORDS: usize = 16;

    /// Adds a mark, and says whether it was there.
    pub(super) fn insert(&mut self, Mark(mark): Mark) -> bool {
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
    /// All but the trail's own and the empty one.
    EventTypes,
    /// The six words of a decision, as they are written.
    Decisions,
}

impl Meaning {
    /// Of a name that may have been made at run time.
    pub(super) fn of(name: &str, redactors: &Chain) -> Meaning {
        let number = redactors.number();
        let place = place_of(name);
        let known = NAMES.try_with(|names| match names.borrow().get(place) {
            Some(Some(known)) if known.redactors == number && *known.name == *name => {
                Some(known.meaning)
            }
            _ => None,
        });
        if let Ok(Some(meaning)) = known {
            return meaning;
        }
        let meaning = Meaning::new(name, redactors);
        if name.len() <= LONGEST_KEPT {
            let _ = NAMES.try_with(|names| {
                let mut names = names.borrow_mut();
                names.resize_with(NAMES_KEPT, || None);
                names[place] = Some(Known {
                    redactors: number,
                    name: name.into(),
                    meaning,
                });
            });
        }
        meaning
    }

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
    pub(super) fn key_of_strings(&self) -> Option<Key> {
        self.key
            .filter(|_| matches!(self.takes.strings, Strings::All))
    }

    /// What is to be done with a value, where its key has none yet.
    #[inline]
    pub(super) fn way<'a>(&self, value: &Value<'a>) -> Way<'a> {
        let Some(key) = self.key else {
            return Way::Other;
        };
        let takes = match (value, self.takes.strings) {
            (Value::Str(_), Strings::All) => true,
            (Value::Str(text), Strings::Texts) => return Way::Text(key, text),
            (Value::Str(text), Strings::EventTypes) => {
                !text.is_empty() && !EventType::names_trail(text)
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

/// Whether a name may have been made of somebody's value: it holds a digit or an `@`. What such a name means is not
/// kept before it is redacted.
#[inline]
pub(super) fn may_tell(name: &str) -> bool {
    /// No value that is looked for is shorter.
    const FEWEST: usize = 7;
    let is_of_value = |byte: u8| byte.is_ascii_digit() || byte == b'@';
    name.len() >= FEWEST && name.bytes().any(is_of_value)
}

/// Whether a number says how much of something there is, from nothing to all.
pub(super) fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

/// The place of a name among those that are kept, by its ends and its length.
fn place_of(name: &str) -> usize {
    let bytes = name.as_bytes();
    let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => [first, last].map(|end| u64::from_le_bytes(*end)),
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => [first, last].map(|end| u32::from_le_bytes(*end).into()),
            _ => bytes.iter().fold([0; 2], |[first, last], byte| {
                [first << 8 | u64::from(*byte), last]
            }),
        },
    };
    let mix = |mixed: u64, more: u64| (mixed ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = mix(
        mix(mix(0, bytes.len() as u64), ends[0]),
        ends[1].rotate_left(32),
    );
    (mixed >> 32) as usize % NAMES_KEPT
}

/// What the fields of a callsite mean, in their order, or those of the typed functions.
pub(super) struct Meanings {
    callsite: Option<Identifier>,
    /// The redactors' number: their rules are part of what a name means.
    redactors: u64,
    fields: Box<[Meaning]>,
}

/// A thread keeps those of so many callsites, and the meanings of so many other names.
const KEPT: usize = 256;
const NAMES_KEPT: usize = 512;

/// A longer name is not kept.
const LONGEST_KEPT: usize = 64;

/// A name that is kept.
struct Known {
    redactors: u64,
    name: Box<str>,
    meaning: Meaning,
}

thread_local! {
    /// Those that are asked for most stand in front.
    static KNOWN: RefCell<Vec<Rc<Meanings>>> = const { RefCell::new(Vec::new()) };
    /// Each name in a place of its own; the next of the same place takes it.
    static NAMES: RefCell<Vec<Option<Known>>> = const { RefCell::new(Vec::new()) };
}

impl Meanings {
    /// Of the fields of an event or a span.
    #[inline]
    pub(super) fn of(metadata: &'static Metadata<'static>, redactors: &Chain) -> Rc<Meanings> {
        let names = || metadata.fields().iter().map(|field| field.name());
        Meanings::find(Some(metadata.callsite()), names, redactors)
    }

    /// Of the known keys, by their numbers.
    pub(super) fn of_keys(redactors: &Chain) -> Rc<Meanings> {
        Meanings::find(None, || Key::ALL.iter().map(|key| key.name()), redactors)
    }

    #[inline]
    fn find<N: Iterator<Item = &'static str>>(
        callsite: Option<Identifier>,
        names: impl Fn() -> N,
        redactors: &Chain,
    ) -> Rc<Meanings> {
        let number = redactors.number();
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
        let made = Rc::new(Meanings {
            callsite,
            redactors: number,
            fields: names().map(|name| Meaning::new(name, redactors)).collect(),
        });
        let _ = KNOWN.try_with(|known| {
            let mut known = known.borrow_mut();
            known.truncate(KEPT - 1);
            known.push(made.clone());
        });
        made
    }

    /// Of the field of a number.
    #[inline]
    pub(super) fn get(&self, number: usize) -> Meaning {
        self.fields[number]
    }
}
