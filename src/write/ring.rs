//! The bytes under the journal: a header of words and a ring, in a mapped file that
//! outlives the process, or in memory where a trail has no directory.
//!
//! This file owns the crate's only mapping. The map is of a
//! file that this process has made or found, holds the lock for, and that was written from end
//! to end before it was mapped: a full disk shows there, as an error, and not later as SIGBUS.
//! LIMIT: on a file system that copies on write it may show later all the same. And whoever may write the directory can cut the file under the map, and the
//! process dies of SIGBUS then; they could as well remove the trail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};

use memmap2::{MmapMut, MmapOptions};

/// The header, before the ring.
const HEADER: usize = 4096;

const MAGIC: u64 = u64::from_le_bytes(*b"stinger2");

/// The words of the header, behind the magic number and the capacity.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum Word {
    /// Everything before this position was released.
    Head = 2,
    /// Everything before this position was appended.
    Tail,
    /// Entries that were given consecutive seqs: where the first begins, how many there are, and
    /// the first of the seqs.
    MarkPosition,
    MarkCount,
    MarkSeq,
    /// Records lost and not yet told: how many, and from when to when, in microseconds.
    Lost,
    LostFrom,
    LostTo,
}

pub(super) struct Ring {
    bytes: Bytes,
    capacity: usize,
}

enum Bytes {
    Memory(Vec<u8>),
    Mapped(MmapMut, Arc<File>),
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Memory(bytes) => bytes,
            Bytes::Mapped(bytes, _) => bytes,
        }
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Bytes::Memory(bytes) => bytes,
            Bytes::Mapped(bytes, _) => bytes,
        }
    }
}

impl Ring {
    pub(super) fn in_memory(capacity: usize) -> Ring {
        Ring {
            bytes: Bytes::Memory(vec![0; HEADER + capacity]),
            capacity,
        }
    }

    /// Makes a ring in a new file.
    ///
    /// It gets its name when it is whole: a process that dies before leaves none, and one that has no room for
    /// it takes none.
    pub(super) fn create(path: &Path, capacity: usize) -> io::Result<Ring> {
        Ring::create_with(path, capacity, |_| {})
    }

    /// Makes a ring in a new file that holds all that another one does.
    pub(super) fn create_like(path: &Path, other: &Ring) -> io::Result<Ring> {
        let copy = |ring: &mut Ring| ring.bytes.copy_from_slice(&other.bytes);
        Ring::create_with(path, other.capacity, copy)
    }

    fn create_with(path: &Path, capacity: usize, fill: impl FnOnce(&mut Ring)) -> io::Result<Ring> {
        let mut begun = path.as_os_str().to_owned();
        begun.push(".new");
        let begun = Path::new(&begun);
        let made = Ring::reserve(begun, capacity).and_then(|file| {
            let mut ring = Ring::map(file, capacity)?;
            fill(&mut ring);
            std::fs::rename(begun, path)?;
            Ok(ring)
        });
        made.map_err(|error| {
            // What is half written would fill the disk for whoever tries again.
            let _ = std::fs::remove_file(begun);
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    no_room(&error, HEADER + capacity)
                }
                _ => error,
            }
        })
    }

    /// Writes an empty ring from end to end.
    fn reserve(path: &Path, capacity: usize) -> io::Result<File> {
        let mut file = open(path, true)?;
        let mut header = vec![0; HEADER];
        header[..8].copy_from_slice(&MAGIC.to_le_bytes());
        header[8..16].copy_from_slice(&(capacity as u64).to_le_bytes());
        file.write_all(&header)?;
        let zeros = vec![0; 64 << 10];
        let mut left = capacity;
        while left > 0 {
            let size = left.min(zeros.len());
            file.write_all(&zeros[..size])?;
            left -= size;
        }
        Ok(file)
    }

    /// Opens the ring in a file. `None`: the file holds none.
    pub(super) fn open(path: &Path) -> io::Result<Option<Ring>> {
        let mut file = open(path, false)?;
        let mut head = [0; 16];
        if file.metadata()?.len() < HEADER as u64 {
            return Ok(None);
        }
        file.read_exact(&mut head)?;
        let word = |at: usize| {
            let bytes = head[at..at + 8].first_chunk().copied();
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        let capacity = usize::try_from(word(8)).unwrap_or(usize::MAX);
        let is_sized = file.metadata()?.len() == (HEADER as u64).saturating_add(word(8));
        if word(0) != MAGIC || !is_sized || capacity == 0 {
            return Ok(None);
        }
        let ring = Ring::map(file, capacity)?;
        // No ring comes so far: what is added to a position does not overflow.
        let is_sound = |word| ring.get(word) < 1 << 62;
        let is_sound = is_sound(Word::Head) && is_sound(Word::Tail);
        Ok(is_sound.then_some(ring))
    }

    fn map(file: File, capacity: usize) -> io::Result<Ring> {
        let mut options = MmapOptions::new();
        options.len(HEADER + capacity);
        #[expect(unsafe_code, reason = "there is no safe way to map a file")]
        // SAFETY: the file is the writer's own, under its lock; see the head of this file.
        let mut map = unsafe { options.map_mut(&file)? };
        // Each page is written once, so that no emitting thread meets its first page fault.
        for page in map.chunks_mut(4096) {
            page[0] = std::hint::black_box(page[0]);
        }
        Ok(Ring {
            bytes: Bytes::Mapped(map, Arc::new(file)),
            capacity,
        })
    }

    /// The file that the ring is in, if it is in one.
    pub(super) fn file(&self) -> Option<Arc<File>> {
        match &self.bytes {
            Bytes::Memory(_) => None,
            Bytes::Mapped(_, file) => Some(file.clone()),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    pub(super) fn get(&self, word: Word) -> u64 {
        let at = word as usize * 8;
        let bytes = self.bytes[at..at + 8].first_chunk().copied();
        u64::from_le_bytes(bytes.unwrap_or_default())
    }

    /// Sets a word. A process that is killed leaves it behind everything that was written
    /// before it, and before everything that is written after it.
    ///
    /// It is killed between two of its instructions, and what stands before them is in memory or on
    /// its way there: only the compiler has to keep the order. Other threads come through a lock.
    #[inline]
    pub(super) fn set(&mut self, word: Word, value: u64) {
        let at = word as usize * 8;
        compiler_fence(Ordering::SeqCst);
        self.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        compiler_fence(Ordering::SeqCst);
    }

    /// Copies a few bytes in at a position and others behind them, round the end where need be.
    #[inline]
    pub(super) fn copy_in<const N: usize>(&mut self, position: u64, head: &[u8; N], bytes: &[u8]) {
        let at = (position % self.capacity as u64) as usize;
        let end = at + N + bytes.len();
        match self.bytes[HEADER..].get_mut(at..end) {
            Some(room) => {
                room[..N].copy_from_slice(head);
                room[N..].copy_from_slice(bytes);
                // The next is mostly as long as this one.
                self.fetch(end, N + bytes.len());
            }
            None => {
                self.copy_round(at, head);
                self.copy_round((at + N) % self.capacity, bytes);
            }
        }
    }

    /// Has the processor fetch what will be written next, while the thread goes on. The worker has read it from
    /// here, so it lies in another core's cache, and to wait for it takes as long as all else that an event does.
    #[inline]
    fn fetch(&self, at: usize, length: usize) {
        /// Of a longer entry the rest is left to the processor.
        const MOST: usize = 2 << 10;
        const LINE: usize = 64;
        if let Some(next) = self.bytes[HEADER..].get(at..at + length.min(MOST)) {
            next.iter().step_by(LINE).for_each(fetch_to_write);
        }
    }

    #[cold]
    fn copy_round(&mut self, at: usize, bytes: &[u8]) {
        let first = bytes.len().min(self.capacity - at);
        let ring = &mut self.bytes[HEADER..];
        ring[at..at + first].copy_from_slice(&bytes[..first]);
        ring[..bytes.len() - first].copy_from_slice(&bytes[first..]);
    }

    /// Appends `length` bytes from a position to `out`.
    pub(super) fn copy_out(&self, position: u64, length: usize, out: &mut Vec<u8>) {
        let at = (position % self.capacity as u64) as usize;
        let first = length.min(self.capacity - at);
        let ring = &self.bytes[HEADER..];
        out.extend_from_slice(&ring[at..at + first]);
        out.extend_from_slice(&ring[..length - first]);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn fetch_to_write(byte: &u8) {
    #[expect(
        unsafe_code,
        reason = "the intrinsic fetches to read where the processor is not known to fetch to write"
    )]
    // SAFETY: it is a hint. It changes nothing and cannot fault, and a processor that does not have it
    // passes it over.
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) byte,
            options(nostack, preserves_flags, readonly)
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn fetch_to_write(_byte: &u8) {}

fn no_room(error: &io::Error, bytes: usize) -> io::Error {
    let why = format!("{error}; the journal takes {bytes} bytes there, fewer with buffer(…)");
    io::Error::new(error.kind(), why)
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(create)
        .truncate(create);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
