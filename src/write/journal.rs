//! The journal: what was emitted and is not yet in the trail.
//!
//! An emitting thread appends whole frames under one short lock. The worker copies them out under the same lock
//! (`journal/drain.rs`), and releases them when their lines are written: until then they count against the
//! capacity, and a frame is always in the journal or in the trail. Where the trail has a
//! directory the journal is a mapped file in it, and what is left of it when the process
//! dies is found by the next one.
//!
//! ```text
//! entry = length:u32 checksum:u32 frame
//!       | 0x80000000 checksum:u32 number:u64   a frame too large for the ring, kept aside
//! ```
//!
//! Before the worker writes the lines of some entries, it marks the position of the first, how
//! many they are, and the first `seq`. The next process skips those whose `seq` the trail has:
//! none is lost, none doubled, wherever this one died. Where the system died with it, the journal's header on the
//! medium may be older than the trail: behind the marked ones the next process skips those that follow in the trail.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::{Apart, lock};
use crate::trail::internal::RecordHead;
use ring::{Ring, Word};

mod checksum;
mod drain;
mod entry;
pub(super) mod frame;
mod inflight;
mod overflow;
mod recovery;
mod ring;
#[cfg(test)]
mod tests;

use checksum::{at_position, checksum};
use entry::{ASIDE, ENTRY};
pub(super) use entry::{Entry, split_entry};
use inflight::NO_SEQ;
use overflow::{Aside, Large};
use recovery::survey;
#[cfg(test)]
pub(super) use tests::NOTHING;

pub(super) struct Journal {
    state: Apart<Mutex<State>>,
    /// Signalled when entries are released and somebody waits for room.
    room: Condvar,
    /// Bytes of the ring, which it keeps for its life.
    capacity: usize,
    /// The journal's file, where it has one.
    path: Option<PathBuf>,
    /// The number of the next frame that is kept aside.
    next_aside: AtomicU64,
}

struct State {
    ring: Ring,
    aside: Aside,
    accepted: u64,
    closed: bool,
    /// How many threads wait for room.
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
}

/// What a process that did not end in order has left.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// Entries that are not in the trail yet, and will be.
    pub(super) records: u64,
    /// Bytes that make no entry.
    pub(super) damaged: u64,
    /// Records that it had lost and not annotations: how many, from when to when in microseconds.
    pub(super) lost: Option<(u64, i64, i64)>,
}

/// What a trail has, for whoever looks which entries are not in it.
pub(super) trait Written {
    fn last_seq(&self) -> Option<u64>;

    /// The records from a `seq` on.
    fn from(&self, seq: u64) -> Box<dyn Iterator<Item = RecordHead> + '_>;
}

/// Whoever holds the lock of the journal copies some kilobytes at most. Before a thread waits for the lock by a
/// system call, which takes longer than that, it spins so many turns.
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
        Ok(Journal::new(ring, None, VecDeque::new(), NO_SEQ))
    }

    /// Opens the journal in a file, with what is left in it of another process.
    ///
    /// `written` is what the trail has. What remains keeps its capacity. A file that is no journal of this layout is an
    /// error, and is left as it is.
    pub(super) fn open(
        path: &Path,
        capacity: usize,
        written: &dyn Written,
    ) -> io::Result<(Arc<Journal>, Remains)> {
        let mut remains = Remains::default();
        let next_seq = written.last_seq().map_or(0, |last| last + 1);
        if let Some(mut ring) = Ring::open(path)? {
            let kept = survey(&mut ring, path, written, &mut remains);
            if remains.records > 0 || ring.capacity() == capacity {
                let journal = Journal::new(ring, Some(path.to_owned()), kept, next_seq);
                return Ok((journal, remains));
            }
        }
        let mut ring = Ring::create(path, capacity)?;
        if let Some((count, from, to)) = remains.lost {
            ring.set(Word::LostFrom, from as u64);
            ring.set(Word::LostTo, to as u64);
            ring.set(Word::Lost, count);
        }
        let journal = Journal::new(ring, Some(path.to_owned()), VecDeque::new(), next_seq);
        Ok((journal, remains))
    }

    /// `next_seq` is what the first entry is given, if the trail's own records leave it.
    fn new(
        ring: Ring,
        path: Option<PathBuf>,
        kept: VecDeque<Large>,
        next_seq: u64,
    ) -> Arc<Journal> {
        if let Some(path) = &path {
            overflow::remove_others(path, &kept);
        }
        let journal = Journal {
            // Numbers of an earlier process lie before its tail.
            next_aside: AtomicU64::new(ring.tail()),
            capacity: ring.capacity(),
            path,
            state: Apart(Mutex::new(State {
                aside: Aside { kept },
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

    /// Appends one frame, and waits up to `patience` for room. `true`: the ring fills, and whoever
    /// empties it may be asleep; that is said once.
    #[inline]
    pub(super) fn append(&self, frame: &[u8], patience: Duration) -> Result<bool, Refusal> {
        let length = ENTRY + frame.len();
        if length <= self.capacity / 4 {
            let checksum = checksum(frame);
            let mut state = lock_soon(&self.state);
            if state.closed || !state.fits(length, None) {
                state = self.room_for(state, length, None, patience)?;
            }
            state.push(frame.len() as u32, checksum, frame);
            return Ok(state.begins_to_fill());
        }
        self.append_large(frame, patience)
    }

    #[cold]
    fn append_large(&self, frame: &[u8], patience: Duration) -> Result<bool, Refusal> {
        let number = self.next_aside.fetch_add(1, Ordering::Relaxed);
        let in_file = match &self.path {
            Some(path) => overflow::write(path, number, frame).is_ok(),
            None => false,
        };
        let state = lock_soon(&self.state);
        let appended = self
            .room_for(state, ENTRY + 8, Some(frame.len()), patience)
            .map(|mut state| {
                let number_bytes = number.to_le_bytes();
                let end = state.ring.tail() + (ENTRY + number_bytes.len()) as u64;
                state.aside.kept.push_back(Large {
                    number,
                    end,
                    length: frame.len(),
                    // Better in memory than not at all.
                    frame: (!in_file).then(|| frame.to_vec()),
                });
                state.push(ASIDE, checksum(&number_bytes), &number_bytes);
                true
            });
        if let (Err(_), Some(path)) = (&appended, &self.path) {
            overflow::remove(path, number);
        }
        appended
    }

    /// Waits for room for `length` bytes in the ring and, where there is one, for a frame aside.
    #[cold]
    fn room_for<'j>(
        &self,
        mut state: MutexGuard<'j, State>,
        length: usize,
        large: Option<usize>,
        patience: Duration,
    ) -> Result<MutexGuard<'j, State>, Refusal> {
        // Whoever came before the journal was closed is let in.
        if state.closed {
            return Err(Refusal::Closed);
        }
        let (begun, head) = (Instant::now(), state.ring.head());
        while !state.fits(length, large) {
            let Some(left) = patience
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
        let state = lock_soon(&self.state);
        let large = state.aside.bytes() as u64;
        state.ring.used() + large
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

    /// The losses up to here are told in the trail.
    pub(super) fn losses_told(&self, count: u64) {
        let mut state = lock_soon(&self.state);
        let lost = state.ring.get(Word::Lost).saturating_sub(count);
        state.ring.set(Word::Lost, lost);
    }

    /// Takes no more frames, but for those of threads that are waiting for room.
    pub(super) fn close(&self) {
        lock_soon(&self.state).closed = true;
    }

    /// Whether threads are waiting for room.
    pub(super) fn has_waiters(&self) -> bool {
        lock_soon(&self.state).threads_waiting > 0
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
    fn fits(&self, length: usize, large: Option<usize>) -> bool {
        self.ring.used() as usize + length <= self.ring.capacity()
            && large.is_none_or(|large| {
                // Large frames may take as much again as the ring; one of them may take more.
                let aside = self.aside.bytes();
                aside == 0 || aside + large <= self.ring.capacity()
            })
    }

    /// Whether more than a quarter of the ring is used, if that was not said yet.
    #[inline]
    fn begins_to_fill(&mut self) -> bool {
        let fills = self.ring.used() as usize > self.ring.capacity() / 4;
        fills && !std::mem::replace(&mut self.has_said_that_it_fills, true)
    }

    #[inline]
    fn push(&mut self, length: u32, checksum: u32, bytes: &[u8]) {
        let checksum = at_position(checksum, self.ring.tail());
        let mut head = [0; ENTRY];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&checksum.to_le_bytes());
        self.ring.push(&head, bytes);
        self.accepted += 1;
    }
}
