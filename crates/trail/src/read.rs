//! Reading a trail: its records, in order, while it is being written.
//!
//! ```no_run
//! use stinger_audit_trail::read::{Query, Trail};
//!
//! # fn main() -> Result<(), stinger_audit_trail::Error> {
//! let trail = Trail::open("./logs/audit.log")?;
//! for record in trail.query(Query::new().user_id("u-7").decision("block").last_hour()) {
//!     match record {
//!         Ok(record) => println!("{} {}", record.timestamp, record.event_type),
//!         Err(unreadable) => eprintln!("{unreadable}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! A reader opens files read-only and changes nothing. What cannot be read is told, with
//! file, line and byte, and the rest is still returned.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::format::TrailName;
use crate::format::pattern::Pattern;
pub use crate::record::Outcome;
use index::Indexes;
use reverse_lines::ReverseLines;

mod check;
mod conversation;
mod export;
mod file;
mod inclusion;
mod index;
mod line_mapper;
mod parallel_scan;
mod prefilter;
mod query;
mod reverse_lines;
mod scan;
mod stats;
mod verify;

pub use check::{CheckReport, Finding, FindingKind};
pub use conversation::{Completeness, Conversation, Missing, Turn};
#[doc(hidden)]
pub use conversation::{RecordIdentity, record_identity};
pub use export::ExportSummary;
#[cfg(feature = "csv")]
pub use export::{Csv, Rows};
pub use inclusion::InclusionProof;
pub use index::IndexSummary;
pub use line_mapper::Line;
pub use query::Query;
pub use scan::{Lines, Records};
pub use stats::{Histogram, Hour, Stats};
pub use verify::{Tampering, TamperingKind, Verification, VerifyOptions, VerifyReport};

/// A trail, opened for reading by the name that it is written under.
#[derive(Clone, Debug)]
pub struct Trail {
    names: Vec<TrailName>,
    indexes: Option<Indexes>,
}

impl Trail {
    /// Opens the trail `./logs/audit.log` with all its files, or a single file of one; or
    /// the trails of several processes by their pattern, such as `./logs/audit.{pid}.log`.
    ///
    /// # Errors
    ///
    /// The name is none, the directory cannot be read, or there is no file of that trail.
    pub fn open(path: impl AsRef<Path>) -> Result<Trail> {
        let path = path.as_ref();
        let pattern = Pattern::parse(path)?;
        // The name also says what is wrong with a path that is none.
        let name = TrailName::new(path)?;
        let directory = name.directory();
        let names = match &pattern {
            Some(pattern) => pattern.names(),
            None => name.has_files().map(|has_files| match has_files {
                true => vec![name.clone()],
                false => Vec::new(),
            }),
        };
        let directory_exists = match names {
            Ok(names) if !names.is_empty() => {
                return Ok(Trail {
                    names,
                    indexes: None,
                });
            }
            Ok(_) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(Error::io("read the directory", directory, error)),
        };
        Err(Error::from(ErrorKind::NoTrail {
            trail: path.to_owned(),
            directory: directory.to_owned(),
            directory_exists,
        }))
    }

    /// The records among the lines of a reader, such as what a container wrote to stdout. Lines that
    /// are no records come as errors where they stand.
    ///
    /// ```
    /// use stinger_audit_trail::read::{Query, Trail};
    ///
    /// let logs = "starting\n{\"seq\":0,\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"user_prompt\"}\n";
    /// let records: Vec<_> = Trail::read_lines(logs.as_bytes(), Query::new()).collect();
    /// assert!(records[0].is_err() && records[1].is_ok());
    /// ```
    pub fn read_lines(lines: impl std::io::Read + Send + 'static, query: Query) -> Lines {
        Lines::of_reader(Box::new(lines), query)
    }

    /// The lines of the records that a query selects, byte for byte, with their places.
    pub fn lines(&self, query: Query) -> Lines {
        Lines::new(&self.names, query, self.indexes.as_ref())
    }

    /// The same, the newest first. What is not asked for is not read: the first lines come at once,
    /// however large the trail is. Several trails come one behind the other.
    ///
    /// # Errors
    ///
    /// A directory cannot be read.
    pub fn lines_reversed(
        &self,
        query: Query,
    ) -> Result<impl Iterator<Item = Result<Line>> + use<>> {
        let ends = Lines::follow(&self.names, query.clone())?.take_ends();
        Ok(ReverseLines::new(ends, query))
    }

    /// The last `count` records that a query selects, with what could not be read among them, and
    /// an iterator that goes on behind them: it never ends, and its `None` says that there is
    /// nothing new yet.
    ///
    /// # Errors
    ///
    /// A directory cannot be read.
    pub fn follow(&self, query: Query, count: usize) -> Result<(Vec<Result<Line>>, Lines)> {
        let mut lines = Lines::follow(&self.names, query.clone())?;
        let mut last = Vec::new();
        let mut records = 0;
        let mut backwards = ReverseLines::new(lines.take_ends(), query);
        while records < count
            && let Some(line) = backwards.next()
        {
            records += usize::from(line.is_ok());
            last.push(line);
        }
        last.reverse();
        Ok((last, lines))
    }

    /// Uses and makes indexes in a directory of the reader's: queries for a conversation, a user, a
    /// session or a request, and for times, read only what may hold them. An index that is damaged or does not fit
    /// its file is not used. Nobody but the reader may write to the directory: a forged index can hide records from
    /// queries and counts. It cannot hide them from [`verify`](Trail::verify) and [`check`](Trail::check), which use none.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub fn indexed(mut self, directory: impl AsRef<Path>) -> Result<Trail> {
        self.indexes = Some(Indexes::open(directory.as_ref())?);
        Ok(self)
    }

    /// Makes the indexes of the files that the writer has left, where they are missing: two files at a time.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or an index not be written. Without [`indexed`](Trail::indexed) there is
    /// nothing to do.
    pub fn index(&self) -> Result<IndexSummary> {
        self.index_counting(&Query::new(), false, &AtomicU64::new(0))
    }

    /// The same of the files that may hold what a query selects, for whoever shows progress: counts the bytes that it
    /// reads. `is_quick`: an index that is there is not looked into.
    #[doc(hidden)]
    pub fn index_counting(
        &self,
        query: &Query,
        is_quick: bool,
        read: &AtomicU64,
    ) -> Result<IndexSummary> {
        let Some(indexes) = &self.indexes else {
            return Ok(IndexSummary::default());
        };
        let mut files = Vec::new();
        for name in &self.names {
            files.extend(scan::left_files(name, query)?);
        }
        let next = AtomicUsize::new(0);
        let work = || -> Result<IndexSummary> {
            let mut done = IndexSummary::default();
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (built, size) = indexes.build(file, is_quick, read)?;
                // A file that changes while it is read has none.
                done.files += u64::from(size > 0);
                done.built += u64::from(built);
                done.bytes += file.metadata().map_or(0, |metadata| metadata.len());
                done.index_bytes += size;
            }
            Ok(done)
        };
        let indexed = std::thread::scope(|scope| {
            let other = scope.spawn(work);
            let mut ours = work()?;
            let theirs = other.join();
            ours.add(theirs.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            Ok(ours)
        });
        if is_quick && indexed.as_ref().is_ok_and(|done| done.built == 0) {
            return indexed;
        }
        indexes
            .sweep()
            .map_err(|error| indexes.failed("sweep the indexes in", error))?;
        indexed
    }

    /// Counts what a query selects. Of a trail with [indexes](Trail::indexed), and a query for
    /// nothing but times, files that are indexed are not read where their index has counted
    /// just that.
    pub fn stats(&self, query: Query) -> Stats {
        let (mut stats, lines) = self.counted(query);
        stats.add_lines(lines);
        stats
    }

    /// What the indexes have counted of a query, and the lines that are left to count; see
    /// [`Stats::add_lines`].
    pub fn counted(&self, query: Query) -> (Stats, Lines) {
        let indexes = self.indexes.as_ref().filter(|_| query.is_only_times());
        indexes
            .and_then(|indexes| Lines::counted(&self.names, &query, indexes))
            .unwrap_or_else(|| (Stats::default(), self.lines(query)))
    }

    /// The files that may hold what a query selects. A directory that cannot be read has none.
    pub fn files_of(&self, query: &Query) -> Vec<std::path::PathBuf> {
        let files = self.names.iter().map(|name| scan::files_of(name, query));
        files.filter_map(Result::ok).flatten().collect()
    }

    /// The trail's name; several where it was opened by a pattern.
    pub fn names(&self) -> &[TrailName] {
        &self.names
    }

    /// All records, in the order in which they were written, which in a sound trail is that of
    /// `seq`, and what could not be read, where it stands.
    /// Several trails are merged by time.
    pub fn records(&self) -> Records {
        self.query(Query::new())
    }

    /// The records that a query selects, and whatever could not be read: it might have
    /// been one of them.
    pub fn query(&self, query: Query) -> Records {
        Records::new(&self.names, query, self.indexes.as_ref())
    }
}
