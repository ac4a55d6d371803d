//! The journal: what was emitted and is not yet in the trail.
//!
//! An emitting thread appends whole frames under one short lock. The worker copies them out,
//! and releases them when their lines are written: until then they count against the
//! capacity, and a frame is always in the journal or in the trail. Where the trail has a
//! directory the journal is a mapped file in it, and what is left of it when the process
//! dies is found by the next one.
//!
//! ```text
//! entry = length:u32 crc:u32 frame            CRC-32 of the frame
//!       | 0x80000000 crc:u32 number:u64       a frame too large for the ring, kept aside
//! ```
//!
//! Before the worker writes the lines of some entries, it marks the position of the first
//! and its `seq`; entries behind the mark have the `seq`s that follow. The next process skips
//! those whose `seq` the trail has: none is lost, none doubled, wherever this one died.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lock;
use super::ring::{Ring, Word};
use crate::trail::files::open_private;

pub(super) struct Journal {
    state: Mutex<State>,
    /// Signalled when entries are released and somebody waits for room.
    room: Condvar,
}

struct State {
    ring: Ring,
    aside: Aside,
    accepted: u64,
    threads_waiting: usize,
    closed: bool,
}

/// Frames too large for the ring, by number.
struct Aside {
    /// The journal's file, where it has one; frames are kept in files beside it.
    journal: Option<PathBuf>,
    kept: VecDeque<Large>,
    next: u64,
}

struct Large {
    number: u64,
    /// Behind its entry.
    end: u64,
    length: usize,
    /// Empty where the frame is in a file.
    frame: Vec<u8>,
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

const ENTRY: usize = 8;
const ASIDE: u32 = 1 << 31;
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
            if remains.records > 0 || remains.lost.is_some() || ring.capacity() == capacity {
                return Ok((Journal::new(ring, Some(path.to_owned()), kept), remains));
            }
        }
        let ring = Ring::create(path, capacity)?;
        Ok((
            Journal::new(ring, Some(path.to_owned()), VecDeque::new()),
            remains,
        ))
    }

    fn new(mut ring: Ring, path: Option<PathBuf>, kept: VecDeque<Large>) -> Journal {
        ring.set(Word::MarkSeq, NO_SEQ);
        Journal {
            state: Mutex::new(State {
                aside: Aside {
                    journal: path,
                    kept,
                    // Numbers of an earlier process lie before its tail.
                    next: ring.get(Word::Tail),
                },
                ring,
                accepted: 0,
                threads_waiting: 0,
                closed: false,
            }),
            room: Condvar::new(),
        }
    }

    /// Appends one frame, and waits up to `patience` for room.
    pub(super) fn append(&self, frame: &[u8], patience: Duration) -> Result<(), Refusal> {
        let crc = crc32fast::hash(frame);
        let mut state = lock(&self.state);
        let is_large = ENTRY + frame.len() > state.ring.capacity() / 4;
        let length = match is_large {
            true => ENTRY + 8,
            false => ENTRY + frame.len(),
        };
        // Whoever came before the journal was closed is let in.
        if state.closed {
            return Err(Refusal::Closed);
        }
        let begun = (Instant::now(), state.ring.get(Word::Head));
        while !state.fits(length, frame.len(), is_large) {
            let Some(left) = patience
                .checked_sub(begun.0.elapsed())
                .filter(|left| !left.is_zero())
            else {
                let stalled = state.ring.get(Word::Head) == begun.1;
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
        let tail = state.ring.get(Word::Tail);
        if is_large {
            let Ok(number) = state.aside.keep(frame, tail + length as u64) else {
                return Err(Refusal::Full { stalled: true });
            };
            state.push(ASIDE, crc, &number.to_le_bytes());
        } else {
            state.push(frame.len() as u32, crc, frame);
        }
        state.accepted += 1;
        Ok(())
    }

    /// Copies entries from `position` on into `out`, which must be empty: about `limit` bytes
    /// at most, but one entry at least if there is one.
    pub(super) fn copy(&self, position: u64, limit: usize, out: &mut Vec<u8>) {
        debug_assert!(out.is_empty());
        let state = lock(&self.state);
        let length = (state.ring.get(Word::Tail) - position) as usize;
        state
            .ring
            .copy_out(position, length.min(limit.max(ENTRY)), out);
        // A first entry that is cut is copied whole.
        if let Some(whole) = entry_length(out).filter(|&whole| whole > out.len()) {
            out.clear();
            state.ring.copy_out(position, whole.min(length), out);
        }
    }

    /// Notes, before their lines are written, that entries from `position` on are given
    /// consecutive seqs.
    pub(super) fn mark(&self, position: u64, seq: u64) {
        let mut state = lock(&self.state);
        state.ring.set(Word::MarkSeq, NO_SEQ);
        state.ring.set(Word::MarkPosition, position);
        state.ring.set(Word::MarkSeq, seq);
    }

    /// The seq of the first entry that is not released, where its line may be written.
    pub(super) fn marked_seq(&self) -> Option<u64> {
        let state = lock(&self.state);
        let is_marked = state.ring.get(Word::MarkPosition) == state.ring.get(Word::Head);
        Some(state.ring.get(Word::MarkSeq)).filter(|&seq| is_marked && seq != NO_SEQ)
    }

    /// Releases the entries whose lines the trail has, up to `last_seq`, after the worker
    /// lost track of what it had written.
    pub(super) fn skip_written(&self, last_seq: Option<u64>) {
        let Some((last, first)) = last_seq.zip(self.marked_seq()) else {
            return;
        };
        let mut position = self.head();
        for _ in first..=last {
            let mut entry = Vec::new();
            self.copy(position, 1, &mut entry);
            match split_entry(&entry) {
                Some((_, length)) => position += length as u64,
                None => break,
            }
        }
        self.release(position);
        self.mark(position, NO_SEQ);
    }

    /// Makes room: the lines of everything before `position` are written.
    pub(super) fn release(&self, position: u64) {
        let mut state = lock(&self.state);
        state.ring.set(Word::Head, position);
        state.aside.release(position);
        if state.threads_waiting > 0 {
            self.room.notify_all();
        }
    }

    /// The frame that an entry keeps aside.
    pub(super) fn large(&self, number: u64) -> io::Result<Vec<u8>> {
        lock(&self.state).aside.frame(number)
    }

    /// Where the first entry that is not released begins.
    pub(super) fn head(&self) -> u64 {
        lock(&self.state).ring.get(Word::Head)
    }

    /// How far the journal goes.
    pub(super) fn tail(&self) -> u64 {
        lock(&self.state).ring.get(Word::Tail)
    }

    /// Frames taken in by this process.
    pub(super) fn accepted(&self) -> u64 {
        lock(&self.state).accepted
    }

    /// Bytes that are not released.
    pub(super) fn backlog(&self) -> u64 {
        let state = lock(&self.state);
        let large = state.aside.bytes() as u64;
        state.ring.get(Word::Tail) - state.ring.get(Word::Head) + large
    }

    /// Counts a lost record, so that the count outlives the process.
    pub(super) fn note_loss(&self, micros: i64) {
        let mut state = lock(&self.state);
        let lost = state.ring.get(Word::Lost);
        if lost == 0 {
            state.ring.set(Word::LostFrom, micros as u64);
        }
        state.ring.set(Word::LostTo, micros as u64);
        state.ring.set(Word::Lost, lost + 1);
    }

    /// The losses up to here are told in the trail.
    pub(super) fn losses_told(&self, count: u64) {
        let mut state = lock(&self.state);
        let lost = state.ring.get(Word::Lost).saturating_sub(count);
        state.ring.set(Word::Lost, lost);
    }

    /// Takes no more frames, but for those of threads that are waiting for room.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Whether threads are waiting for room.
    pub(super) fn has_waiters(&self) -> bool {
        lock(&self.state).threads_waiting > 0
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Removes the file of a journal that is closed and has nothing left to tell.
    pub(super) fn remove(&self) {
        let state: MutexGuard<'_, State> = lock(&self.state);
        let is_empty = state.ring.get(Word::Head) == state.ring.get(Word::Tail);
        if let Some(path) = &state.aside.journal
            && is_empty
            && state.closed
            && state.ring.get(Word::Lost) == 0
        {
            // What stays is empty, and the next process takes it for that.
            let _ = fs::remove_file(path);
        }
    }
}

impl State {
    fn fits(&self, length: usize, frame: usize, is_large: bool) -> bool {
        let used = self.ring.get(Word::Tail) - self.ring.get(Word::Head);
        let has_room = used as usize + length <= self.ring.capacity();
        // Large frames may take as much again as the ring; one of them may take more.
        let aside = self.aside.bytes();
        has_room && (!is_large || aside == 0 || aside + frame <= self.ring.capacity())
    }

    fn push(&mut self, length: u32, crc: u32, bytes: &[u8]) {
        let tail = self.ring.get(Word::Tail);
        self.ring.copy_in(tail, &length.to_le_bytes());
        self.ring.copy_in(tail + 4, &crc.to_le_bytes());
        self.ring.copy_in(tail + ENTRY as u64, bytes);
        self.ring
            .set(Word::Tail, tail + (ENTRY + bytes.len()) as u64);
    }
}

impl Aside {
    fn bytes(&self) -> usize {
        self.kept.iter().map(|large| large.length).sum()
    }

    fn keep(&mut self, frame: &[u8], end: u64) -> io::Result<u64> {
        let (number, length) = (self.next, frame.len());
        let frame = match &self.journal {
            None => frame.to_vec(),
            Some(journal) => {
                let path = file_aside(journal, number);
                let _ = fs::remove_file(&path);
                io::Write::write_all(&mut open_private(&path)?, frame)?;
                Vec::new()
            }
        };
        self.next += 1;
        self.kept.push_back(Large {
            number,
            end,
            length,
            frame,
        });
        Ok(number)
    }

    fn frame(&self, number: u64) -> io::Result<Vec<u8>> {
        match &self.journal {
            Some(journal) => fs::read(file_aside(journal, number)),
            None => {
                let kept = self.kept.iter().find(|large| large.number == number);
                kept.map(|large| large.frame.clone())
                    .ok_or_else(|| io::ErrorKind::NotFound.into())
            }
        }
    }

    fn release(&mut self, position: u64) {
        while self.kept.front().is_some_and(|large| large.end <= position) {
            if let (Some(large), Some(journal)) = (self.kept.pop_front(), &self.journal) {
                let _ = fs::remove_file(file_aside(journal, large.number));
            }
        }
    }
}

fn file_aside(journal: &Path, number: u64) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(format!(".{number}"));
    PathBuf::from(path)
}

/// One entry of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Frame(&'a [u8]),
    /// The frame is kept aside, under this number.
    Large(u64),
}

/// Takes the first entry off `bytes`, and says how long it is. `None`: there is no whole one.
pub(super) fn split_entry(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    let length = entry_length(bytes)?;
    let payload = bytes.get(ENTRY..length)?;
    let entry = match is_aside(bytes) {
        true => Entry::Large(u64::from_le_bytes(*payload.first_chunk()?)),
        false => Entry::Frame(payload),
    };
    Some((entry, length))
}

/// How long the entry is that `bytes` begin with.
fn entry_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    let size = if is_aside(bytes) { 8 } else { length as usize };
    ENTRY.checked_add(size)
}

fn is_aside(bytes: &[u8]) -> bool {
    bytes.first_chunk() == Some(&ASIDE.to_le_bytes())
}

/// Finds out what another process has left: checks each entry, skips what is in the trail,
/// and cuts off what is damaged. Returns the frames that are kept aside.
fn survey(
    ring: &mut Ring,
    path: &Path,
    last_seq: Option<u64>,
    remains: &mut Remains,
) -> VecDeque<Large> {
    let mut kept = VecDeque::new();
    let (head, tail) = (ring.get(Word::Head), ring.get(Word::Tail));
    if tail < head || tail - head > ring.capacity() as u64 {
        remains.damaged = ring.capacity() as u64;
        ring.set(Word::Tail, head);
        return kept;
    }
    // A mark before the head is of a batch that was released.
    let marked_seq = match ring.get(Word::MarkPosition) == head {
        true => ring.get(Word::MarkSeq),
        false => NO_SEQ,
    };
    let mut bytes = Vec::new();
    ring.copy_out(head, (tail - head) as usize, &mut bytes);
    let mut at = 0;
    let mut written_to = head;
    let mut index = 0;
    while let Some((entry, length)) = split_entry(&bytes[at..]) {
        let crc = bytes[at + 4..at + ENTRY]
            .first_chunk()
            .copied()
            .map(u32::from_le_bytes);
        let is_whole = match entry {
            Entry::Frame(frame) => Some(crc32fast::hash(frame)) == crc,
            Entry::Large(number) => fs::read(file_aside(path, number))
                .is_ok_and(|frame| Some(crc32fast::hash(&frame)) == crc),
        };
        let position = head + at as u64;
        let end = position + length as u64;
        let seq = marked_seq.checked_add(index);
        if seq.is_some_and(|seq| last_seq.is_some_and(|last| seq <= last)) {
            written_to = end;
            if let Entry::Large(number) = entry {
                let _ = fs::remove_file(file_aside(path, number));
            }
        } else if is_whole {
            remains.records += 1;
            if let Entry::Large(number) = entry {
                let found = file_aside(path, number).metadata();
                let length = found.map_or(0, |found| found.len() as usize);
                let frame = Vec::new();
                kept.push_back(Large {
                    number,
                    end,
                    length,
                    frame,
                });
            }
        } else {
            break;
        }
        index += 1;
        at += length;
    }
    remains.damaged = (bytes.len() - at) as u64;
    ring.set(Word::Tail, head + at as u64);
    ring.set(Word::Head, written_to);
    let lost = ring.get(Word::Lost);
    if lost > 0 {
        remains.lost = Some((
            lost,
            ring.get(Word::LostFrom) as i64,
            ring.get(Word::LostTo) as i64,
        ));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WAIT: Duration = Duration::ZERO;
    const CAPACITY: usize = 256;

    fn frames(journal: &Journal, from: u64) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut position = from;
        loop {
            let mut bytes = Vec::new();
            journal.copy(position, 40, &mut bytes);
            let mut at = 0;
            while let Some((entry, length)) = split_entry(&bytes[at..]) {
                frames.push(match entry {
                    Entry::Frame(frame) => frame.to_vec(),
                    Entry::Large(number) => journal.large(number).expect("kept"),
                });
                at += length;
            }
            if at == 0 {
                return frames;
            }
            position += at as u64;
        }
    }

    #[test]
    fn entries_count_until_they_are_released_and_the_ring_goes_round() {
        let journal = Journal::in_memory(CAPACITY);
        let mut expected = Vec::new();
        for number in 0..100_u8 {
            let frame = vec![number; usize::from(number) % 50];
            journal.append(&frame, NO_WAIT).expect("room");
            expected.push(frame);
            if expected.len() == 3 {
                let head = journal.head();
                assert_eq!(frames(&journal, head), expected);
                journal.release(journal.tail());
                expected.clear();
            }
        }
        let fill = [0; 48];
        while journal.append(&fill, NO_WAIT).is_ok() {}
        assert_eq!(
            journal.append(&fill, NO_WAIT),
            Err(Refusal::Full { stalled: true })
        );
        journal.release(journal.tail());
        journal.append(&fill, NO_WAIT).expect("room");
    }

    #[test]
    fn a_thread_waits_for_room_and_no_longer_than_told() {
        let journal = Journal::in_memory(CAPACITY);
        while journal.append(&[1; 50], NO_WAIT).is_ok() {}
        let patience = Duration::from_millis(20);
        let begun = Instant::now();
        assert_eq!(
            journal.append(&[1; 50], patience),
            Err(Refusal::Full { stalled: true })
        );
        assert!(begun.elapsed() >= patience);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| journal.append(&[2; 50], Duration::from_secs(60)));
            journal.release(journal.tail());
            assert_eq!(waiting.join().expect("no panic"), Ok(()));
        });
        journal.close();
        assert_eq!(
            journal.append(&[5], patience),
            Err(Refusal::Closed),
            "nobody new"
        );
    }

    #[test]
    fn frames_larger_than_the_ring_are_kept_aside() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let mapped = Journal::open(&path, CAPACITY, None).expect("a journal").0;
        for journal in [Journal::in_memory(CAPACITY), mapped] {
            let large = vec![7; 10_000];
            journal.append(b"before", NO_WAIT).expect("room");
            journal.append(&large, NO_WAIT).expect("room");
            assert_eq!(
                journal.append(&large, NO_WAIT),
                Err(Refusal::Full { stalled: true })
            );
            journal.append(b"after", NO_WAIT).expect("room");
            let found = frames(&journal, journal.head());
            assert_eq!(
                found,
                [b"before".to_vec(), large.clone(), b"after".to_vec()]
            );
            journal.release(journal.tail());
            journal.append(&large, NO_WAIT).expect("room again");
        }
    }

    /// What the next process finds, when the last one died here.
    fn found(path: &Path, last_seq: Option<u64>) -> (Vec<Vec<u8>>, Remains) {
        let (journal, remains) = Journal::open(path, CAPACITY, last_seq).expect("a journal");
        (frames(&journal, journal.head()), remains)
    }

    #[test]
    fn what_is_left_is_found_once_wherever_the_process_died() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let begin = || {
            let _ = fs::remove_file(&path);
            let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
            for frame in [b"a", b"b", b"c"] {
                journal.append(frame, NO_WAIT).expect("room");
            }
            journal
        };
        let all = [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
        let records = |records| Remains {
            records,
            ..Remains::default()
        };

        drop(begin());
        assert_eq!(
            found(&path, Some(9)),
            (all.to_vec(), records(3)),
            "before the mark"
        );
        begin().mark(0, 10);
        assert_eq!(
            found(&path, Some(9)),
            (all.to_vec(), records(3)),
            "before the write"
        );
        begin().mark(0, 10);
        assert_eq!(
            found(&path, Some(11)),
            (all[2..].to_vec(), records(1)),
            "in the write"
        );
        begin().mark(0, 10);
        assert_eq!(
            found(&path, Some(12)),
            (vec![], records(0)),
            "before the release"
        );
        let journal = begin();
        journal.mark(0, 10);
        journal.release(18);
        drop(journal);
        assert_eq!(
            found(&path, Some(11)),
            (all[2..].to_vec(), records(1)),
            "behind the release"
        );
        assert_eq!(
            found(&path, Some(11)).1,
            records(1),
            "and again, until it is written"
        );
    }

    #[test]
    fn damage_is_cut_off_and_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let journal = Journal::open(&path, CAPACITY, None).expect("a journal").0;
        journal.append(b"good", NO_WAIT).expect("room");
        journal.append(b"to be damaged", NO_WAIT).expect("room");
        journal.append(b"behind it", NO_WAIT).expect("room");
        journal.note_loss(5);
        journal.note_loss(7);
        drop(journal);
        let mut bytes = fs::read(&path).expect("readable");
        let at = bytes
            .windows(13)
            .position(|window| window == b"to be damaged")
            .expect("there");
        bytes[at] ^= 1;
        fs::write(&path, bytes).expect("written");
        let (frames, remains) = found(&path, None);
        assert_eq!(frames, [b"good".to_vec()]);
        assert_eq!(
            remains,
            Remains {
                records: 1,
                damaged: 8 + 13 + 8 + 9,
                lost: Some((2, 5, 7))
            }
        );

        fs::write(&path, b"something else").expect("written");
        let (frames, remains) = found(&path, None);
        assert_eq!((frames, remains.damaged), (vec![], 14));
        assert!(
            dir.path().join("journal.damaged").exists(),
            "kept as evidence"
        );
    }
}
