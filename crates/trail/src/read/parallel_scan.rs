//! Files that the writer has left, read by two threads, and handed on in their order.
//!
//! A thread takes the next part of a file, reads it, and makes of its lines what is asked for. So both
//! are busy however few files there are, and what a line becomes is made off the thread that asks.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Query;
use super::file::{End, OpenFile, RawLine};
use super::index::{Block, Indexes};
use super::line_mapper::{LineMapper, Mapped};
use super::prefilter::Prefilter;
use crate::error::{Error, Result};

const THREADS: usize = 2;

/// A file of which no index is used is read in parts of so many bytes: small ones where each line is
/// parsed and waits, larger ones where most are held back and two reads would meet in the kernel.
const PART: u64 = 1 << 20;
const SIFTED_PART: u64 = 4 << 20;

/// A batch is handed on when it holds so many bytes or lines.
const BATCH_BYTES: usize = PART as usize;
const BATCH_LINES: usize = 4096;
/// So many batches of a part may wait.
const BATCHES: usize = 1;

/// Some lines of a file.
struct Batch<T> {
    lines: Vec<Result<Mapped<T>>>,
    /// What is to be added to their numbers.
    numbers: Numbers,
}

#[derive(Clone, Copy)]
enum Numbers {
    /// They are counted from the beginning of the file.
    Known,
    /// They are counted from the beginning of a part, which may be the first, and of which so many
    /// lines are read.
    OfPart { is_first: bool, read: u64 },
}

/// What is looked for, and what is made of it.
#[derive(Clone)]
pub(super) struct Work<M> {
    pub(super) query: Query,
    pub(super) prefilter: Prefilter,
    pub(super) mapper: M,
    pub(super) read: Arc<AtomicU64>,
    pub(super) indexes: Option<Indexes>,
}

/// The lines of some files, one file behind the other.
pub(super) struct ParallelScan<T> {
    parts: Receiver<Receiver<Batch<T>>>,
    threads: Vec<JoinHandle<()>>,
    part: Option<Receiver<Batch<T>>>,
    /// Nothing of that part was received yet.
    is_new: bool,
    lines: std::vec::IntoIter<Result<Mapped<T>>>,
    numbers: Numbers,
    /// The lines of the file in front of this part, and in front of the next.
    before: u64,
    before_next: u64,
}

/// Which part of a file.
pub(super) enum Span {
    /// All of it, as far as an index does not spare it.
    Whole,
    Blocks(Vec<Block>),
    /// Up to this byte, at which a line begins.
    UpTo(u64),
}

/// What a thread does next.
enum Job {
    /// A file, as far as an index does not spare it, or these parts of it.
    File(PathBuf, Option<Vec<Block>>),
    Part(PathBuf, Arc<File>, Range<u64>),
    Unreadable(Error),
}

/// What is left to do, in its order.
struct Jobs<T> {
    files: VecDeque<(PathBuf, Span)>,
    /// The file that is read in parts, its length, and where the next one begins.
    open: Option<(PathBuf, Arc<File>, u64, u64)>,
    part: u64,
    with_indexes: bool,
    /// Where the lines of each job are to be taken from.
    parts: SyncSender<Receiver<Batch<T>>>,
}

impl<T: Send + 'static> ParallelScan<T> {
    pub(super) fn start<M: LineMapper<Item = T>>(
        files: VecDeque<(PathBuf, Span)>,
        work: Work<M>,
    ) -> ParallelScan<T> {
        let (sender, parts) = sync_channel(M::PARTS_AHEAD);
        let jobs = Arc::new(Mutex::new(Jobs {
            files,
            open: None,
            part: match work.prefilter {
                Prefilter::All => PART,
                _ => SIFTED_PART,
            },
            with_indexes: work.indexes.is_some(),
            parts: sender,
        }));
        let thread = || {
            let (jobs, work) = (jobs.clone(), work.clone());
            thread::spawn(move || {
                let mut buffer = Vec::new();
                loop {
                    // Whoever takes the lines has gone where nothing can be sent any more.
                    let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let Some((job, to)) = next else { return };
                    if work.run(job, &to, &mut buffer).is_none() {
                        return;
                    }
                }
            })
        };
        ParallelScan {
            parts,
            threads: std::iter::repeat_with(thread).take(THREADS).collect(),
            part: None,
            is_new: true,
            lines: Vec::new().into_iter(),
            numbers: Numbers::Known,
            before: 0,
            before_next: 0,
        }
    }

    /// `None`: all files are read.
    pub(super) fn next(&mut self) -> Option<Result<Mapped<T>>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(match self.numbers {
                    Numbers::Known => line,
                    Numbers::OfPart { .. } => numbered(line, self.before),
                });
            }
            let Some(part) = &self.part else {
                match self.parts.recv() {
                    Ok(part) => self.part = Some(part),
                    Err(_) => return self.end(),
                }
                continue;
            };
            match part.recv() {
                Ok(batch) => self.begin(batch),
                Err(_) => (self.part, self.is_new) = (None, true),
            }
        }
    }

    /// All is handed on, unless a thread panicked: what it had taken is missing, and nobody must
    /// take that for the whole.
    fn end(&mut self) -> Option<Result<Mapped<T>>> {
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
        None
    }

    /// How many lines the last file has, where it was read in parts.
    pub(super) fn last_lines(&self) -> u64 {
        self.before_next
    }

    fn begin(&mut self, batch: Batch<T>) {
        self.lines = batch.lines.into_iter();
        self.numbers = batch.numbers;
        if let Numbers::OfPart { is_first, read } = batch.numbers {
            if self.is_new {
                self.before = if is_first { 0 } else { self.before_next };
            }
            self.before_next = self.before + read;
        }
        self.is_new = false;
    }
}

/// The line with so many in front of it.
fn numbered<T>(line: Result<Mapped<T>>, before: u64) -> Result<Mapped<T>> {
    match line {
        Ok(line) => Ok(Mapped {
            number: line.number + before,
            ..line
        }),
        Err(error) => Err(error.behind(before)),
    }
}

impl<T> Jobs<T> {
    /// The next job, and where its lines go. `None`: there is none, or nobody waits for it.
    fn take(&mut self) -> Option<(Job, SyncSender<Batch<T>>)> {
        let job = self.next()?;
        let (to, from) = sync_channel(BATCHES);
        // In the order of the jobs, since this is under the lock; it waits where enough is ahead.
        self.parts.send(from).ok()?;
        Some((job, to))
    }

    fn next(&mut self) -> Option<Job> {
        loop {
            if let Some((path, file, length, at)) = &mut self.open {
                if *at < *length {
                    let end = (*at + self.part).min(*length);
                    let part = std::mem::replace(at, end)..end;
                    return Some(Job::Part(path.clone(), file.clone(), part));
                }
                self.open = None;
            }
            let (path, span) = self.files.pop_front()?;
            let end = match span {
                Span::Blocks(blocks) => return Some(Job::File(path, Some(blocks))),
                Span::Whole if self.with_indexes => return Some(Job::File(path, None)),
                Span::Whole => None,
                Span::UpTo(end) => Some(end),
            };
            let opened = File::open(&path).and_then(|file| {
                Ok((
                    end.map_or_else(|| file.metadata().map(|found| found.len()), Ok)?,
                    file,
                ))
            });
            match opened {
                Ok((length, file)) => self.open = Some((path, Arc::new(file), length, 0)),
                Err(error) => return Some(Job::Unreadable(Error::io("read", &path, error))),
            }
        }
    }
}

impl<M: LineMapper> Work<M> {
    /// Hands on what is made of the selected lines. `None`: nobody takes them any more.
    fn run(&self, job: Job, to: &SyncSender<Batch<M::Item>>, buffer: &mut Vec<u8>) -> Option<()> {
        let mut out = Out {
            to,
            lines: Vec::new(),
            numbers: Numbers::Known,
            bytes: 0,
        };
        match job {
            Job::File(path, blocks) => self.file(path, blocks, &mut out)?,
            Job::Unreadable(error) => out.lines.push(Err(error)),
            Job::Part(path, file, part) => {
                let is_first = part.start == 0;
                out.numbers = Numbers::OfPart { is_first, read: 0 };
                match OpenFile::of_part(path, file, part, 1, std::mem::take(buffer)) {
                    Ok(mut open) => {
                        self.lines(&mut open, &mut out)?;
                        *buffer = open.into_buffer();
                    }
                    Err(error) => out.lines.push(Err(error)),
                }
                // Even where it holds nothing: the next part needs the number of its lines.
                return out.send();
            }
        }
        out.flush()
    }

    fn file(
        &self,
        path: PathBuf,
        blocks: Option<Vec<Block>>,
        out: &mut Out<'_, M::Item>,
    ) -> Option<()> {
        let blocks = blocks.or_else(|| {
            let index = self.indexes.as_ref()?.load(&path)?;
            index.blocks(&self.query)
        });
        match blocks {
            None => match OpenFile::open(path) {
                Ok(mut file) => self.lines(&mut file, out),
                Err(error) => out.put(Err(error)),
            },
            Some(blocks) => match File::open(&path).map(Arc::new) {
                Ok(file) => blocks.iter().try_for_each(|block| {
                    let (path, file) = (path.clone(), file.clone());
                    let range = block.range();
                    match OpenFile::of_part(path, file, range, block.line(), Vec::new()) {
                        Ok(mut lines) => self.lines(&mut lines, out),
                        Err(error) => out.put(Err(error)),
                    }
                }),
                Err(error) => out.put(Err(Error::io("read", &path, error))),
            },
        }
    }

    fn lines(&self, file: &mut OpenFile, out: &mut Out<'_, M::Item>) -> Option<()> {
        loop {
            match file.next_line(&self.prefilter, &self.read) {
                Ok(Some(line)) => self.take(&file.line(line, End::Ended), out)?,
                Ok(None) => break,
                Err(error) => return out.put(Err(Error::io("read", &file.path, error))),
            }
        }
        if let Some(rest) = file.take_rest() {
            self.take(&file.line(rest, End::Cut), out)?;
        }
        out.read_to(file.number - 1);
        Some(())
    }

    /// `None`: the receiver is gone.
    fn take(&self, line: &RawLine<'_>, out: &mut Out<'_, M::Item>) -> Option<()> {
        match self.mapper.map(line, &self.query).transpose() {
            Some(taken) => out.put(taken),
            None => Some(()),
        }
    }
}

struct Out<'s, T> {
    to: &'s SyncSender<Batch<T>>,
    lines: Vec<Result<Mapped<T>>>,
    numbers: Numbers,
    bytes: usize,
}

impl<T> Out<'_, T> {
    fn put(&mut self, line: Result<Mapped<T>>) -> Option<()> {
        self.bytes += line.as_ref().map_or(0, |line| line.length);
        self.lines.push(line);
        match self.bytes > BATCH_BYTES || self.lines.len() >= BATCH_LINES {
            true => self.flush(),
            false => Some(()),
        }
    }

    /// So many lines are read of the part.
    fn read_to(&mut self, lines: u64) {
        if let Numbers::OfPart { read, .. } = &mut self.numbers {
            *read = lines;
        }
    }

    fn flush(&mut self) -> Option<()> {
        match self.lines.is_empty() {
            true => Some(()),
            false => self.send(),
        }
    }

    fn send(&mut self) -> Option<()> {
        self.bytes = 0;
        let lines = std::mem::take(&mut self.lines);
        let numbers = self.numbers;
        self.to.send(Batch { lines, numbers }).ok()
    }
}

impl<T> fmt::Debug for ParallelScan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelScan").finish_non_exhaustive()
    }
}
