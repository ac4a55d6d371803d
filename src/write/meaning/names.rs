//! What a thread knows of names: of the keys of a record, and of those that came before.

use std::cell::RefCell;

use super::Meaning;
use crate::record::Key;
use crate::redact::Chain;

/// What names mean under some redactors. It is taken from the thread while a record is made: one that is made inside
/// another finds none, and makes its own.
pub(in crate::write) struct Names {
    /// The redactors' number: their rules are part of what a name means.
    redactors: u64,
    keys: [Meaning; Key::ALL.len()],
    /// Each name in a place of its own; the next of the same place takes it. Empty until there is one.
    others: Vec<Option<Known>>,
}

/// There are so many places for names at first, and twice as many where two want the same, up to the most.
const FIRST: usize = 32;
const MOST: usize = 512;

/// A longer name is not kept.
const LONGEST_KEPT: usize = 64;

/// A thread keeps what it knows for so many trails, or records inside others.
const SPARE_KEPT: usize = 32;

thread_local! {
    /// Those that were used last stand behind.
    #[expect(clippy::vec_box, reason = "they go into a record and back by their pointer")]
    static SPARE: RefCell<Vec<Box<Names>>> = const { RefCell::new(Vec::new()) };
}

/// A name that is kept.
struct Known {
    ends: Ends,
    name: Box<str>,
    meaning: Meaning,
    may_tell: bool,
}

/// How a name begins and ends, and how long it is. Of a short one that is all: no byte of it has to be compared.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    first: u64,
    last: u64,
    length: usize,
}

impl Names {
    /// Takes what the thread knows.
    #[inline]
    pub(in crate::write) fn take(redactors: &Chain) -> Box<Names> {
        let number = redactors.number();
        // Nothing of the application's runs while they are borrowed.
        let spare = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            let place = spare.iter().rposition(|names| names.redactors == number)?;
            Some(spare.remove(place))
        });
        match spare {
            Ok(Some(names)) => names,
            _ => Names::new(redactors),
        }
    }

    /// Gives it back.
    #[inline]
    pub(in crate::write) fn give_back(self: Box<Names>) {
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() == SPARE_KEPT {
                spare.remove(0);
            }
            spare.push(self);
        });
    }

    #[cold]
    fn new(redactors: &Chain) -> Box<Names> {
        Box::new(Names {
            redactors: redactors.number(),
            keys: std::array::from_fn(|key| Meaning::new(Key::ALL[key].name(), redactors)),
            others: Vec::new(),
        })
    }

    /// What the name of a key means.
    #[inline]
    pub(in crate::write) fn key(&self, key: Key) -> Meaning {
        self.keys[key as usize]
    }

    /// What a name means that stands in the program, or was redacted. The redactors are those they were taken for.
    #[inline]
    pub(in crate::write) fn other(&mut self, name: &str, redactors: &Chain) -> Meaning {
        let ends = Ends::of(name);
        match self.find(name, ends) {
            Some(known) => known.meaning,
            None => self.keep(name, ends, redactors),
        }
    }

    /// What a name means that the application gives. `None`: it may have been made of somebody's value, and is not kept
    /// before it is redacted.
    #[inline]
    pub(in crate::write) fn given(&mut self, name: &str, redactors: &Chain) -> Option<Meaning> {
        let ends = Ends::of(name);
        match self.find(name, ends) {
            Some(known) => (!known.may_tell).then_some(known.meaning),
            None if may_tell(name) => None,
            None => Some(self.keep(name, ends, redactors)),
        }
    }

    #[inline]
    fn find(&self, name: &str, ends: Ends) -> Option<&Known> {
        let known = self.others.get(ends.place(self.others.len()))?.as_ref()?;
        let is_it = known.ends == ends && (ends.length <= Ends::WHOLE || *known.name == *name);
        is_it.then_some(known)
    }

    #[cold]
    fn keep(&mut self, name: &str, ends: Ends, redactors: &Chain) -> Meaning {
        debug_assert_eq!(self.redactors, redactors.number());
        let meaning = Meaning::new(name, redactors);
        if name.len() <= LONGEST_KEPT {
            self.put(Known {
                ends,
                name: name.into(),
                meaning,
                may_tell: may_tell(name),
            });
        }
        meaning
    }

    fn put(&mut self, known: Known) {
        // Where there are no places, each is taken.
        let is_taken = |others: &[Option<Known>]| {
            let place = known.ends.place(others.len());
            others.get(place).is_none_or(Option::is_some)
        };
        while is_taken(&self.others) && self.others.len() < MOST {
            let size = (2 * self.others.len()).max(FIRST);
            let mut others: Vec<Option<Known>> = Vec::new();
            others.resize_with(size, || None);
            for other in self.others.drain(..).flatten() {
                let place = other.ends.place(size);
                others[place] = Some(other);
            }
            self.others = others;
        }
        let place = known.ends.place(self.others.len());
        self.others[place] = Some(known);
    }
}

impl Ends {
    /// They are all of a name that is no longer.
    const WHOLE: usize = 16;

    #[inline]
    fn of(name: &str) -> Ends {
        let bytes = name.as_bytes();
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (bytes.first_chunk(), bytes.last_chunk()) {
                (Some(first), Some(last)) => (
                    u32::from_le_bytes(*first).into(),
                    u32::from_le_bytes(*last).into(),
                ),
                _ => {
                    let packed = |packed, byte: &u8| packed << 8 | u64::from(*byte);
                    (bytes.iter().fold(0, packed), 0)
                }
            },
        };
        let length = bytes.len();
        Ends {
            first,
            last,
            length,
        }
    }

    /// The place of such a name among so many, which are a power of two.
    #[inline]
    fn place(self, places: usize) -> usize {
        let mix = |mixed: u64, more: u64| (mixed ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = mix(
            mix(mix(0, self.length as u64), self.first),
            self.last.rotate_left(32),
        );
        (mixed >> 32) as usize & places.wrapping_sub(1)
    }
}

/// Whether a name may have been made of somebody's value: it holds a digit or an `@`.
#[inline]
fn may_tell(name: &str) -> bool {
    /// No value that is looked for is shorter.
    const FEWEST: usize = 7;
    let is_of_value = |byte: u8| byte.is_ascii_digit() || byte == b'@';
    name.len() >= FEWEST && name.bytes().any(is_of_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Redactor, Rules};

    #[test]
    fn names_are_known_again_and_the_places_for_them_are_few() {
        let redactors = Chain::default();
        let mut names = Names::take(&redactors);
        for count in 0..2_000 {
            let name = format!("a_field_of_number_{count}");
            assert!(names.given(&name, &redactors).is_none(), "it holds digits");
            names.other(&name, &redactors);
            assert!(
                names
                    .find(&name, Ends::of(&name))
                    .is_some_and(|known| known.may_tell)
            );
            assert!(
                names.given(&name, &redactors).is_none(),
                "also where it is known"
            );
            assert!(names.others.len() <= MOST);
        }
        let mut names = Names::take(&redactors);
        for name in ["tenant", "route", "temperature", "stream"] {
            assert!(names.given(name, &redactors).is_some());
        }
        assert!(names.others.len() < MOST / 2);
        assert_eq!(names.others.iter().flatten().count(), 4);
    }

    #[test]
    fn of_many_trails_those_are_kept_that_were_used_last() {
        let redactor = || Some(Redactor::new(Rules::new(), None));
        let trails: Vec<Chain> = (0..SPARE_KEPT + 8)
            .map(|_| Chain::new(Vec::new(), redactor()))
            .collect();
        for trail in trails.iter().chain(&trails) {
            let mut names = Names::take(trail);
            names.other("tenant", trail);
            names.give_back();
        }
        let is_known = |trail| !Names::take(trail).others.is_empty();
        let known: Vec<bool> = trails.iter().map(is_known).collect();
        assert!(known[..8].iter().all(|known| !known));
        assert!(known[8..].iter().all(|known| *known));
    }

    #[test]
    fn short_names_are_told_apart_by_their_ends() {
        let mut names: Vec<String> = vec![String::new()];
        for length in 1..=Ends::WHOLE {
            for place in 0..length {
                for letter in ["a", "b", "\0"] {
                    let mut name = "x".repeat(length);
                    name.replace_range(place..=place, letter);
                    names.push(name);
                }
            }
            names.push("x".repeat(length));
        }
        for one in &names {
            for other in &names {
                assert_eq!(
                    Ends::of(one) == Ends::of(other),
                    one == other,
                    "{one:?} {other:?}"
                );
            }
        }
    }
}
