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
use crate::config::Retention;
use crate::error::{Error, Result};
use crate::record::system::CopyGap;
use crate::redact::internal::ErrorChain;
use crate::write::status::CopyStatus;
use crate::write::{Core, lock, say};

/// How long a copy may take to catch up when the trail is closed.
const CATCH_UP: Duration = Duration::from_secs(2);

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// One further destination, as the worker sees it.
pub(crate) struct CopyFeed {
    index: usize,
    destination: String,
    core: Arc<Core>,
    queue: Sender<Arc<LineBatch>>,
    /// Bytes in the queue, and in the batch that is being written.
    queued_bytes: Arc<AtomicUsize>,
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    /// The `seq` of the first and the last record missed since the copy last kept up.
    missed: Option<(u64, u64)>,
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
        let (queue, batches) = channel::<Arc<LineBatch>>();
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let closing = Arc::new(AtomicBool::new(false));
        let thread = {
            let (core, closing) = (core.clone(), closing.clone());
            let queued_bytes = queued_bytes.clone();
            let destination = destination.clone();
            move || {
                let on_error = |error: &io::Error| {
                    let known = lock(&core.counts.copies)[index]
                        .last_error
                        .replace(ErrorChain(&error).to_string());
                    if known.is_none() {
                        say(&format!(
                            "the copy {destination} cannot be written: {}; the trail goes on",
                            ErrorChain(&error)
                        ));
                    }
                };
                prune(&sink, core.config.retention, &on_error);
                for batch in batches {
                    if !write(
                        &mut sink,
                        &batch,
                        &closing,
                        core.config.retention,
                        &on_error,
                    ) {
                        return;
                    }
                    queued_bytes.fetch_sub(batch.bytes.len(), Ordering::Relaxed);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("stinger-audit-copy".to_owned())
            .spawn(thread)
            .map_err(|error| Error::no_resources(&destination, error))?;
        Ok(CopyFeed {
            index,
            destination,
            core: core.clone(),
            queue,
            queued_bytes,
            closing,
            thread,
            missed: None,
        })
    }

    /// Hands on lines that the trail has, and never waits.
    ///
    /// Returns what the copy has missed once it takes lines again: the fields of a
    /// `trail_copy_gap` record.
    pub(crate) fn push(&mut self, batch: &Arc<LineBatch>) -> Option<CopyGap> {
        let bytes = batch.bytes.len();
        // One batch is always taken, however large it is.
        let queued = self.queued_bytes.load(Ordering::Relaxed);
        let has_room = queued == 0 || queued + bytes <= self.core.config.buffer_capacity;
        if has_room {
            self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
            if self.queue.send(batch.clone()).is_ok() {
                return self.missed();
            }
        }
        let last = batch.next_seq() - 1;
        let (first, _) = *self.missed.get_or_insert((batch.first, last));
        self.missed = Some((first, last));
        lock(&self.core.counts.copies)[self.index].missed += batch.count();
        None
    }

    /// What the copy misses and has not been told to: the fields of a `trail_copy_gap` record.
    pub(crate) fn missed(&mut self) -> Option<CopyGap> {
        let (first, last) = self.missed.take()?;
        Some(CopyGap {
            destination: self.destination.clone(),
            missed: last - first + 1,
            first_seq: first,
            last_seq: last,
            reason: "the destination was too slow; the trail itself has these records".to_owned(),
        })
    }

    /// Gives the copy a while to catch up, and leaves it behind where it does not.
    pub(crate) fn close(self) {
        drop(self.queue);
        self.closing.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + CATCH_UP;
        while !self.thread.is_finished() && Instant::now() < deadline {
            self.thread.thread().unpark();
            std::thread::sleep(Duration::from_millis(1));
        }
        if !self.thread.is_finished() {
            say(&format!(
                "the copy {} did not catch up; the trail itself is complete",
                self.destination
            ));
        }
    }
}

/// Writes a batch, however often it takes. `false`: the trail was closed meanwhile, and the copy cannot be written.
fn write(
    sink: &mut Sink,
    batch: &LineBatch,
    closing: &AtomicBool,
    retention: Option<Retention>,
    on_error: &impl Fn(&io::Error),
) -> bool {
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
                on_error(&error);
                if closing.load(Ordering::SeqCst) {
                    return false;
                }
                std::thread::park_timeout(PAUSE_AFTER_ERROR);
            }
        }
        if rolls {
            prune(sink, retention, on_error);
        }
    }
    true
}

/// A copy's files are removed as the trail's are. The record of it is the trail's.
fn prune(sink: &Sink, retention: Option<Retention>, on_error: &impl Fn(&io::Error)) {
    if let (Sink::Files(files), Some(retention)) = (sink, retention)
        && let Err(error) = files.prunable(retention).map(|prunable| prunable.remove())
    {
        on_error(&error);
    }
}
