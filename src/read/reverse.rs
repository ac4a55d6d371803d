//! Reading from the end: the newest records first, without reading what is not asked for.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::file::{End, RawLine};
use super::scan::{Make as _, OfLines};
use super::sieve::Sieve;
use super::{Line, Query};
use crate::error::{Error, Result};
use crate::trail::backwards::{Backwards, Block};
use crate::trail::files::read_at;

/// The selected lines of some files, the last first. What cannot be read is told where it stands;
/// its line number is counted then.
#[derive(Debug)]
pub(super) struct Reverse {
    query: Query,
    sieve: Sieve,
    /// What is left: files, each with the place up to which it is to be read.
    files: Vec<(PathBuf, u64)>,
    /// The one that is being read.
    file: Option<(PathBuf, Backwards)>,
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
            let Some((path, mut blocks)) = self.file.take() else {
                let (path, end) = self.files.pop()?;
                match File::open(&path) {
                    Ok(file) => self.file = Some((path, Backwards::from(file, end))),
                    // Retention removed it meanwhile, and the trail itself says so.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Some(Err(Error::io("read", &path, error))),
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
fn line_number(path: &PathBuf, byte: u64) -> u64 {
    let count = || {
        let file = File::open(path)?;
        let mut block = vec![0; 256 << 10];
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
