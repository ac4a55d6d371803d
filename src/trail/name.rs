use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Days, Utc};
use tracing_appender::rolling::Rotation;

use crate::trail::error::{Error, InvalidName, Result};

/// The name of a trail, and the names of its files.
///
/// `./logs/audit.log` is the trail in directory `./logs` whose files are `audit.log` and
/// `audit.2026-11-23.log` and the like; see [`trail`](crate::trail).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailName {
    directory: PathBuf,
    prefix: String,
    suffix: Option<String>,
}

impl TrailName {
    /// Reads a name as it is written in a destination.
    ///
    /// # Errors
    ///
    /// A path that names no file, or whose file name is not UTF-8.
    pub fn new(path: impl AsRef<Path>) -> Result<TrailName> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        if shown.trim().is_empty() {
            return Err(Error::name(shown, InvalidName::Empty));
        }
        let directory_named = shown.ends_with(['/', std::path::MAIN_SEPARATOR]) || path.is_dir();
        let (Some(file), false) = (path.file_name(), directory_named) else {
            return Err(Error::name(shown, InvalidName::Directory));
        };
        let Some(file) = file.to_str() else {
            return Err(Error::name(shown, InvalidName::NotUtf8));
        };
        // A leading dot belongs to the prefix.
        let (prefix, suffix) = match file.rfind('.') {
            Some(dot) if dot > 0 => (&file[..dot], Some(file[dot + 1..].to_owned())),
            _ => (file, None),
        };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(TrailName {
            directory,
            prefix: prefix.to_owned(),
            suffix,
        })
    }

    /// The directory that holds the files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The name itself: the plain file, or the link to the newest one.
    pub fn path(&self) -> PathBuf {
        self.directory.join(self.file_name(None))
    }

    /// The trail's files that exist, in the order of their names. Links are no files.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(|name| self.is_file(name));
            if is_ours && entry.file_type()?.is_file() {
                names.push(entry.path());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Whether the trail has a file.
    pub(crate) fn has_files(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(|name| self.is_file(name));
            if is_ours && entry.file_type()?.is_file() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same trail with an absolute directory.
    pub(crate) fn absolute(&self) -> io::Result<TrailName> {
        Ok(TrailName {
            directory: std::path::absolute(&self.directory)?,
            ..self.clone()
        })
    }

    #[cfg(test)]
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    #[cfg(test)]
    pub(crate) fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref()
    }

    /// The lock that the one writer holds.
    pub(crate) fn lock(&self) -> PathBuf {
        self.directory
            .join(format!("{}.lock", self.file_name(None)))
    }

    /// The journal: what was emitted and is not yet in the trail.
    pub(crate) fn journal(&self) -> PathBuf {
        self.directory
            .join(format!("{}.journal", self.file_name(None)))
    }

    /// The latest checkpoint, for whoever keeps it elsewhere.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.directory
            .join(format!("{}.checkpoint", self.file_name(None)))
    }

    /// What the checkpoint beside the trail says. Anything but a small file was put there by somebody.
    pub(crate) fn read_checkpoint(&self) -> io::Result<String> {
        const LONGEST: u64 = 64 << 10;
        let path = self.checkpoint();
        let found = fs::metadata(&path)?;
        match found.is_file() && found.len() <= LONGEST {
            true => fs::read_to_string(&path),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The key that signs the next seal, beside the trail or in another directory.
    pub(crate) fn seal_key(&self, directory: Option<&Path>) -> PathBuf {
        let directory = directory.unwrap_or(&self.directory);
        directory.join(format!("{}.sealkey", self.file_name(None)))
    }

    /// The name of the file that holds what is written at `now`. It is the name that
    /// tracing-appender gives it (`the_appender_names_files_as_we_do`).
    pub(crate) fn file_at(&self, now: DateTime<Utc>, rotation: &Rotation) -> String {
        match date_format(rotation) {
            None => self.file_name(None),
            Some(format) => {
                let begun = match *rotation {
                    Rotation::WEEKLY => {
                        now - Days::new(u64::from(now.weekday().num_days_from_sunday()))
                    }
                    _ => now,
                };
                self.file_name(Some(&begun.format(format).to_string()))
            }
        }
    }

    /// The name of a file that is set aside at a time. No rotation gives a name to the second.
    pub(crate) fn aside_at(&self, time: DateTime<Utc>) -> String {
        self.file_name(Some(&time.format("%Y-%m-%d-%H-%M-%S").to_string()))
    }

    /// The date in the name of one of the trail's rolled files, or of one that was set aside.
    pub(crate) fn date_of<'n>(&self, file: &'n str) -> Option<&'n str> {
        let rest = file.strip_prefix(&self.prefix)?.strip_prefix('.')?;
        let date = match &self.suffix {
            Some(suffix) => rest.strip_suffix(suffix.as_str())?.strip_suffix('.')?,
            None => rest,
        };
        is_date(date).then_some(date)
    }

    pub(crate) fn file_name(&self, date: Option<&str>) -> String {
        let mut name = self.prefix.clone();
        for part in [date, self.suffix.as_deref()].into_iter().flatten() {
            name.push('.');
            name.push_str(part);
        }
        name
    }

    fn is_file(&self, name: &str) -> bool {
        self.is_plain(name) || self.date_of(name).is_some()
    }

    /// Whether a file has the trail's own name.
    pub(super) fn is_plain(&self, name: &str) -> bool {
        let rest = name.strip_prefix(self.prefix.as_str());
        match &self.suffix {
            Some(suffix) => rest.and_then(|rest| rest.strip_prefix('.')) == Some(suffix),
            None => rest == Some(""),
        }
    }
}

fn date_format(rotation: &Rotation) -> Option<&'static str> {
    match *rotation {
        Rotation::MINUTELY => Some("%Y-%m-%d-%H-%M"),
        Rotation::HOURLY => Some("%Y-%m-%d-%H"),
        Rotation::DAILY | Rotation::WEEKLY => Some("%Y-%m-%d"),
        _ => None,
    }
}

/// Whether `text` has the shape `2026-11-23`, followed by up to three of `-14`, `-05` and `-59`.
fn is_date(text: &str) -> bool {
    let shape = b"dddd-dd-dd-dd-dd-dd";
    matches!(text.len(), 10 | 13 | 16 | 19)
        && text
            .bytes()
            .zip(shape)
            .all(|(byte, &expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                _ => byte == expected,
            })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use tracing_appender::rolling::RollingFileAppender;

    #[test]
    fn the_appender_names_files_as_we_do() {
        for path in ["audit.log", "audit", "audit.trail.jsonl", ".audit"] {
            for rotation in [
                Rotation::MINUTELY,
                Rotation::HOURLY,
                Rotation::DAILY,
                Rotation::WEEKLY,
                Rotation::NEVER,
            ] {
                let dir = tempfile::tempdir().expect("a directory");
                let name = TrailName::new(dir.path().join(path)).expect("a name");
                let mut builder = RollingFileAppender::builder()
                    .rotation(rotation.clone())
                    .filename_prefix(name.prefix());
                if let Some(suffix) = name.suffix() {
                    builder = builder.filename_suffix(suffix);
                }
                // Names before and after: the appender takes its own time between them.
                let before = name.file_at(Utc::now(), &rotation);
                let mut appender = builder.build(name.directory()).expect("an appender");
                appender.write_all(b"x").expect("written");
                let after = name.file_at(Utc::now(), &rotation);
                let files = name.files().expect("readable");
                let [file] = files.as_slice() else {
                    panic!("{path}: {files:?}");
                };
                let found = file.file_name().and_then(|n| n.to_str()).expect("UTF-8");
                assert!(found == before || found == after, "{found}, not {before}");
            }
        }
    }

    #[test]
    fn neighbours_are_not_taken_for_files_of_the_trail() {
        let name = TrailName::new("/logs/audit.log").expect("a name");
        for ours in [
            "audit.log",
            "audit.2026-11-23.log",
            "audit.2026-11-23-14-05.log",
            "audit.2026-11-23-14-05-59.log",
        ] {
            assert!(name.is_file(ours), "{ours}");
        }
        for other in [
            "audit-key.pem",
            "audit.log.lock",
            "audit.2026-11-23.log.gz",
            "audit.2026-11-2x.log",
            "audit.backup.log",
            "audit2.2026-11-23.log",
        ] {
            assert!(!name.is_file(other), "{other}");
        }
    }

    #[test]
    fn a_name_says_what_is_wrong_with_it() {
        let dir = tempfile::tempdir().expect("a directory");
        for bad in ["", "/", "logs/", &dir.path().display().to_string()] {
            assert!(TrailName::new(bad).is_err(), "{bad:?}");
        }
    }
}
