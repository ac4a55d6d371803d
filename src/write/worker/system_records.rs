//! Records that the trail writes about itself: their frames, and the count of losses that becomes one of them.
//!
//! They wait for the worker in the queue (`record_queue.rs`). A process that is killed loses what waits there, such as
//! a heartbeat. It does not lose the count of lost records, because the journal has it.

use chrono::{DateTime, Utc};

use crate::format::internal::{Key, Source, json as text};
use crate::record::SystemEvent;
use crate::record::system::Gap;
use crate::write::journal::frame::{self, Name, Value};

/// The frame of a system event.
///
/// Nothing here is redacted: only the trail's own facts and the program's settings go in.
pub(crate) fn frame(event: &SystemEvent) -> Vec<u8> {
    let mut out = Vec::new();
    frame::begin(&mut out, Utc::now().timestamp_micros());
    frame::push_name(&mut out, Name::Key(Key::EventType));
    frame::push_value(&mut out, Value::Str(event.event_type()));
    for (name, value) in &event.fields() {
        if value.is_null() {
            continue;
        }
        let mut bytes = Vec::new();
        text::push_value(&mut bytes, value);
        let key = Key::of(name).filter(|key| key.source() == Source::Trail);
        frame::push_name(&mut out, key.map_or(Name::Other(name), Name::Key));
        frame::push_value(&mut out, Value::<&str>::Json(&bytes));
    }
    frame::end(&mut out).expect("invariant: the trail's own records are short");
    out
}

/// How many event types a gap names one by one.
const TYPES_NAMED: usize = 64;

/// Adds a lost record to the gap that will tell of it.
pub(crate) fn count_loss(gap: &mut Gap, lost: Option<&[u8]>, now: DateTime<Utc>, reason: &str) {
    gap.lost += 1;
    gap.from.get_or_insert(now);
    gap.to = Some(now);
    reason.clone_into(&mut gap.reason);
    let event_type = lost
        .and_then(frame::split_first)
        .and_then(|(frame, _)| {
            frame.fields.into_iter().find_map(|field| match field {
                (Name::Key(Key::EventType), Value::Str(name)) => {
                    Some(String::from_utf8_lossy(name))
                }
                _ => None,
            })
        })
        .unwrap_or("unspecified".into());
    let named = match gap.types.contains_key(&*event_type) || gap.types.len() < TYPES_NAMED {
        true => &event_type,
        false => "others",
    };
    *gap.types.entry(named.to_owned()).or_default() += 1;
}
