//! An index, made from its file.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::{BLOCK, Block, Head, MAGIC, PARTS, bloom};
use crate::error::{Error, Result};
use crate::read::file::{End, OpenFile};
use crate::read::prefilter::Prefilter;
use crate::read::query::Name;
use crate::read::stats::Stats;
use crate::record::Record;

/// Counts are kept as long as they are not more than this part of the file.
const KEPT: u64 = 200;

/// An index that was built.
pub(super) struct Built {
    pub(super) head: Head,
    blocks: Vec<Block>,
    filters: Vec<u8>,
    kept: Vec<u8>,
}

impl Built {
    /// As it is written.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let head = serde_json::to_vec(&self.head)?;
        let blocks = serde_json::to_vec(&self.blocks)?;
        let length = (blocks.len() as u32).to_le_bytes();
        let blocks = [&length[..], &blocks, &self.filters].concat();
        let parts: [&[u8]; PARTS] = [&head, &blocks, &self.kept];
        let mut bytes = MAGIC.to_vec();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&crate::format::internal::checksum(part).to_le_bytes());
        }
        bytes.extend_from_slice(&parts.concat());
        Ok(bytes)
    }
}

/// Reads a file from its beginning to its end.
pub(super) fn build(file: &Path, read: &AtomicU64) -> Result<Built> {
    let mut open = OpenFile::open(file.to_owned())?;
    let mut building = Building::default();
    loop {
        let next = open.next_line(&Prefilter::All, read);
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
    Ok(building.finish(open.byte))
}

/// An index while its file is read.
#[derive(Default)]
struct Building {
    blocks: Vec<Block>,
    filters: Vec<u8>,
    keys: Vec<u64>,
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
        let key = |name: Name| Some(bloom::key(name as u8, name.of(&record)?));
        self.keys.extend(Name::INDEXED.into_iter().filter_map(key));
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
        self.keys.clear();
        self.blocks.push(block);
    }

    /// It has read so many bytes.
    fn finish(mut self, length: u64) -> Built {
        self.close();
        let kept = match self.is_odd {
            true => Vec::new(),
            false => serde_json::to_vec(&self.stats).unwrap_or_default(),
        };
        let records = || self.blocks.iter().filter(|block| block.from <= block.to);
        let from = records().map(|block| block.from).min();
        let to = records().map(|block| block.to).max();
        let head = Head {
            lines: self.lines,
            seqs: self.seqs.filter(|_| !self.is_odd),
            times: from.zip(to),
            unreadable: self.blocks.iter().any(|block| block.unreadable),
            ..Head::default()
        };
        Built {
            head,
            blocks: self.blocks,
            filters: self.filters,
            kept: match kept.len() as u64 <= (length / KEPT).max(BLOCK / KEPT) {
                true => kept,
                false => Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Query;
    use crate::read::index::{Bound, Indexes};

    #[test]
    fn a_forged_block_that_reaches_beyond_its_file_is_not_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("audit.log");
        let line = r#"{"seq":0,"timestamp":"2026-11-24T10:00:00Z","event_type":"e","user_id":"u"}"#;
        std::fs::write(&file, format!("{line}\n")).expect("written");
        let indexes = Indexes::open(&dir.path().join("cache")).expect("a directory");
        let query = Query::new().user_id("u");
        indexes
            .build(&file, false, &AtomicU64::new(0))
            .expect("built");
        let sound = indexes.load(&file).expect("an index");
        assert_eq!(sound.blocks(&query).map(|blocks| blocks.len()), Some(1));
        for (offset, length) in [(0, line.len() as u64 + 2), (1, u64::MAX), (u64::MAX, 1)] {
            let mut forged = build(&file, &AtomicU64::new(0)).expect("built");
            forged.head.bound = Bound::of(&file).expect("bound");
            forged.blocks[0].offset = offset;
            forged.blocks[0].length = length;
            let bytes = forged.bytes().expect("bytes");
            std::fs::write(indexes.path(&file), bytes).expect("written");
            let forged = indexes.load(&file).expect("its checksums hold");
            assert!(forged.blocks(&query).is_none(), "{offset} {length}");
        }
    }
}
