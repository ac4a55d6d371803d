//! The bytes under the journal: a header of words and a ring, in a mapped file that
//! outlives the process, or in memory where a trail has no directory.
//!
//! It belongs to whoever holds the journal's lock. What another process finds after this one was killed is what the
//! instructions up to then have stored, so only the compiler must keep the order of the stores (`Ring::store`).
//!
//! It owns the crate's only mapping. The map is of a file that this process has made or found, holds the lock for,
//! and that was written from end to end before it was mapped: a full disk shows there, as an error, and not later as
//! SIGBUS. LIMIT: on a file system that copies on write it may show later all the same. And whoever may write the
//! directory can cut the file under the map, and the process dies of SIGBUS then; they could as well remove the trail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};

use memmap2::{MmapMut, MmapOptions};

use crate::format::internal::DurableFile;

/// The header, before the ring.
const HEADER: usize = 4096;

const MAGIC: u64 = u64::from_le_bytes(*b"stinger7");

/// The words of the header, behind the magic number, the capacity, the head and the tail.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Word {
    /// Entries that were given consecutive seqs: where the first begins, how many there are, and
    /// the first of the seqs.
    MarkPosition = 4,
    MarkCount,
    MarkSeq,
    /// Records lost and not yet recorded: how many, and from when to when, in microseconds.
    Lost,
    LostFrom,
    LostTo,
}

/// Everything before this position was released.
const HEAD: usize = 2;
/// Everything before this position was appended.
const TAIL: usize = 3;

pub(crate) struct Ring {
    /// The header and the bytes of the ring.
    map: MmapMut,
    capacity: usize,
    file: Option<Arc<File>>,
}

impl Ring {
    pub(crate) fn in_memory(capacity: usize) -> io::Result<Ring> {
        let map = MmapMut::map_anon(HEADER + capacity)?;
        Ok(Ring::new(map, None))
    }

    fn new(map: MmapMut, file: Option<File>) -> Ring {
        Ring {
            capacity: map.len() - HEADER,
            map,
            file: file.map(Arc::new),
        }
    }

    /// Makes a ring in a new file, which is written from end to end.
    pub(crate) fn create(path: &Path, capacity: usize) -> io::Result<Ring> {
        Ring::create_with(path, capacity, |draft| {
            let mut header = [0; HEADER];
            header[..8].copy_from_slice(&MAGIC.to_le_bytes());
            header[8..16].copy_from_slice(&(capacity as u64).to_le_bytes());
            draft.write_all(&header)?;
            io::copy(&mut io::repeat(0).take(capacity as u64), draft).map(drop)
        })
    }

    /// Makes a ring in a new file that holds all that another one does.
    pub(crate) fn create_like(path: &Path, ring: &Ring) -> io::Result<Ring> {
        Ring::create_with(path, ring.capacity, |draft| draft.write_all(&ring.map))
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
    pub(crate) fn open(path: &Path) -> io::Result<Option<Ring>> {
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
        match is_sound(ring.head()) && is_sound(ring.tail()) {
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

impl Ring {
    /// The file that the ring is in, if it is in one.
    pub(crate) fn file(&self) -> Option<Arc<File>> {
        self.file.clone()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn head(&self) -> u64 {
        self.load(HEAD)
    }

    pub(crate) fn tail(&self) -> u64 {
        self.load(TAIL)
    }

    /// Sets where it begins and ends. The head first: the next process takes a head after the tail for that of an empty
    /// ring that starts over.
    pub(crate) fn set_ends(&mut self, head: u64, tail: u64) {
        assert!(head <= tail && tail - head <= self.capacity as u64);
        self.store(HEAD, head);
        self.store(TAIL, tail);
    }

    /// Bytes that are not released.
    pub(crate) fn used(&self) -> u64 {
        self.tail() - self.head()
    }

    pub(crate) fn get(&self, word: Word) -> u64 {
        self.load(word as usize)
    }

    pub(crate) fn set(&mut self, word: Word, value: u64) {
        self.store(word as usize, value);
    }

    #[inline]
    fn load(&self, word: usize) -> u64 {
        let (words, _) = self.map[..HEADER].as_chunks::<8>();
        u64::from_le_bytes(words[word])
    }

    /// A process that is killed leaves the word after everything that was written before it, and before everything that is
    /// written after it. Eight aligned bytes are stored by one instruction.
    #[inline]
    fn store(&mut self, word: usize, value: u64) {
        let (words, _) = self.map[..HEADER].as_chunks_mut::<8>();
        compiler_fence(Ordering::SeqCst);
        words[word] = value.to_le_bytes();
        compiler_fence(Ordering::SeqCst);
    }

    /// Where `length` bytes from a position on are in the map: up to the end of the ring, and from its beginning on.
    #[inline]
    fn ranges(&self, position: u64, length: usize) -> (Range<usize>, Range<usize>) {
        let at = (position % self.capacity as u64) as usize;
        let first = length.min(self.capacity - at);
        let rest = HEADER..HEADER + length - first;
        (HEADER + at..HEADER + at + first, rest)
    }

    /// Adds a few bytes and others after them, for which there must be room.
    #[inline]
    pub(crate) fn push<const N: usize>(&mut self, head: &[u8; N], bytes: &[u8]) {
        let tail = self.tail();
        let length = N + bytes.len();
        assert!(self.used() as usize + length <= self.capacity);
        self.write(tail, head);
        self.write(tail + N as u64, bytes);
        self.store(TAIL, tail + length as u64);
    }

    #[inline]
    fn write(&mut self, position: u64, bytes: &[u8]) {
        let (first, rest) = self.ranges(position, bytes.len());
        let (to_end, from_begin) = bytes.split_at(first.len());
        self.map[first].copy_from_slice(to_end);
        self.map[rest].copy_from_slice(from_begin);
    }

    /// Appends `length` bytes from a position to `out`. They must lie between head and tail.
    pub(crate) fn copy_out(&self, position: u64, length: usize, out: &mut Vec<u8>) {
        assert!(self.head() <= position && position + length as u64 <= self.tail());
        let (first, rest) = self.ranges(position, length);
        out.extend_from_slice(&self.map[first]);
        out.extend_from_slice(&self.map[rest]);
    }

    /// Releases what is before a position. Entries go on at `next`, which is another position only if none are left.
    pub(crate) fn release(&mut self, position: u64, next: u64) {
        debug_assert!(self.head() <= position && position <= self.tail());
        match next == position {
            true => self.store(HEAD, position),
            false => self.set_ends(next, next),
        }
    }
}

fn no_room(error: &io::Error, bytes: usize) -> io::Error {
    let why =
        format!("{error}; the journal takes {bytes} bytes there, fewer with buffer_capacity(…)");
    io::Error::new(error.kind(), why)
}

fn other_layout() -> io::Error {
    let why = "it is no journal of this version, or it is damaged, and was left as it is; \
        open the trail with the version that wrote it, or move the journal away: what it holds is then not in the trail";
    io::Error::new(io::ErrorKind::InvalidData, why)
}
