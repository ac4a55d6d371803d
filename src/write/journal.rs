//! The journal: a write-ahead queue of what was emitted and is not yet in the trail.
//!
//! An emitting thread appends whole frames under one short lock. The worker copies them out under the same lock
//! (`journal/drain.rs`), and releases them after it has written their lines. Until then they count against the
//! capacity, so a frame is always in the journal or in the trail. If the trail has a directory, the journal is a mapped
//! file in it. After a crash the next process finds there what is left.
//!
//! ```text
//! entry = length:u32 checksum:u32 frame
//! ```
//!
//! Before the worker writes the lines of some entries, it marks them as in flight: the position of the first, how many
//! they are, and the first `seq`. The next process skips those whose `seq` the trail has, so that it loses and doubles
//! none, wherever this one died. After a loss of power the journal's header on the medium may be older than the trail.
//! So the next process also skips entries after the marked ones that follow in the trail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use chrono::DateTime;

use super::{Apart, lock};
use crate::format::internal::{RecordHead, checksum};
use crate::record::system::{Gap, Recovered};
use ring::{Ring, Word};

mod drain;
mod entry;
pub(super) mod frame;
mod inflight;
mod recovery;
mod ring;
#[cfg(test)]
mod tests;

pub(super) use entry::split_entry;
use entry::{ENTRY, at_position};
use inflight::NO_SEQ;
use recovery::recover;
#[cfg(test)]
pub(super) use tests::no_records;

pub(super) struct Journal {
    state: Apart<Mutex<State>>,
    /// Signalled when entries are released and somebody waits for room.
    room: Condvar,
    /// Bytes of the ring, which it keeps for its life.
    capacity: usize,
    /// The journal's file, where it has one.
    path: Option<PathBuf>,
}

struct State {
    ring: Ring,
    accepted: u64,
    closed: bool,
    /// How many threads wait for room, or elsewhere until their frame is written.
    threads_waiting: usize,
    /// That the ring fills was said, since entries were released last.
    has_said_that_it_fills: bool,
}

/// Why a frame was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No room came up in time.
    Full {
        /// And nothing was released meanwhile.
        stalled: bool,
    },
    /// The journal was closed.
    Closed,
    /// The worker has the record, and has not written it in time. It counts as lost until it is written.
    Unwritten,
}

/// A thread whose frame waits outside the journal. The journal counts it among those that wait for room.
pub(super) struct Waiter<'j> {
    journal: &'j Journal,
    /// Where the frame would be in the journal.
    pub(super) place: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        lock_soon(&self.journal.state).threads_waiting -= 1;
    }
}

/// The records of the trail from a `seq` on.
pub(super) type RecordsFrom<'a> = dyn FnMut(u64) -> Box<dyn Iterator<Item = RecordHead>> + 'a;

/// A thread that holds the journal's lock copies some kilobytes at most. A system call to wait for the lock takes longer
/// than that, so a thread spins so many turns first.
const SPINS: usize = 200;

fn lock_soon(state: &Mutex<State>) -> MutexGuard<'_, State> {
    for _ in 0..SPINS {
        match state.try_lock() {
            Ok(state) => return state,
            Err(TryLockError::Poisoned(state)) => return state.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
    lock(state)
}

/// A ring that is empty goes on at its beginning when so much of it was used: where few records
/// wait, the same memory is used again and again, and stays in the caches and in the page table.
const START_OVER: u64 = 256 << 10;

impl Journal {
    pub(super) fn in_memory(capacity: usize) -> io::Result<Arc<Journal>> {
        let ring = Ring::in_memory(capacity)?;
        Ok(Journal::new(ring, None, NO_SEQ))
    }

    /// Opens the journal in a file, with what another process has left in it.
    ///
    /// `last_seq` and `records_from` are the trail's. If entries are left, the journal keeps its capacity. A file that
    /// is not a journal of this layout is an error, and is left as it is.
    pub(super) fn open(
        path: &Path,
        capacity: usize,
        last_seq: Option<u64>,
        records_from: &mut RecordsFrom<'_>,
    ) -> io::Result<(Arc<Journal>, Recovered)> {
        let mut found = Ring::open(path)?;
        let recovered = found
            .as_mut()
            .map(|ring| recover(ring, last_seq, records_from));
        let recovered = recovered.unwrap_or_default();
        let ring = match found {
            Some(ring) if recovered.replayed > 0 || ring.capacity() == capacity => ring,
            found => {
                let mut ring = Ring::create(path, capacity)?;
                for word in [Word::LostFrom, Word::LostTo, Word::Lost] {
                    ring.set(word, found.as_ref().map_or(0, |found| found.get(word)));
                }
                ring
            }
        };
        let next_seq = last_seq.map_or(0, |last| last + 1);
        let journal = Journal::new(ring, Some(path.to_owned()), next_seq);
        Ok((journal, recovered))
    }

    /// `next_seq` is what the first entry is given, if the trail's own records leave it.
    fn new(ring: Ring, path: Option<PathBuf>, next_seq: u64) -> Arc<Journal> {
        let journal = Journal {
            capacity: ring.capacity(),
            path,
            state: Apart(Mutex::new(State {
                ring,
                accepted: 0,
                closed: false,
                threads_waiting: 0,
                has_said_that_it_fills: false,
            })),
            room: Condvar::new(),
        };
        journal.mark(journal.head(), 0, next_seq);
        Arc::new(journal)
    }

    /// Whether a frame is too large for the journal.
    #[inline]
    pub(super) fn is_too_large(&self, frame: &[u8]) -> bool {
        ENTRY + frame.len() > self.capacity / 4
    }

    /// Appends one frame, which must not be too large, and waits up to `timeout` for room. `true`: the ring fills, and
    /// the worker may be asleep; that is said once.
    #[inline]
    pub(super) fn append(&self, frame: &[u8], timeout: Duration) -> Result<bool, Refusal> {
        let length = ENTRY + frame.len();
        let checksum = checksum(frame);
        let mut state = lock_soon(&self.state);
        if state.closed || !state.has_room(length) {
            state = self.wait_for_room(state, length, timeout)?;
        }
        state.push(checksum, frame);
        Ok(state.begins_to_fill())
    }

    /// Backpressure: waits until the ring has room for `length` bytes.
    #[cold]
    fn wait_for_room<'j>(
        &self,
        mut state: MutexGuard<'j, State>,
        length: usize,
        timeout: Duration,
    ) -> Result<MutexGuard<'j, State>, Refusal> {
        // A thread that came before the journal was closed is let in.
        if state.closed {
            return Err(Refusal::Closed);
        }
        let (begun, head) = (Instant::now(), state.ring.head());
        while !state.has_room(length) {
            let Some(left) = timeout
                .checked_sub(begun.elapsed())
                .filter(|left| !left.is_zero())
            else {
                let stalled = state.ring.head() == head;
                return Err(Refusal::Full { stalled });
            };
            state.threads_waiting += 1;
            state = self
                .room
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            state.threads_waiting -= 1;
        }
        Ok(state)
    }

    /// Lets a thread in whose frame is too large for the journal.
    ///
    /// # Errors
    ///
    /// The journal was closed.
    pub(super) fn enter(&self) -> Result<Waiter<'_>, Refusal> {
        let mut state = lock_soon(&self.state);
        if state.closed {
            return Err(Refusal::Closed);
        }
        state.threads_waiting += 1;
        Ok(Waiter {
            journal: self,
            place: state.ring.tail(),
        })
    }

    /// Whether it is in a file, which outlives the process.
    pub(super) fn is_in_file(&self) -> bool {
        self.path.is_some()
    }

    /// Bytes of the ring.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How far the journal goes.
    pub(super) fn tail(&self) -> u64 {
        lock_soon(&self.state).ring.tail()
    }

    /// Frames taken in by this process.
    pub(super) fn accepted(&self) -> u64 {
        lock_soon(&self.state).accepted
    }

    /// Bytes that are not released.
    pub(super) fn backlog(&self) -> u64 {
        lock_soon(&self.state).ring.used()
    }

    /// Counts a frame that another queue has taken in.
    pub(super) fn note_accepted(&self) {
        lock_soon(&self.state).accepted += 1;
    }

    /// Losses that are in no `trail_gap` record: those of an earlier process, when the journal is opened.
    pub(super) fn unrecorded_losses(&self) -> Option<Gap> {
        let state = lock_soon(&self.state);
        let time = |word| DateTime::from_timestamp_micros(state.ring.get(word) as i64);
        let lost = state.ring.get(Word::Lost);
        (lost > 0).then(|| Gap {
            lost,
            from: time(Word::LostFrom),
            to: time(Word::LostTo),
            reason: "the process before this one ended before it could tell".to_owned(),
            ..Gap::default()
        })
    }

    /// Counts a lost record, so that the count outlives the process.
    pub(super) fn note_loss(&self, micros: i64) {
        let mut state = lock_soon(&self.state);
        let lost = state.ring.get(Word::Lost);
        if lost == 0 {
            state.ring.set(Word::LostFrom, micros as u64);
        }
        state.ring.set(Word::LostTo, micros as u64);
        state.ring.set(Word::Lost, lost + 1);
    }

    /// So many losses are recorded in the trail.
    pub(super) fn forget_losses(&self, count: u64) {
        let mut state = lock_soon(&self.state);
        let lost = state.ring.get(Word::Lost).saturating_sub(count);
        state.ring.set(Word::Lost, lost);
    }

    /// Takes no more frames, but for those of threads that are waiting for room.
    pub(super) fn close(&self) {
        lock_soon(&self.state).closed = true;
    }

    /// How many threads wait for room, or for their frames to be written.
    pub(super) fn waiters(&self) -> usize {
        lock_soon(&self.state).threads_waiting
    }

    pub(super) fn is_closed(&self) -> bool {
        lock_soon(&self.state).closed
    }

    /// Removes the file of a journal that is closed and has nothing left to tell.
    pub(super) fn remove(&self) {
        let state = lock_soon(&self.state);
        if let Some(path) = &self.path
            && state.ring.used() == 0
            && state.closed
            && state.ring.get(Word::Lost) == 0
        {
            // What stays is empty, and the next process takes it for that.
            let _ = fs::remove_file(path);
        }
    }
}

/// Where an empty ring goes on that has come to `position`.
fn start_over(position: u64, capacity: u64) -> u64 {
    match position % capacity >= START_OVER.min(capacity / 4) {
        true => position.next_multiple_of(capacity),
        false => position,
    }
}

impl State {
    #[inline]
    fn has_room(&self, length: usize) -> bool {
        self.ring.used() as usize + length <= self.ring.capacity()
    }

    /// Whether more than a quarter of the ring is used, if that was not said yet.
    #[inline]
    fn begins_to_fill(&mut self) -> bool {
        let fills = self.ring.used() as usize > self.ring.capacity() / 4;
        fills && !std::mem::replace(&mut self.has_said_that_it_fills, true)
    }

    #[inline]
    fn push(&mut self, checksum: u32, frame: &[u8]) {
        let checksum = at_position(checksum, self.ring.tail());
        let mut head = [0; ENTRY];
        head[..4].copy_from_slice(&(frame.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(&checksum.to_le_bytes());
        self.ring.push(&head, frame);
        self.accepted += 1;
    }
}
