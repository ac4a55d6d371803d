//! One trail: its files in their order, and each record once.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::make::{Make, OfLines, OfRecords, Taken};
use crate::error::{Error, Result};
use crate::read::ahead::{Ahead, Span, Work};
use crate::read::file::{End, FileId, OpenFile};
use crate::read::index::{Counted, Indexes};
use crate::read::sieve::Sieve;
use crate::read::{Query, Stats};
use crate::record::Record;
use crate::trail::files::read_at;
use crate::trail::{TrailName, head, tail};

/// The records of one trail.
pub(super) struct Scan<M: Make> {
    /// `None`: the lines come from a reader.
    name: Option<TrailName>,
    query: Query,
    sieve: Sieve,
    make: M,
    /// What was read last: seq and checksum of each line, by rising seq.
    recent: VecDeque<(u64, u32)>,
    open: Option<OpenFile>,
    /// Files that the writer has left, and what the newest had when it was listed, read by other
    /// threads.
    ahead: Option<Ahead<M::Item>>,
    /// Where the newest is to be read on, and from which byte.
    behind: Option<(PathBuf, File, u64)>,
    next: VecDeque<PathBuf>,
    /// Files that are read or queued, whatever they are called now.
    seen: HashSet<FileId>,
    started: bool,
    /// At the end it waits for more.
    follows: bool,
    /// Where it did not read: files and their lengths, the oldest first.
    pub(super) ends: Vec<(PathBuf, u64)>,
    pub(super) read: Arc<AtomicU64>,
    pub(super) indexes: Option<Indexes>,
}

impl Scan<OfLines> {
    /// Behind the last line that is whole now.
    pub(super) fn from_end(name: &TrailName, query: Query) -> Result<Scan<OfLines>> {
        let mut scan = Scan::new(name, query, OfLines);
        scan.started = true;
        scan.follows = true;
        scan.list_files()?;
        let mut unreadable = Vec::new();
        while let Some(path) = scan.next.pop_front() {
            let opened = OpenFile::open(path.clone());
            let is_newest = scan.next.is_empty();
            let end = match opened {
                Ok(mut open) if is_newest => {
                    let end = open.skip_to_end()?;
                    scan.open = Some(open);
                    end
                }
                Ok(_) => match path.metadata() {
                    Ok(metadata) => metadata.len(),
                    Err(error) => return Err(Error::io("read", &path, error)),
                },
                Err(error) if is_newest => return Err(error),
                // Which records it holds is not known: it is told in front of all.
                Err(_) => {
                    unreadable.push((path, 1));
                    continue;
                }
            };
            scan.ends.push((path, end));
        }
        scan.ends.append(&mut unreadable);
        Ok(scan)
    }
}

impl<M: Make> Scan<M> {
    pub(super) fn new(name: &TrailName, query: Query, make: M) -> Scan<M> {
        Scan {
            name: Some(name.clone()),
            sieve: Sieve::of(&query),
            query,
            make,
            recent: VecDeque::new(),
            open: None,
            ahead: None,
            behind: None,
            indexes: None,
            next: VecDeque::new(),
            seen: HashSet::new(),
            started: false,
            follows: false,
            ends: Vec::new(),
            read: Arc::default(),
        }
    }

    /// The records among the lines of a reader.
    pub(super) fn of_reader(source: Box<dyn Read + Send>, query: Query, make: M) -> Scan<M> {
        Scan {
            name: None,
            sieve: Sieve::of(&query),
            query,
            make,
            recent: VecDeque::new(),
            open: Some(OpenFile::new("standard input".into(), source)),
            ahead: None,
            behind: None,
            indexes: None,
            next: VecDeque::new(),
            seen: HashSet::new(),
            started: true,
            follows: false,
            ends: Vec::new(),
            read: Arc::default(),
        }
    }

    /// Goes on to the next line that the sieve does not hold back: where it stands in the buffer
    /// of the open file, and how it ends.
    fn next_line(&mut self) -> Result<Option<(Range<usize>, End)>> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(path) = self.next.pop_front() else {
                    return Ok(None);
                };
                self.open = Some(OpenFile::open(path)?);
                continue;
            };
            match open.next_line(&self.sieve, &self.read) {
                Ok(Some(line)) => return Ok(Some((line, End::Ended))),
                Ok(None) if !open.last_pass && self.next.is_empty() && self.name.is_some() => {
                    open.last_pass = true;
                    self.list_files()?;
                }
                Ok(None) if self.follows && self.next.is_empty() => {
                    open.last_pass = false;
                    return Ok(None);
                }
                Ok(None) => {
                    let end = match self.next.is_empty() {
                        true => End::Open,
                        false => End::Cut,
                    };
                    if let Some(rest) = open.take_rest() {
                        return Ok(Some((rest, end)));
                    }
                    self.open = None;
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
        let Some(name) = &self.name else {
            return Ok(());
        };
        let files = name
            .files()
            .map_err(|error| Error::io("read the directory", name.directory(), error))?;
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
                // It is told when its turn comes, and the others are read. It comes first: the newest is the one
                // that is followed.
                Err(_) => {
                    let id = FileId::unknown(&path);
                    if !self.seen.contains(&id) {
                        found.push((0, path, id));
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

impl<M: Make> Iterator for Scan<M> {
    type Item = Result<Taken<M::Item>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if !self.started {
                self.started = true;
                if let Err(error) = self.list_files() {
                    return Some(Err(error));
                }
                self.read_ahead();
            }
            let line = match self.ahead.as_mut().and_then(Ahead::next) {
                Some(line) => line,
                None => {
                    let ahead = self.ahead.take();
                    if let (Some(ahead), Some((path, file, end))) = (ahead, self.behind.take()) {
                        let place = (end, ahead.last_lines());
                        match OpenFile::go_on(path.clone(), file, place) {
                            Ok(open) => self.open = Some(open),
                            Err(error) => return Some(Err(Error::io("read", &path, error))),
                        }
                    }
                    self.next_live().transpose()?
                }
            };
            match line {
                Ok(line) if M::ONCE && self.repeats(line.seq, line.crc) => {}
                line => return Some(line),
            }
        }
    }
}

/// Up to where a file has whole lines now, where it is so large that two threads read it faster.
fn whole_lines(path: &Path) -> Option<(File, u64)> {
    const WORTH: u64 = 2 << 20;
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    if length < WORTH {
        return None;
    }
    let mut end = vec![0; 256 << 10];
    let begin = length - end.len() as u64;
    let read = read_at(&file, &mut end, begin).ok()?;
    let feed = memchr::memrchr(b'\n', &end[..read])?;
    Some((file, begin + feed as u64 + 1))
}

/// The files of a trail in the order of their records.
pub(in crate::read) fn files_in_order(name: &TrailName) -> Result<Vec<PathBuf>> {
    let mut scan = Scan::new(name, Query::new(), OfRecords);
    scan.list_files()?;
    Ok(scan.next.into())
}

/// The files of a trail that the writer has left: all but the newest, and that too where the writer
/// has ended the trail.
pub(in crate::read) fn left_files(name: &TrailName) -> Result<Vec<PathBuf>> {
    let mut files = files_in_order(name)?;
    let newest = files.last().and_then(|newest| tail(newest).ok());
    let is_ended = newest.is_some_and(|newest| {
        let ends = newest.last.as_ref().is_some_and(Record::ends_trail);
        !newest.is_unended && ends
    });
    if !is_ended {
        files.pop();
    }
    Ok(files)
}

impl<M: Make> Scan<M> {
    /// Has the files that the writer has left read by other threads. The newest is read here: it
    /// may grow.
    fn read_ahead(&mut self) {
        // Where the newest is open already, all others are left.
        let left = match self.open {
            Some(_) => self.next.len(),
            None => self.next.len().saturating_sub(1),
        };
        let left = self.next.drain(..left);
        let mut files: VecDeque<(PathBuf, Span)> = left.map(|path| (path, Span::Whole)).collect();
        // What an index says of the newest holds up to where it ended then.
        if let (Some(indexes), Some(newest)) = (&self.indexes, self.next.front())
            && let Some(index) = indexes.load(newest)
            && let Some(blocks) = index.blocks(&self.query)
            && let Ok(open) = OpenFile::open_at(newest.clone(), index.end())
        {
            files.push_back((newest.clone(), Span::Blocks(blocks)));
            self.next.pop_front();
            self.open = Some(open);
        } else if self.open.is_none()
            && let Some(newest) = self.next.front()
            && let Some((file, end)) = whole_lines(newest)
        {
            // What is behind that is read when this is.
            files.push_back((newest.clone(), Span::UpTo(end)));
            self.behind = self.next.pop_front().map(|newest| (newest, file, end));
        }
        if !files.is_empty() {
            let work = Work {
                query: self.query.clone(),
                sieve: self.sieve.clone(),
                make: self.make.clone(),
                read: self.read.clone(),
                indexes: self.indexes.clone(),
            };
            self.ahead = Some(Ahead::start(files, work));
        }
    }

    /// Takes away the files of which the indexes have counted what is selected. `None`: what they have
    /// counted cannot be added up, since lines may repeat.
    pub(super) fn take_counted(&mut self, indexes: &Indexes) -> Option<Vec<Stats>> {
        self.started = true;
        self.list_files().ok()?;
        let mut last_seq = None;
        let mut counted = Vec::new();
        let mut left = VecDeque::new();
        while let Some(path) = self.next.pop_front() {
            let is_newest = self.next.is_empty();
            let Some(index) = indexes.load(&path) else {
                let first = head(&path).ok()?.map(|first| first.seq);
                if !is_newest || first.is_some_and(|first| last_seq >= Some(first)) {
                    return None;
                }
                left.push_back(path);
                break;
            };
            let (first, last) = index.seqs()?;
            if last_seq >= Some(first) {
                return None;
            }
            last_seq = Some(last);
            match index.counted(&self.query) {
                Counted::Unknown => left.push_back(path),
                known => {
                    if let Counted::All(stats) = known {
                        counted.push(*stats);
                    }
                    if is_newest {
                        self.open = Some(OpenFile::open_at(path, index.end()).ok()?);
                    }
                }
            }
        }
        self.next = left;
        self.indexes = Some(indexes.clone());
        self.read_ahead();
        Some(counted)
    }

    /// The next line that is selected of the files that are read here.
    fn next_live(&mut self) -> Result<Option<Taken<M::Item>>> {
        loop {
            let Some((line, end)) = self.next_line()? else {
                return Ok(None);
            };
            let Some(open) = &mut self.open else {
                return Ok(None);
            };
            let line = open.line(line, end);
            if let Some(taken) = self.make.take(&line, &self.query)? {
                return Ok(Some(taken));
            }
        }
    }
}

/// How many lines back a repetition is recognised.
const RECENT: usize = 100_000;

impl<M: Make> Scan<M> {
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

impl<M: Make> fmt::Debug for Scan<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("name", &self.name)
            .field("query", &self.query)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}
