//! Further destinations: each gets the trail's lines on a thread of its own, from a queue of its own that is bounded in
//! bytes, so that none of them holds up the trail.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::line_batch::LineBatch;
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::record::system::CopyGap;
use crate::redact::internal::ErrorChain;
use crate::write::status::CopyStatus;
use crate::write::{Core, lock, warn};

/// How long a copy may take to catch up when the trail is closed.
const CATCH_UP: Duration = Duration::from_secs(2);

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// One further destination, as the worker sees it.
pub(crate) struct CopyFeed {
    queue: Sender<Arc<LineBatch>>,
    copy: Arc<Copy>,
    thread: JoinHandle<()>,
    /// What the copy missed since it last kept up.
    missed: Option<CopyGap>,
}

/// What the worker and the thread of a copy share.
struct Copy {
    core: Arc<Core>,
    index: usize,
    destination: String,
    /// Bytes in the queue, and in the batch that is being written.
    queued_bytes: AtomicUsize,
    closing: AtomicBool,
}

impl CopyFeed {
    pub(crate) fn start(core: &Arc<Core>, mut sink: Sink, destination: String) -> Result<CopyFeed> {
        let index = {
            let mut copies = lock(&core.counts.copies);
            copies.push(CopyStatus {
                destination: destination.clone(),
                missed: 0,
                last_error: None,
            });
            copies.len() - 1
        };
        let copy = Arc::new(Copy {
            core: core.clone(),
            index,
            destination,
            queued_bytes: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        });
        let (queue, batches) = channel::<Arc<LineBatch>>();
        let writer = copy.clone();
        let thread = std::thread::Builder::new()
            .name("stinger-audit-copy".to_owned())
            .spawn(move || {
                writer.prune(&sink);
                for batch in batches {
                    if !writer.write(&mut sink, &batch) {
                        return;
                    }
                    let bytes = batch.bytes.len();
                    writer.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                }
            })
            .map_err(|error| Error::no_resources(&copy.destination, error))?;
        Ok(CopyFeed {
            queue,
            copy,
            thread,
            missed: None,
        })
    }

    /// Hands on lines that the trail has, and never waits. Once the copy takes lines again, returns what it missed.
    pub(crate) fn push(&mut self, batch: &Arc<LineBatch>) -> Option<CopyGap> {
        let copy = &*self.copy;
        let bytes = batch.bytes.len();
        // One batch is always taken, however large it is.
        let queued = copy.queued_bytes.load(Ordering::Relaxed);
        let has_room = queued == 0 || queued + bytes <= copy.core.config.buffer_capacity;
        if has_room {
            copy.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
            if self.queue.send(batch.clone()).is_ok() {
                return self.missed();
            }
        }
        let missed = self.missed.get_or_insert_with(|| CopyGap {
            destination: copy.destination.clone(),
            first_seq: batch.first,
            reason: "the destination was too slow; the trail itself has these records".to_owned(),
            ..CopyGap::default()
        });
        missed.missed += batch.count();
        missed.last_seq = batch.next_seq() - 1;
        lock(&copy.core.counts.copies)[copy.index].missed += batch.count();
        None
    }

    /// What the copy missed and no record says yet.
    pub(crate) fn missed(&mut self) -> Option<CopyGap> {
        self.missed.take()
    }

    /// Gives the copy a while to catch up, and leaves it if it does not.
    pub(crate) fn close(self) {
        drop(self.queue);
        self.copy.closing.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + CATCH_UP;
        while !self.thread.is_finished() && Instant::now() < deadline {
            self.thread.thread().unpark();
            std::thread::sleep(Duration::from_millis(1));
        }
        if !self.thread.is_finished() {
            warn(&format!(
                "the copy {} did not catch up; the trail itself is complete",
                self.copy.destination
            ));
        }
    }
}

impl Copy {
    /// Writes a batch, however often it takes. `false`: the trail was closed meanwhile, and the copy cannot be written.
    fn write(&self, sink: &mut Sink, batch: &LineBatch) -> bool {
        let mut written = 0;
        while written < batch.bytes.len() {
            let rolls = batch.line_begin(written) == written && sink.rolls();
            let attempt = match rolls {
                true => sink.roll().map(|()| 0),
                false => sink.write(&batch.bytes[written..]),
            };
            match attempt {
                Ok(count) => written += count,
                Err(error) => {
                    self.note_failure(&error);
                    if self.closing.load(Ordering::SeqCst) {
                        return false;
                    }
                    std::thread::park_timeout(PAUSE_AFTER_ERROR);
                }
            }
            if rolls {
                self.prune(sink);
            }
        }
        true
    }

    /// A copy's files are removed as the trail's are. The record of it is the trail's.
    fn prune(&self, sink: &Sink) {
        if let (Sink::Files(files), Some(retention)) = (sink, self.core.config.retention)
            && let Err(error) = files.prunable(retention).map(|prunable| prunable.remove())
        {
            self.note_failure(&error);
        }
    }

    fn note_failure(&self, error: &io::Error) {
        let last_error = &mut lock(&self.core.counts.copies)[self.index].last_error;
        let error = ErrorChain(error).to_string();
        if last_error.replace(error.clone()).is_none() {
            warn(&format!(
                "the copy {} cannot be written: {error}; the trail goes on",
                self.destination
            ));
        }
    }
}
