//! Which files retention removes.

use std::fs;
use std::io;
use std::path::PathBuf;

use chrono::{Duration, Utc};

use super::{Files, file_name};
use crate::config::Retention;
use crate::format::internal::{Catalog, head, tail};
use crate::record::Record;
use crate::record::system::PrunedFile;

impl Files {
    /// What retention would remove now.
    pub(crate) fn prunable(&self, retention: Retention) -> io::Result<Prunable> {
        let mut catalog = Catalog::list(&self.name)?;
        if self.has_disorder {
            catalog.order_by_heads();
        }
        catalog.keep_only(|entry| entry.file != self.live);
        let count = catalog.entries().count();
        let mut too_many = retention
            .files
            .map_or(0, |kept| (count + 1).saturating_sub(kept));
        let oldest = retention
            .days
            .and_then(|days| Utc::now().checked_sub_signed(Duration::try_days(i64::from(days))?));
        let mut prunable = Prunable::default();
        // From the beginning on, without a hole: a file that is dated wrong keeps what is newer than it.
        while too_many > 0 || oldest.is_some() {
            let Some(path) = catalog.pop_oldest() else {
                break;
            };
            let (first, last) = (head(&path)?, tail(&path)?.last);
            let is_old = |last: &Record| oldest.is_some_and(|oldest| last.timestamp < oldest);
            let is_prunable = last
                .as_ref()
                .is_none_or(|last| too_many > 0 || is_old(last));
            if !is_prunable {
                break;
            }
            too_many = too_many.saturating_sub(1);
            // A file without records is somebody else's, whatever its name.
            let (Some(first), Some(last)) = (first, last) else {
                continue;
            };
            prunable.listed.push(PrunedFile {
                file: file_name(&path),
                first_seq: Some(first.seq),
                last_seq: Some(last.seq),
                bytes: path.metadata()?.len(),
            });
            prunable.paths.push(path);
        }
        Ok(prunable)
    }
}

/// Files that retention removes.
#[derive(Default)]
pub(crate) struct Prunable {
    /// What the `trail_pruned` record says of them.
    pub(crate) listed: Vec<PrunedFile>,
    paths: Vec<PathBuf>,
}

impl Prunable {
    /// Removes the files, the oldest first; names the one that could not be, and leaves those behind it.
    pub(crate) fn remove(self) -> Option<(PathBuf, io::Error)> {
        let mut paths = self.paths.into_iter();
        paths.find_map(|path| fs::remove_file(&path).err().map(|error| (path, error)))
    }
}
