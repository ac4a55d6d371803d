//! The files of a trail, as their one writer sees them: lock, begin, append, roll, prune.
//!
//! Files roll when tracing-appender's would, and have the names that it gives them
//! (`the_appender_names_files_as_we_do`), but it does not write them: its own clock and its own
//! open file could differ from what is synced, watched and restored here. Files are private, a
//! torn line is terminated, an existing file is never lost, and what is removed is known by its exact
//! name.

mod adopt;
mod lock;
mod open;
mod prune;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::seal_key::KeyWrite;
use super::syncer::{BackgroundSync, Syncer};
use crate::format::internal::{
    create_private_dir, head, is_same_file, open_private, point_link, read_at, tail,
};
use crate::format::{Period, TrailName};
use crate::record::system::{FileRestored, SyncFailed};
use lock::TrailLock;
pub(crate) use open::ExistingTrail;
pub(crate) use prune::Prunable;

pub(crate) struct Files {
    name: TrailName,
    period: Period,
    /// The name of the file that was written last, and that file.
    live: String,
    file: Arc<File>,
    /// How many bytes it has, and how many of them are known to be on the medium.
    length: u64,
    synced: u64,
    /// The medium refused the live file: from this byte on it is not believed to be there, until
    /// it stands in another one.
    distrusted: Option<u64>,
    /// What was written again and is in no record yet.
    rewrites: Vec<SyncFailed>,
    /// `None`: it was not needed yet, or the system gives no thread.
    syncer: Option<Syncer>,
    /// The sync that is underway, if one is, and how long the file was when it began.
    syncing: Option<(BackgroundSync, u64)>,
    /// Whether the names of the files were not in the order of their records when the trail was opened.
    has_disorder: bool,
    /// Held as long as the trail is written.
    lock: TrailLock,
}

impl Files {
    /// Whether it is time for a new file.
    pub(crate) fn rolls(&self) -> bool {
        self.rolls_to().is_some()
    }

    /// The file whose time has come, if it has. A clock that is set back begins none:
    /// names of one rotation are in the order of their dates.
    fn rolls_to(&self) -> Option<String> {
        let file = self.name.file_at(now(), self.period);
        (file > self.live).then_some(file)
    }

    /// Appends some of `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.file).write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    /// Begins a new file, where its time has come. The last line must be whole.
    pub(crate) fn roll(&mut self) -> io::Result<()> {
        let Some(next) = self.rolls_to() else {
            return Ok(());
        };
        if let Err(error) = self.sync() {
            let refused = self.live.clone();
            self.distrust()?;
            crate::write::warn(&format!(
                "couldn't sync {refused}: {error}: what it held stands in {}, too",
                self.live
            ));
        }
        create_private_dir(self.name.directory())?;
        self.set_aside(&next)?;
        let left = self.name.directory().join(&self.live);
        let left = Some(left).filter(|left| self.length == 0 && is_same_file(left, &self.file));
        self.file = Arc::new(open_private(&self.name.directory().join(&next))?);
        if let Some(left) = left {
            // No line came in its time. Readers would take an empty file for the newest.
            fs::remove_file(left)?;
        }
        self.length = self.file.metadata()?.len();
        self.synced = 0;
        self.point(next);
        Ok(())
    }

    /// After a panic of the worker: takes the outcome of the sync that may be running, and returns how many bytes were
    /// appended that nobody counted.
    pub(crate) fn recount(&mut self) -> io::Result<usize> {
        if let Some(Err(_)) = self.wait_for_sync() {
            self.distrusted = Some(self.synced);
        }
        let length = self.file.metadata()?.len();
        let appended = length.saturating_sub(self.length);
        self.length = self.length.max(length);
        Ok(usize::try_from(appended).unwrap_or(usize::MAX))
    }

    /// A file of records that stands where another is to begin was made when the clock was ahead. No two files hold
    /// numbers of each other's range, so it is not written on.
    fn set_aside(&self, next: &str) -> io::Result<()> {
        let path = self.name.directory().join(next);
        if !path.exists() || head(&path)?.is_none() {
            return Ok(());
        }
        fs::rename(&path, free_name_aside(&self.name, Utc::now()))
    }

    /// Waits until everything written is on the medium. The system tells a failure once; the
    /// file stays refused all the same, until what it held stands in another one.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.distrusted.is_some() {
            return Err(io::Error::other("the medium has refused the file before"));
        }
        // The system tells a failure once, maybe to the sync that is underway.
        if let Some(outcome) = self.wait_for_sync() {
            outcome?;
        }
        self.file.sync_data()?;
        self.synced = self.file.metadata()?.len();
        Ok(())
    }

    /// Begins to sync everything written on another thread, and to write the seal keys after it. `Err`: the caller has
    /// to sync itself.
    pub(crate) fn begin_sync(&mut self, keys: Option<KeyWrite>) -> Result<(), Option<KeyWrite>> {
        if self.distrusted.is_some() {
            return Err(keys);
        }
        if self.syncer.is_none() {
            self.syncer = Syncer::start();
        }
        let Some(syncer) = &self.syncer else {
            return Err(keys);
        };
        let sync = syncer.begin(self.file.clone(), keys)?;
        self.syncing = Some((sync, self.length));
        Ok(())
    }

    /// What became of the sync that was begun. `None`: it is underway.
    pub(crate) fn sync_outcome(&mut self) -> Option<io::Result<()>> {
        let Some((sync, length)) = &self.syncing else {
            // Another sync came after it and did its work.
            return Some(Ok(()));
        };
        let outcome = sync.outcome()?;
        if outcome.is_ok() {
            self.synced = *length;
        }
        self.syncing = None;
        Some(outcome)
    }

    /// Waits for the sync that is underway. `None`: there is none.
    fn wait_for_sync(&mut self) -> Option<io::Result<()>> {
        self.syncing.take().map(|(sync, _)| sync.wait())
    }

    /// Whether the live file still stands under its name, with all that was written to it.
    pub(crate) fn is_in_place(&self) -> bool {
        self.stands() && !self.is_cut() && self.lock.is_in_place(&self.name)
    }

    fn is_cut(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|found| found.len() < self.length)
    }

    fn stands(&self) -> bool {
        is_same_file(&self.name.directory().join(&self.live), &self.file)
    }

    /// Puts a live file in place after somebody removed, renamed or replaced the last one,
    /// and says what happened. What a removed file held is written again.
    pub(crate) fn restore(&mut self) -> io::Result<FileRestored> {
        create_private_dir(self.name.directory())?;
        let lock_was_gone = !self.lock.is_in_place(&self.name);
        if lock_was_gone {
            self.lock = TrailLock::take(&self.name).map_err(io::Error::other)?;
        }
        // The system tells an error of a sync once: the file is not trusted from now on, and the next sync says so.
        if let Some(Err(_)) = self.wait_for_sync() {
            self.distrusted = Some(self.synced);
        }
        let path = self.name.directory().join(&self.live);
        if self.stands() && !self.is_cut() {
            return Ok(FileRestored {
                file: file_name(&self.name.lock()),
                happened: "removed".to_owned(),
                ..FileRestored::default()
            });
        }
        if self.stands() {
            // Cut: what is gone is gone. The line that is left at the end is terminated.
            let left = self.file.metadata()?.len();
            let gone = self.length.saturating_sub(left);
            if tail(&path)?.is_unended {
                (&*self.file).write_all(b"\n")?;
            }
            self.length = self.file.metadata()?.len();
            // What follows is not on the medium, nor trusted where the file is not.
            self.synced = self.synced.min(left);
            self.distrusted = self.distrusted.map(|from| from.min(left));
            return Ok(FileRestored {
                file: Some(self.live.clone()),
                happened: "cut".to_owned(),
                bytes_gone: Some(gone),
                ..FileRestored::default()
            });
        }
        let mut replaced = None;
        if path.symlink_metadata().is_ok() {
            // What stands there now is no part of the trail, and is kept.
            let stamp = Utc::now().timestamp_micros();
            let aside = format!("{}.replaced-{stamp}", self.live);
            fs::rename(&path, self.name.directory().join(&aside))?;
            replaced = Some(aside);
        }
        #[cfg(unix)]
        let is_removed = std::os::unix::fs::MetadataExt::nlink(&self.file.metadata()?) == 0;
        #[cfg(not(unix))]
        let is_removed = false;
        // What is not known to be on the medium goes with it, where the medium refuses.
        let from = match (is_removed, self.distrusted) {
            (true, _) => Some(0),
            (false, Some(from)) => Some(from),
            (false, None) => self.file.sync_data().is_err().then_some(self.synced),
        };
        let restored = self.begin_anew(from)?;
        let happened = match (is_removed, &replaced) {
            (_, Some(_)) => "replaced",
            (true, None) => "removed",
            (false, None) => "renamed",
        };
        Ok(FileRestored {
            file: Some(self.live.clone()),
            happened: happened.to_owned(),
            bytes_gone: None,
            restored_bytes: Some(restored),
            set_aside: replaced,
        })
    }

    /// Leaves a file that could not be synced, which is not trusted any more, and writes what
    /// was not known to be on the medium once more to a new one.
    pub(crate) fn distrust(&mut self) -> io::Result<()> {
        let from = self.distrusted.unwrap_or(self.synced);
        self.distrusted = Some(from);
        let path = self.name.directory().join(&self.live);
        let aside = free_name_aside(&self.name, Utc::now());
        fs::rename(&path, &aside)?;
        let rewritten = self.begin_anew(Some(from))?;
        // The lines stand there again, also where this file is refused as well.
        self.rewrites.push(SyncFailed {
            file: file_name(&aside),
            rewritten_bytes: Some(rewritten),
        });
        self.sync().inspect_err(|_| self.distrusted = Some(0))
    }

    /// What was written again since the last call, for the records of it.
    pub(crate) fn take_rewrites(&mut self) -> Vec<SyncFailed> {
        std::mem::take(&mut self.rewrites)
    }

    /// Begins the live file anew, with what the last one holds from a byte on. A line that is cut at its end stays so.
    fn begin_anew(&mut self, from: Option<u64>) -> io::Result<u64> {
        let mut file = open_private(&self.name.directory().join(&self.live))?;
        let (mut copied, mut is_ended) = (0, true);
        if let Some(from) = from {
            let mut block = vec![0; 256 << 10];
            loop {
                let count = read_at(&self.file, &mut block, from + copied)?;
                if count == 0 {
                    break;
                }
                file.write_all(&block[..count])?;
                copied += count as u64;
                is_ended = block[count - 1] == b'\n';
            }
        }
        // The next line begins anew.
        if !is_ended {
            file.write_all(b"\n")?;
        }
        self.length = file.metadata()?.len();
        self.file = Arc::new(file);
        self.synced = 0;
        self.distrusted = None;
        self.point(self.live.clone());
        Ok(copied)
    }

    /// Points the trail's name at the live file.
    fn point(&mut self, live: String) {
        if self.period != Period::Never {
            let link = self.name.path();
            if let Err(error) = point_link(&link, &live) {
                crate::write::warn(&format!(
                    "couldn't point {} at {live}: {error}; readers that are given the trail's name find its files all the same",
                    link.display()
                ));
            }
        }
        // The names are on the medium too. Where directories cannot be synced, that is so.
        let _ = File::open(self.name.directory()).and_then(|directory| directory.sync_all());
        self.live = live;
    }
}

/// What time it is, for the name of the live file.
#[cfg(not(test))]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Tests set the clock of a thread ahead.
#[cfg(test)]
fn now() -> DateTime<Utc> {
    Utc::now() + AHEAD.get()
}

#[cfg(test)]
thread_local! {
    pub(crate) static AHEAD: std::cell::Cell<Duration> = const { std::cell::Cell::new(Duration::zero()) };
}

/// A free name for a file that is written no more: the second in which it is set aside, or the first free one after it.
/// Readers find such files by the form of their names, and no rotation gives names of that form.
fn free_name_aside(name: &TrailName, from: DateTime<Utc>) -> PathBuf {
    let mut time = from;
    loop {
        let path = name.directory().join(name.aside_at(time));
        if path.symlink_metadata().is_err() {
            return path;
        }
        time += Duration::seconds(1);
    }
}

pub(crate) fn file_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}
