//! Names of the application's own: none collides with a key, or with another field of the record.

use std::borrow::Cow;

use super::{FieldWriter, Owner};
use crate::record::Key;
use crate::write::caller::meaning::Mark;
use crate::write::journal::frame::{Fields, Name, cut};

/// The parent of the names that the application may not set: `event.outcome`.
const EVENT: &str = "event";

/// Longer names are cut, so that a frame holds them with the numbers that tell them apart.
pub(crate) const LONGEST_NAME: usize = 32 << 10;

/// Whether two names are equal, or one is the beginning of the other's path, as `user` is of `user.id`. A collector that
/// expands dots cannot hold both.
fn collide(one: &[u8], other: &[u8]) -> bool {
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

impl FieldWriter<'_> {
    /// A name that collides neither with a key nor with a field before it. Fields are told apart from then on.
    pub(super) fn free_name<'a>(&mut self, full: &'a str) -> Cow<'a, str> {
        let mut name = Cow::Borrowed(cut(full, LONGEST_NAME));
        if name.len() < full.len() {
            self.problem("the name of a field is longer than 32 KiB and was cut");
        }
        let owner = self.owner;
        if is_reserved(&name, |key| owner == Owner::Event || key.is_of_decision()) {
            name = Cow::Owned(format!("{EVENT}.{name}"));
        }
        if self.marks.insert(Mark::of_segment(&name)) {
            while let Some(end) = self.end_of_collision(&name) {
                name = Cow::Owned(renumber(&name, end));
            }
            self.marks.insert(Mark::of_segment(&name));
        }
        name
    }

    /// Where in a name the segment ends that it has in common with the whole name of a field before it, or the
    /// other way round.
    fn end_of_collision(&self, wanted: &str) -> Option<usize> {
        Fields(&self.out[self.begin..]).find_map(|field| match field {
            (Name::Other(name), _) if collide(name, wanted.as_bytes()) => {
                Some(name.len().min(wanted.len()))
            }
            _ => None,
        })
    }
}

/// Gives a segment of a name, the one that ends at `end`, the next number: `a.b` becomes `a#2.b`, then `a#3.b`.
fn renumber(name: &str, end: usize) -> String {
    let (head, rest) = name.split_at(end);
    let next = |(base, number): (&'_ str, &'_ str)| {
        let number: u32 = number.parse().ok()?;
        Some((base.len(), number.checked_add(1)?))
    };
    let (base, number) = head.rsplit_once('#').and_then(next).unwrap_or((end, 2));
    format!("{}#{number}{rest}", &head[..base])
}
