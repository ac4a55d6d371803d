//! The tree of a trail while it grows: its leaves are hashed beside the worker.
//!
//! SHA-256 takes about as long as all else that the worker does for a record. Lines are handed to a
//! thread of their own as they are rendered, and by the time that they are written it is done with them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::lock;
use crate::trail::seal::{Hint, hint};
use crate::trail::tree::{Frontier, leaf};

/// Fewer bytes are hashed where they are: to wake the thread takes as long.
const WORTH: usize = 8 << 10;
/// Lines are handed over when there are so many bytes of them.
pub(super) const PIECE: usize = 32 << 10;
/// So many pieces may wait.
const PIECES: usize = 32;

pub(super) struct Leaves {
    tree: Arc<Mutex<Tree>>,
    /// Behind the last line, hashed or not.
    size: u64,
    hasher: Option<Hasher>,
}

#[derive(Default)]
pub(super) struct Tree {
    pub(super) frontier: Frontier,
    /// The leaves since the last seal, that seal's own with them.
    pub(super) hints: Vec<Hint>,
}

struct Hasher {
    to: SyncSender<(Vec<u8>, u64)>,
    /// Pieces that are done, to be used again.
    done: Receiver<Vec<u8>>,
    waiting: usize,
}

impl Tree {
    /// Takes in lines, the first of which is record `seq`. Those it has already come again.
    fn push(&mut self, lines: &[u8], mut seq: u64) {
        let mut begin = 0;
        for feed in memchr::memchr_iter(b'\n', lines) {
            if seq == self.frontier.size() {
                let leaf = leaf(&lines[begin..feed]);
                self.frontier.push(leaf);
                self.hints.push(hint(&leaf));
            }
            begin = feed + 1;
            seq += 1;
        }
    }
}

impl Leaves {
    pub(super) fn new(tree: Tree) -> Leaves {
        Leaves {
            size: tree.frontier.size(),
            tree: Arc::new(Mutex::new(tree)),
            hasher: None,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes in so many lines, the first of which is record `seq`.
    pub(super) fn push(&mut self, lines: &[u8], seq: u64, count: u64) {
        self.size = self.size.max(seq + count);
        let is_waited_for = self
            .hasher
            .as_ref()
            .is_some_and(|hasher| hasher.waiting > 0);
        if lines.len() < WORTH && !is_waited_for {
            return lock(&self.tree).push(lines, seq);
        }
        if self.hasher.is_none() {
            self.hasher = Hasher::start(self.tree.clone());
        }
        let Some(hasher) = &mut self.hasher else {
            return lock(&self.tree).push(lines, seq);
        };
        let mut piece = hasher.spare();
        piece.extend_from_slice(lines);
        hasher.waiting += 1;
        hasher
            .to
            .send((piece, seq))
            .expect("invariant: the hasher ends when nobody sends");
    }

    /// The tree over all lines so far.
    pub(super) fn tree(&mut self) -> std::sync::MutexGuard<'_, Tree> {
        if let Some(hasher) = &mut self.hasher {
            while hasher.waiting > 0 {
                hasher.take_done();
            }
        }
        lock(&self.tree)
    }
}

impl Hasher {
    /// `None`: the system gives no thread.
    fn start(tree: Arc<Mutex<Tree>>) -> Option<Hasher> {
        let (to, pieces) = sync_channel::<(Vec<u8>, u64)>(PIECES);
        let (back, done) = sync_channel(PIECES + 1);
        let hash = move || {
            for (mut piece, seq) in pieces {
                lock(&tree).push(&piece, seq);
                piece.clear();
                if back.send(piece).is_err() {
                    return;
                }
            }
        };
        let named = thread::Builder::new().name("stinger-audit-hash".into());
        named.spawn(hash).ok()?;
        Some(Hasher {
            to,
            done,
            waiting: 0,
        })
    }

    fn take_done(&mut self) -> Vec<u8> {
        let piece = self.done.recv();
        self.waiting -= 1;
        piece.expect("invariant: the hasher gives every piece back")
    }

    /// An empty piece.
    fn spare(&mut self) -> Vec<u8> {
        // No more wait than there is room for what comes back.
        if self.waiting >= PIECES {
            return self.take_done();
        }
        match self.done.try_recv() {
            Ok(piece) => {
                self.waiting -= 1;
                piece
            }
            Err(_) => Vec::with_capacity(2 * PIECE),
        }
    }
}
