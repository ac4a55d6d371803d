//! The worker's side of the journal: it copies entries out, marks those it is about to write, and releases them.

use std::io;

use super::entry::{ENTRY, entry_length};
use super::inflight::InFlightEntries;
use super::ring::Ring;
use super::{Journal, lock_soon, start_over};
use crate::format::internal::is_same_file;

impl Journal {
    /// Where the first entry begins that is not released.
    pub(crate) fn head(&self) -> u64 {
        lock_soon(&self.state).ring.head()
    }

    /// Copies entries from `position` on into `out`, which must be empty: about `limit` bytes
    /// at most, but one entry at least if there is one.
    pub(crate) fn copy(&self, position: u64, limit: usize, out: &mut Vec<u8>) {
        debug_assert!(out.is_empty());
        let ring = &lock_soon(&self.state).ring;
        let length = (ring.tail() - position) as usize;
        ring.copy_out(position, length.min(limit.max(ENTRY)), out);
        // A first entry that is cut is copied whole.
        if let Some(whole) = entry_length(out)
            && whole > out.len()
            && whole <= length
        {
            let (at, rest) = (position + out.len() as u64, whole - out.len());
            ring.copy_out(at, rest, out);
        }
    }

    /// Notes, before their lines are written, that `count` entries from `position` on are given
    /// consecutive seqs.
    pub(crate) fn mark(&self, position: u64, count: u64, seq: u64) {
        let mark = InFlightEntries {
            position,
            count,
            seq,
        };
        mark.set(&mut lock_soon(&self.state).ring);
    }

    /// Makes room: the lines of everything before `position` are written. Returns where the entries go on, which is
    /// after `position` if the ring is empty and starts over at its beginning.
    #[must_use = "the entries go on there"]
    pub(crate) fn release(&self, position: u64) -> u64 {
        let mut state = lock_soon(&self.state);
        let next = match state.ring.tail() == position {
            true => start_over(position, self.capacity as u64),
            false => position,
        };
        state.ring.release(position, next);
        state.has_said_that_it_fills = false;
        let has_waiters = state.threads_waiting > 0;
        drop(state);
        if has_waiters {
            self.room.notify_all();
        }
        next
    }

    /// Restores the journal's file if somebody removed or replaced it, with all it holds, and says whether that was so.
    pub(crate) fn restore_file(&self) -> io::Result<bool> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        // The file system is asked without the journal's lock: it may hang, and emitting an event must not.
        let file = lock_soon(&self.state).ring.file();
        if file.is_none_or(|file| is_same_file(path, &file)) {
            return Ok(false);
        }
        let mut state = lock_soon(&self.state);
        state.ring = Ring::create_like(path, &state.ring)?;
        Ok(true)
    }
}
