use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Query;
use crate::error::{Error, ErrorKind, Position, Result, Unreadable};
use crate::record::{NotARecord, Record};
use crate::trail::{TrailName, head};

/// An iterator over records of a trail.
///
/// Files are read in the order of their first `seq`. What the writer adds meanwhile is read
/// too, and the files that it begins. After an error the iterator goes on. Of several trails
/// the record with the earliest time comes next.
#[derive(Debug)]
pub struct Records {
    scans: Vec<(Scan, Option<Result<Record>>)>,
}

impl Records {
    pub(super) fn new(names: &[TrailName], query: Query) -> Records {
        let scan = |name| {
            let mut scan = Scan::new(name, query.clone());
            let first = scan.next();
            (scan, first)
        };
        Records {
            scans: names.iter().map(scan).collect(),
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.scans.iter_mut().filter(|(_, next)| next.is_some());
        // What cannot be read has no time, and is told at once.
        let (scan, next) = next.min_by_key(|(_, next)| match next {
            Some(Ok(record)) => Some(record.timestamp),
            _ => None,
        })?;
        std::mem::replace(next, scan.next())
    }
}

/// The records of one trail.
#[derive(Debug)]
struct Scan {
    name: TrailName,
    query: Query,
    /// What was read last: seq and checksum of each line, by rising seq.
    recent: VecDeque<(u64, u32)>,
    open: Option<OpenFile>,
    next: VecDeque<PathBuf>,
    /// Files that are read or queued, whatever they are called now.
    seen: HashSet<FileId>,
    started: bool,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    reader: BufReader<File>,
    /// The line that is being read: whole when it ends with LF.
    line: Vec<u8>,
    /// Where it begins.
    number: u64,
    byte: u64,
    /// The end was seen, and the directory was listed after that. What is behind the end
    /// now was written before the writer began any file that is not listed.
    last_pass: bool,
}

/// One line, without its line feed.
struct Line {
    bytes: Vec<u8>,
    position: Position,
    end: End,
}

#[derive(PartialEq, Eq)]
enum End {
    /// LF.
    Ended,
    /// The end of a file that the writer has left.
    Cut,
    /// The end of the newest file.
    Open,
}

impl Scan {
    fn new(name: &TrailName, query: Query) -> Scan {
        Scan {
            name: name.clone(),
            query,
            recent: VecDeque::new(),
            open: None,
            next: VecDeque::new(),
            seen: HashSet::new(),
            started: false,
        }
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        if !self.started {
            self.started = true;
            self.list_files()?;
        }
        loop {
            let Some(open) = &mut self.open else {
                let Some(path) = self.next.pop_front() else {
                    return Ok(None);
                };
                self.open = Some(OpenFile::open(path)?);
                continue;
            };
            match open.read_line() {
                Ok(true) => return Ok(Some(open.take_line(End::Ended))),
                Ok(false) if !open.last_pass && self.next.is_empty() => {
                    open.last_pass = true;
                    self.list_files()?;
                }
                Ok(false) => {
                    let end = match self.next.is_empty() {
                        true => End::Open,
                        false => End::Cut,
                    };
                    let cut = (!open.line.is_empty()).then(|| open.take_line(end));
                    self.open = None;
                    if cut.is_some() {
                        return Ok(cut);
                    }
                }
                Err(error) => {
                    let error = Error::io("read", &open.path, error);
                    self.open = None;
                    return Err(error);
                }
            }
        }
    }

    /// Queues the files that are not known yet.
    fn list_files(&mut self) -> Result<()> {
        let files = self
            .name
            .files()
            .map_err(|error| Error::io("read the directory", self.name.directory(), error))?;
        let mut found = Vec::new();
        for path in files {
            match head(&path).and_then(|first| Ok((FileId::of(&path, first.as_ref())?, first))) {
                // The second: it was listed before it had a record.
                Ok((id, _)) if self.seen.contains(&id) || self.seen.contains(&id.begun()) => {}
                // A file without records is the one that was begun last.
                Ok((id, first)) => {
                    found.push((first.map_or(u64::MAX, |first| first.seq), path, id))
                }
                // Retention removed it meanwhile, and the trail itself says so.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // It is told when its turn comes, and the others are read.
                Err(_) => {
                    let id = FileId(0, 0, None, path.clone());
                    if !self.seen.contains(&id) {
                        found.push((u64::MAX, path, id));
                    }
                }
            }
        }
        found.sort_by(|(a, a_path, _), (b, b_path, _)| (a, a_path).cmp(&(b, b_path)));
        for (_, path, id) in found {
            self.seen.insert(id);
            self.next.push_back(path);
        }
        Ok(())
    }
}

impl Iterator for Scan {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (record, crc) = match self.next_line().transpose()? {
                Ok(line) => {
                    let crc = crc32fast::hash(&line.bytes);
                    match line.parse() {
                        Ok(record) => (record, crc),
                        Err(error) => return Some(Err(error)),
                    }
                }
                Err(error) => return Some(Err(error)),
            };
            if !self.repeats(record.seq, crc) && self.query.selects(&record) {
                return Some(Ok(record));
            }
        }
    }
}

/// How many lines back a repetition is recognised.
const RECENT: usize = 100_000;

impl Scan {
    /// Whether this very line was read before: what a file held that the medium refused is
    /// written again to the next one. A line that only has the `seq` of another is shown.
    fn repeats(&mut self, seq: u64, crc: u32) -> bool {
        if self.recent.back().is_none_or(|(last, _)| *last < seq) {
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((seq, crc));
            return false;
        }
        let found = self.recent.binary_search_by_key(&seq, |(seq, _)| *seq);
        found.is_ok_and(|index| self.recent[index].1 == crc)
    }
}

impl OpenFile {
    fn open(path: PathBuf) -> Result<OpenFile> {
        match File::open(&path) {
            Ok(file) => Ok(OpenFile {
                path,
                reader: BufReader::with_capacity(256 << 10, file),
                line: Vec::new(),
                number: 1,
                byte: 0,
                last_pass: false,
            }),
            Err(error) => Err(Error::io("read", &path, error)),
        }
    }

    /// Reads on in the line, and says whether it is whole.
    fn read_line(&mut self) -> io::Result<bool> {
        self.reader.read_until(b'\n', &mut self.line)?;
        Ok(self.line.last() == Some(&b'\n'))
    }

    fn take_line(&mut self, end: End) -> Line {
        let mut bytes = std::mem::take(&mut self.line);
        let position = Position {
            file: self.path.clone(),
            line: self.number,
            byte: self.byte,
        };
        self.number += 1;
        self.byte += bytes.len() as u64;
        if end == End::Ended {
            bytes.pop();
        }
        Line {
            bytes,
            position,
            end,
        }
    }
}

impl Line {
    fn parse(self) -> Result<Record> {
        let reason = match serde_json::from_slice::<Map<String, Value>>(&self.bytes) {
            Ok(map) => match Record::from_map(map) {
                // A record without its LF is whole already, or will be in a moment.
                Ok(record) => return Ok(record),
                Err(NotARecord(why)) => Unreadable::Foreign {
                    why: why.to_owned(),
                },
            },
            Err(_) if self.end == End::Open => Unreadable::Unfinished,
            Err(error) if error.is_eof() && self.bytes.starts_with(b"{") => Unreadable::Torn,
            Err(_) if self.end == End::Cut => Unreadable::Torn,
            Err(_) if self.bytes.is_empty() => Unreadable::Foreign {
                why: "the line is empty".to_owned(),
            },
            // Without the parser's own words, which may quote the line.
            Err(error) => Unreadable::Foreign {
                why: format!("it is no JSON object from byte {} on", error.column()),
            },
        };
        Err(Error::from(ErrorKind::Unreadable {
            position: self.position,
            length: self.bytes.len() as u64,
            reason,
        }))
    }
}

/// What a file is, whatever it is called: its inode, which may be used again when it is
/// removed, with the `seq` that it begins with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FileId(u64, u64, Option<u64>, PathBuf);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path, first: Option<&Record>) -> io::Result<FileId> {
        use std::os::unix::fs::MetadataExt as _;
        let found = path.metadata()?;
        let seq = first.map(|first| first.seq);
        Ok(FileId(found.dev(), found.ino(), seq, PathBuf::new()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path, first: Option<&Record>) -> io::Result<FileId> {
        path.metadata()?;
        Ok(FileId(0, 0, first.map(|first| first.seq), path.to_owned()))
    }

    /// The same file, when it had no record yet.
    fn begun(&self) -> FileId {
        FileId(self.0, self.1, None, self.3.clone())
    }
}
