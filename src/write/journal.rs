//! The journal: what was emitted and is not yet in the trail.
//!
//! An emitting thread appends whole frames under one short lock. The worker copies them out,
//! and releases them when their lines are written: until then they count against the
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
//! none is lost, none doubled, wherever this one died.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::ring::{Ring, Word};
use super::{Apart, lock};
use crate::trail::files::is_same_file;

mod aside;
mod checksum;
mod entry;
mod survey;
#[cfg(test)]
mod tests;

use aside::{Aside, Large};
use checksum::{checksum, placed};
use entry::{ASIDE, ENTRY, entry_length};
pub(super) use entry::{Entry, split_entry};
use survey::survey;

pub(super) struct Journal {
    state: Apart<Mutex<State>>,
    /// The file that the ring is in, for whoever looks whether it still stands.
    file: Mutex<Option<Arc<File>>>,
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
    threads_waiting: usize,
    /// That the ring fills was said, since it was released from last.
    has_told: bool,
    closed: bool,
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
    /// Records that it had lost and not told: how many, from when to when in microseconds.
    pub(super) lost: Option<(u64, i64, i64)>,
}

/// So many bytes are copied out under one lock, and so many turns are spun between two.
const PIECE: usize = 8 << 10;
const BREATH: usize = 8;

/// Whoever holds the lock of the journal copies a few kilobytes at most. Before a thread waits for it by a
/// call of the system, which takes longer than that, it spins so many turns.
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

/// No entry is marked.
const NO_SEQ: u64 = u64::MAX;

impl Journal {
    pub(super) fn in_memory(capacity: usize) -> Journal {
        Journal::new(Ring::in_memory(capacity), None, VecDeque::new())
    }

    /// Opens the journal in a file, with what is left in it of another process.
    ///
    /// `last_seq` is the last one that the trail has. What remains keeps its capacity.
    pub(super) fn open(
        path: &Path,
        capacity: usize,
        last_seq: Option<u64>,
    ) -> io::Result<(Journal, Remains)> {
        let mut remains = Remains::default();
        let found = match path.exists() {
            true => Ring::open(path)?,
            false => None,
        };
        if found.is_none() && path.exists() && path.metadata()?.len() > 0 {
            remains.damaged = path.metadata()?.len();
            let mut aside = path.as_os_str().to_owned();
            aside.push(".damaged");
            fs::rename(path, aside)?;
        }
        if let Some(mut ring) = found {
            let kept = survey(&mut ring, path, last_seq, &mut remains);
            if remains.records > 0 || ring.capacity() == capacity {
                return Ok((Journal::new(ring, Some(path.to_owned()), kept), remains));
            }
        }
        let mut ring = Ring::create(path, capacity)?;
        if let Some((count, from, to)) = remains.lost {
            ring.set(Word::LostFrom, from as u64);
            ring.set(Word::LostTo, to as u64);
            ring.set(Word::Lost, count);
        }
        Ok((
            Journal::new(ring, Some(path.to_owned()), VecDeque::new()),
            remains,
        ))
    }

    fn new(mut ring: Ring, path: Option<PathBuf>, kept: VecDeque<Large>) -> Journal {
        ring.set(Word::MarkSeq, NO_SEQ);
        if let Some(path) = &path {
            aside::remove_others(path, &kept);
        }
        Journal {
            // Numbers of an earlier process lie before its tail.
            next_aside: AtomicU64::new(ring.get(Word::Tail)),
            capacity: ring.capacity(),
            path,
            file: Mutex::new(ring.file()),
            state: Apart(Mutex::new(State {
                aside: Aside { kept },
                ring,
                accepted: 0,
                threads_waiting: 0,
                has_told: false,
                closed: false,
            })),
            room: Condvar::new(),
        }
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
                drop(state);
                state = self.room_for(length, None, patience)?;
            }
            let used = state.push(frame.len() as u32, checksum, frame);
            return Ok(state.fills(used));
        }
        self.append_large(frame, patience)
    }

    #[cold]
    fn append_large(&self, frame: &[u8], patience: Duration) -> Result<bool, Refusal> {
        let number = self.next_aside.fetch_add(1, Ordering::Relaxed);
        let in_file = match &self.path {
            Some(path) => aside::write(path, number, frame).is_ok(),
            None => false,
        };
        let appended = self
            .room_for(ENTRY + 8, Some(frame.len()), patience)
            .map(|mut state| {
                let number_bytes = number.to_le_bytes();
                state.push(ASIDE, checksum(&number_bytes), &number_bytes);
                let large = Large {
                    number,
                    end: state.ring.get(Word::Tail),
                    length: frame.len(),
                    // Better in memory than not at all.
                    frame: (!in_file).then(|| frame.to_vec()),
                };
                state.aside.kept.push_back(large);
                true
            });
        if let (Err(_), Some(path)) = (&appended, &self.path) {
            aside::remove(path, number);
        }
        appended
    }

    /// Waits for room for `length` bytes in the ring and, where there is one, for a frame aside.
    #[cold]
    fn room_for(
        &self,
        length: usize,
        large: Option<usize>,
        patience: Duration,
    ) -> Result<MutexGuard<'_, State>, Refusal> {
        let mut state = lock_soon(&self.state);
        // Whoever came before the journal was closed is let in.
        if state.closed {
            return Err(Refusal::Closed);
        }
        if state.fits(length, large) {
            return Ok(state);
        }
        let (begun, head) = (Instant::now(), state.ring.get(Word::Head));
        while !state.fits(length, large) {
            let Some(left) = patience
                .checked_sub(begun.elapsed())
                .filter(|left| !left.is_zero())
            else {
                let stalled = state.ring.get(Word::Head) == head;
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

    /// Copies entries from `position` on into `out`, which must be empty: about `limit` bytes
    /// at most, but one entry at least if there is one.
    pub(super) fn copy(&self, position: u64, limit: usize, out: &mut Vec<u8>) {
        debug_assert!(out.is_empty());
        let length = (self.tail() - position) as usize;
        let mut wanted = length.min(limit.max(ENTRY));
        // Piece by piece, so that no emitting thread waits for the whole.
        while out.len() < wanted {
            let piece = (wanted - out.len()).min(PIECE);
            let state = lock_soon(&self.state);
            state.ring.copy_out(position + out.len() as u64, piece, out);
            drop(state);
            // Whoever waits gets in.
            (0..BREATH).for_each(|_| std::hint::spin_loop());
            // A first entry that is cut is copied whole.
            if let Some(whole) = entry_length(out) {
                wanted = wanted.max(whole.min(length));
            }
        }
    }

    /// Notes, before their lines are written, that `count` entries from `position` on are given
    /// consecutive seqs.
    pub(super) fn mark(&self, position: u64, count: u64, seq: u64) {
        let mut state = lock_soon(&self.state);
        state.ring.set(Word::MarkSeq, NO_SEQ);
        state.ring.set(Word::MarkPosition, position);
        state.ring.set(Word::MarkCount, count);
        state.ring.set(Word::MarkSeq, seq);
    }

    /// The seq of the first entry that is not released, where its line may be written.
    pub(super) fn marked_seq(&self) -> Option<u64> {
        let state = lock_soon(&self.state);
        let is_marked = state.ring.get(Word::MarkPosition) == state.ring.get(Word::Head);
        Some(state.ring.get(Word::MarkSeq)).filter(|&seq| is_marked && seq != NO_SEQ)
    }

    /// Releases the entries whose lines the trail has, up to `last_seq`, after the worker
    /// lost track of what it had written.
    pub(super) fn skip_written(&self, last_seq: Option<u64>) {
        let Some((last, first)) = last_seq.zip(self.marked_seq()) else {
            return;
        };
        let count = lock_soon(&self.state).ring.get(Word::MarkCount);
        let mut position = self.head();
        for _ in (first..=last).zip(0..count) {
            let mut entry = Vec::new();
            self.copy(position, 1, &mut entry);
            match split_entry(&entry) {
                Some((_, length)) => position += length as u64,
                None => break,
            }
        }
        let position = self.release(position);
        self.mark(position, 0, NO_SEQ);
    }

    /// Makes room: the lines of everything before `position` are written. Says where the entries go
    /// on, which is behind `position` where the ring starts over.
    #[must_use = "the entries go on there"]
    pub(super) fn release(&self, position: u64) -> u64 {
        let mut state = lock_soon(&self.state);
        let next = match position == state.ring.get(Word::Tail) {
            true => start_over(position, self.capacity as u64),
            false => position,
        };
        // The head first: the next process takes a head before the tail for an empty ring.
        state.ring.set(Word::Head, next);
        if next != position {
            state.ring.set(Word::Tail, next);
        }
        state.has_told = false;
        let in_files = state.aside.release(position);
        if state.threads_waiting > 0 {
            self.room.notify_all();
        }
        drop(state);
        for number in in_files {
            if let Some(path) = &self.path {
                aside::remove(path, number);
            }
        }
        next
    }

    /// The frame that an entry keeps aside.
    pub(super) fn large(&self, number: u64) -> io::Result<Vec<u8>> {
        if let Some(frame) = lock_soon(&self.state).aside.in_memory(number) {
            return Ok(frame);
        }
        match &self.path {
            Some(path) => aside::read(path, number),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Bytes that may wait, but for frames that are kept aside.
    pub(super) fn capacity(&self) -> u64 {
        self.capacity as u64
    }

    /// Where the first entry that is not released begins.
    pub(super) fn head(&self) -> u64 {
        lock_soon(&self.state).ring.get(Word::Head)
    }

    /// How far the journal goes.
    pub(super) fn tail(&self) -> u64 {
        lock_soon(&self.state).ring.get(Word::Tail)
    }

    /// Frames taken in by this process.
    pub(super) fn accepted(&self) -> u64 {
        lock_soon(&self.state).accepted
    }

    /// Bytes that are not released.
    pub(super) fn backlog(&self) -> u64 {
        let state = lock_soon(&self.state);
        let large = state.aside.bytes() as u64;
        state.ring.get(Word::Tail) - state.ring.get(Word::Head) + large
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

    /// Puts the journal's file back where somebody removed or replaced it, with all it holds, and
    /// says whether that was so.
    pub(super) fn put_back(&self) -> io::Result<bool> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        // Looked for without the journal's lock: nobody waits for the file system to emit an event.
        let mut file = lock(&self.file);
        if file.as_ref().is_none_or(|file| is_same_file(path, file)) {
            return Ok(false);
        }
        let mut state = lock_soon(&self.state);
        let ring = Ring::create_like(path, &state.ring)?;
        *file = ring.file();
        state.ring = ring;
        Ok(true)
    }

    /// Removes the file of a journal that is closed and has nothing left to tell.
    pub(super) fn remove(&self) {
        let state: MutexGuard<'_, State> = lock_soon(&self.state);
        let is_empty = state.ring.get(Word::Head) == state.ring.get(Word::Tail);
        if let Some(path) = &self.path
            && is_empty
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
    /// Whether more than a quarter of the ring waits, if that was not said yet.
    #[inline]
    fn fills(&mut self, used: u64) -> bool {
        let fills = used as usize > self.ring.capacity() / 4 && !self.has_told;
        self.has_told |= fills;
        fills
    }

    #[inline]
    fn fits(&self, length: usize, large: Option<usize>) -> bool {
        let used = self.ring.get(Word::Tail) - self.ring.get(Word::Head);
        used as usize + length <= self.ring.capacity()
            && large.is_none_or(|large| {
                // Large frames may take as much again as the ring; one of them may take more.
                let aside = self.aside.bytes();
                aside == 0 || aside + large <= self.ring.capacity()
            })
    }

    /// Adds an entry, and says how many bytes wait.
    #[inline]
    fn push(&mut self, length: u32, checksum: u32, bytes: &[u8]) -> u64 {
        let tail = self.ring.get(Word::Tail);
        let mut head = [0; ENTRY];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&placed(checksum, tail).to_le_bytes());
        self.ring.copy_in(tail, &head, bytes);
        let tail = tail + (ENTRY + bytes.len()) as u64;
        self.ring.set(Word::Tail, tail);
        self.accepted += 1;
        tail - self.ring.get(Word::Head)
    }
}
