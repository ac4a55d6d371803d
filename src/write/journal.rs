//! The byte buffer between the emitting threads and the one that writes.
//!
//! An emitting thread appends whole frames under one short lock. The taker swaps the
//! bytes out in one piece, and they count against the capacity until it releases them,
//! which it does only when they are written.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lock;

pub(super) struct Journal {
    state: Mutex<State>,
    /// Signalled when bytes are released and somebody waits for room.
    room: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Bytes taken and not yet released.
    taken: usize,
    appended: Mark,
    threads_waiting: usize,
    closed: bool,
}

/// How far something has come, counted from the journal's beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) bytes: u64,
    pub(super) frames: u64,
}

/// Why a frame was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No room came up in time.
    Full,
    /// The journal was closed.
    Closed,
}

impl Journal {
    pub(super) fn new(capacity: usize) -> Journal {
        Journal {
            state: Mutex::default(),
            room: Condvar::new(),
            capacity,
        }
    }

    /// Appends one frame, and waits up to `patience` for room.
    ///
    /// A frame larger than the whole journal is taken when the journal is empty, so that
    /// no size is impossible.
    pub(super) fn append(&self, frame: &[u8], patience: Duration) -> Result<(), Refusal> {
        let mut state = self.lock();
        let mut deadline = None;
        while !state.closed && !self.fits(&state, frame.len()) {
            let now = Instant::now();
            let deadline = *deadline.get_or_insert(now + patience);
            if now >= deadline {
                return Err(Refusal::Full);
            }
            state.threads_waiting += 1;
            state = self
                .room
                .wait_timeout(state, deadline - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            state.threads_waiting -= 1;
        }
        if state.closed {
            return Err(Refusal::Closed);
        }
        state.waiting.extend_from_slice(frame);
        state.appended.bytes += frame.len() as u64;
        state.appended.frames += 1;
        Ok(())
    }

    /// Swaps the waiting bytes into `out`, which must be empty, and says how far they go.
    pub(super) fn take(&self, out: &mut Vec<u8>) -> Mark {
        debug_assert!(out.is_empty());
        let mut state = self.lock();
        std::mem::swap(&mut state.waiting, out);
        state.taken += out.len();
        state.appended
    }

    /// Makes room: `bytes` of what was taken are written.
    pub(super) fn release(&self, bytes: usize) {
        let mut state = self.lock();
        state.taken -= bytes;
        if state.threads_waiting > 0 {
            self.room.notify_all();
        }
    }

    /// How far the journal goes.
    pub(super) fn appended(&self) -> Mark {
        self.lock().appended
    }

    /// Bytes that are in the journal, waiting or taken.
    pub(super) fn backlog(&self) -> usize {
        let state = self.lock();
        state.waiting.len() + state.taken
    }

    /// Takes no more frames.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    fn fits(&self, state: &State, length: usize) -> bool {
        let used = state.waiting.len() + state.taken;
        used == 0 || used + length <= self.capacity
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WAIT: Duration = Duration::ZERO;

    #[test]
    fn taken_bytes_count_until_they_are_released() {
        let journal = Journal::new(10);
        journal.append(b"12345678", NO_WAIT).expect("room");
        assert_eq!(journal.append(b"123", NO_WAIT), Err(Refusal::Full));
        let mut out = Vec::new();
        assert_eq!(
            journal.take(&mut out),
            Mark {
                bytes: 8,
                frames: 1
            }
        );
        assert_eq!(journal.append(b"123", NO_WAIT), Err(Refusal::Full));
        assert_eq!(journal.backlog(), 8);
        journal.release(8);
        journal.append(b"123", NO_WAIT).expect("room");
    }

    #[test]
    fn a_frame_larger_than_the_journal_goes_when_it_is_empty() {
        let journal = Journal::new(4);
        journal
            .append(b"larger than four", NO_WAIT)
            .expect("taken alone");
        assert_eq!(journal.append(b"1", NO_WAIT), Err(Refusal::Full));
    }

    #[test]
    fn a_thread_waits_for_room_and_no_longer_than_told() {
        let journal = Journal::new(4);
        journal.append(b"1234", NO_WAIT).expect("room");
        let patience = Duration::from_millis(20);
        let begun = Instant::now();
        assert_eq!(journal.append(b"5", patience), Err(Refusal::Full));
        assert!(begun.elapsed() >= patience);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| journal.append(b"5", Duration::from_secs(60)));
            let mut out = Vec::new();
            journal.take(&mut out);
            journal.release(out.len());
            assert_eq!(waiting.join().expect("no panic"), Ok(()));
        });
        journal.close();
        assert_eq!(journal.append(b"5", patience), Err(Refusal::Closed));
    }
}
