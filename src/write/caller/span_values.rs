//! What a span says about the records in it.

use super::annotations::FieldAnnotations;
use crate::format::internal::{Key, KeySet};
use crate::write::journal::frame::{self, Fields, Name, Read};

/// What is to be said of the value of a key.
pub(crate) type KeyAnnotations = Vec<(Key, Box<FieldAnnotations>)>;

/// What a span says, redacted: fields as a frame holds them, and none of them twice.
#[derive(Default)]
pub(crate) struct SpanValues {
    keys: KeySet,
    bytes: Vec<u8>,
    annotations: KeyAnnotations,
}

impl SpanValues {
    pub(crate) fn annotate(&mut self, annotations: KeyAnnotations) {
        self.annotations = annotations;
    }

    pub(crate) fn keys(&self) -> KeySet {
        self.keys
    }

    /// The bytes of all fields. `None`: the record has one of the keys, or a value has annotations.
    #[inline]
    pub(crate) fn takes_from(&self, seen: KeySet) -> Option<&[u8]> {
        let is_plain = self.annotations.is_empty() && !self.keys.meets(seen);
        is_plain.then_some(&self.bytes)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Read<'_>)> {
        Fields(&self.bytes).filter_map(|(name, value)| match name {
            Name::Key(key) => Some((key, value)),
            Name::Other(_) => None,
        })
    }

    /// What a record that takes the value of a key says of it.
    pub(crate) fn annotations_of(&self, key: Key) -> Option<&FieldAnnotations> {
        let of_key = self.annotations.iter().find(|(of, _)| *of == key);
        of_key.map(|(_, annotations)| &**annotations)
    }

    /// Separates what all records in the span share from the usage, which only one of them has.
    pub(crate) fn split_usage(self) -> (SpanValues, SpanValues) {
        let (mut shared, mut usage) = (SpanValues::default(), SpanValues::default());
        if !self.keys.meets(Key::USAGE) {
            return (self, usage);
        }
        for (key, value) in self.iter() {
            match Key::USAGE.contains(key) {
                true => usage.push(key, value),
                false => shared.push(key, value),
            }
        }
        let annotations = self.annotations.into_iter();
        (usage.annotations, shared.annotations) =
            annotations.partition(|(key, _)| Key::USAGE.contains(*key));
        (shared, usage)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds the field of a key that has none yet.
    pub(crate) fn push(&mut self, key: Key, value: Read<'_>) {
        self.keys.insert(key);
        frame::push_known(&mut self.bytes, key, value);
    }

    /// Adds the fields of the keys that have none.
    pub(crate) fn append(&mut self, old: SpanValues) {
        let had = self.keys;
        for (key, value) in old.iter().filter(|(key, _)| !had.contains(*key)) {
            self.push(key, value);
        }
        let annotations = old.annotations.into_iter();
        self.annotations
            .extend(annotations.filter(|(key, _)| !had.contains(*key)));
    }
}
