//! One trail: its files in their order, and each record once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::follow::Follow;
use crate::error::{Error, Result};
use crate::format::catalog::Catalog;
use crate::format::files::read_at;
use crate::format::{TrailName, head, tail};
use crate::read::Query;
use crate::read::file::{End, FileId, OpenFile};
use crate::read::index::{Counted, Indexes};
use crate::read::line_mapper::{LineMapper, Mapped, ToLine, ToRecord};
use crate::read::parallel_scan::{ParallelScan, Span, Work};
use crate::read::prefilter::Prefilter;
use crate::read::reverse_lines::Ends;
use crate::read::stats::Stats;
use crate::record::Record;

/// The records of one trail.
pub(super) struct Scan<M: LineMapper> {
    /// `None`: the lines come from a reader.
    name: Option<TrailName>,
    query: Query,
    prefilter: Prefilter,
    mapper: M,
    /// What was read last: seq and checksum of each line, by rising seq.
    recent: VecDeque<(u64, u32)>,
    open: Option<OpenFile>,
    /// Files that the writer has left, and what the newest had when it was listed, read by other
    /// threads.
    ahead: Option<ParallelScan<M::Item>>,
    /// Where the newest is to be read on, and from which byte.
    behind: Option<(PathBuf, File, u64)>,
    next: VecDeque<PathBuf>,
    /// Files that were listed: the name of each, and its inode.
    listed: HashMap<String, u64>,
    /// Files that are read or queued, whatever they are called now.
    seen: HashSet<FileId>,
    started: bool,
    /// `Some`: at the end it waits for more.
    follow: Option<Follow>,
    /// The files before that, from which it does not read.
    pub(super) ends: Option<Ends>,
    pub(super) read: Arc<AtomicU64>,
    pub(super) indexes: Option<Indexes>,
}

/// The files of a trail, by their names.
fn list(name: &TrailName) -> Result<Catalog> {
    let failed = |error| Error::io("read the directory", name.directory(), error);
    Catalog::list(name).map_err(failed)
}

impl<M: LineMapper> Scan<M> {
    pub(super) fn new(name: &TrailName, query: Query, mapper: M) -> Scan<M> {
        Scan::over(Some(name.clone()), query, mapper)
    }

    fn over(name: Option<TrailName>, query: Query, mapper: M) -> Scan<M> {
        Scan {
            name,
            prefilter: Prefilter::of(&query),
            query,
            mapper,
            recent: VecDeque::new(),
            open: None,
            ahead: None,
            behind: None,
            indexes: None,
            next: VecDeque::new(),
            listed: HashMap::new(),
            seen: HashSet::new(),
            started: false,
            follow: None,
            ends: None,
            read: Arc::default(),
        }
    }

    /// The records among the lines of a reader.
    pub(super) fn of_reader(source: Box<dyn Read + Send>, query: Query, mapper: M) -> Scan<M> {
        Scan {
            open: Some(OpenFile::new("standard input".into(), source)),
            started: true,
            ..Scan::over(None, query, mapper)
        }
    }

    /// Goes on to the next line that the prefilter does not hold back: where it stands in the buffer
    /// of the open file, and how it ends.
    fn next_line(&mut self) -> Result<Option<(Range<usize>, End)>> {
        loop {
            let Some(open) = &mut self.open else {
                if self.next.is_empty() && self.follow.is_some() && self.may_have_new_file() {
                    self.list_files()?;
                }
                let Some(path) = self.next.pop_front() else {
                    return Ok(None);
                };
                self.open = Some(OpenFile::open(path)?);
                continue;
            };
            match open.next_line(&self.prefilter, &self.read) {
                Ok(Some(line)) => return Ok(Some((line, End::Ended))),
                Ok(None) if !open.last_pass && self.next.is_empty() && self.name.is_some() => {
                    if !self.may_have_new_file() {
                        return Ok(None);
                    }
                    if let Some(open) = &mut self.open {
                        open.last_pass = true;
                    }
                    self.list_files()?;
                }
                Ok(None) if self.follow.is_some() && self.next.is_empty() => {
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

    /// Whether the directory is to be listed at the end of the files that are known: always, unless this follows the
    /// trail and nothing hints at a new file.
    pub(super) fn may_have_new_file(&mut self) -> bool {
        match (&mut self.follow, &self.name) {
            (Some(follow), Some(name)) => follow.may_have_new_file(name),
            _ => true,
        }
    }

    fn note_listed(&mut self, catalog: &Catalog) {
        for entry in catalog.entries() {
            self.listed.insert(entry.file.clone(), entry.inode);
        }
    }

    /// Queues the files that are not known yet and may hold what is asked for.
    fn list_files(&mut self) -> Result<()> {
        let Some(name) = &self.name else {
            return Ok(());
        };
        let mut catalog = list(name)?;
        catalog.keep_only(|entry| self.listed.get(&entry.file) != Some(&entry.inode));
        self.note_listed(&catalog);
        let (since, until) = self.query.span();
        catalog.select(since, until);
        let from_seq = self.follow.as_ref().map_or(0, |follow| follow.from_seq);
        let mut found = Vec::new();
        for entry in catalog.entries() {
            let path = catalog.path(entry);
            match head(&path).and_then(|first| Ok((FileId::of(&path, first.as_ref())?, first))) {
                // The second: it was listed before it had a record.
                Ok((id, _)) if self.seen.contains(&id) || self.seen.contains(&id.begun()) => {}
                // An older file was renamed, or put back.
                Ok((_, Some(first))) if first.seq < from_seq => {}
                // A file without records is the one that was begun last.
                Ok((id, first)) => {
                    found.push((first.map_or(u64::MAX, |first| first.seq), path, id))
                }
                // Retention removed it meanwhile, and the trail itself says so.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // It is told when its turn comes, and the others are read. It comes first: the newest is the one
                // that is followed.
                Err(_) => {
                    // It may be readable the next time.
                    self.listed.remove(&entry.file);
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

impl Scan<ToLine> {
    /// Behind the last line that is whole now.
    pub(super) fn from_end(name: &TrailName, query: Query) -> Result<Scan<ToLine>> {
        let (since, until) = query.span();
        let mut scan = Scan::new(name, query, ToLine);
        scan.started = true;
        let mut follow = Follow::new(name);
        let mut catalog = list(name)?;
        scan.note_listed(&catalog);
        catalog.verify_order();
        follow.from_seq = catalog.newest_begun().map_or(0, |(seq, _)| seq);
        scan.follow = Some(follow);
        let mut live = None;
        if let Some(path) = catalog.live() {
            let failed = |error| Error::io("read", &path, error);
            let first = head(&path).map_err(failed)?;
            let id = FileId::of(&path, first.as_ref()).map_err(failed)?;
            scan.seen.insert(id);
            let mut open = OpenFile::open(path.clone())?;
            let end = open.skip_to_end()?;
            scan.open = Some(open);
            live = Some((path, end));
        }
        catalog.select(since, until);
        scan.ends = Some(Ends::new(catalog, live));
        Ok(scan)
    }
}

impl<M: LineMapper> Iterator for Scan<M> {
    type Item = Result<Mapped<M::Item>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if !self.started {
                self.started = true;
                if let Err(error) = self.list_files() {
                    return Some(Err(error));
                }
                self.read_ahead();
            }
            let line = match self.ahead.as_mut().and_then(ParallelScan::next) {
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
    let mut scan = Scan::new(name, Query::new(), ToRecord);
    scan.list_files()?;
    Ok(scan.next.into())
}

/// The files of a trail that may hold what a query selects.
pub(in crate::read) fn files_of(name: &TrailName, query: &Query) -> Result<Vec<PathBuf>> {
    let mut catalog = list(name)?;
    let (since, until) = query.span();
    catalog.select(since, until);
    Ok(catalog.entries().map(|entry| catalog.path(entry)).collect())
}

/// Those of them that the writer has left: without the live one, unless the writer has ended the trail.
pub(in crate::read) fn left_files(name: &TrailName, query: &Query) -> Result<Vec<PathBuf>> {
    let mut catalog = list(name)?;
    catalog.verify_order();
    let live = catalog.live();
    let (since, until) = query.span();
    catalog.select(since, until);
    let mut files: Vec<_> = catalog.entries().map(|entry| catalog.path(entry)).collect();
    let end = live.as_ref().and_then(|live| tail(live).ok());
    let is_ended = end.is_some_and(|end| {
        let ends = end.last.as_ref().is_some_and(Record::ends_trail);
        !end.is_unended && ends
    });
    if !is_ended {
        files.retain(|file| Some(file) != live.as_ref());
    }
    Ok(files)
}

impl<M: LineMapper> Scan<M> {
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
                prefilter: self.prefilter.clone(),
                mapper: self.mapper.clone(),
                read: self.read.clone(),
                indexes: self.indexes.clone(),
            };
            self.ahead = Some(ParallelScan::start(files, work));
        }
    }

    /// Takes away the files of which the indexes have counted what is selected, and adds that up. `None`: what they have
    /// counted cannot be added up, since lines may repeat.
    pub(super) fn take_counted(&mut self, indexes: &Indexes, counted: &mut Stats) -> Option<()> {
        self.started = true;
        self.list_files().ok()?;
        let mut last_seq = None;
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
                        counted.merge(*stats);
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
        Some(())
    }

    /// The next line that is selected of the files that are read here.
    fn next_live(&mut self) -> Result<Option<Mapped<M::Item>>> {
        loop {
            let Some((line, end)) = self.next_line()? else {
                return Ok(None);
            };
            let Some(open) = &mut self.open else {
                return Ok(None);
            };
            let line = open.line(line, end);
            if let Some(taken) = self.mapper.map(&line, &self.query)? {
                return Ok(Some(taken));
            }
        }
    }
}

/// How many lines back a repetition is recognised.
const RECENT: usize = 100_000;

impl<M: LineMapper> Scan<M> {
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

impl<M: LineMapper> fmt::Debug for Scan<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("name", &self.name)
            .field("query", &self.query)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}
