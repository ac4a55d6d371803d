//! Frames that are too large for the ring: in files beside the journal's, or in memory where
//! it has none, or where such a file cannot be written. Files are touched outside the lock of
//! the journal: a disk that hangs must not hold up who has a small record.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::checksum::checksum;
use crate::trail::internal::open_private;

/// The large frames that are not released, in the order of their entries.
#[derive(Default)]
pub(super) struct Aside {
    pub(super) kept: VecDeque<Large>,
}

pub(super) struct Large {
    pub(super) number: u64,
    /// Behind its entry.
    pub(super) end: u64,
    pub(super) length: usize,
    /// The frame, where it is in no file.
    pub(super) frame: Option<Vec<u8>>,
}

impl Aside {
    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().map(|large| large.length).sum()
    }

    /// The frame, where it is in no file.
    pub(super) fn in_memory(&self, number: u64) -> Option<Vec<u8>> {
        let kept = self.kept.iter().find(|large| large.number == number)?;
        kept.frame.clone()
    }

    /// Takes out the frames whose entries end before a position, and names those in files.
    pub(super) fn release(&mut self, position: u64) -> Vec<u64> {
        let mut in_files = Vec::new();
        while self.kept.front().is_some_and(|large| large.end <= position) {
            if let Some(Large {
                number,
                frame: None,
                ..
            }) = self.kept.pop_front()
            {
                in_files.push(number);
            }
        }
        in_files
    }
}

pub(super) fn write(journal: &Path, number: u64, frame: &[u8]) -> io::Result<()> {
    let mut file = open_private(&file_aside(journal, number))?;
    file.write_all(frame)?;
    file.write_all(&checksum(frame).to_le_bytes())
}

/// The frame in a file, if it is the one that was written.
pub(super) fn read(journal: &Path, number: u64) -> io::Result<Vec<u8>> {
    let mut frame = fs::read(file_aside(journal, number))?;
    let stored = frame.split_off(frame.len().saturating_sub(4));
    match stored == checksum(&frame).to_le_bytes() {
        true => Ok(frame),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

pub(super) fn remove(journal: &Path, number: u64) {
    // What stays is removed when the journal is opened again.
    let _ = fs::remove_file(file_aside(journal, number));
}

/// Removes the files of frames that no entry names.
pub(super) fn remove_others(journal: &Path, kept: &VecDeque<Large>) {
    let Some((directory, name)) = journal.parent().zip(journal.file_name()) else {
        return;
    };
    let prefix = format!("{}.", name.to_string_lossy());
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let number = file
            .to_str()
            .and_then(|file| file.strip_prefix(&prefix)?.parse().ok());
        if let Some(number) = number
            && !kept.iter().any(|large| large.number == number)
        {
            remove(journal, number);
        }
    }
}

fn file_aside(journal: &Path, number: u64) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(format!(".{number}"));
    PathBuf::from(path)
}
