//! Reading from the end: the newest records first, without reading what is not asked for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Query;
use super::file::{End, OpenFile, RawLine};
use super::line_mapper::{Line, LineMapper as _, ToLine};
use super::prefilter::Prefilter;
use crate::error::{Error, Result};
use crate::format::catalog::Catalog;
use crate::format::reverse_blocks::{Block, ReverseBlocks};

/// The files of a trail, to be read from their ends.
#[derive(Debug)]
pub(super) struct Ends {
    catalog: Catalog,
    /// How many of its files were taken, the newest first.
    taken: usize,
    /// The file that grows, and up to where it is to be read.
    live: Option<(PathBuf, u64)>,
}

impl Ends {
    pub(super) fn new(catalog: Catalog, live: Option<(PathBuf, u64)>) -> Ends {
        Ends {
            catalog,
            taken: 0,
            live,
        }
    }

    /// The next file, from its end. `None`: there is none left.
    fn next(&mut self) -> Option<(PathBuf, io::Result<ReverseBlocks>)> {
        let path = self.catalog.newest(self.taken)?.to_owned();
        self.taken += 1;
        let opened = match &self.live {
            Some((live, end)) if *live == path => {
                File::open(&path).map(|file| ReverseBlocks::from(file, *end))
            }
            _ => ReverseBlocks::open(&path),
        };
        Some((path, opened))
    }
}

/// The selected lines of some trails, the last first. What cannot be read is told where it stands;
/// its line number is counted then.
#[derive(Debug)]
pub(super) struct ReverseLines {
    query: Query,
    prefilter: Prefilter,
    /// What is left, of each trail.
    trails: Vec<Ends>,
    /// The one that is being read.
    file: Option<(PathBuf, ReverseBlocks)>,
    /// Lines that were read and not returned, the last at the end.
    waiting: Vec<Result<Line>>,
}

impl ReverseLines {
    /// Reads the last trail first.
    pub(super) fn new(trails: Vec<Ends>, query: Query) -> ReverseLines {
        ReverseLines {
            prefilter: Prefilter::of(&query),
            query,
            trails,
            file: None,
            waiting: Vec::new(),
        }
    }

    fn take_lines(&mut self, path: &PathBuf, block: &Block) {
        let (begin, block) = (block.begin, &block.bytes[..]);
        let mut at = 0;
        while at < block.len() {
            let feed = memchr::memchr(b'\n', &block[at..]);
            let length = feed.unwrap_or(block.len() - at);
            let bytes = &block[at..at + length];
            if self.prefilter.lets_through(bytes) {
                let mut raw = RawLine {
                    bytes,
                    path,
                    number: 0,
                    byte: begin + at as u64,
                    end: if feed.is_some() {
                        End::Ended
                    } else {
                        End::Open
                    },
                };
                match raw.parse() {
                    Ok(record) if self.query.selects(&record) => {
                        let trail = self.trails.len().saturating_sub(1);
                        let line = ToLine.item(&raw, record);
                        self.waiting.push(Ok(Line { trail, ..line }));
                    }
                    Ok(_) => {}
                    Err(_) => {
                        raw.number = line_number(path, raw.byte);
                        self.waiting.extend(raw.parse().err().map(Err));
                    }
                }
            }
            at += length + 1;
        }
    }
}

impl Iterator for ReverseLines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.waiting.pop() {
                return Some(line);
            }
            let Some((path, mut blocks)) = self.file.take() else {
                match self.trails.last_mut()?.next() {
                    Some((path, Ok(blocks))) => self.file = Some((path, blocks)),
                    // Retention removed it meanwhile, and the trail itself says so.
                    Some((_, Err(error))) if error.kind() == io::ErrorKind::NotFound => {}
                    Some((path, Err(error))) => return Some(Err(Error::io("read", &path, error))),
                    None => _ = self.trails.pop(),
                }
                continue;
            };
            match blocks.next_block() {
                Ok(None) => {}
                Ok(Some(block)) => {
                    self.take_lines(&path, &block);
                    self.file = Some((path, blocks));
                }
                Err(error) => return Some(Err(Error::io("read", &path, error))),
            }
        }
    }
}

/// The number of the line that begins at a byte; 0 where the file cannot be read any more.
fn line_number(path: &Path, byte: u64) -> u64 {
    let count = || {
        let file = Arc::new(File::open(path).ok()?);
        let mut lines = OpenFile::of_part(path.to_owned(), file, 0..byte, 1, Vec::new()).ok()?;
        lines.skip_to_end().ok()?;
        Some(lines.number)
    };
    count().unwrap_or(0)
}
