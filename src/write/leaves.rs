//! The tree of a trail while it grows: its leaves are hashed beside the worker.
//!
//! SHA-256 takes a third as long as all else that the worker does for a record. A thread of its own hashes
//! a batch of lines while they are written and the next ones are made, and does what else is given to it. The worker
//! never waits for a hash: what the thread has not come to when it is needed, because it was given no core, the worker
//! does itself.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::helper::{Helper, Task};
use super::lines::Lines;
use crate::trail::miss;
use crate::trail::seal::{Hint, hint};
use crate::trail::tree::{Frontier, Hash, leaf};

/// A seal tells the beginnings of so many leaves at most.
pub(super) const MOST_LEAVES: usize = 1 << 16;

/// Fewer bytes are hashed where they are: to wake the thread takes as long.
const WORTH: usize = 8 << 10;
/// A batch is hashed in parts of about so many bytes, each by whoever comes to it first.
const PART: usize = 64 << 10;
/// So many batches may be underway.
const BATCHES: usize = 4;
/// So many tasks may wait, of which a batch has two and a seal one: where the thread was given no core, those that the
/// worker has come to as well.
const TASKS: usize = 6 * BATCHES;

pub(super) struct Leaves {
    tree: Tree,
    /// Behind the last line, hashed or not.
    size: u64,
    helper: Option<Helper>,
}

/// The tree over some lines, and the batches of them that may still be being hashed.
#[derive(Clone)]
pub(super) struct Tree {
    frontier: Frontier,
    /// The leaves since the last seal, that seal's own with them.
    hints: Vec<Hint>,
    /// What is not in the two above, the oldest first. Who makes the seal puts it there: beside the worker, as a rule.
    unsettled: VecDeque<Unsettled>,
}

#[derive(Clone)]
struct Unsettled {
    /// For each part of a batch, once it is there.
    hashed: Arc<[OnceLock<Hashed>]>,
    /// `None`: all of it is hashed, and its lines are let go.
    batch: Option<Arc<Batch>>,
}

struct Batch {
    lines: Arc<Lines>,
    /// Which of the lines each part has.
    parts: Vec<Range<usize>>,
    /// The next part that nobody has begun with.
    next: AtomicUsize,
    hashed: Arc<[OnceLock<Hashed>]>,
}

/// What some lines are in the tree.
struct Hashed {
    leaves: Vec<Hash>,
}

impl Lines {
    /// Some of them as they are in the tree.
    fn hash(&self, range: Range<usize>) -> Hashed {
        let mut begin = match range.start {
            0 => 0,
            start => self.ends[start - 1],
        };
        let lines = self.ends[range].iter().map(|&end| {
            let line = &self.bytes[begin..end - 1];
            begin = end;
            line
        });
        Hashed {
            leaves: lines.map(leaf).collect(),
        }
    }

    /// Parts of about [`PART`] bytes, the last with what is left.
    fn parts(&self) -> Vec<Range<usize>> {
        let mut parts = Vec::with_capacity(1 + self.bytes.len() / PART);
        let (mut from, mut begin) = (0, 0);
        for (place, &end) in self.ends.iter().enumerate() {
            let to = place + 1;
            if end - begin >= PART || to == self.ends.len() {
                parts.push(from..to);
                (from, begin) = (to, end);
            }
        }
        parts
    }
}

impl Batch {
    fn new(lines: Arc<Lines>) -> Batch {
        let parts = lines.parts();
        Batch {
            hashed: parts.iter().map(|_| OnceLock::new()).collect(),
            next: AtomicUsize::new(0),
            parts,
            lines,
        }
    }

    /// Hashes the next part that nobody has begun with. `false`: there is none.
    fn hash_next(&self) -> bool {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(part) = self.parts.get(place) else {
            return false;
        };
        let _ = self.hashed[place].set(self.lines.hash(part.clone()));
        true
    }
}

impl Task for Batch {
    fn run(&self) {
        while self.hash_next() {}
    }
}

impl Tree {
    /// The frontier over all lines, and the leaves since the last seal.
    pub(super) fn settled(mut self) -> (Frontier, Vec<Hint>) {
        self.settle();
        (self.frontier, self.hints)
    }

    fn settle(&mut self) {
        while self.settle_first() {}
    }

    /// `false`: there is nothing to settle.
    fn settle_first(&mut self) -> bool {
        let Some(Unsettled { hashed, batch }) = self.unsettled.pop_front() else {
            return false;
        };
        if let Some(batch) = &batch {
            batch.run();
        }
        for (place, hashed) in hashed.iter().enumerate() {
            match (hashed.get(), &batch) {
                (Some(hashed), _) => self.take(hashed),
                // The thread is at it, or was stopped there: it is hashed again.
                (None, Some(batch)) => self.take(&batch.lines.hash(batch.parts[place].clone())),
                (None, None) => unreachable!("invariant: lines are let go when they are hashed"),
            }
        }
        true
    }

    /// Batches that may still be being hashed.
    fn underway(&self) -> usize {
        let is_underway = |unsettled: &&Unsettled| unsettled.batch.is_some();
        self.unsettled.iter().filter(is_underway).count()
    }

    /// Lets go of lines that are hashed.
    fn let_go(&mut self) {
        for unsettled in &mut self.unsettled {
            if unsettled.hashed.iter().all(|part| part.get().is_some()) {
                unsettled.batch = None;
            }
        }
    }

    fn take(&mut self, hashed: &Hashed) {
        self.hints.extend(hashed.leaves.iter().map(hint));
        for leaf in &hashed.leaves {
            self.frontier.push(*leaf);
        }
    }
}

impl Leaves {
    /// Goes on with a tree, and the leaves since the last seal of it.
    pub(super) fn new(frontier: Frontier, hints: Vec<Hint>) -> Leaves {
        Leaves {
            size: frontier.size(),
            tree: Tree {
                frontier,
                hints,
                unsettled: VecDeque::new(),
            },
            helper: None,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes in lines. Those it has already come again.
    pub(super) fn push(&mut self, lines: Arc<Lines>) {
        if lines.first != self.size {
            return self.push_again(&lines);
        }
        self.size += lines.count();
        if lines.bytes.len() < WORTH && self.tree.underway() == 0 {
            self.tree.settle();
            return self.tree.take(&lines.hash(0..lines.ends.len()));
        }
        if self.helper.is_none() {
            self.helper = Helper::start(TASKS);
        }
        let batch = Arc::new(Batch::new(lines));
        let _ = self.beside(batch.clone());
        self.tree.unsettled.push_back(Unsettled {
            hashed: batch.hashed.clone(),
            batch: Some(batch),
        });
        while self.tree.underway() > BATCHES {
            self.tree.settle_first();
        }
    }

    /// Lets go of the lines that are hashed: the sooner their memory is written again, the more of it is in the caches.
    pub(super) fn let_go(&mut self) {
        self.tree.let_go();
    }

    /// Has something done beside the worker. `false`: there is no thread, or it has enough to do.
    pub(super) fn beside(&self, task: Arc<dyn Task>) -> bool {
        self.helper.as_ref().is_some_and(|helper| helper.give(task))
    }

    /// Takes in those of the lines that are not in it yet.
    fn push_again(&mut self, lines: &Lines) {
        self.tree.settle();
        if lines.first > self.size {
            let Tree {
                frontier, hints, ..
            } = &mut self.tree;
            miss(frontier, hints, lines.first, MOST_LEAVES);
            self.size = lines.first;
        }
        let known = usize::try_from(self.size - lines.first).unwrap_or(usize::MAX);
        if known < lines.ends.len() {
            self.tree.take(&lines.hash(known..lines.ends.len()));
            self.size += (lines.ends.len() - known) as u64;
        }
    }

    /// The tree over all lines so far.
    pub(super) fn tree(&self) -> Tree {
        self.tree.clone()
    }

    /// All lines so far are sealed.
    pub(super) fn sealed(&mut self, frontier: Frontier) {
        self.tree = Tree {
            frontier,
            hints: Vec::new(),
            unsettled: VecDeque::new(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some lines of different lengths.
    fn lines(count: u64) -> Vec<Vec<u8>> {
        (0..count)
            .map(|number| {
                let mut line = vec![b'a' + (number % 26) as u8; (number * 37 % 900) as usize];
                line.push(b'\n');
                line
            })
            .collect()
    }

    fn one_by_one(lines: &[Vec<u8>]) -> (Frontier, Vec<Hint>) {
        let (mut frontier, mut hints) = (Frontier::default(), Vec::new());
        for line in lines {
            let leaf = leaf(&line[..line.len() - 1]);
            frontier.push(leaf);
            hints.push(hint(&leaf));
        }
        (frontier, hints)
    }

    fn pushed(lines: &[Vec<u8>], first: u64) -> Arc<Lines> {
        let ends = lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        Arc::new(Lines {
            ends: ends.collect(),
            bytes: lines.concat(),
            first,
        })
    }

    #[test]
    fn batches_of_any_size_make_the_same_tree() {
        let all = lines(700);
        for batch in [1, 2, 3, 64, 65, 200, 700] {
            let mut leaves = Leaves::new(Frontier::default(), Vec::new());
            let mut number = 0;
            for batch in all.chunks(batch) {
                leaves.push(pushed(batch, number));
                if number % 3 == 0 {
                    leaves.let_go();
                }
                number += batch.len() as u64;
                assert_eq!(leaves.size(), number);
                if number % 5 == 0 {
                    let (frontier, _) = leaves.tree().settled();
                    assert_eq!(frontier, one_by_one(&all[..number as usize]).0);
                    leaves.sealed(frontier);
                }
            }
            assert_eq!(leaves.tree().settled().0, one_by_one(&all).0, "{batch}");
        }
    }

    #[test]
    fn parts_are_all_lines_once_in_their_order() {
        for count in [0, 1, 2, 200, 700] {
            let lines = pushed(&lines(count), 7);
            let parts = lines.parts();
            let places = parts.iter().cloned().flatten();
            assert!(places.eq(0..count as usize), "{count}");
            let behind = parts.iter().map(|part| lines.ends[part.end - 1]);
            let lengths = behind.scan(0, |begin, end| Some(end - std::mem::replace(begin, end)));
            let lengths: Vec<usize> = lengths.collect();
            if let Some((_, whole)) = lengths.split_last() {
                let is_usual = |bytes: &usize| (PART..2 * PART).contains(bytes);
                assert!(whole.iter().all(is_usual), "{count} {lengths:?}");
            }
            assert!(count < 700 || parts.len() > 3);
        }
    }

    #[test]
    fn lines_that_come_again_are_taken_in_once() {
        let all = lines(40);
        let mut leaves = Leaves::new(Frontier::default(), Vec::new());
        let mut push = |from: usize, to: usize| leaves.push(pushed(&all[from..to], from as u64));
        push(0, 10);
        push(4, 10);
        push(7, 31);
        push(31, 40);
        assert_eq!(leaves.tree().settled(), one_by_one(&all));
    }
}
