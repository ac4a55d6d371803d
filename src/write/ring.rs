//! The bytes under the journal: a header of words and a ring, in a mapped file that
//! outlives the process, or in memory where a trail has no directory.
//!
//! One thread pushes and another takes out, and neither waits for the other. What they share is two positions: from the
//! head to the tail bytes are only read, and the others belong to who pushes. Only this file sets the two.
//!
//! It has `unsafe` because two threads work on different parts of one mapping. The safe crates for a ring of two ends
//! (rtrb, ringbuf) allocate its memory themselves, and cannot be laid over a file. Only this file reads or writes the
//! mapping, and every slice of it is bounded by an assertion on head and tail in the function that makes it.
//!
//! It owns the crate's only mapping. The map is of a file that this process has made or found, holds the lock for,
//! and that was written from end to end before it was mapped: a full disk shows there, as an error, and not later as
//! SIGBUS. LIMIT: on a file system that copies on write it may show later all the same. And whoever may write the
//! directory can cut the file under the map, and the process dies of SIGBUS then; they could as well remove the trail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::ops::Deref;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use memmap2::{MmapMut, MmapOptions, MmapRaw};

use crate::trail::durable::DurableFile;

/// The header, before the ring.
const HEADER: usize = 4096;

const MAGIC: u64 = u64::from_le_bytes(*b"stinger4");

/// The words of the header, behind the magic number, the capacity, the head and the tail.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum Word {
    /// Entries that were given consecutive seqs: where the first begins, how many there are, and
    /// the first of the seqs.
    MarkPosition = 4,
    MarkCount,
    MarkSeq,
    /// Records lost and not yet told: how many, and from when to when, in microseconds.
    Lost,
    LostFrom,
    LostTo,
}

/// Everything before this position was released.
const HEAD: usize = 2;
/// Everything before this position was appended.
const TAIL: usize = 3;

/// Both ends of a ring. There is one of each, and they may go to different threads.
pub(super) struct Ring {
    pub(super) producer: Producer,
    pub(super) consumer: Consumer,
}

/// The end that entries are pushed to. Who has it exclusively moves the tail, and is the only one to touch the bytes
/// from there to a capacity behind the head.
pub(super) struct Producer(Arc<Map>);

/// The end that entries are taken from. Who has it exclusively moves the head. Nobody writes from there to the
/// tail.
pub(super) struct Consumer(Arc<Map>);

/// The bytes, and the words in front of them, which any thread may read.
pub(super) struct Map {
    bytes: MmapRaw,
    capacity: usize,
    file: Option<File>,
}

impl Deref for Producer {
    type Target = Map;
    fn deref(&self) -> &Map {
        &self.0
    }
}

impl Deref for Consumer {
    type Target = Map;
    fn deref(&self) -> &Map {
        &self.0
    }
}

impl Ring {
    pub(super) fn in_memory(capacity: usize) -> io::Result<Ring> {
        let map = MmapMut::map_anon(HEADER + capacity)?;
        Ok(Ring::new(map, None))
    }

    /// Sets where it begins and ends.
    pub(super) fn set_ends(&mut self, head: u64, tail: u64) {
        assert!(head <= tail && tail - head <= self.consumer.capacity as u64);
        self.consumer.store(HEAD, head);
        self.consumer.store(TAIL, tail);
    }

    fn new(map: MmapMut, file: Option<File>) -> Ring {
        let capacity = map.len() - HEADER;
        let bytes = map.into();
        let map = Arc::new(Map {
            bytes,
            capacity,
            file,
        });
        Ring {
            producer: Producer(map.clone()),
            consumer: Consumer(map),
        }
    }

    /// Makes a ring in a new file, which is written from end to end.
    pub(super) fn create(path: &Path, capacity: usize) -> io::Result<Ring> {
        Ring::create_with(path, capacity, |draft| {
            let mut header = [0; HEADER];
            header[..8].copy_from_slice(&MAGIC.to_le_bytes());
            header[8..16].copy_from_slice(&(capacity as u64).to_le_bytes());
            draft.write_all(&header)?;
            io::copy(&mut io::repeat(0).take(capacity as u64), draft).map(drop)
        })
    }

    /// Makes a ring in a new file that holds all that another one does. Both its ends, so that nobody moves what
    /// is copied.
    pub(super) fn create_like(
        path: &Path,
        producer: &mut Producer,
        consumer: &mut Consumer,
    ) -> io::Result<Ring> {
        debug_assert!(Arc::ptr_eq(&producer.0, &consumer.0));
        let map = &producer.0;
        #[expect(unsafe_code, reason = "memmap2 gives a shared mapping as a pointer")]
        // SAFETY: so many bytes are mapped for as long as the ends live, and nobody writes: this function borrows both.
        let bytes = unsafe { slice::from_raw_parts(map.bytes.as_ptr(), map.bytes.len()) };
        Ring::create_with(path, map.capacity, |draft| draft.write_all(bytes))
    }

    /// A process that dies, or whose disk is full, before the ring is complete leaves no file of that name.
    fn create_with(
        path: &Path,
        capacity: usize,
        write: impl FnOnce(&mut DurableFile) -> io::Result<()>,
    ) -> io::Result<Ring> {
        let made = DurableFile::exclusive(path).and_then(|mut draft| {
            write(&mut draft)?;
            draft.replace()
        });
        let file = made.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                no_room(&error, HEADER + capacity)
            }
            _ => error,
        })?;
        Ok(Ring::new(map(&file, capacity)?, Some(file)))
    }

    /// Opens the ring in a file. `None`: there is no file. One that holds no ring of this layout is an error.
    pub(super) fn open(path: &Path) -> io::Result<Option<Ring>> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let length = file.metadata()?.len();
        if length < HEADER as u64 {
            return Err(other_layout());
        }
        let mut head = [0; 16];
        file.read_exact(&mut head)?;
        let [magic, capacity] = [0, 8].map(|at| {
            let bytes = head[at..at + 8].first_chunk().copied();
            u64::from_le_bytes(bytes.unwrap_or_default())
        });
        let is_sized = length == (HEADER as u64).saturating_add(capacity);
        let capacity = usize::try_from(capacity).map_err(|_| other_layout())?;
        if magic != MAGIC || !is_sized || capacity == 0 {
            return Err(other_layout());
        }
        let map = map(&file, capacity)?;
        let ring = Ring::new(map, Some(file));
        // No ring comes so far: what is added to a position does not overflow.
        let is_sound = |position| position < 1 << 62;
        match is_sound(ring.consumer.head()) && is_sound(ring.consumer.tail()) {
            true => Ok(Some(ring)),
            false => Err(other_layout()),
        }
    }
}

/// Maps the file of a ring.
fn map(file: &File, capacity: usize) -> io::Result<MmapMut> {
    let mut options = MmapOptions::new();
    options.len(HEADER + capacity);
    #[expect(
        unsafe_code,
        reason = "no crate maps a file safely: another process may change it"
    )]
    // SAFETY: only the writer that holds the trail's lock changes the file, and it has blocks on the disk for each
    // byte. What another process may do all the same is in the head of this file.
    let mut map = unsafe { options.map_mut(file)? };
    // Each page is written once, so that no emitting thread meets its first page fault.
    for page in map.chunks_mut(4096) {
        page[0] = std::hint::black_box(page[0]);
    }
    Ok(map)
}

impl Map {
    /// The file that the ring is in, if it is in one.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    pub(super) fn head(&self) -> u64 {
        self.load(HEAD)
    }

    #[inline]
    pub(super) fn tail(&self) -> u64 {
        self.load(TAIL)
    }

    /// Bytes that are not released.
    #[inline]
    pub(super) fn used(&self) -> u64 {
        self.tail() - self.head()
    }

    pub(super) fn get(&self, word: Word) -> u64 {
        self.load(word as usize)
    }

    pub(super) fn set(&self, word: Word, value: u64) {
        self.store(word as usize, value);
    }

    /// Sees what was written before the word was stored.
    #[inline]
    fn load(&self, word: usize) -> u64 {
        u64::from_le(self.word(word).load(Ordering::Acquire))
    }

    /// A process that is killed leaves the word behind everything that was written
    /// before it, and before everything that is written after it.
    ///
    /// It is killed between two of its instructions, and what stands before them is in memory or on
    /// its way there: only the compiler has to keep the order.
    #[inline]
    fn store(&self, word: usize, value: u64) {
        compiler_fence(Ordering::SeqCst);
        self.word(word).store(value.to_le(), Ordering::Release);
        compiler_fence(Ordering::SeqCst);
    }

    #[inline]
    fn word(&self, word: usize) -> &AtomicU64 {
        #[expect(
            unsafe_code,
            reason = "the standard library has no safe atomics in a mapping"
        )]
        // SAFETY: `word` is below `HEADER / 8`, and the header is mapped from the beginning of a page on, so the word is
        // aligned. All accesses to the header while it is shared are atomic and come from here.
        unsafe {
            AtomicU64::from_ptr(self.bytes.as_mut_ptr().cast::<u64>().add(word))
        }
    }

    /// Where a position is in the ring, and how many of the `length` bytes from there on lie before its end.
    #[inline]
    fn place(&self, position: u64, length: usize) -> (usize, usize) {
        let at = (position % self.capacity as u64) as usize;
        (at, length.min(self.capacity - at))
    }

    #[inline]
    fn byte(&self, at: usize) -> *mut u8 {
        self.bytes.as_mut_ptr().wrapping_add(HEADER + at)
    }
}

impl Producer {
    /// Adds a few bytes and others behind them, for which there must be room.
    #[inline]
    pub(super) fn push<const N: usize>(&mut self, head: &[u8; N], bytes: &[u8]) {
        let tail = self.tail();
        let length = N + bytes.len();
        let free = self.free(tail, length);
        if free.len() == length {
            free[..N].copy_from_slice(head);
            free[N..].copy_from_slice(bytes);
        } else {
            self.push_round(tail, head);
            self.push_round(tail + N as u64, bytes);
        }
        self.store(TAIL, tail + length as u64);
    }

    /// Copies bytes in at a position, round the end where need be.
    #[cold]
    fn push_round(&mut self, position: u64, bytes: &[u8]) {
        let free = self.free(position, bytes.len());
        let (first, rest) = bytes.split_at(free.len());
        free.copy_from_slice(first);
        let position = position + first.len() as u64;
        self.free(position, rest.len()).copy_from_slice(rest);
    }

    /// `length` free bytes from a position on, or as many of them as lie before the end of the ring.
    #[inline]
    fn free(&mut self, position: u64, length: usize) -> &mut [u8] {
        let end = self.head() + self.capacity as u64;
        assert!(self.tail() <= position && position + length as u64 <= end);
        let (at, length) = self.place(position, length);
        #[expect(unsafe_code, reason = "memmap2 gives a shared mapping as a pointer")]
        // SAFETY: `place` keeps the bytes inside the map, which lives as long as this end. They lie between the tail and
        // a capacity after the head, which only this end touches, and it is borrowed. The other end only moves the head
        // forward, which adds to them.
        unsafe {
            slice::from_raw_parts_mut(self.byte(at), length)
        }
    }

    /// Has an empty ring go on at a position.
    pub(super) fn start_over(&mut self, _consumer: &mut Consumer, position: u64) {
        debug_assert_eq!(self.used(), 0);
        // The head first: the next process takes a head behind the tail for that of an empty ring.
        self.store(HEAD, position);
        self.store(TAIL, position);
    }
}

impl Consumer {
    /// Appends `length` bytes from a position to `out`. They must lie between head and tail.
    pub(super) fn copy_out(&self, position: u64, length: usize, out: &mut Vec<u8>) {
        let end = position + length as u64;
        assert!(self.head() <= position && end <= self.tail());
        let (at, first) = self.place(position, length);
        for (at, length) in [(at, first), (0, length - first)] {
            #[expect(unsafe_code, reason = "memmap2 gives a shared mapping as a pointer")]
            // SAFETY: `place` keeps the bytes inside the map, which lives as long as this end. They lie between head and
            // tail, where nobody writes: the other end writes behind the tail, and this one, which moves the head, is
            // borrowed.
            let bytes = unsafe { slice::from_raw_parts(self.byte(at), length) };
            out.extend_from_slice(bytes);
        }
    }

    /// Gives what is before a position to the other end.
    pub(super) fn release(&mut self, position: u64) {
        debug_assert!(self.head() <= position && position <= self.tail());
        self.store(HEAD, position);
    }
}

fn no_room(error: &io::Error, bytes: usize) -> io::Error {
    let why = format!("{error}; the journal takes {bytes} bytes there, fewer with buffer(…)");
    io::Error::new(error.kind(), why)
}

fn other_layout() -> io::Error {
    let why = "it is no journal of this version, or it is damaged, and was left as it is; \
        open the trail with the version that wrote it, or move the journal away: what it holds is then not in the trail";
    io::Error::new(io::ErrorKind::InvalidData, why)
}
