//! Seals: the records by which a trail proves itself.
//!
//! A seal is a `trail_sealed` record over all records before it: the signed [`Checkpoint`], the frontier
//! of the tree, from which the tree can be carried on, and the first bytes of each leaf since the last
//! seal but one, which say what has changed where something has, be it the last seal itself. All of its
//! line follows from what is signed.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::checkpoint::{Checkpoint, decode, encode};
use super::json;
use super::tree::{Frontier, Hash};
use crate::record::system::{SEAL_MEMBER, Sealed};
use crate::record::timestamp_text;

/// The beginning of a leaf.
pub type Hint = [u8; 4];

#[derive(Clone, Debug)]
pub struct Seal {
    pub checkpoint: Checkpoint,
    pub note: String,
    pub frontier: Frontier,
    /// Of the leaves from the last seal but one on; those in front of them are not told.
    pub leaves: HintText,
}

pub fn hint(leaf: &Hash) -> Hint {
    [leaf[0], leaf[1], leaf[2], leaf[3]]
}

/// A list of the beginnings of leaves, as it stands in the line: eight hexadecimal digits for each.
#[derive(Clone, Debug, Default)]
pub struct HintText(String);

impl HintText {
    pub fn new(hints: &[Hint]) -> HintText {
        HintText(HEXLOWER.encode(hints.as_flattened()))
    }

    pub fn count(&self) -> u64 {
        (self.0.len() / 8) as u64
    }

    /// One of them. `None`: there are not so many.
    pub fn get(&self, place: u64) -> Option<Hint> {
        let begin = usize::try_from(place).ok()?.checked_mul(8)?;
        let digits = self.0.as_bytes().get(begin..begin + 8)?;
        let mut hint = Hint::default();
        HEXLOWER.decode_mut(digits, &mut hint).ok()?;
        Some(hint)
    }

    pub fn hints(&self) -> Vec<Hint> {
        (0..self.count())
            .map_while(|place| self.get(place))
            .collect()
    }

    /// The hash of the list, which is signed.
    pub fn hash(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }
}

impl Seal {
    /// Appends the seal's line, without its line feed.
    pub fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"seq\":");
        json::push_value(out, &self.checkpoint.size);
        out.extend_from_slice(b",\"timestamp\":");
        json::push_string(out, timestamp_text(self.checkpoint.time));
        out.push(b',');
        out.extend_from_slice(SEAL_MEMBER);
        if let Some(run_id) = &self.checkpoint.run_id {
            out.extend_from_slice(b"\"run_id\":");
            json::push_string(out, run_id);
            out.push(b',');
        }
        out.extend_from_slice(b"\"reason\":");
        json::push_string(out, &self.checkpoint.reason);
        out.extend_from_slice(b",\"checkpoint\":");
        json::push_string(out, &self.note);
        out.extend_from_slice(b",\"frontier\":[");
        for (place, node) in self.frontier.nodes().iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            json::push_string(out, encode(node));
        }
        out.extend_from_slice(b"],\"leaves\":\"");
        out.extend_from_slice(self.leaves.0.as_bytes());
        out.extend_from_slice(b"\"}");
    }

    /// Whether a line says that it is a seal.
    pub fn is_one(line: &[u8]) -> bool {
        // It stands behind seq and timestamp, which have no more bytes than this.
        const REACH: usize = 128;
        let head = &line[..line.len().min(REACH)];
        memchr::memmem::find(head, SEAL_MEMBER).is_some()
    }

    /// Reads a seal, if every byte of its line is what its signature makes it. Whether the tree is that
    /// of the records is another question.
    pub fn read(line: &[u8]) -> Option<Seal> {
        let keys: Sealed = serde_json::from_slice(line).ok()?;
        let checkpoint = Checkpoint::read(&keys.checkpoint)?;
        let nodes: Option<Vec<Hash>> = keys.frontier.iter().map(|node| decode(node)).collect();
        let frontier = Frontier::new(checkpoint.size, nodes?)?;
        let seal = Seal {
            note: keys.checkpoint,
            frontier,
            leaves: HintText(keys.leaves),
            checkpoint,
        };
        let mut written = Vec::with_capacity(line.len());
        seal.push(&mut written);
        let is_sound = written == line
            && seal.frontier.root() == seal.checkpoint.root
            && seal.leaves.hash() == seal.checkpoint.leaves
            && seal.leaves.count() <= seal.checkpoint.size;
        is_sound.then_some(seal)
    }
}
