//! Records that the trail writes about itself: their frames, and the queue in which they wait for the worker.
//!
//! The worker drains the queue between two batches of the journal, never within one. The queue is in memory only: a
//! process that is killed loses what waits there, such as a heartbeat. Losses of records are not among that, because the
//! journal counts them.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

use crate::record::SystemEvent;
use crate::record::system::Gap;
use crate::trail::internal::{Key, Source, json as text};
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

/// System records that wait to be written.
#[derive(Default)]
pub(crate) struct SystemRecords {
    waiting: VecDeque<SystemRecord>,
    /// How many were ever queued.
    pub(crate) queued: u64,
}

#[derive(Clone)]
pub(crate) struct SystemRecord {
    pub(crate) frame: Vec<u8>,
    /// How many losses the journal may forget once this record is written.
    pub(crate) losses: u64,
}

impl SystemRecords {
    /// So many may wait while the trail cannot be written. More are counted as lost.
    const MOST: usize = 4_096;

    pub(crate) fn push(&mut self, record: SystemRecord) -> Result<(), SystemRecord> {
        if self.waiting.len() == SystemRecords::MOST {
            return Err(record);
        }
        self.push_gap(record);
        Ok(())
    }

    /// Queues a `trail_gap`, for which there is always room.
    pub(crate) fn push_gap(&mut self, gap: SystemRecord) {
        self.waiting.push_back(gap);
        self.queued += 1;
    }

    pub(crate) fn front(&self) -> Option<&SystemRecord> {
        self.waiting.front()
    }

    pub(crate) fn pop(&mut self) {
        self.waiting.pop_front();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// How many event types a gap names one by one.
const TYPES_NAMED: usize = 64;

/// Records that were lost since the last `trail_gap`.
#[derive(Default)]
pub(crate) struct Losses {
    count: u64,
    types: BTreeMap<String, u64>,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    why: &'static str,
}

impl Losses {
    pub(crate) fn add(&mut self, lost: Option<&[u8]>, now: DateTime<Utc>, why: &'static str) {
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
    pub(crate) fn inherit(&mut self, count: u64, first: DateTime<Utc>, last: DateTime<Utc>) {
        self.count += count;
        self.first = Some(first);
        self.last = Some(last);
        self.why = "the process before this one ended before it could tell";
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn report(&self) -> SystemEvent {
        let gap = Gap {
            lost: self.count,
            types: self.types.clone(),
            from: self.first,
            to: self.last,
            reason: self.why.to_owned(),
        };
        gap.into()
    }
}
