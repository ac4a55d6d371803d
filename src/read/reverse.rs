//! Reading from the end: the newest records first, without reading what is not asked for.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::file::{End, RawLine};
use super::scan::{Make as _, OfLines};
use super::sieve::Sieve;
use super::{Line, Query};
use crate::error::{Error, Result};
use crate::trail::files::read_at;

/// How much is read at once, until a line is longer.
const BLOCK: u64 = 512 << 10;

/// The selected lines of some files, the last first. What cannot be read is told where it stands;
/// its line number is counted then.
#[derive(Debug)]
pub(super) struct Reverse {
    query: Query,
    sieve: Sieve,
    /// What is left: files, each with the place up to which it is to be read.
    files: Vec<(PathBuf, u64)>,
    /// Lines that were read and not returned, the last at the end.
    waiting: Vec<Result<Line>>,
}

impl Reverse {
    /// Reads the files from their ends, the last file first.
    pub(super) fn new(files: Vec<(PathBuf, u64)>, query: Query) -> Reverse {
        Reverse {
            sieve: Sieve::of(&query),
            query,
            files,
            waiting: Vec::new(),
        }
    }

    /// Reads the block in front of `end`, and says where its first whole line begins.
    fn read_block(&mut self, path: &PathBuf, end: u64) -> io::Result<u64> {
        let file = File::open(path)?;
        let mut size = BLOCK;
        loop {
            let begin = end.saturating_sub(size);
            let mut block = vec![0; (end - begin) as usize];
            let read = read_at(&file, &mut block, begin)?;
            block.truncate(read);
            let first = match begin {
                0 => Some(0),
                _ => memchr::memchr(b'\n', &block).map(|feed| feed + 1),
            };
            match first {
                // The whole block is the end of one line.
                None => size *= 2,
                Some(first) if first == block.len() && begin > 0 => size *= 2,
                Some(first) => {
                    self.take_lines(path, begin + first as u64, &block[first..]);
                    return Ok(begin + first as u64);
                }
            }
        }
    }

    fn take_lines(&mut self, path: &PathBuf, begin: u64, block: &[u8]) {
        let mut at = 0;
        while at < block.len() {
            let feed = memchr::memchr(b'\n', &block[at..]);
            let length = feed.unwrap_or(block.len() - at);
            let bytes = &block[at..at + length];
            if self.sieve.lets_through(bytes) {
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
                        self.waiting.push(Ok(OfLines.make(&raw, record)));
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

impl Iterator for Reverse {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.waiting.pop() {
                return Some(line);
            }
            let (path, end) = self.files.pop()?;
            if end == 0 {
                continue;
            }
            match self.read_block(&path, end) {
                Ok(begin) => self.files.push((path, begin)),
                // Retention removed it meanwhile, and the trail itself says so.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Some(Err(Error::io("read", &path, error))),
            }
        }
    }
}

/// The number of the line that begins at a byte; 0 where the file cannot be read any more.
fn line_number(path: &PathBuf, byte: u64) -> u64 {
    let count = || {
        let file = File::open(path)?;
        let mut block = vec![0; BLOCK as usize];
        let (mut at, mut feeds) = (0, 0);
        while at < byte {
            let wanted = block.len().min((byte - at) as usize);
            let read = read_at(&file, &mut block[..wanted], at)?;
            if read == 0 {
                break;
            }
            feeds += memchr::memchr_iter(b'\n', &block[..read]).count() as u64;
            at += read as u64;
        }
        io::Result::Ok(feeds + 1)
    };
    count().unwrap_or(0)
}
