//! Names of the application's own: none collides with a key, or with another field of the record.

use std::borrow::Cow;

use super::{FieldWriter, Owner};
use crate::write::caller::field_schema::{
    EVENT, LONGEST_NAME, NameFingerprint, collide, is_reserved,
};
use crate::write::journal::frame::{Fields, Name, cut};

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
        if self.fingerprints.insert(NameFingerprint::of_segment(&name)) {
            while let Some(end) = self.end_of_collision(&name) {
                name = Cow::Owned(renumber(&name, end));
            }
            self.fingerprints.insert(NameFingerprint::of_segment(&name));
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
