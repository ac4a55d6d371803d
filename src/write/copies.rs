//! Further destinations: each gets the trail's lines on a thread of its own, from a bounded
//! queue of its own, so that none of them holds up the trail.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::journal::{Entry, Journal, Reader, Refusal, split_entry};
use super::sink::Sink;
use super::status::CopyStatus;
use super::{Core, lock, say};
use crate::error::{Error, Result};
use crate::record::system::CopyGap;
use crate::settings::Retain;

/// How long a copy may take to catch up when the trail is closed.
const CATCH_UP: Duration = Duration::from_secs(2);

/// About how many bytes are taken from the queue at a time.
const BATCH: usize = 256 << 10;

const IDLE: Duration = Duration::from_millis(5);
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// One further destination, as the worker sees it.
pub(super) struct CopyFeed {
    index: usize,
    destination: String,
    core: Arc<Core>,
    queue: Arc<Journal>,
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    /// The `seq` of the first and the last record missed since the copy last kept up.
    missed: Option<(u64, u64)>,
}

impl CopyFeed {
    pub(super) fn start(core: &Arc<Core>, mut sink: Sink, destination: String) -> Result<CopyFeed> {
        let index = {
            let mut copies = lock(&core.counts.copies);
            copies.push(CopyStatus {
                destination: destination.clone(),
                missed: 0,
                last_error: None,
            });
            copies.len() - 1
        };
        let (queue, mut reader) = Journal::in_memory(core.settings.buffer).map_err(|error| {
            Error::destination(&destination, format!("no buffer for it: {error}"))
        })?;
        let closing = Arc::new(AtomicBool::new(false));
        let thread = {
            let (core, closing) = (core.clone(), closing.clone());
            let destination = destination.clone();
            move || {
                let on_error = |error: &io::Error| {
                    let known = lock(&core.counts.copies)[index]
                        .last_error
                        .replace(error.to_string());
                    if known.is_none() {
                        say(&format!(
                            "the copy {destination} cannot be written: {error}; the trail goes on"
                        ));
                    }
                };
                serve(
                    &mut sink,
                    &mut reader,
                    &closing,
                    core.settings.retain,
                    on_error,
                );
            }
        };
        let thread = std::thread::Builder::new()
            .name("stinger-audit-copy".to_owned())
            .spawn(thread)
            .map_err(|error| {
                Error::destination(&destination, format!("no thread for it: {error}"))
            })?;
        Ok(CopyFeed {
            index,
            destination,
            core: core.clone(),
            queue,
            closing,
            thread,
            missed: None,
        })
    }

    /// Hands on lines that the trail has, and never waits.
    ///
    /// Returns what the copy has missed once it takes lines again: the fields of a
    /// `trail_copy_gap` record.
    pub(super) fn push(&mut self, lines: &[u8], first_seq: u64, last_seq: u64) -> Option<CopyGap> {
        match self.queue.append(lines, Duration::ZERO) {
            Ok(_) => self.missed(),
            Err(Refusal::Full { .. } | Refusal::Closed) => {
                let (first, _) = *self.missed.get_or_insert((first_seq, last_seq));
                self.missed = Some((first, last_seq));
                lock(&self.core.counts.copies)[self.index].missed += last_seq - first_seq + 1;
                None
            }
        }
    }

    /// What the copy misses and has not been told to: the fields of a `trail_copy_gap` record.
    pub(super) fn missed(&mut self) -> Option<CopyGap> {
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
    pub(super) fn close(self) {
        self.queue.close();
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

fn serve(
    sink: &mut Sink,
    queue: &mut Reader,
    closing: &AtomicBool,
    retain: Option<Retain>,
    on_error: impl Fn(&io::Error),
) {
    let mut prune = true;
    let mut entries = Vec::new();
    let mut position = queue.head();
    loop {
        // Read before copying: what is copied after the queue was closed is all there is.
        let last_round = closing.load(Ordering::SeqCst);
        entries.clear();
        queue.copy(position, BATCH, &mut entries);
        let mut at = 0;
        while let Some((entry, length)) = split_entry(&entries[at..]) {
            let kept;
            let lines = match entry {
                Entry::Frame(lines) => lines,
                Entry::Large(number) => {
                    kept = queue.large(number).unwrap_or_default();
                    &kept
                }
            };
            let mut written = 0;
            while written < lines.len() {
                let begins_line = written == 0 || lines[written - 1] == b'\n';
                let rolls = begins_line && sink.rolls();
                prune |= rolls;
                let attempt = match rolls {
                    true => sink.roll().map(|()| 0),
                    false => sink.write(&lines[written..]),
                };
                match attempt {
                    Ok(count) => written += count,
                    Err(error) => {
                        on_error(&error);
                        if closing.load(Ordering::SeqCst) {
                            return;
                        }
                        std::thread::park_timeout(PAUSE_AFTER_ERROR);
                    }
                }
            }
            at += length;
            position = queue.release(position + length as u64);
        }
        // A copy's files go as the trail's do; the record of it is the trail's.
        if let (Sink::Files(files), Some(retain), true) = (&*sink, retain, prune) {
            let removed = files.prunable(retain).map(|prunable| prunable.remove());
            if let Err(error) = removed {
                on_error(&error);
            }
        }
        prune = false;
        if at == 0 {
            if last_round {
                return;
            }
            std::thread::park_timeout(IDLE);
        }
    }
}
