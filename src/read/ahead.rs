//! Files that the writer has left, read by two threads, and handed on in their order.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::file::{End, OpenFile};
use super::index::{Block, Indexes};
use super::sieve::Sieve;
use super::{Line, Query};
use crate::error::{Error, Result};

const THREADS: usize = 2;

/// A batch is handed on when it holds so many bytes or lines.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_LINES: usize = 256;
/// So many batches of a file may wait.
const BATCHES: usize = 2;

type Batch = Vec<Result<Line>>;

/// What is looked for.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) query: Query,
    pub(super) sieve: Sieve,
    pub(super) read: Arc<AtomicU64>,
    pub(super) indexes: Option<Indexes>,
}

/// The lines of some files, one file behind the other.
pub(super) struct Ahead {
    files: VecDeque<Receiver<Batch>>,
    lines: std::vec::IntoIter<Result<Line>>,
}

/// A file, and its parts to read where they are known already.
type File = (PathBuf, Option<Vec<Block>>);

type Queue = Arc<Mutex<VecDeque<(File, SyncSender<Batch>)>>>;

impl Ahead {
    pub(super) fn start(list: Vec<File>, work: Work) -> Ahead {
        let (mut files, mut jobs) = (VecDeque::new(), VecDeque::new());
        for file in list {
            let (sender, receiver) = sync_channel(BATCHES);
            files.push_back(receiver);
            jobs.push_back((file, sender));
        }
        let threads = THREADS.min(jobs.len());
        let queue: Queue = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let (queue, work) = (queue.clone(), work.clone());
            thread::spawn(move || {
                let next = || {
                    queue
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front()
                };
                while let Some((file, sender)) = next() {
                    if work.file(file, &sender).is_none() {
                        // Nobody waits for the rest.
                        queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    }
                }
            });
        }
        Ahead {
            files,
            lines: Vec::new().into_iter(),
        }
    }

    /// `None`: all files are read.
    pub(super) fn next(&mut self) -> Option<Result<Line>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(line);
            }
            match self.files.front()?.recv() {
                Ok(batch) => self.lines = batch.into_iter(),
                Err(_) => {
                    self.files.pop_front();
                }
            }
        }
    }
}

impl Work {
    /// Hands on the selected lines of a file. `None`: nobody takes them any more.
    fn file(&self, (path, blocks): File, to: &SyncSender<Batch>) -> Option<()> {
        let mut out = Out {
            to,
            batch: Vec::new(),
            bytes: 0,
        };
        let blocks = blocks.or_else(|| {
            let index = self.indexes.as_ref()?.load(&path)?;
            index.blocks(&self.query)
        });
        match blocks {
            None => match OpenFile::open(path) {
                Ok(file) => self.lines(file, &mut out)?,
                Err(error) => out.put(Err(error))?,
            },
            Some(blocks) => {
                for block in blocks {
                    match block.read(&path) {
                        Ok(file) => self.lines(file, &mut out)?,
                        Err(error) => out.put(Err(Error::io("read", &path, error)))?,
                    }
                }
            }
        }
        out.flush()
    }

    fn lines(&self, mut file: OpenFile, out: &mut Out<'_>) -> Option<()> {
        loop {
            let (line, end) = match file.next_line(&self.sieve, &self.read) {
                Ok(Some(line)) => (line, End::Ended),
                Ok(None) => match file.take_rest() {
                    Some(rest) => (rest, End::Cut),
                    None => return Some(()),
                },
                Err(error) => return out.put(Err(Error::io("read", &file.path, error))),
            };
            if let Some(line) = file.line(line, end).selected(&self.query).transpose() {
                out.put(line)?;
            }
        }
    }
}

struct Out<'s> {
    to: &'s SyncSender<Batch>,
    batch: Batch,
    bytes: usize,
}

impl Out<'_> {
    fn put(&mut self, line: Result<Line>) -> Option<()> {
        self.bytes += line.as_ref().map_or(0, |line| line.bytes.len());
        self.batch.push(line);
        match self.bytes > BATCH_BYTES || self.batch.len() >= BATCH_LINES {
            true => self.flush(),
            false => Some(()),
        }
    }

    fn flush(&mut self) -> Option<()> {
        self.bytes = 0;
        match self.batch.is_empty() {
            true => Some(()),
            false => self.to.send(std::mem::take(&mut self.batch)).ok(),
        }
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead")
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}
