//! Records that the trail writes about itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::frame::{self, Name, Value};
use crate::record::{Key, timestamp_text};
use crate::trail::json as text;

/// A frame of the trail's own: an event type that begins with `trail_`, and its fields.
///
/// Nothing here is redacted: only the trail's own facts and the program's settings go in.
pub(super) fn frame(event_type: &str, fields: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    frame::begin(&mut out, Utc::now().timestamp_micros());
    frame::push_name(&mut out, Name::Key(Key::EventType));
    frame::push_value(&mut out, Value::Str(event_type));
    for (name, value) in fields.as_object().into_iter().flatten() {
        if value.is_null() {
            continue;
        }
        let mut bytes = Vec::new();
        text::push_value(&mut bytes, value);
        frame::push_name(&mut out, Name::Other(name));
        frame::push_value(&mut out, Value::<&str>::Json(&bytes));
    }
    frame::end(&mut out).expect("invariant: the trail's own records are short");
    out
}

/// How many event types a gap names one by one.
const TYPES_NAMED: usize = 64;

/// Records that were lost since the last `trail_gap`.
#[derive(Default)]
pub(super) struct Losses {
    count: u64,
    types: BTreeMap<String, u64>,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    why: &'static str,
}

impl Losses {
    pub(super) fn add(&mut self, lost: Option<&[u8]>, now: DateTime<Utc>, why: &'static str) {
        self.count += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.why = why;
        let event_type = lost
            .and_then(|bytes| frame::split_first(bytes))
            .and_then(|(frame, _)| {
                frame.fields.into_iter().find_map(|field| match field {
                    (Name::Key(Key::EventType), Value::Str(name)) => {
                        Some(String::from_utf8_lossy(name))
                    }
                    _ => None,
                })
            })
            .unwrap_or("unspecified".into());
        let named = match self.types.contains_key(&*event_type) || self.types.len() < TYPES_NAMED {
            true => &event_type,
            false => "others",
        };
        *self.types.entry(named.to_owned()).or_default() += 1;
    }

    /// What another process lost and did not tell.
    pub(super) fn inherit(&mut self, count: u64, first: DateTime<Utc>, last: DateTime<Utc>) {
        self.count += count;
        self.first = Some(first);
        self.last = Some(last);
        self.why = "the process before this one ended before it could tell";
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The fields of the `trail_gap` record.
    pub(super) fn report(&self) -> Json {
        json!({
            "lost": self.count,
            "types": self.types,
            "from": self.first.map(timestamp_text),
            "to": self.last.map(timestamp_text),
            "reason": self.why,
        })
    }
}
