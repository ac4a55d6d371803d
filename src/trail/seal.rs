//! Seals: the records by which a trail proves itself.
//!
//! A seal is a `trail_sealed` record over all records before it: the signed [`Checkpoint`], the frontier
//! of the tree, from which the tree can be carried on, and the first bytes of each leaf since the last
//! seal but one, which say what has changed where something has, be it the last seal itself. All of its
//! line follows from what is signed.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::checkpoint::{Checkpoint, decode, encode};
use super::json;
use super::tree::{Frontier, Hash};
use crate::record::timestamp_text;

/// What stands in the line of every seal behind its time.
pub(crate) const MARK: &[u8] = b"\"event_type\":\"trail_sealed\",";

/// The beginning of a leaf.
pub(crate) type Hint = [u8; 4];

#[derive(Clone, Debug)]
pub(crate) struct Seal {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
    pub(crate) frontier: Frontier,
    /// Of the leaves from the last seal but one on; those in front of them are not told.
    pub(crate) leaves: Vec<Hint>,
}

/// The keys of the line.
#[derive(Deserialize)]
struct Keys {
    checkpoint: String,
    frontier: Vec<String>,
    leaves: String,
}

pub(crate) fn hint(leaf: &Hash) -> Hint {
    [leaf[0], leaf[1], leaf[2], leaf[3]]
}

/// The list of leaves as it stands in the line.
pub(crate) fn leaves_text(leaves: &[Hint]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(8 * leaves.len());
    for byte in leaves.iter().flatten() {
        text.push(HEX[usize::from(byte >> 4)].into());
        text.push(HEX[usize::from(byte & 15)].into());
    }
    text
}

fn leaves_of(text: &str) -> Option<Vec<Hint>> {
    let (digits, rest) = text.as_bytes().as_chunks::<8>();
    let hint = |digits: &[u8; 8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_be_bytes())
    };
    rest.is_empty().then(|| digits.iter().map(hint).collect())?
}

/// The hash of the list, which is signed.
pub(crate) fn leaves_hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

impl Seal {
    /// Appends the seal's line, without its line feed.
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"seq\":");
        json::push_display(out, &self.checkpoint.size);
        out.extend_from_slice(b",\"timestamp\":");
        json::push_string(out, &timestamp_text(self.checkpoint.time));
        out.push(b',');
        out.extend_from_slice(MARK);
        out.extend_from_slice(b"\"reason\":");
        json::push_string(out, &self.checkpoint.reason);
        out.extend_from_slice(b",\"checkpoint\":");
        json::push_string(out, &self.note);
        out.extend_from_slice(b",\"frontier\":[");
        for (place, node) in self.frontier.nodes().iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            json::push_string(out, &encode(node));
        }
        out.extend_from_slice(b"],\"leaves\":");
        json::push_string(out, &leaves_text(&self.leaves));
        out.push(b'}');
    }

    /// Whether a line says that it is a seal.
    pub(crate) fn is_one(line: &[u8]) -> bool {
        // It stands behind seq and timestamp, which have no more bytes than this.
        const REACH: usize = 128;
        let head = &line[..line.len().min(REACH)];
        memchr::memmem::find(head, MARK).is_some()
    }

    /// Reads a seal, if every byte of its line is what its signature makes it. Whether the tree is that
    /// of the records is another question.
    pub(crate) fn read(line: &[u8]) -> Option<Seal> {
        let keys: Keys = serde_json::from_slice(line).ok()?;
        let checkpoint = Checkpoint::read(&keys.checkpoint)?;
        let nodes: Option<Vec<Hash>> = keys.frontier.iter().map(|node| decode(node)).collect();
        let frontier = Frontier::new(checkpoint.size, nodes?)?;
        let leaves = leaves_of(&keys.leaves)?;
        let seal = Seal {
            note: keys.checkpoint,
            frontier,
            leaves,
            checkpoint,
        };
        let mut written = Vec::with_capacity(line.len());
        seal.push(&mut written);
        let is_sound = written == line
            && seal.frontier.root() == seal.checkpoint.root
            && leaves_hash(&keys.leaves) == seal.checkpoint.leaves
            && seal.leaves.len() as u64 <= seal.checkpoint.size;
        is_sound.then_some(seal)
    }
}
