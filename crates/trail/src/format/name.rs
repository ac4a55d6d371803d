use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Days, Utc};

use crate::error::{Error, InvalidName, Result};

/// How often the writer begins a new file of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Every minute.
    Minutely,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week, on Sunday.
    Weekly,
    /// Never: the trail is one file.
    Never,
}

impl Period {
    /// The word, as `trail_opened` has it in `rotation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Period::Minutely => "minutely",
            Period::Hourly => "hourly",
            Period::Daily => "daily",
            Period::Weekly => "weekly",
            Period::Never => "never",
        }
    }
}

/// The name of a trail, and the names of its files.
///
/// `./logs/audit.log` is the trail in directory `./logs` whose files are `audit.log` and
/// `audit.2026-11-23.log` and the like; see [`format`](crate::format).
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
            let example = path.join("audit.log");
            return Err(Error::name(shown, InvalidName::Directory { example }));
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
        let mut names = self.listed()?.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// The trail's files, in no order.
    fn listed(&self) -> io::Result<impl Iterator<Item = io::Result<PathBuf>>> {
        let path_of_ours = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(|name| self.is_file(name));
            Ok((is_ours && entry.file_type()?.is_file()).then(|| entry.path()))
        };
        let entries = fs::read_dir(&self.directory)?;
        Ok(entries.filter_map(move |entry| path_of_ours(entry).transpose()))
    }

    /// Whether the trail has a file.
    pub fn has_files(&self) -> io::Result<bool> {
        Ok(self.listed()?.next().transpose()?.is_some())
    }

    /// The same trail with an absolute directory.
    pub fn absolute(&self) -> io::Result<TrailName> {
        Ok(TrailName {
            directory: std::path::absolute(&self.directory)?,
            ..self.clone()
        })
    }
}

/// What the writer and the command need to know of the names.
#[doc(hidden)]
impl TrailName {
    /// A file that stands beside the trail's own.
    fn beside(&self, extension: &str) -> PathBuf {
        let name = self.file_name(None);
        self.directory.join(format!("{name}.{extension}"))
    }

    /// The lock that the one writer holds.
    pub fn lock(&self) -> PathBuf {
        self.beside("lock")
    }

    /// The journal: what was emitted and is not yet in the trail.
    pub fn journal(&self) -> PathBuf {
        self.beside("journal")
    }

    /// The latest checkpoint, for whoever keeps it elsewhere.
    pub fn checkpoint(&self) -> PathBuf {
        self.beside("checkpoint")
    }

    /// What the checkpoint beside the trail says. Anything but a small file was put there by somebody.
    pub fn read_checkpoint(&self) -> io::Result<String> {
        const LONGEST: u64 = 64 << 10;
        let path = self.checkpoint();
        let found = fs::metadata(&path)?;
        match found.is_file() && found.len() <= LONGEST {
            true => fs::read_to_string(&path),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The key that signs the next seal, beside the trail or in another directory.
    pub fn seal_key(&self, directory: Option<&Path>) -> PathBuf {
        let directory = directory.unwrap_or(&self.directory);
        directory.join(format!("{}.sealkey", self.file_name(None)))
    }

    /// The name of the file that holds what is written at `now`. It is the name that
    /// tracing-appender gives it (`the_appender_names_files_as_we_do`).
    pub fn file_at(&self, now: DateTime<Utc>, period: Period) -> String {
        let (begun, format) = match period {
            Period::Minutely => (now, "%Y-%m-%d-%H-%M"),
            Period::Hourly => (now, "%Y-%m-%d-%H"),
            Period::Daily => (now, "%Y-%m-%d"),
            Period::Weekly => {
                let since_sunday = u64::from(now.weekday().num_days_from_sunday());
                (now - Days::new(since_sunday), "%Y-%m-%d")
            }
            Period::Never => return self.file_name(None),
        };
        self.file_name(Some(&begun.format(format).to_string()))
    }

    /// The name of a file that is set aside at a time. No rotation gives a name to the second.
    pub fn aside_at(&self, time: DateTime<Utc>) -> String {
        self.file_name(Some(&time.format("%Y-%m-%d-%H-%M-%S").to_string()))
    }

    /// The date in the name of one of the trail's rolled files, or of one that was set aside.
    pub fn date_of<'n>(&self, file: &'n str) -> Option<&'n str> {
        let rest = file.strip_prefix(&self.prefix)?.strip_prefix('.')?;
        let date = match &self.suffix {
            Some(suffix) => rest.strip_suffix(suffix.as_str())?.strip_suffix('.')?,
            None => rest,
        };
        is_date(date).then_some(date)
    }

    pub fn file_name(&self, date: Option<&str>) -> String {
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
