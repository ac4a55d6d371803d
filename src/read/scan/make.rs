//! What is made of the lines of a trail.

use chrono::{DateTime, Utc};

use super::Line;
use crate::read::Query;
use crate::read::file::RawLine;
use crate::record::Record;
use crate::trail::error::Result;

/// What is made of a line that is selected, on the thread that has read it.
pub(in crate::read) trait Make: Clone + Send + 'static {
    /// What it becomes.
    type Item: Send + 'static;
    /// Whether a line that comes again is passed over.
    const ONCE: bool = true;
    /// So many parts, or files, may be ahead of whoever takes the lines: while he is given no core, the threads go on.
    const PARTS_AHEAD: usize = 4;

    fn make(&self, line: &RawLine<'_>, record: Record) -> Self::Item;

    /// What becomes of a line, if the query selects what it says.
    fn take(&self, line: &RawLine<'_>, query: &Query) -> Result<Option<Taken<Self::Item>>> {
        let record = line.parse()?;
        Ok(query.selects(&record).then(|| Taken {
            seq: record.seq,
            timestamp: record.timestamp,
            crc: crc32fast::hash(line.bytes),
            number: line.number,
            length: line.bytes.len(),
            item: self.make(line, record),
        }))
    }
}

/// What was made of a line, and what the line's place among the others depends on.
#[derive(Debug)]
pub(in crate::read) struct Taken<T> {
    pub(in crate::read) seq: u64,
    pub(in crate::read) timestamp: DateTime<Utc>,
    /// The checksum of its bytes, and how many they are.
    pub(in crate::read) crc: u32,
    pub(in crate::read) length: usize,
    /// Its number in its file.
    pub(in crate::read) number: u64,
    pub(in crate::read) item: T,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct OfRecords;

impl Make for OfRecords {
    type Item = Record;

    fn make(&self, _line: &RawLine<'_>, record: Record) -> Record {
        record
    }
}

#[derive(Clone, Copy, Debug)]
pub(in crate::read) struct OfLines;

impl Make for OfLines {
    type Item = Line;

    fn make(&self, line: &RawLine<'_>, record: Record) -> Line {
        Line {
            record,
            bytes: line.bytes.to_vec(),
            position: line.position(),
        }
    }
}
