//! The catalogue of a trail's files: which files there are, and the order of their records.
//!
//! Listing names may cost more with more files; opening files may not. So the catalogue lists the names once, and reads
//! the first record (the *head*) of a file only when somebody has to know it.
//!
//! What it believes, and why:
//!
//! - Names of one shape (days, hours, minutes, files that were set aside) form a *run*. One rotation makes them as the
//!   clock goes on, so by name they are in the order of their records. A trail whose rotation changed has several runs;
//!   they are merged by the first `seq` of their next files.
//! - A clock that was wrong breaks that. [`Catalog::verify_order`] reads the heads at both ends of each run and at some
//!   places between them, and compares the newest file with the one that the trail's link names, which the writer points
//!   at each file that it begins. If one of these disagrees, all heads are read, and their `seq` is the order.
//! - A single file that was dated wrong and lies between the heads that are read is not noticed. It is never the newest
//!   file, because the link names that one, so the writer goes on with the right `seq`. Retention may keep it longer.
//!   `check` and `verify` read every file.
//! - For times, names are better evidence than `seq`: one clock dates both files and records. See [`Catalog::select`].

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc, Weekday};

use super::{TrailName, head, tail};

#[cfg(test)]
mod tests;

/// So many files at each end of a run, and about so many between them, have their heads read.
const ENDS: usize = 4;
const SAMPLES: usize = 16;

/// A record is written at most so long after its file's period has ended.
const WRITTEN_LATE: TimeDelta = TimeDelta::minutes(1);
/// A record is at most so much older than its file's period, unless the file's first record is as old. That covers a
/// clock that was set back by hours, and a disk that took nothing for hours.
const WRITTEN_EARLY: TimeDelta = TimeDelta::days(1);

/// The files of a trail.
#[derive(Clone, Debug)]
pub struct Catalog {
    name: TrailName,
    /// The file that the trail's name leads to: the link's target, or the plain file itself.
    leads_to: Option<String>,
    /// The files of each shape of name, in the order of their names; or one run of all files, in the order of their
    /// records.
    runs: Vec<VecDeque<Entry>>,
    is_ordered_by_heads: bool,
    /// The newest files, the newest first, as far as somebody asked. They are in no run any more.
    newest: Vec<PathBuf>,
    disorder: Option<Disorder>,
}

/// A file as its directory lists it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub file: String,
    /// Its inode. Elsewhere than on Unix: the time when it was made.
    pub inode: u64,
    head: Option<Head>,
}

/// How a file begins. Files without records are newer than others: the newest may have none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Head {
    Record { seq: u64, time: DateTime<Utc> },
    None,
    Unreadable,
}

/// Two files of one run whose names and records are in different orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disorder {
    /// The file with the lower name, and its first `seq`.
    lower: (String, u64),
    higher: (String, u64),
}

impl fmt::Display for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((lower, lower_seq), (higher, higher_seq)) = (&self.lower, &self.higher);
        write!(
            f,
            "{higher} begins with record {higher_seq}, but {lower}, which is dated before it, with record {lower_seq}: \
             the clock was wrong when one of them was begun, or the rotation changed between days and weeks"
        )
    }
}

/// How many shapes of names there are: plain, and dates of four lengths.
const SHAPES: usize = 5;

impl Catalog {
    /// Lists the directory of a trail. No file is opened.
    pub fn list(name: &TrailName) -> io::Result<Catalog> {
        // Before the names: whoever follows a trail lists its files again when the link has changed since.
        let link = fs::read_link(name.path()).ok();
        let target = link.as_deref().and_then(Path::file_name);
        let mut leads_to = target.and_then(|file| Some(file.to_str()?.to_owned()));
        let mut runs: [Vec<Entry>; SHAPES] = Default::default();
        for entry in fs::read_dir(name.directory())? {
            let entry = entry?;
            let file = entry.file_name();
            let Some(file) = file.to_str() else { continue };
            let date = name.date_of(file);
            if date.is_none() && !name.is_plain(file) || !entry.file_type()?.is_file() {
                continue;
            }
            if date.is_none() {
                leads_to = Some(file.to_owned());
            }
            runs[shape(date)].push(Entry {
                inode: inode(&entry)?,
                file: file.to_owned(),
                head: None,
            });
        }
        for run in &mut runs {
            run.sort_unstable_by(|a, b| a.file.cmp(&b.file));
        }
        Ok(Catalog {
            name: name.clone(),
            leads_to,
            runs: runs.into_iter().map(VecDeque::from).collect(),
            is_ordered_by_heads: false,
            newest: Vec::new(),
            disorder: None,
        })
    }

    /// The writer knows which file its name led to when it opened the trail.
    pub fn led_to(mut self, file: Option<String>) -> Catalog {
        self.leads_to = file.or(self.leads_to);
        self
    }

    /// The files that are left in it.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.runs.iter().flatten()
    }

    pub fn path(&self, entry: &Entry) -> PathBuf {
        self.name.directory().join(&entry.file)
    }

    /// The files left in it that were set aside.
    pub fn asides(&self) -> impl Iterator<Item = &Entry> {
        let of_shape = |entry: &&Entry| shape(self.name.date_of(&entry.file)) == SHAPES - 1;
        self.entries().filter(of_shape)
    }

    /// A file has another name now.
    pub fn renamed(&mut self, from: &Path, to: PathBuf) {
        if let Some(path) = self.newest.iter_mut().find(|path| *path == from) {
            *path = to;
            return;
        }
        let (Some(from), Some(to)) = (from.file_name(), to.file_name()) else {
            return;
        };
        let mut entries = self.runs.iter_mut().flatten();
        if let Some(entry) = entries.find(|entry| from == &*entry.file) {
            entry.file = to.to_string_lossy().into_owned();
        }
    }

    pub fn keep_only(&mut self, mut is_kept: impl FnMut(&Entry) -> bool) {
        for run in &mut self.runs {
            run.retain(&mut is_kept);
        }
    }

    /// Files whose names and records were found to be in different orders.
    pub fn disorder(&self) -> Option<&Disorder> {
        self.disorder.as_ref()
    }

    /// Finds out whether the names can be believed, and reads all heads if not.
    pub fn verify_order(&mut self) {
        for run in 0..self.runs.len() {
            let files = self.runs[run].len();
            let step = files / SAMPLES + 1;
            let mut last = None;
            for at in 0..files {
                let is_read = at < ENDS || at + ENDS >= files || at % step == 0;
                let head = is_read.then(|| self.head(run, at));
                let Some(Head::Record { seq, .. }) = head else {
                    continue;
                };
                if last > Some(seq) {
                    return self.order_by_heads();
                }
                last = Some(seq);
            }
        }
        if !self.is_link_newest() {
            self.order_by_heads();
        }
    }

    /// Whether the file that the trail's name leads to is the newest: it begins with the greatest `seq`, or has no
    /// record yet.
    fn is_link_newest(&mut self) -> bool {
        if self.entries().count() < 2 {
            return true;
        }
        let newest = self.newest_begun().map(|(seq, _)| seq);
        match self.head_of_link() {
            Some(Head::Record { seq, .. }) => Some(seq) == newest,
            Some(Head::None) => true,
            Some(Head::Unreadable) | None => false,
        }
    }

    fn head_of_link(&mut self) -> Option<Head> {
        let file = self.leads_to.as_deref()?;
        let mut runs = self.runs.iter().enumerate();
        let (run, at) = runs.find_map(|(run, entries)| {
            let at = entries.iter().position(|entry| entry.file == file)?;
            Some((run, at))
        })?;
        Some(self.head(run, at))
    }

    /// The file with the greatest first `seq`, by the newest file of each run that has a record.
    pub fn newest_begun(&mut self) -> Option<(u64, PathBuf)> {
        let mut newest = None;
        for run in 0..self.runs.len() {
            let begun = (0..self.runs[run].len())
                .rev()
                .find_map(|at| match self.head(run, at) {
                    Head::Record { seq, .. } => Some((seq, self.path(&self.runs[run][at]))),
                    _ => None,
                });
            newest = newest.max(begun);
        }
        newest
    }

    /// The file that is being written, or was when the writer ended: the one that the trail's name leads to, if it has
    /// no record yet, else the newest with a record. It is to be asked before [`newest`](Catalog::newest).
    pub fn live(&mut self) -> Option<PathBuf> {
        if let (Some(Head::None), Some(file)) = (self.head_of_link(), &self.leads_to) {
            return Some(self.name.directory().join(file));
        }
        let begun = self.newest_begun().map(|(_, path)| path);
        begun.or_else(|| self.entries().last().map(|entry| self.path(entry)))
    }

    /// The newest file for 0, the one before it for 1, and so on. Files without records come first.
    pub fn newest(&mut self, index: usize) -> Option<&Path> {
        while self.newest.len() <= index {
            let entry = self.pop(End::Newest)?;
            self.newest.push(self.path(&entry));
        }
        Some(&self.newest[index])
    }

    /// Takes out the oldest file. Files without records come last.
    pub fn pop_oldest(&mut self) -> Option<PathBuf> {
        let entry = self.pop(End::Oldest)?;
        Some(self.path(&entry))
    }

    /// Takes out the file at one end of the order, if the next one of its run is not beyond it.
    fn pop(&mut self, end: End) -> Option<Entry> {
        loop {
            let mut outermost: Option<(Head, String, usize)> = None;
            for run in 0..self.runs.len() {
                let Some(at) = end.place(self.runs[run].len(), 0) else {
                    continue;
                };
                let this = (self.head(run, at), self.runs[run][at].file.clone(), run);
                outermost = Some(match (outermost, end) {
                    (None, _) => this,
                    (Some(other), End::Newest) => other.max(this),
                    (Some(other), End::Oldest) => other.min(this),
                });
            }
            let (head, _, run) = outermost?;
            let next = end.place(self.runs[run].len(), 1);
            let next = next.map(|at| self.head(run, at));
            if let (Head::Record { seq, .. }, Some(Head::Record { seq: next, .. })) = (head, next)
                && !self.is_ordered_by_heads
                && (end == End::Newest && next > seq || end == End::Oldest && next < seq)
            {
                self.order_by_heads();
                continue;
            }
            return match end {
                End::Newest => self.runs[run].pop_back(),
                End::Oldest => self.runs[run].pop_front(),
            };
        }
    }

    /// Reads the heads of all files, and puts them in the order of their records.
    pub fn order_by_heads(&mut self) {
        for run in 0..self.runs.len() {
            let mut lower: Option<(usize, u64)> = None;
            for at in 0..self.runs[run].len() {
                let Head::Record { seq, .. } = self.head(run, at) else {
                    continue;
                };
                let entries = &self.runs[run];
                if let Some((place, lower)) = lower.filter(|(_, lower)| *lower > seq)
                    && !self.is_ordered_by_heads
                {
                    self.disorder.get_or_insert_with(|| Disorder {
                        lower: (entries[place].file.clone(), lower),
                        higher: (entries[at].file.clone(), seq),
                    });
                }
                lower = Some((at, seq));
            }
        }
        let mut all: Vec<Entry> = self.runs.drain(..).flatten().collect();
        all.sort_by(|a, b| (a.head, &a.file).cmp(&(b.head, &b.file)));
        self.runs.push(all.into());
        self.is_ordered_by_heads = true;
    }

    /// The head of a file, read once. A file that is gone has none.
    fn head(&mut self, run: usize, at: usize) -> Head {
        let entry = &self.runs[run][at];
        if let Some(head) = entry.head {
            return head;
        }
        let read = match head(&self.path(entry)) {
            Ok(Some(first)) => Head::Record {
                seq: first.seq,
                time: first.timestamp,
            },
            Ok(None) => Head::None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Head::None,
            Err(_) => Head::Unreadable,
        };
        self.runs[run][at].head = Some(read);
        read
    }
}

/// Files of a span of time.
impl Catalog {
    /// Leaves out files that hold no record of a span of time: `since`, and before `until`.
    ///
    /// The writer rolls when a file's period is over, by the clock that dates the records as well. So a file holds no
    /// record from after its period, not even if the clock was wrong. From before its period it may: records that
    /// waited in the journal, or a clock that was set back. Files that begin more than [`WRITTEN_EARLY`] after `until`
    /// are found by binary search over the times of their first records.
    pub fn select(&mut self, since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) {
        let mut runs = std::mem::take(&mut self.runs);
        for run in &mut runs {
            run.retain(|entry| self.reaches(entry, since));
        }
        self.runs = runs;
        let Some(until) = until else { return };
        let Some(early) = until.checked_add_signed(WRITTEN_EARLY) else {
            return;
        };
        if self.is_ordered_by_heads {
            return self.select_until_by_heads(until, early);
        }
        for run in 0..self.runs.len() {
            let is_later = |entry: &Entry| self.begins_after(entry, early);
            let mut low = self.runs[run].partition_point(|entry| !is_later(entry));
            let mut high = self.runs[run].len();
            while low < high {
                let middle = low + (high - low) / 2;
                // What a file without records holds is decided by the next one that has some.
                let mut from = middle..high;
                let head = from.find_map(|at| match self.head(run, at) {
                    Head::Record { time, .. } => Some((at, time)),
                    _ => None,
                });
                match head {
                    Some((at, time)) if time < until => low = at + 1,
                    _ => high = middle,
                }
            }
            self.runs[run].truncate(low);
        }
    }

    /// The same of files whose names are in no order, but whose heads are known.
    fn select_until_by_heads(&mut self, until: DateTime<Utc>, early: DateTime<Utc>) {
        let mut runs = std::mem::take(&mut self.runs);
        for run in &mut runs {
            run.retain(|entry| match entry.head {
                Some(Head::Record { time, .. }) if time < until => true,
                Some(Head::Unreadable) => true,
                _ => !self.begins_after(entry, early),
            });
        }
        self.runs = runs;
    }

    /// Whether a file is dated after a time, or at it.
    fn begins_after(&self, entry: &Entry, time: DateTime<Utc>) -> bool {
        let period = self.period(entry);
        period.is_some_and(|(begin, _)| begin >= time)
    }

    /// Whether a file may hold records of a time or later.
    fn reaches(&self, entry: &Entry, since: Option<DateTime<Utc>>) -> bool {
        let Some(since) = since.and_then(|since| since.checked_sub_signed(WRITTEN_LATE)) else {
            return true;
        };
        match self.period(entry) {
            Some((_, Some(end))) => end >= since,
            // What was set aside may have been dated by another clock than its records.
            Some((_, None)) => match tail(&self.path(entry)) {
                Ok(tail) => tail.last.is_none_or(|last| last.timestamp >= since),
                Err(_) => true,
            },
            None => true,
        }
    }

    /// From when to when the writer wrote to a file, by its name. It has no end if the file was set aside then.
    fn period(&self, entry: &Entry) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        let date = self.name.date_of(&entry.file)?;
        let mut parts = date.split('-').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut part = || parts.next();
        let day = NaiveDate::from_ymd_opt(part()?.cast_signed(), part()?, part()?)?;
        let (hour, minute, second) = (part(), part(), part());
        let length = match (hour, minute, second) {
            // A week's file has the date of its Sunday.
            (None, ..) if day.weekday() == Weekday::Sun => Some(TimeDelta::days(7)),
            (None, ..) => Some(TimeDelta::days(1)),
            (_, None, _) => Some(TimeDelta::hours(1)),
            (.., None) => Some(TimeDelta::minutes(1)),
            _ => None,
        };
        let [hour, minute, second] = [hour, minute, second].map(Option::unwrap_or_default);
        let begin = day.and_hms_opt(hour, minute, second)?.and_utc();
        Some((begin, length.map(|length| begin + length)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Oldest,
    Newest,
}

impl End {
    /// The index of the file that is so many away from this end of a run.
    fn place(self, files: usize, away: usize) -> Option<usize> {
        match self {
            End::Oldest => (away < files).then_some(away),
            End::Newest => files.checked_sub(away + 1),
        }
    }
}

/// The run that a name belongs to, by its date.
fn shape(date: Option<&str>) -> usize {
    match date.map_or(0, str::len) {
        0 => 0,
        10 => 1,
        13 => 2,
        16 => 3,
        _ => 4,
    }
}

#[cfg(unix)]
fn inode(entry: &DirEntry) -> io::Result<u64> {
    Ok(std::os::unix::fs::DirEntryExt::ino(entry))
}

#[cfg(not(unix))]
fn inode(entry: &DirEntry) -> io::Result<u64> {
    let made = entry.metadata()?.created()?;
    let since = made.duration_since(std::time::UNIX_EPOCH);
    Ok(since.map_or(0, |since| since.as_nanos() as u64))
}
