//! An index, made from its file.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use super::{BLOCK, Block, Bound, Head, Kind, bloom};
use crate::error::{Error, Result};
use crate::read::scan::{End, OpenFile};
use crate::read::sieve::Sieve;
use crate::read::stats::{Kept, Stats};
use crate::record::Record;

/// Counts are kept as long as they are not more than this part of the file.
const KEPT: u64 = 200;

/// The head of the index of a file, and what stands behind it.
pub(super) fn build(file: &Path, bound: Bound, read: &AtomicU64) -> Result<(Head, Vec<u8>)> {
    let mut open = OpenFile::open(file.to_owned())?;
    let mut building = Building::default();
    loop {
        let next = open.next_line(&Sieve::All, read);
        let (line, end) = match next.map_err(|error| Error::io("index", file, error))? {
            Some(line) => (line, End::Ended),
            None => match open.take_rest() {
                Some(rest) => (rest, End::Cut),
                None => break,
            },
        };
        let place = (open.byte, open.number);
        let line = open.line(line, end);
        let length = line.bytes.len() as u64 + u64::from(end == End::Ended);
        building.add(place, length, line.parse().ok());
    }
    Ok(building.finish(bound))
}

/// An index while its file is read.
#[derive(Default)]
struct Building {
    blocks: Vec<Block>,
    filters: Vec<u8>,
    keys: Vec<u64>,
    all_keys: Vec<u64>,
    open: Option<Block>,
    lines: u64,
    seqs: Option<(u64, u64)>,
    /// A line cannot be read, or a `seq` is not greater than the one before.
    is_odd: bool,
    stats: Stats,
}

impl Building {
    fn add(&mut self, (offset, line): (u64, u64), length: u64, record: Option<Record>) {
        self.lines = line;
        if self
            .open
            .as_ref()
            .is_some_and(|block| block.length >= BLOCK)
        {
            self.close();
        }
        let block = self.open.get_or_insert(Block {
            offset,
            length: 0,
            line,
            from: i64::MAX,
            to: i64::MIN,
            unreadable: false,
            filter: 0,
        });
        block.length += length;
        let Some(record) = record else {
            block.unreadable = true;
            self.is_odd = true;
            return;
        };
        let time = record.timestamp.timestamp_micros();
        block.from = block.from.min(time);
        block.to = block.to.max(time);
        self.is_odd |= self.seqs.is_some_and(|(_, last)| record.seq <= last);
        self.seqs = Some((self.seqs.map_or(record.seq, |(first, _)| first), record.seq));
        if !record.is_about_trail() {
            self.stats.add(&record);
        }
        for (kind, id) in [
            (Kind::Conversation, &record.conversation_id),
            (Kind::User, &record.user_id),
            (Kind::Session, &record.session_id),
            (Kind::Request, &record.request_id),
        ] {
            if let Some(id) = id {
                self.keys.push(bloom::key(kind as u8, id));
            }
        }
    }

    fn close(&mut self) {
        let Some(mut block) = self.open.take() else {
            return;
        };
        self.keys.sort_unstable();
        self.keys.dedup();
        let filter = bloom::filter(&self.keys);
        block.filter = filter.len() as u32;
        self.filters.extend_from_slice(&filter);
        self.all_keys.append(&mut self.keys);
        self.blocks.push(block);
    }

    fn finish(mut self, bound: Bound) -> (Head, Vec<u8>) {
        self.close();
        self.all_keys.sort_unstable();
        self.all_keys.dedup();
        let mut filters = bloom::filter(&self.all_keys);
        let filter = filters.len() as u32;
        filters.append(&mut self.filters);
        let kept = match self.is_odd {
            true => Vec::new(),
            false => serde_json::to_vec(&Kept::from(self.stats)).unwrap_or_default(),
        };
        let kept = match kept.len() as u64 <= (bound.length / KEPT).max(BLOCK / KEPT) {
            true => kept,
            false => Vec::new(),
        };
        filters.extend_from_slice(&kept);
        let head = Head {
            file: PathBuf::new(),
            bound,
            blocks: self.blocks,
            lines: self.lines,
            seqs: self.seqs.filter(|_| !self.is_odd),
            filter,
            kept: kept.len() as u32,
        };
        (head, filters)
    }
}
