//! Opening the files of a trail: where its last writer ended, and what it left behind.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;

use super::adopt::{adopt_plain_file, refuse_foreign, refuse_foreign_link};
use super::lock::TrailLock;
use super::{Files, free_name_aside};
use crate::error::{Error, Result};
use crate::format::internal::{
    Catalog, Tail, TornLine, create_private_dir, head, open_private, read_at, recent, tail,
};
use crate::format::{Period, TrailName};
use crate::record::Record;
use crate::write::warn;

/// How much of the newest file is searched for torn lines that a recovery did not come to name. It is about as much as
/// a journal holds. So much of the newest files says where the conversations stand.
const RECENT_BYTES: u64 = 4 << 20;

/// No more files before the newest are read for that: each costs an open.
const MOST_OLDER: usize = 32;

/// What was there when the trail was opened.
#[derive(Default)]
pub(crate) struct ExistingTrail {
    /// The last record, by `seq`.
    pub(crate) last: Option<Record>,
    /// The newest file with a record.
    newest: Option<PathBuf>,
    /// The last records, in order, also of files before that.
    pub(crate) recent: Vec<Record>,
    /// Torn lines: file and bytes. They are terminated now.
    pub(crate) torn: Vec<(PathBuf, TornLine)>,
    /// The trail's files, if it has a directory.
    pub(crate) files: Option<Catalog>,
}

impl ExistingTrail {
    /// Looks at the ends of the files that a writer may have written last, and terminates their torn lines.
    ///
    /// These are the newest file with a record and the one before it, files without records, which the trail may have
    /// been about to go on in, and files that were set aside. The writer leaves every other file at the end of a line.
    fn of(catalog: &mut Catalog) -> Result<ExistingTrail> {
        let mut found = ExistingTrail::default();
        let mut terminated = Vec::new();
        let (mut index, mut older) = (0, 0);
        while let Some(path) = catalog.newest(index).map(Path::to_owned) {
            index += 1;
            let end = terminated_tail(&path)?;
            // The lines after the last record, the last first. One without an end was torn now.
            let mut torn = end.torn_lines;
            let earlier = torn.split_off(usize::from(end.torn > 0));
            let torn = torn.into_iter().map(|line| (path.clone(), line));
            found.torn.extend(torn);
            let Some(last) = end.last else { continue };
            // A writer that died while it wrote the lines of a file again left them whole in the file before.
            if found
                .last
                .as_ref()
                .is_some_and(|known| last.seq < known.seq)
            {
                break;
            }
            terminated = earlier;
            found.last = Some(last);
            found.newest = Some(path);
            older = index;
        }
        if let Some(newest) = &found.newest {
            let failed = |error| Error::io("read", newest, error);
            let (records, unnamed) = recent(newest, RECENT_BYTES).map_err(failed)?;
            found.recent = records;
            // Their writer terminated them and died before it recorded that: it would have in the lines that follow.
            let lines = terminated.into_iter().chain(unnamed);
            found.torn.extend(lines.map(|line| (newest.clone(), line)));
            let left = RECENT_BYTES.saturating_sub(length(newest));
            found.read_older(catalog, older, left);
        }
        let asides: Vec<_> = catalog.asides().map(|entry| catalog.path(entry)).collect();
        for path in asides {
            let failed = |error| Error::io("read", &path, error);
            if is_unended(&path).map_err(failed)? {
                let torn = terminated_tail(&path)?.torn_lines.into_iter().take(1);
                found.torn.extend(torn.map(|line| (path.clone(), line)));
            }
        }
        Ok(found)
    }

    /// Adds the records at the end of the files before the newest.
    fn read_older(&mut self, catalog: &Catalog, older: usize, mut left: u64) {
        // Which files are the newest is asked of a copy: a catalog gives each of them once.
        let mut catalog = (left > 0).then(|| catalog.clone());
        for index in older..older + MOST_OLDER {
            let newest = catalog.as_mut().filter(|_| left > 0);
            let Some(path) = newest.and_then(|catalog| catalog.newest(index)) else {
                return;
            };
            // What cannot be read is not known, and what is before it would not be whole.
            let Ok((mut records, _)) = recent(path, left) else {
                return;
            };
            left = left.saturating_sub(length(path));
            records.append(&mut self.recent);
            self.recent = records;
        }
    }

    /// Whether the recent records are all of the trail.
    pub(crate) fn is_whole(&self) -> bool {
        match self.recent.first() {
            Some(first) => first.seq == 0,
            None => self.last.is_none(),
        }
    }
}

/// The length of a file. One that is not known is long.
fn length(path: &Path) -> u64 {
    path.metadata().map_or(RECENT_BYTES, |found| found.len())
}

/// The end of a file, whose last line is terminated if it was not.
fn terminated_tail(path: &Path) -> Result<Tail> {
    let end = tail(path).map_err(|error| Error::io("read", path, error))?;
    if end.is_unended {
        open_private(path)
            .and_then(|mut file| file.write_all(b"\n"))
            .map_err(|error| Error::io("terminate the torn line in", path, error))?;
    }
    Ok(end)
}

/// Whether a file holds something and does not end with a line feed.
fn is_unended(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let mut last = [b'\n'];
    if let Some(at) = file.metadata()?.len().checked_sub(1) {
        read_at(&file, &mut last, at)?;
    }
    Ok(last != *b"\n")
}

impl Files {
    pub(crate) fn open(name: &TrailName, period: Period) -> Result<(Files, ExistingTrail)> {
        let given = name;
        let name = name
            .absolute()
            .map_err(|error| Error::io("find the directory of", &given.path(), error))?;
        // What is refused is refused before anything is made.
        if name.path().is_symlink() {
            refuse_foreign_link(&name, &name.path())?;
        }
        refuse_foreign(&name.path())?;
        let live = name.file_at(Utc::now(), period);
        let path = name.directory().join(&live);
        refuse_foreign(&path)?;
        create_private_dir(name.directory())
            .map_err(|error| Error::io("create the directory", name.directory(), error))?;
        let lock = TrailLock::take(&name)?;
        let led_to = adopt_plain_file(&name, period)?;

        let catalog = Catalog::list(&name)
            .map_err(|error| Error::io("read the directory", name.directory(), error))?;
        let mut catalog = catalog.led_to(led_to);
        catalog.verify_order();
        let has_disorder = catalog.disorder().is_some();
        if let Some(disorder) = catalog.disorder() {
            warn(&format!(
                "{}: {disorder}; the order of its files is read from each of them",
                name.path().display()
            ));
        }
        let mut found = ExistingTrail::of(&mut catalog)?;

        // Only the newest file is written on, so that no two files hold seqs of each other's
        // range. The rotation may have changed since, or the clock gone back.
        let has_records = || {
            let head = path.exists().then(|| head(&path)).transpose();
            let head = head.map_err(|error| Error::io("read", &path, error))?;
            Ok::<_, Error>(head.flatten().is_some())
        };
        if found.newest.as_ref().is_some_and(|newest| *newest != path) && has_records()? {
            let aside = free_name_aside(&name, Utc::now());
            fs::rename(&path, &aside).map_err(|error| Error::io("set aside", &path, error))?;
            catalog.renamed(&path, aside);
        }
        found.files = Some(catalog);
        let file = open_private(&path).map_err(|error| Error::io("write to", &path, error))?;
        let mut files = Files {
            name,
            period,
            distrusted: None,
            rewrites: Vec::new(),
            syncer: None,
            syncing: None,
            length: file.metadata().map_or(0, |found| found.len()),
            synced: 0,
            file: Arc::new(file),
            live: String::new(),
            has_disorder,
            lock,
        };
        files.point(live);
        Ok((files, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> String {
        format!("{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\"}}\n")
    }

    fn lines(seqs: std::ops::Range<u64>) -> String {
        seqs.map(line).collect()
    }

    #[test]
    fn a_torn_line_is_named_by_the_next_recovery_if_the_last_one_did_not_come_to_it() {
        let opened = |seq: u64| {
            format!(
                "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"trail_opened\",\"format\":1}}\n"
            )
        };
        let torn = "{\"seq\":3,\"timest\n";
        for (content, named) in [
            // Its writer died while it wrote what the journal had inherited.
            (format!("{}{torn}{}", lines(0..3), lines(3..5)), 1),
            (format!("{}{torn}{torn}{}", lines(0..3), lines(3..5)), 2),
            // It was named: an opening follows.
            (
                format!("{}{torn}{}{}", lines(0..3), lines(3..5), opened(5)),
                0,
            ),
            (
                format!("{}{torn}{}{}{}", lines(0..3), line(3), opened(4), line(5)),
                0,
            ),
            (lines(0..5), 0),
        ] {
            let trail = Trail::of(&[("audit.log", content.clone())]);
            let found = trail.open();
            let fragments: Vec<_> = found.torn.iter().map(|(_, line)| line.clone()).collect();
            let torn = TornLine::of(torn.trim_end().as_bytes());
            assert_eq!(fragments, vec![torn; named], "{content}");
        }
    }

    struct Trail(tempfile::TempDir);

    impl Trail {
        fn of(files: &[(&str, String)]) -> Trail {
            let dir = tempfile::tempdir().expect("a directory");
            for (file, content) in files {
                fs::write(dir.path().join(file), content).expect("written");
            }
            Trail(dir)
        }

        fn read(&self, file: &str) -> String {
            fs::read_to_string(self.0.path().join(file)).expect("readable")
        }

        fn link(&self, file: &str) {
            std::os::unix::fs::symlink(file, self.0.path().join("audit.log")).expect("a link");
        }

        fn open(&self) -> ExistingTrail {
            let name = TrailName::new(self.0.path().join("audit.log")).expect("a name");
            Files::open(&name, Period::Hourly).expect("files").1
        }
    }

    fn torn(found: &ExistingTrail) -> Vec<(&str, u64)> {
        let torn = found.torn.iter().map(|(path, line)| {
            let file = path.file_name().and_then(|file| file.to_str());
            (file.expect("a name"), line.bytes)
        });
        torn.collect()
    }

    #[test]
    fn only_ends_that_a_dead_writer_can_have_torn_are_ended() {
        let (old, aside) = ("audit.2026-11-24-08.log", "audit.2026-11-24-08-10-11.log");
        let between = "audit.2026-11-24-09.log";
        let (newest, begun) = ("audit.2026-11-24-10.log", "audit.2026-11-24-11.log");
        let trail = Trail::of(&[
            ("audit.2026-11-24-07.log", lines(0..2)),
            (old, lines(2..4) + "{\"cut by hand"),
            (aside, lines(4..5) + "{\"seq\":5"),
            (between, lines(5..6)),
            (newest, lines(6..8) + "{\"seq\":8,"),
            (begun, "{\"seq".to_owned()),
        ]);
        trail.link(begun);
        let found = trail.open();
        assert_eq!(found.last.as_ref().map(|last| last.seq), Some(7));
        assert_eq!(torn(&found), [(begun, 5), (newest, 9), (aside, 8)]);
        assert_eq!(trail.read(old), lines(2..4) + "{\"cut by hand");
        for (file, end) in [
            (aside, "{\"seq\":5\n"),
            (newest, "{\"seq\":8,\n"),
            (begun, "{\"seq\n"),
        ] {
            assert!(trail.read(file).ends_with(end), "{file}");
        }
    }

    #[test]
    fn a_writer_that_died_while_it_wrote_lines_again_has_not_lost_their_seqs() {
        let (aside, live) = ("audit.2026-11-24-10-30-00.log", "audit.2026-11-24-10.log");
        for (before, again) in [(0..3, 10..12), (10..12, 10..14), (0..3, 12..13)] {
            let first_aside = "audit.2026-11-24-10-29-59.log";
            let trail = Trail::of(&[
                ("audit.2026-11-24-09.log", lines(0..10)),
                (first_aside, lines(10..12)),
                (aside, lines(10..20)),
                (live, lines(again.clone())),
            ]);
            if before.start == 0 {
                fs::remove_file(trail.0.path().join(first_aside)).expect("removed");
            }
            trail.link(live);
            let found = trail.open();
            assert_eq!(found.last.map(|last| last.seq), Some(19), "{again:?}");
        }
    }

    #[test]
    fn an_empty_file_of_this_hour_is_written_on_and_one_of_records_is_set_aside_to_the_second() {
        for (content, is_kept) in [(String::new(), true), (lines(0..1), false)] {
            let live = TrailName::new("audit.log").expect("a name");
            let live = live.file_at(Utc::now(), Period::Hourly);
            let trail = Trail::of(&[("audit.2100-01-01-00.log", lines(1..3)), (&live, content)]);
            trail.link("audit.2100-01-01-00.log");
            trail.open();
            let name = TrailName::new(trail.0.path().join("audit.log")).expect("a name");
            let catalog = Catalog::list(&name).expect("readable");
            assert_eq!(catalog.asides().count(), usize::from(!is_kept));
            assert_eq!(catalog.entries().count(), 2 + usize::from(!is_kept));
        }
    }
}
