//! A file of a trail, line by line, and what a line says.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::prefilter::{Prefilter, looks_like_ours};
use crate::error::{Error, ErrorKind, Position, Result, Unreadable};
use crate::format::files::read_at;
use crate::record::{Record, not_a_record};

/// A file, or whatever else lines are read from.
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    source: Box<dyn Read + Send>,
    /// What was read and not taken stands in it from `begin` to `filled`. Up to `searched` it holds no
    /// line feed.
    buffer: Vec<u8>,
    filled: usize,
    begin: usize,
    searched: usize,
    /// Where the prefilter finds something first in all of that, once it was asked.
    hit: Option<Option<usize>>,
    /// The number of the line that begins there, and its place in the file.
    pub(super) number: u64,
    pub(super) byte: u64,
    /// Lines that begin here or behind are none of its.
    end: u64,
    /// The end was seen, and the directory was listed after that. What is behind the end
    /// now was written before the writer began any file that is not listed.
    pub(super) last_pass: bool,
}

/// One line, without its line feed.
#[derive(Clone, Copy)]
pub(super) struct RawLine<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) path: &'b Path,
    /// Its 1-based number.
    pub(super) number: u64,
    /// The byte of the file at which it begins.
    pub(super) byte: u64,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// LF.
    Ended,
    /// The end of a file that the writer has left.
    Cut,
    /// The end of the newest file.
    Open,
}

/// A part of a file, and what stands behind it, where its last line may end.
struct PartSource {
    file: Arc<File>,
    at: u64,
    end: u64,
}

/// So much is read behind a part at first.
const BEHIND: u64 = 16 << 10;

impl Read for PartSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = match self.at < self.end {
            true => (self.end + BEHIND - self.at).min(buffer.len() as u64) as usize,
            false => buffer.len(),
        };
        let read = read_at(&self.file, &mut buffer[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// How much is read at once.
const CHUNK: usize = 512 << 10;

impl OpenFile {
    pub(super) fn open(path: PathBuf) -> Result<OpenFile> {
        match File::open(&path) {
            Ok(file) => Ok(OpenFile::new(path, Box::new(file))),
            Err(error) => Err(Error::io("read", &path, error)),
        }
    }

    /// The lines behind so many bytes, which hold so many lines.
    pub(super) fn open_at(path: PathBuf, place: (u64, u64)) -> io::Result<OpenFile> {
        let file = File::open(&path)?;
        OpenFile::go_on(path, file, place)
    }

    /// The same of a file that is open.
    pub(super) fn go_on(
        path: PathBuf,
        mut file: File,
        (bytes, lines): (u64, u64),
    ) -> io::Result<OpenFile> {
        file.seek(SeekFrom::Start(bytes))?;
        let mut open = OpenFile::new(path, Box::new(file));
        open.byte = bytes;
        open.number = lines + 1;
        Ok(open)
    }

    /// The lines that begin in a part of a file, the first of which has this number. The buffer is one to use again.
    pub(super) fn of_part(
        path: PathBuf,
        file: Arc<File>,
        part: Range<u64>,
        number: u64,
        buffer: Vec<u8>,
    ) -> Result<OpenFile> {
        // With the byte in front, which says whether a line begins where the part does.
        let begin = part.start.saturating_sub(1);
        let source = PartSource {
            file,
            at: begin,
            end: part.end,
        };
        let mut open = OpenFile {
            buffer,
            byte: begin,
            end: part.end,
            number,
            ..OpenFile::new(path, Box::new(source))
        };
        if part.start > 0
            && let Err(error) = open.skip_line()
        {
            return Err(Error::io("read", &open.path, error));
        }
        Ok(open)
    }

    /// Passes over what is left of a line.
    fn skip_line(&mut self) -> io::Result<()> {
        while self.byte < self.end && self.fill()? > 0 {
            let feed = memchr::memchr(b'\n', &self.buffer[..self.filled]);
            self.begin = feed.map_or(self.filled, |feed| feed + 1);
            self.searched = self.begin;
            self.byte += self.begin as u64;
            if feed.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Its buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    pub(super) fn new(path: PathBuf, source: Box<dyn Read + Send>) -> OpenFile {
        OpenFile {
            path,
            source,
            buffer: Vec::new(),
            filled: 0,
            begin: 0,
            searched: 0,
            hit: None,
            number: 1,
            byte: 0,
            end: u64::MAX,
            last_pass: false,
        }
    }

    /// Takes whole lines until the prefilter lets one through. `None`: the end, for now.
    pub(super) fn next_line(
        &mut self,
        prefilter: &Prefilter,
        progress: &AtomicU64,
    ) -> io::Result<Option<Range<usize>>> {
        loop {
            if let Some(line) = self.sift(prefilter) {
                return Ok(Some(line));
            }
            if self.byte >= self.end {
                return Ok(None);
            }
            match self.fill()? {
                0 => return Ok(None),
                read => progress.fetch_add(read as u64, Ordering::Relaxed),
            };
        }
    }

    /// Looks for a line that is let through in what was read. What the prefilter looks for is searched
    /// in all of that at once; of the lines before it only their beginnings and ends are looked at.
    fn sift(&mut self, prefilter: &Prefilter) -> Option<Range<usize>> {
        let find =
            |from: usize, buffer: &[u8]| prefilter.find(&buffer[from..]).map(|hit| from + hit);
        let buffer = &self.buffer[..self.filled];
        let mut hit = match self.hit {
            // Lines that are let through without it may be many.
            Some(hit) if hit.is_none_or(|hit| hit >= self.begin) => hit,
            _ => find(self.begin, buffer),
        };
        while self.byte < self.end
            && let Some(feed) = memchr::memchr(b'\n', &buffer[self.searched..])
        {
            let line = self.begin..self.searched + feed;
            self.begin = line.end + 1;
            self.searched = self.begin;
            let holds_hit = hit.is_some_and(|hit| hit < line.end);
            if holds_hit || !looks_like_ours(&buffer[line.clone()]) {
                self.hit = Some(hit);
                return Some(line);
            }
            // A hit in a line feed's place cannot be; one behind stays one.
            if hit.is_some_and(|hit| hit < self.begin) {
                hit = find(self.begin, buffer);
            }
            self.number += 1;
            self.byte += line.len() as u64 + 1;
        }
        self.searched = self.filled;
        None
    }

    /// What is left behind the last line feed, if anything is.
    pub(super) fn take_rest(&mut self) -> Option<Range<usize>> {
        let rest = self.begin..self.filled;
        self.begin = rest.end;
        (self.byte < self.end && !rest.is_empty()).then_some(rest)
    }

    /// Passes over the lines that are whole, and says where it stands then.
    pub(super) fn skip_to_end(&mut self) -> Result<u64> {
        let held = Prefilter::nothing();
        loop {
            match self.next_line(&held, &AtomicU64::new(0)) {
                Ok(None) => {
                    // Another prefilter is asked of what is left.
                    self.hit = None;
                    return Ok(self.byte);
                }
                // Something that does not look like a record: it is passed over too.
                Ok(Some(line)) => {
                    self.number += 1;
                    self.byte += line.len() as u64 + 1;
                }
                Err(error) => return Err(Error::io("read", &self.path, error)),
            }
        }
    }

    /// Reads on, and says how much.
    fn fill(&mut self) -> io::Result<usize> {
        self.hit = None;
        self.buffer.copy_within(self.begin..self.filled, 0);
        self.searched -= self.begin;
        self.filled -= self.begin;
        self.begin = 0;
        // A long line is read in growing steps.
        let wanted = self.filled + CHUNK.max(self.filled);
        if self.buffer.len() < wanted {
            // Fresh memory is zero already.
            let mut larger = vec![0; wanted];
            larger[..self.filled].copy_from_slice(&self.buffer[..self.filled]);
            self.buffer = larger;
        }
        loop {
            match self.source.read(&mut self.buffer[self.filled..wanted]) {
                Ok(read) => {
                    self.filled += read;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A line that was just found, which is passed over.
    pub(super) fn line(&mut self, bytes: Range<usize>, end: End) -> RawLine<'_> {
        let (number, byte) = (self.number, self.byte);
        self.number += 1;
        self.byte += bytes.len() as u64 + u64::from(end == End::Ended);
        RawLine {
            bytes: &self.buffer[bytes],
            path: &self.path,
            number,
            byte,
            end,
        }
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile")
            .field("path", &self.path)
            .field("line", &self.number)
            .finish_non_exhaustive()
    }
}

impl RawLine<'_> {
    pub(super) fn position(&self) -> Position {
        Position {
            file: self.path.to_owned(),
            line: self.number,
            byte: self.byte,
        }
    }

    pub(super) fn parse(&self) -> Result<Record> {
        let reason = match serde_json::from_slice::<Record>(self.bytes) {
            Ok(record) => match record.other_format() {
                Some(format) => Unreadable::OtherFormat { format },
                // A record without its LF is whole already, or will be in a moment.
                None => return Ok(record),
            },
            Err(_) if self.end == End::Open => Unreadable::Unfinished,
            Err(error) if error.is_eof() && self.bytes.starts_with(b"{") => Unreadable::Torn,
            Err(_) if self.end == End::Cut => Unreadable::Torn,
            Err(error) => Unreadable::Foreign {
                why: match self.bytes.is_empty() {
                    true => "the line is empty".to_owned(),
                    false => not_a_record(&error),
                },
            },
        };
        Err(Error::from(ErrorKind::Unreadable {
            position: self.position(),
            length: self.bytes.len() as u64,
            reason,
        }))
    }
}

/// What a file is, whatever it is called: its inode, which may be used again when it is
/// removed, with the `seq` that it begins with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId(u64, u64, Option<u64>, PathBuf);

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(path: &Path, first: Option<&Record>) -> io::Result<FileId> {
        use std::os::unix::fs::MetadataExt as _;
        let found = path.metadata()?;
        let seq = first.map(|first| first.seq);
        Ok(FileId(found.dev(), found.ino(), seq, PathBuf::new()))
    }

    #[cfg(not(unix))]
    pub(super) fn of(path: &Path, first: Option<&Record>) -> io::Result<FileId> {
        path.metadata()?;
        Ok(FileId(0, 0, first.map(|first| first.seq), path.to_owned()))
    }

    /// A file of which nothing but its path is known.
    pub(super) fn unknown(path: &Path) -> FileId {
        FileId(0, 0, None, path.to_owned())
    }

    /// The same file, when it had no record yet.
    pub(super) fn begun(&self) -> FileId {
        FileId(self.0, self.1, None, self.3.clone())
    }
}
