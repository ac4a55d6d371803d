//! A record on its way: the bytes in which the emitting thread hands it to the worker.
//!
//! ```text
//! frame = length:u32 timestamp:i64 field*      length of all that follows; microseconds since 1970
//! field = name value
//! name  = key:u8                               a known key
//!       | 0xff length:u16 bytes                any other name
//! value = 's' length:u32 bytes                 a string, UTF-8
//!       | 'u' u64 | 'i' i64 | 'f' f64 | 'b' u8
//!       | 'j' length:u32 bytes                 JSON, written with the trail's escapes
//!       | 'g' length:u32 field*                one element of guardrail_decisions
//! ```
//!
//! Numbers are little-endian. A frame holds no addresses, so that it outlives its process.

use std::borrow::Cow;

use crate::format::internal::Key;
use crate::redact::internal::path_segment;

/// The value of a field of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a, S = &'a str> {
    Str(S),
    U64(u64),
    I64(i64),
    F64(f64),
    Bool(bool),
    /// Valid JSON.
    Json(&'a [u8]),
    /// The fields of one decision.
    Group(&'a [u8]),
}

/// The name of a field of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Name<S> {
    Key(Key),
    Other(S),
}

/// What is read is bytes: they were UTF-8 when they were pushed. In a journal that somebody made they may be
/// anything, and whoever needs a string has to look.
pub(crate) type Read<'a> = Value<'a, &'a [u8]>;

impl<'a> Name<&'a str> {
    /// The path of its value in the record.
    pub(crate) fn path(self) -> Cow<'a, str> {
        match self {
            Name::Key(key) => Cow::Borrowed(key.name()),
            Name::Other(name) => path_segment(name),
        }
    }
}

/// A name, or as much of it as has so many bytes.
pub(crate) fn cut(name: &str, most: usize) -> &str {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

const OTHER: u8 = 0xff;
const LENGTH: usize = 4;

/// Begins a frame in `out`, which must be empty.
#[inline]
pub(crate) fn begin(out: &mut Vec<u8>, timestamp_micros: i64) {
    debug_assert!(out.is_empty());
    out.extend_from_slice(&[0; LENGTH]);
    out.extend_from_slice(&timestamp_micros.to_le_bytes());
}

/// Ends the frame that `out` holds. `None`: it is longer than a frame can be, 4 GiB.
#[inline]
pub(crate) fn end(out: &mut [u8]) -> Option<()> {
    let length = u32::try_from(out.len() - LENGTH).ok()?;
    out[..LENGTH].copy_from_slice(&length.to_le_bytes());
    Some(())
}

#[inline]
pub(crate) fn push_name(out: &mut Vec<u8>, name: Name<&str>) {
    match name {
        Name::Key(key) => out.push(key as u8),
        Name::Other(name) => {
            // Field names are identifiers of the program; 65,535 bytes is past any of them.
            let name = cut(name, usize::from(u16::MAX));
            let [low, high] = (name.len() as u16).to_le_bytes();
            out.extend_from_slice(&[OTHER, low, high]);
            out.extend_from_slice(name.as_bytes());
        }
    }
}

pub(crate) fn push_value(out: &mut Vec<u8>, value: Value<'_, impl AsRef<[u8]>>) {
    let mut number = |tag: u8, bytes: [u8; 8]| {
        let mut tagged = [tag; 9];
        tagged[1..].copy_from_slice(&bytes);
        out.extend_from_slice(&tagged);
    };
    match value {
        Value::U64(value) => number(b'u', value.to_le_bytes()),
        Value::I64(value) => number(b'i', value.to_le_bytes()),
        Value::F64(value) => number(b'f', value.to_le_bytes()),
        Value::Str(text) => push_bytes(out, b's', text.as_ref()),
        Value::Json(json) => push_bytes(out, b'j', json),
        Value::Group(fields) => push_bytes(out, b'g', fields),
        Value::Bool(truth) => out.extend_from_slice(&[b'b', u8::from(truth)]),
    }
}

/// Pushes a whole field under a known key.
#[inline]
pub(crate) fn push_known(out: &mut Vec<u8>, key: Key, value: Value<'_, impl AsRef<[u8]>>) {
    let mut number = |tag: u8, bytes: [u8; 8]| {
        let mut field = [key as u8, tag, 0, 0, 0, 0, 0, 0, 0, 0];
        field[2..].copy_from_slice(&bytes);
        out.extend_from_slice(&field);
    };
    match value {
        Value::U64(value) => number(b'u', value.to_le_bytes()),
        Value::F64(value) => number(b'f', value.to_le_bytes()),
        Value::Str(text) => push_known_text(out, key, text.as_ref()),
        value => {
            out.push(key as u8);
            push_value(out, value);
        }
    }
}

#[inline]
pub(crate) fn push_known_text(out: &mut Vec<u8>, key: Key, text: &[u8]) {
    let mut head = [key as u8, b's', 0, 0, 0, 0];
    head[2..].copy_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(text);
}

/// Pushes a whole field with a text under a name of the application's own.
#[inline]
pub(crate) fn push_other_text(out: &mut Vec<u8>, name: &str, text: &str) {
    push_name(out, Name::Other(name));
    push_bytes(out, b's', text.as_bytes());
}

fn push_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    let mut head = [tag; 1 + LENGTH];
    // A frame past 4 GiB is refused as a whole by `end`; the cut length is never read.
    head[1..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(bytes);
}

/// One frame, read.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) timestamp_micros: i64,
    pub(crate) fields: Fields<'a>,
}

/// Takes the first frame off `bytes`. `None`: there is none, or it is damaged.
pub(crate) fn split_first(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (timestamp, fields) = body.split_first_chunk::<8>()?;
    let frame = Frame {
        timestamp_micros: i64::from_le_bytes(*timestamp),
        fields: Fields(fields),
    };
    Some((frame, rest))
}

/// The fields of a frame or a group, in the order in which they were pushed.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (Name<&'a [u8]>, Read<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = split_name(self.0)?;
        let (value, rest) = split_value(rest)?;
        self.0 = rest;
        Some((name, value))
    }
}

fn split_name(bytes: &[u8]) -> Option<(Name<&[u8]>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    if tag != OTHER {
        return Some((Name::Key(*Key::ALL.get(usize::from(tag))?), rest));
    }
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((Name::Other(name), rest))
}

fn split_value(bytes: &[u8]) -> Option<(Read<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    Some(match tag {
        b'u' | b'i' | b'f' => {
            let (number, rest) = rest.split_first_chunk::<8>()?;
            let value = match tag {
                b'u' => Value::U64(u64::from_le_bytes(*number)),
                b'i' => Value::I64(i64::from_le_bytes(*number)),
                _ => Value::F64(f64::from_le_bytes(*number)),
            };
            (value, rest)
        }
        b'b' => {
            let (&truth, rest) = rest.split_first()?;
            (Value::Bool(truth != 0), rest)
        }
        b's' | b'j' | b'g' => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            let value = match tag {
                b's' => Value::Str(bytes),
                b'j' => Value::Json(bytes),
                _ => Value::Group(bytes),
            };
            (value, rest)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_read_back() {
        let fields = [
            (Name::Key(Key::Prompt), Value::Str("a prompt\0")),
            (Name::Other("größe"), Value::F64(-0.5)),
            (Name::Key(Key::TurnNumber), Value::U64(u64::MAX)),
            (Name::Other(""), Value::I64(i64::MIN)),
            (Name::Other("x"), Value::Bool(true)),
            (Name::Other("y"), Value::Json(b"[1]")),
        ];
        let mut frame = Vec::new();
        begin(&mut frame, -1);
        for (name, value) in fields {
            push_name(&mut frame, name);
            push_value(&mut frame, value);
        }
        end(&mut frame).expect("short enough");
        let length = frame.len();
        frame.extend_from_slice(b"rest");
        let (read, rest) = split_first(&frame).expect("a frame");
        assert_eq!(rest, b"rest");
        assert_eq!(read.timestamp_micros, -1);
        let mut expected = fields.into_iter();
        for (name, value) in read.fields {
            let mut again = Vec::new();
            let (expected_name, expected_value) =
                expected.next().expect("no more than were pushed");
            push_value(&mut again, expected_value);
            assert_eq!(split_value(&again), Some((value, &[][..])));
            match (name, expected_name) {
                (Name::Other(name), Name::Other(expected)) => assert_eq!(name, expected.as_bytes()),
                (Name::Key(key), Name::Key(expected)) => assert_eq!(key, expected),
                names => panic!("{names:?}"),
            }
        }
        assert_eq!(expected.next(), None);
        for cut in 0..length {
            assert!(split_first(&frame[..cut]).is_none(), "cut at {cut}");
        }
    }
}
