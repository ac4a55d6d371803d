//! Indexes of files that the writer has left: which blocks of a file may hold a conversation, a user,
//! a session, a request or a tenant, which times they cover, and what the file comes to.
//!
//! An index is not trusted: whoever can write to the cache directory can forge one that hides records from
//! queries and from counts. It cannot hide a record from `verify`, `check` or the command `export`, which read every byte
//! and use no index. The checksums only find damage: an index that is missing, stale or damaged is not used, and the file is
//! scanned. Indexes are kept apart from the trail, in a cache directory of the reader's. Deleting them costs time and
//! nothing else.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::query::{Name, Query};
use super::stats::Stats;
use crate::error::{Error, Result};
use crate::format::durable::DurableFile;
use crate::format::files::{create_private_dir, read_at};

mod bloom;
mod build;

const MAGIC: &[u8; 8] = b"stidx\x00\x00\x03";
/// Bytes of the sum of a file's path that name its index.
const NAME: usize = 16;
/// About so many bytes of a file are one block.
const BLOCK: u64 = 256 << 10;
/// How much of the beginning and the end of a file binds its index to it.
const BOUND: u64 = 16 << 10;

/// Where indexes are kept.
#[derive(Clone, Debug)]
pub(super) struct Indexes {
    directory: Arc<PathBuf>,
}

/// What an index says first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Head {
    /// So that it can be removed when the file is.
    file: PathBuf,
    bound: Bound,
    lines: u64,
    /// Its first and its last `seq`, where every line can be read and every `seq` is greater than the
    /// one before.
    seqs: Option<(u64, u64)>,
    /// The first and the last time in it, in microseconds since 1970. `None`: it holds no record.
    times: Option<(i64, i64)>,
    /// It holds lines that cannot be read.
    unreadable: bool,
}

/// An index that describes its file as it is: three parts, each read when it is needed.
pub(super) struct Index {
    path: PathBuf,
    source: File,
    /// Where each part begins, its length and its checksum.
    parts: [(u64, usize, u32); PARTS],
    head: Head,
}

/// An index's parts: the head, the blocks with their filters, the counts.
const PARTS: usize = 3;
const BLOCKS: usize = 1;
const COUNTS: usize = 2;

/// Bytes in front of the parts: the magic number, then the length and the checksum of each part.
const FRONT: usize = MAGIC.len() + PARTS * (4 + 4);

/// What an index has counted of what is asked for.
pub(super) enum Counted {
    All(Box<Stats>),
    Nothing,
    /// The file must be read.
    Unknown,
}

/// What ties an index to its file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bound {
    length: u64,
    /// See [`state`].
    state: [i64; 4],
    ends: [u32; 2],
}

/// Some lines of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Block {
    offset: u64,
    length: u64,
    /// The number of its first line.
    line: u64,
    /// The first and the last time in it, in microseconds since 1970.
    from: i64,
    to: i64,
    /// It holds lines that cannot be read, which every query tells.
    unreadable: bool,
    /// Bytes of its filter.
    filter: u32,
}

/// What was built.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct IndexSummary {
    /// Files that have an index now.
    pub files: u64,
    /// Those of them that had none before.
    pub built: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Bytes of their indexes.
    pub index_bytes: u64,
}

impl IndexSummary {
    /// Takes in what another thread has built.
    pub(super) fn add(&mut self, other: IndexSummary) {
        self.files += other.files;
        self.built += other.built;
        self.bytes += other.bytes;
        self.index_bytes += other.index_bytes;
    }
}

impl Indexes {
    /// Indexes in a directory, which is made, readable by its owner only.
    pub(super) fn open(directory: &Path) -> Result<Indexes> {
        let failed = |error| Error::io("make the directory of indexes", directory, error);
        create_private_dir(directory).map_err(failed)?;
        Ok(Indexes {
            directory: Arc::new(directory.to_owned()),
        })
    }

    pub(super) fn failed(&self, what: &'static str, error: io::Error) -> Error {
        Error::io(what, &self.directory, error)
    }

    fn path(&self, file: &Path) -> PathBuf {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let sum = Sha256::digest(file.as_os_str().as_encoded_bytes());
        self.directory.join(HEXLOWER.encode(&sum[..NAME]))
    }

    /// The index of a file. `None`: there is none that fits the file, and one that does not fit is removed.
    pub(super) fn load(&self, file: &Path) -> Option<Index> {
        let path = self.path(file);
        let source = File::open(&path).ok()?;
        let bound = Bound::of(file).ok();
        let index = Index::read(&path, source);
        let index = index.filter(|index| bound.as_ref() == Some(&index.head.bound));
        if index.is_none() {
            discard(&path);
        }
        index
    }

    /// Whether a file has an index that is not older than what it describes. Whether that is
    /// to be trusted is seen when it is loaded.
    fn is_there(&self, file: &Path) -> bool {
        let changed = |path: &Path| Some(changed(&path.metadata().ok()?));
        changed(&self.path(file)).is_some_and(|made| Some(made) >= changed(file))
    }

    /// Removes the indexes of files that are gone, and what cannot be read: a trail's retention holds for
    /// what is kept of it here.
    pub(super) fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&*self.directory)? {
            let path = entry?.path();
            let is_index = path.file_name().is_some_and(|name| name.len() == 2 * NAME);
            if !is_index {
                continue;
            }
            // Another process may remove it too.
            let Ok(source) = File::open(&path) else {
                continue;
            };
            let index = Index::read(&path, source);
            if !index.is_some_and(|index| index.head.file.exists()) {
                discard(&path);
            }
        }
        Ok(())
    }

    /// Builds the index of a file, unless it has one: says whether it was built, and its size. `is_quick`:
    /// one that is there is believed to be sound for now.
    pub(super) fn build(
        &self,
        file: &Path,
        is_quick: bool,
        read: &AtomicU64,
    ) -> Result<(bool, u64)> {
        let path = self.path(file);
        let is_sound = match is_quick {
            true => self.is_there(file),
            false => self.load(file).is_some_and(|index| index.is_whole()),
        };
        if is_sound {
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            return Ok((false, size));
        }
        let failed = |error| Error::io("index", file, error);
        let bound = Bound::of(file).map_err(failed)?;
        let mut built = build::build(file, read)?;
        built.head.file = std::path::absolute(file).map_err(failed)?;
        // What was changed meanwhile was not all read as it is.
        if Bound::of(file).map_err(failed)? != bound {
            return Ok((false, 0));
        }
        built.head.bound = bound;
        let bytes = built.bytes().map_err(failed)?;
        write_private(&path, &bytes).map_err(|error| Error::io("write the index", &path, error))?;
        Ok((true, bytes.len() as u64))
    }
}

/// An index that is damaged is made again when it is wanted.
fn discard(path: &Path) {
    // One that stays is not used the next time either.
    let _ = fs::remove_file(path);
}

impl Index {
    fn read(path: &Path, source: File) -> Option<Index> {
        let front = read_exactly(&source, 0, FRONT)?;
        let mut rest = front.strip_prefix(MAGIC)?;
        let mut offset = FRONT as u64;
        let mut parts = [(0, 0, 0); PARTS];
        for part in &mut parts {
            let (length, sum);
            (length, rest) = rest.split_first_chunk::<4>()?;
            (sum, rest) = rest.split_first_chunk::<4>()?;
            let [length, sum] = [length, sum].map(|number| u32::from_le_bytes(*number));
            *part = (offset, length as usize, sum);
            offset += u64::from(length);
        }
        // Neither less nor more.
        if source.metadata().ok()?.len() != offset {
            return None;
        }
        Some(Index {
            path: path.to_owned(),
            head: serde_json::from_slice(&read_part(&source, parts[0])?).ok()?,
            source,
            parts,
        })
    }

    /// A part, as it was written.
    fn part(&self, part: usize) -> Option<Vec<u8>> {
        let bytes = read_part(&self.source, self.parts[part]);
        if bytes.is_none() {
            discard(&self.path);
        }
        bytes
    }

    fn is_whole(&self) -> bool {
        (1..PARTS).all(|part| self.part(part).is_some())
    }

    /// The blocks of the file that may hold what a query selects. `None`: the index is damaged.
    pub(super) fn blocks(&self, query: &Query) -> Option<Vec<Block>> {
        let key = |name: Name| move |id: &String| bloom::key(name as u8, id);
        let keys = query
            .ids()
            .map(|(name, ids)| ids.iter().map(key(name)).collect());
        let keys: Vec<Vec<u64>> = keys.collect();
        let (since, until) = times(query);
        let is_in_time = |from: i64, to: i64| {
            since.is_none_or(|since| to >= since) && until.is_none_or(|until| from < until)
        };
        let may_hold = |filter: &[u8]| {
            keys.iter()
                .all(|any| any.iter().any(|key| bloom::may_hold(filter, *key)))
        };
        let times = self.head.times;
        let is_wanted = times.is_some_and(|(from, to)| is_in_time(from, to));
        if !is_wanted && !self.head.unreadable {
            return Some(Vec::new());
        }
        let part = self.part(BLOCKS)?;
        let (blocks, mut filters) = split_json(&part)?;
        let mut wanted: Vec<Block> = Vec::new();
        for block in serde_json::from_slice::<Vec<Block>>(blocks).ok()? {
            let filter;
            (filter, filters) = filters.split_at_checked(block.filter as usize)?;
            // A forged block reads no more memory than there are bytes in the file.
            let end = block.offset.checked_add(block.length)?;
            if end > self.head.bound.length {
                return None;
            }
            let is_wanted = is_wanted && is_in_time(block.from, block.to) && may_hold(filter);
            if !(block.unreadable || is_wanted) {
                continue;
            }
            // Neighbours are read at once, as long as they are not many.
            match wanted.last_mut() {
                Some(last)
                    if last.offset + last.length == block.offset && last.length < 16 * BLOCK =>
                {
                    last.length += block.length;
                }
                _ => wanted.push(block),
            }
        }
        Some(wanted)
    }

    /// Where it ends: bytes and lines.
    pub(super) fn end(&self) -> (u64, u64) {
        (self.head.bound.length, self.head.lines)
    }

    pub(super) fn seqs(&self) -> Option<(u64, u64)> {
        self.head.seqs
    }

    /// What a query for nothing but times selects of the file.
    pub(super) fn counted(&self, query: &Query) -> Counted {
        let (since, until) = times(query);
        let Some((from, to)) = self.head.times else {
            return Counted::Nothing;
        };
        if since.is_some_and(|since| to < since) || until.is_some_and(|until| from >= until) {
            return Counted::Nothing;
        }
        // Times are cut to microseconds: those of the ends themselves are left to the records.
        let is_whole = since.is_none_or(|since| from > since)
            && until.is_none_or(|until| to.saturating_add(1) < until);
        let counts = || serde_json::from_slice(&self.part(COUNTS)?).ok();
        match is_whole.then(counts).flatten() {
            Some(stats) => Counted::All(Box::new(stats)),
            None => Counted::Unknown,
        }
    }
}

/// A length, so many bytes of JSON, and what stands behind them.
fn split_json(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// A part, if its checksum holds.
fn read_part(file: &File, (begin, length, sum): (u64, usize, u32)) -> Option<Vec<u8>> {
    read_exactly(file, begin, length)
        .filter(|bytes| crate::format::internal::checksum(bytes) == sum)
}

fn read_exactly(file: &File, offset: u64, length: usize) -> Option<Vec<u8>> {
    // A length that was forged asks for no more than there is.
    if offset + length as u64 > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; length];
    let read = read_at(file, &mut bytes, offset).ok()?;
    (read == length).then_some(bytes)
}

impl Block {
    /// The number of its first line.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Its bytes in the file.
    pub(super) fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.length
    }
}

impl Bound {
    fn of(file: &Path) -> io::Result<Bound> {
        let open = File::open(file)?;
        let metadata = open.metadata()?;
        let length = metadata.len();
        let part = |offset: u64| {
            let mut bytes = vec![0; BOUND.min(length) as usize];
            let read = read_at(&open, &mut bytes, offset)?;
            bytes.truncate(read);
            io::Result::Ok(crate::format::internal::checksum(&bytes))
        };
        Ok(Bound {
            length,
            state: state(&metadata),
            ends: [part(0)?, part(length.saturating_sub(BOUND))?],
        })
    }
}

/// When a file was last changed, in seconds and nanoseconds.
fn changed(metadata: &fs::Metadata) -> (i64, i64) {
    let [_, _, seconds, nanoseconds] = state(metadata);
    (seconds, nanoseconds)
}

/// Which file it is, and when it was last changed. No call sets the time of a change: whoever writes
/// into the middle of a file changes it.
#[cfg(unix)]
fn state(metadata: &fs::Metadata) -> [i64; 4] {
    use std::os::unix::fs::MetadataExt as _;
    let (device, inode) = (metadata.dev() as i64, metadata.ino() as i64);
    [device, inode, metadata.ctime(), metadata.ctime_nsec()]
}

#[cfg(not(unix))]
fn state(metadata: &fs::Metadata) -> [i64; 4] {
    let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
    let modified = metadata.modified().ok().and_then(since).unwrap_or_default();
    [
        0,
        0,
        modified.as_secs() as i64,
        i64::from(modified.subsec_nanos()),
    ]
}

/// From and to which time a query selects, in microseconds since 1970.
fn times(query: &Query) -> (Option<i64>, Option<i64>) {
    let micros = |time: DateTime<Utc>| time.timestamp_micros();
    let (since, until) = query.span();
    // A block's times are cut to microseconds, as the trail's are.
    (
        since.map(micros),
        until.map(|until| micros(until).saturating_add(1)),
    )
}

/// Writes a file of the cache. It needs no sync: one that a loss of power damages is built again.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = DurableFile::shared(path)?;
    draft.write_all(bytes)?;
    draft.replace_cache()
}
