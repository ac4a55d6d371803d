//! Which files retention removes.

use std::fs;
use std::io;
use std::path::PathBuf;

use chrono::{Duration, Utc};

use super::{Files, file_name};
use crate::record::system::PrunedFile;
use crate::settings::Retain;
use crate::trail::{head, tail};

impl Files {
    /// What retention would remove now.
    pub(in crate::write) fn prunable(&self, retain: Retain) -> io::Result<Prunable> {
        let mut files = Vec::new();
        for path in self.name.files()? {
            if path.file_name().and_then(|name| name.to_str()) == Some(&self.live) {
                continue;
            }
            // A file without records is somebody else's, whatever its name.
            let (Some(first), Some(last)) = (head(&path)?, tail(&path)?.last) else {
                continue;
            };
            let size = path.metadata()?.len();
            files.push((path, first.seq, last, size));
        }
        files.sort_by_key(|(_, first, _, _)| *first);
        let too_many = retain
            .files
            .map_or(0, |kept| (files.len() + 1).saturating_sub(kept));
        let oldest = retain
            .days
            .and_then(|days| Utc::now().checked_sub_signed(Duration::try_days(i64::from(days))?));
        let mut prunable = Prunable::default();
        for (index, (path, first, last, size)) in files.into_iter().enumerate() {
            let is_old = oldest.is_some_and(|oldest| last.timestamp < oldest);
            // From the beginning on, without a hole: a file that is dated wrong keeps what is newer than it.
            if !(index < too_many || is_old) {
                break;
            }
            prunable.listed.push(PrunedFile {
                file: file_name(&path),
                first_seq: Some(first),
                last_seq: Some(last.seq),
                bytes: size,
            });
            prunable.paths.push(path);
        }
        Ok(prunable)
    }
}

/// Files that retention removes.
#[derive(Default)]
pub(in crate::write) struct Prunable {
    /// What the `trail_pruned` record says of them.
    pub(in crate::write) listed: Vec<PrunedFile>,
    paths: Vec<PathBuf>,
}

impl Prunable {
    /// Removes the files, the oldest first; names the one that could not be, and leaves those behind it.
    pub(in crate::write) fn remove(self) -> Option<(PathBuf, io::Error)> {
        let mut paths = self.paths.into_iter();
        paths.find_map(|path| fs::remove_file(&path).err().map(|error| (path, error)))
    }
}
