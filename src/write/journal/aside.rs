//! Frames that are too large for the ring: in files beside the journal's, or in memory where
//! it has none.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::trail::files::open_private;

/// Frames too large for the ring, by number.
pub(super) struct Aside {
    /// The journal's file, where it has one; frames are kept in files beside it.
    pub(super) journal: Option<PathBuf>,
    pub(super) kept: VecDeque<Large>,
    pub(super) next: u64,
}

pub(super) struct Large {
    pub(super) number: u64,
    /// Behind its entry.
    pub(super) end: u64,
    pub(super) length: usize,
    /// Empty where the frame is in a file.
    pub(super) frame: Vec<u8>,
}

impl Aside {
    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().map(|large| large.length).sum()
    }

    pub(super) fn keep(&mut self, frame: &[u8], end: u64) -> io::Result<u64> {
        let (number, length) = (self.next, frame.len());
        let frame = match &self.journal {
            None => frame.to_vec(),
            Some(journal) => {
                let path = file_aside(journal, number);
                let _ = fs::remove_file(&path);
                io::Write::write_all(&mut open_private(&path)?, frame)?;
                Vec::new()
            }
        };
        self.next += 1;
        self.kept.push_back(Large {
            number,
            end,
            length,
            frame,
        });
        Ok(number)
    }

    pub(super) fn frame(&self, number: u64) -> io::Result<Vec<u8>> {
        match &self.journal {
            Some(journal) => fs::read(file_aside(journal, number)),
            None => {
                let kept = self.kept.iter().find(|large| large.number == number);
                kept.map(|large| large.frame.clone())
                    .ok_or_else(|| io::ErrorKind::NotFound.into())
            }
        }
    }

    pub(super) fn release(&mut self, position: u64) {
        while self.kept.front().is_some_and(|large| large.end <= position) {
            if let (Some(large), Some(journal)) = (self.kept.pop_front(), &self.journal) {
                let _ = fs::remove_file(file_aside(journal, large.number));
            }
        }
    }
}

pub(super) fn file_aside(journal: &Path, number: u64) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(format!(".{number}"));
    PathBuf::from(path)
}
