//! Writes a file so that a crash or a loss of power leaves either the old file or the new one, and never a part.
//!
//! The bytes go to a temporary file in the same directory, which only its owner may read (mode 0600). It is synced,
//! then renamed to its target, and the directory is synced. A draft that is dropped, or whose disk is full, leaves
//! nothing. A process that is killed leaves its temporary file, `TARGET.new` or `TARGET.xxxxxx.new`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

const SUFFIX: &str = ".new";

/// A file that gets its name when it is complete.
pub struct DurableFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl DurableFile {
    /// Begins a file that several processes may write at a time: its temporary name is random.
    pub fn shared(target: &Path) -> io::Result<DurableFile> {
        let mut prefix = file_name(target)?.to_owned();
        prefix.push(".");
        let file = Builder::new()
            .prefix(&prefix)
            .suffix(SUFFIX)
            .tempfile_in(directory(target))?;
        let target = target.to_owned();
        Ok(DurableFile { file, target })
    }

    /// Begins a file that only one process writes, because it holds the trail's lock. Its temporary name is always
    /// the same, so that it replaces what a killed process has left.
    pub fn exclusive(target: &Path) -> io::Result<DurableFile> {
        let mut left = target.as_os_str().to_owned();
        left.push(SUFFIX);
        // Mostly there is none. If one cannot be removed, the file cannot be made, and that is the error.
        let _ = fs::remove_file(left);
        let file = Builder::new()
            .prefix(file_name(target)?)
            .rand_bytes(0)
            .suffix(SUFFIX)
            .tempfile_in(directory(target))?;
        let target = target.to_owned();
        Ok(DurableFile { file, target })
    }

    /// Gives the file its name, in place of whatever has it.
    pub fn replace(self) -> io::Result<File> {
        self.file.as_file().sync_all()?;
        let file = self.file.persist(&self.target)?;
        sync_directory_of(&self.target)?;
        Ok(file)
    }

    /// Gives the file its name, unless there is a file of that name: [`io::ErrorKind::AlreadyExists`].
    pub fn create_new(self) -> io::Result<File> {
        self.file.as_file().sync_all()?;
        let file = self.file.persist_noclobber(&self.target)?;
        sync_directory_of(&self.target)?;
        Ok(file)
    }

    /// As [`replace`](DurableFile::replace), but without a sync: for a cache that detects damage and is rebuilt then.
    pub fn replace_cache(self) -> io::Result<()> {
        self.file.persist(&self.target)?;
        Ok(())
    }
}

impl Write for DurableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Syncs the directory that a file is in, which makes the file's name durable.
#[cfg(unix)]
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match File::open(directory(path)).and_then(|directory| directory.sync_all()) {
        // Some file systems sync no directory, and one that must not be read cannot be opened for it.
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Windows has no call for it.
#[cfg(not(unix))]
pub fn sync_directory_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn file_name(path: &Path) -> io::Result<&std::ffi::OsStr> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    path.file_name().ok_or_else(no_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("readable");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("readable").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_when_it_is_complete_and_only_its_owner_may_read_it() {
        for begin in [DurableFile::shared, DurableFile::exclusive] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("file");
            fs::write(&path, "old").expect("written");
            let mut draft = begin(&path).expect("begun");
            draft.write_all(b"new").expect("written");
            assert_eq!(fs::read(&path).expect("readable"), b"old");
            assert_eq!(names(directory.path()).len(), 2, "in the same directory");
            let file = draft.replace().expect("replaced");
            assert_eq!(fs::read(&path).expect("readable"), b"new");
            assert_eq!(file.metadata().expect("open").len(), 3);
            assert_eq!(names(directory.path()), ["file"]);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = path.metadata().expect("there").permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
        }
    }

    #[test]
    fn a_draft_that_is_dropped_or_comes_too_late_leaves_nothing() {
        for begin in [DurableFile::shared, DurableFile::exclusive] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("file");
            drop(begin(&path).expect("begun"));
            assert!(names(directory.path()).is_empty());

            let mut draft = begin(&path).expect("begun");
            draft.write_all(b"second").expect("written");
            fs::write(&path, "first").expect("written");
            let refused = draft.create_new().expect_err("too late");
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&path).expect("readable"), b"first");
            assert_eq!(names(directory.path()), ["file"]);
        }
    }

    #[test]
    fn an_exclusive_draft_replaces_what_a_killed_process_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(directory.path().join("file.new"), "half of an old one").expect("written");
        let mut draft = DurableFile::exclusive(&path).expect("begun");
        draft.write_all(b"whole").expect("written");
        draft.create_new().expect("created");
        assert_eq!(fs::read(&path).expect("readable"), b"whole");
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn shared_drafts_of_one_target_do_not_meet() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let mut drafts = [1, 2].map(|number| {
            let mut draft = DurableFile::shared(&path).expect("begun");
            draft.write_all(&[number; 4]).expect("written");
            draft
        });
        drafts[0].write_all(&[1; 4]).expect("written");
        for (draft, text) in drafts.into_iter().zip([vec![1; 8], vec![2; 4]]) {
            draft.replace_cache().expect("replaced");
            assert_eq!(fs::read(&path).expect("readable"), text);
        }
    }
}
