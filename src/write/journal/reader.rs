//! The end of the journal that entries are taken from. There is one, and it belongs to the thread that writes them out.
//!
//! It takes the journal's lock only where somebody waits for room, or keeps something aside, or the ring is changed: an
//! emitting thread that is stopped while it holds the lock does not hold up the worker.

use std::io;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, TryLockError};

use super::entry::{ENTRY, entry_length};
use super::mark::Mark;
use super::{Journal, aside, lock_soon, start_over};
use crate::trail::files::is_same_file;
use crate::write::ring::{Consumer, Ring};

pub(in crate::write) struct Reader {
    journal: Arc<Journal>,
    ring: Consumer,
}

impl Reader {
    pub(super) fn new(journal: Arc<Journal>, ring: Consumer) -> Reader {
        Reader { journal, ring }
    }

    /// Where the first entry that is not released begins.
    pub(in crate::write) fn head(&self) -> u64 {
        self.ring.head()
    }

    /// How far the journal goes.
    pub(in crate::write) fn tail(&self) -> u64 {
        self.ring.tail()
    }

    /// Copies entries from `position` on into `out`, which must be empty: about `limit` bytes
    /// at most, but one entry at least if there is one.
    pub(in crate::write) fn copy(&self, position: u64, limit: usize, out: &mut Vec<u8>) {
        debug_assert!(out.is_empty());
        let length = (self.tail() - position) as usize;
        self.ring
            .copy_out(position, length.min(limit.max(ENTRY)), out);
        // A first entry that is cut is copied whole.
        if let Some(whole) = entry_length(out)
            && whole > out.len()
            && whole <= length
        {
            let (at, rest) = (position + out.len() as u64, whole - out.len());
            self.ring.copy_out(at, rest, out);
        }
    }

    /// The frame that an entry keeps aside.
    pub(in crate::write) fn large(&self, number: u64) -> io::Result<Vec<u8>> {
        if let Some(frame) = lock_soon(&self.journal.state).aside.in_memory(number) {
            return Ok(frame);
        }
        match &self.journal.path {
            Some(path) => aside::read(path, number),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Notes, before their lines are written, that `count` entries from `position` on are given
    /// consecutive seqs.
    pub(in crate::write) fn mark(&mut self, position: u64, count: u64, seq: u64) {
        let mark = Mark {
            position,
            count,
            seq,
        };
        mark.set(&self.ring);
    }

    /// Makes room: the lines of everything before `position` are written. Says where the entries go
    /// on, which is behind `position` where the ring starts over.
    #[must_use = "the entries go on there"]
    pub(in crate::write) fn release(&mut self, position: u64) -> u64 {
        self.ring.release(position);
        let next = self.start_over(position);
        let journal = &*self.journal;
        if journal.has_told.load(Ordering::Relaxed) {
            journal.has_told.store(false, Ordering::Relaxed);
        }
        // What is released was pushed behind the number of those that are kept aside.
        if journal.kept_aside.load(Ordering::Relaxed) > 0 {
            self.release_aside(position);
        }
        // See `room_for`.
        fence(Ordering::SeqCst);
        if journal.has_waiters() {
            // Whoever has looked for room in vain waits for the signal when the lock is free.
            drop(lock_soon(&journal.state));
            journal.room.notify_all();
        }
        next
    }

    /// Has an empty ring go on at its beginning where it is time for that, and says where it goes on.
    fn start_over(&mut self, position: u64) -> u64 {
        let next = start_over(position, self.journal.capacity as u64);
        if next == position || self.tail() != position {
            return position;
        }
        let mut state = match self.journal.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            // Somebody may be appending. It starts over another time.
            Err(TryLockError::WouldBlock) => return position,
        };
        if self.tail() != position {
            return position;
        }
        state.ring.start_over(&mut self.ring, next);
        next
    }

    #[cold]
    fn release_aside(&self, position: u64) {
        let journal = &*self.journal;
        let mut state = lock_soon(&journal.state);
        let in_files = state.aside.release(position);
        let left = state.aside.kept.len();
        journal.kept_aside.store(left, Ordering::Relaxed);
        drop(state);
        if let Some(path) = &journal.path {
            for number in in_files {
                aside::remove(path, number);
            }
        }
    }

    /// Puts the journal's file back where somebody removed or replaced it, with all it holds, and
    /// says whether that was so.
    pub(in crate::write) fn put_back(&mut self) -> io::Result<bool> {
        let Some(path) = &self.journal.path else {
            return Ok(false);
        };
        // Looked for without the journal's lock: nobody waits for the file system to emit an event.
        let file = self.ring.file();
        if file.is_none_or(|file| is_same_file(path, file)) {
            return Ok(false);
        }
        let mut state = lock_soon(&self.journal.state);
        let Ring { producer, consumer } = Ring::create_like(path, &mut state.ring, &mut self.ring)?;
        state.ring = producer;
        drop(state);
        self.ring = consumer;
        Ok(true)
    }
}
