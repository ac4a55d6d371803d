//! The records of trails, in their order.

mod follow;
mod trail;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub(super) use trail::{files_in_order, files_of, left_files};

use trail::Scan;

use super::Query;
use super::index::Indexes;
use super::line_mapper::{Line, LineMapper, Mapped, ToLine, ToRecord};
use super::reverse_lines::Ends;
use super::stats::Stats;
use crate::error::Result;
use crate::format::TrailName;
use crate::record::Record;

/// An iterator over records of a trail.
///
/// Files are read in the order of their first `seq`. What the writer adds meanwhile is read
/// too, and the files that it begins. After an error the iterator goes on. Of several trails
/// the record with the earliest time comes next.
#[derive(Debug)]
pub struct Records(Merge<ToRecord>);

impl Records {
    pub(super) fn new(names: &[TrailName], query: Query, indexes: Option<&Indexes>) -> Records {
        Records(Merge::new(names, query, ToRecord, indexes))
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(|taken| taken.item))
    }
}

/// [`Records`] with the lines that they come from.
#[derive(Debug)]
pub struct Lines(Merge<ToLine>);

impl Lines {
    pub(super) fn new(names: &[TrailName], query: Query, indexes: Option<&Indexes>) -> Lines {
        Lines(Merge::new(names, query, ToLine, indexes))
    }

    /// What the indexes have counted, and the lines of the other files.
    pub(super) fn counted(
        names: &[TrailName],
        query: &Query,
        indexes: &Indexes,
    ) -> Option<(Stats, Lines)> {
        let mut counted = Stats::default();
        let mut scans = Vec::new();
        for name in names {
            let mut scan = Scan::new(name, query.clone(), ToLine);
            scan.take_counted(indexes, &mut counted)?;
            scans.push(scan);
        }
        Some((counted, Lines(Merge::of(scans.into_iter()))))
    }

    pub(super) fn of_reader(source: Box<dyn Read + Send>, query: Query) -> Lines {
        Lines(Merge::of_reader(source, query, ToLine))
    }

    /// Goes on where the files end now, and never ends: `None` says that there is nothing yet.
    pub(super) fn follow(names: &[TrailName], query: Query) -> Result<Lines> {
        let scans = names.iter().map(|name| Scan::from_end(name, query.clone()));
        let mut lines = Merge::of(scans.collect::<Result<Vec<_>>>()?.into_iter());
        lines.follows = true;
        Ok(Lines(lines))
    }

    /// How many bytes were read so far, for whoever shows progress from another thread.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        self.0.bytes_read()
    }

    /// The files from which nothing is read, of each trail.
    pub(super) fn take_ends(&mut self) -> Vec<Ends> {
        let scans = self.0.scans.iter_mut();
        scans.filter_map(|(scan, _)| scan.ends.take()).collect()
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(|taken| {
            let mut line = taken.item;
            line.position.line = taken.number;
            line.trail = taken.trail;
            line
        }))
    }
}

/// What comes next.
type Next<T> = Option<Result<Mapped<T>>>;

/// What is made of the lines of some trails, in the order of their times.
#[derive(Debug)]
pub(super) struct Merge<M: LineMapper> {
    scans: Vec<(Scan<M>, Next<M::Item>)>,
    follows: bool,
    read: Arc<AtomicU64>,
}

impl<M: LineMapper> Merge<M> {
    pub(super) fn new(
        names: &[TrailName],
        query: Query,
        mapper: M,
        indexes: Option<&Indexes>,
    ) -> Merge<M> {
        Merge::of(names.iter().map(|name| {
            let mut scan = Scan::new(name, query.clone(), mapper.clone());
            scan.indexes = indexes.cloned();
            scan
        }))
    }

    pub(super) fn of_reader(source: Box<dyn Read + Send>, query: Query, mapper: M) -> Merge<M> {
        Merge::of(std::iter::once(Scan::of_reader(source, query, mapper)))
    }

    fn of(scans: impl Iterator<Item = Scan<M>>) -> Merge<M> {
        let read = Arc::<AtomicU64>::default();
        let scans = scans.map(|mut scan| {
            scan.read = read.clone();
            let first = scan.next();
            (scan, first)
        });
        Merge {
            scans: scans.collect(),
            follows: false,
            read,
        }
    }

    pub(super) fn bytes_read(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }
}

impl<M: LineMapper> Iterator for Merge<M> {
    type Item = Result<Mapped<M::Item>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.follows {
            for (scan, next) in &mut self.scans {
                if next.is_none() {
                    *next = scan.next();
                }
            }
        }
        let scans = self.scans.iter_mut().enumerate();
        let next = scans.filter(|(_, (_, next))| next.is_some());
        // What cannot be read has no time, and is told at once.
        let (trail, (scan, next)) = next.min_by_key(|(_, (_, next))| match next {
            Some(Ok(line)) => Some(line.timestamp),
            _ => None,
        })?;
        let mut next = std::mem::replace(next, scan.next());
        if let Some(Ok(line)) = &mut next {
            line.trail = trail;
        }
        next
    }
}
