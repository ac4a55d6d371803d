//! What is made of the lines of a trail.

use chrono::{DateTime, Utc};

use super::Query;
use super::file::RawLine;
use crate::error::{Position, Result};
use crate::record::Record;

/// Makes something of each line that is selected, on the thread that has read it.
pub(super) trait LineMapper: Clone + Send + 'static {
    /// What it becomes.
    type Item: Send + 'static;
    /// Whether a line that comes again is passed over.
    const ONCE: bool = true;
    /// So many parts, or files, may be ahead of the consumer: while it gets no core, the threads go on.
    const PARTS_AHEAD: usize = 4;

    fn item(&self, line: &RawLine<'_>, record: Record) -> Self::Item;

    /// What becomes of a line, if the query selects what it says.
    fn map(&self, line: &RawLine<'_>, query: &Query) -> Result<Option<Mapped<Self::Item>>> {
        let record = line.parse()?;
        Ok(query.selects(&record).then(|| Mapped {
            seq: record.seq,
            timestamp: record.timestamp,
            crc: crate::format::internal::checksum(line.bytes),
            trail: 0,
            number: line.number,
            length: line.bytes.len(),
            item: self.item(line, record),
        }))
    }
}

/// What was made of a line, and what the line's place among the others depends on.
#[derive(Debug)]
pub(super) struct Mapped<T> {
    pub(super) seq: u64,
    pub(super) timestamp: DateTime<Utc>,
    /// The checksum of its bytes, and how many they are.
    pub(super) crc: u32,
    pub(super) length: usize,
    /// Which of several trails it is of.
    pub(super) trail: usize,
    /// Its number in its file.
    pub(super) number: u64,
    pub(super) item: T,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ToRecord;

impl LineMapper for ToRecord {
    type Item = Record;

    fn item(&self, _line: &RawLine<'_>, record: Record) -> Record {
        record
    }
}

/// A line of a trail, with the record that it holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Line {
    /// What it says.
    pub record: Record,
    /// The line itself, without its line feed.
    pub bytes: Vec<u8>,
    /// Where it stands.
    pub position: Position,
    /// Which of several trails it is of, counted as [`Trail::names`](super::Trail::names) has them. 0 of a single one.
    pub trail: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ToLine;

impl LineMapper for ToLine {
    type Item = Line;

    fn item(&self, line: &RawLine<'_>, record: Record) -> Line {
        Line {
            record,
            bytes: line.bytes.to_vec(),
            position: line.position(),
            trail: 0,
        }
    }
}
