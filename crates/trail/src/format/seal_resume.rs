//! From the last seal of a trail to its end: where a writer goes on.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::catalog::Catalog;
use super::checkpoint::Checkpoint;
use super::reverse_blocks::{Block, ReverseBlocks};
use super::seal::{Hint, Seal, hint};
use super::tree::{Frontier, leaf};
use super::{is_record, seq_of};
use crate::record::system::SEAL_MEMBER;

/// The tree at the end of the trail.
#[derive(Default)]
pub struct SealResume {
    pub tree: Frontier,
    /// The leaves since the last seal, that seal's own with them.
    pub leaves: Vec<Hint>,
    /// What that seal tells of the leaves before.
    pub before: Vec<Hint>,
    /// The size of the tree with the last seal.
    pub sealed: u64,
}

/// Finds the last sound seal of a trail, and carries its tree on to the end. A trail without any is read from its
/// beginning.
pub fn resume_seals(
    catalog: &mut Catalog,
    most_leaves: usize,
    to: &mut SealResume,
) -> io::Result<Option<Checkpoint>> {
    // The newest first.
    let mut files: Vec<PathBuf> = Vec::new();
    let mut begin = 0;
    let mut last = None;
    while let Some(file) = catalog.newest(files.len()) {
        let found = last_seal(file)?;
        files.push(file.to_owned());
        if let Some((offset, seal)) = found {
            begin = offset;
            to.tree = seal.frontier;
            to.sealed = seal.checkpoint.size + 1;
            to.before = seal.leaves.hints();
            last = Some(seal.checkpoint);
            break;
        }
    }
    for path in files.iter().rev() {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(std::mem::take(&mut begin)))?;
        for line in BufReader::with_capacity(1 << 20, file).split(b'\n') {
            let line = line?;
            let seq = seq_of(&line).filter(|seq| *seq >= to.tree.size());
            // A torn line begins like a record, too.
            let Some(seq) = seq.filter(|_| is_record(&line)) else {
                continue;
            };
            skip_missing(&mut to.tree, &mut to.leaves, seq, most_leaves);
            let leaf = leaf(&line);
            to.tree.push(leaf);
            to.leaves.push(hint(&leaf));
            if to.leaves.len() > 2 * most_leaves {
                to.leaves.drain(..most_leaves);
            }
        }
    }
    Ok(last)
}

/// Has a tree go on at `seq`: the records in front of it are missing, and empty leaves stand for them, also among
/// the hints of the leaves, of which `most` count.
pub fn skip_missing(tree: &mut Frontier, hints: &mut Vec<Hint>, seq: u64, most: usize) {
    let missing = usize::try_from(seq - tree.size()).unwrap_or(usize::MAX);
    tree.skip_to(seq);
    if missing >= most {
        hints.clear();
    }
    let empty = hint(&leaf(b""));
    hints.extend(std::iter::repeat_n(empty, missing.min(most)));
}

/// The last sound seal of a file, and where its line begins.
fn last_seal(path: &Path) -> io::Result<Option<(u64, Seal)>> {
    let mut blocks = ReverseBlocks::open(path)?;
    while let Some(Block { begin, bytes }) = blocks.next_block()? {
        let mut to = bytes.len();
        while let Some(mark) = memmem::rfind(&bytes[..to], SEAL_MEMBER) {
            let line = memchr::memrchr(b'\n', &bytes[..mark]).map_or(0, |feed| feed + 1);
            let length = memchr::memchr(b'\n', &bytes[line..]);
            // A line without its end may be torn.
            if let Some(length) = length
                && let Some(seal) = Seal::read(&bytes[line..line + length])
            {
                return Ok(Some((begin + line as u64, seal)));
            }
            to = line;
        }
    }
    Ok(None)
}
