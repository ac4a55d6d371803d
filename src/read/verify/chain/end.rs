//! The end of a trail: what no seal covers, where it begins, and what was kept elsewhere.

use super::Chain;
use crate::error::{Error, ErrorKind, Result};
use crate::read::file::End;
use crate::read::verify::{TamperingKind as Kind, Verified};
use crate::trail::checkpoint::Checkpoint;
use crate::trail::tree::Frontier;

impl Chain {
    /// Compares the tree with the checkpoints of its size that somebody kept.
    pub(super) fn compare(&mut self, tree: &Frontier) {
        let mut at = 0;
        while let Some(kept) = self.against.get(at) {
            if kept.size != tree.size() {
                at += 1;
                continue;
            }
            let kept = self.against.remove(at);
            if tree.root() != kept.root {
                let detail = format!(
                    "the first {} records are not those of the checkpoint that was kept at {}",
                    kept.size,
                    crate::record::timestamp_text(kept.time)
                );
                self.find(Kind::ReSigned, Some(0), None, detail);
            }
        }
    }

    /// How many of `count` leaves may be added before the next comparison.
    pub(super) fn before_comparison(&self, tree: &Frontier, count: usize) -> usize {
        let left = |kept: &Checkpoint| kept.size.checked_sub(tree.size()).filter(|left| *left > 0);
        let next = self.against.iter().filter_map(left).min();
        let next = next.and_then(|left| usize::try_from(left).ok());
        next.map_or(count, |left| left.min(count))
    }

    /// Compares the records behind the last seal with the checkpoint beside the trail.
    fn compare_beside(&mut self, tree: &Frontier, base: u64) {
        let Some(beside) = self
            .expected
            .as_ref()
            .filter(|known| known.size == tree.size())
        else {
            return;
        };
        if beside.root == tree.root() {
            self.prove(base, tree.size());
        } else {
            let detail = format!(
                "records {base} to {} are not those of the checkpoint beside the trail",
                tree.size() - 1
            );
            self.find(Kind::Changed, Some(base), None, detail);
        }
    }

    pub(in crate::read::verify) fn end(mut self) -> Result<Verified> {
        self.end_repeated();
        self.judge_tail();
        self.judge_beginning();
        for fragment in std::mem::take(&mut self.fragments) {
            let length = fragment.line.bytes;
            if self.is_told(&fragment) {
                continue;
            }
            if fragment.end == End::Open {
                let what = "the last line has no end: it is being written, or was torn";
                self.unknown(format!("{what} ({length} bytes)"));
                continue;
            }
            let detail =
                format!("a line of {length} bytes is no record, and the trail does not tell of it");
            self.find(Kind::Inserted, None, Some(fragment.place), detail);
        }
        self.judge_kept();
        if self.verified.seals == 0 && self.verified.findings.is_empty() {
            return Err(Error::from(ErrorKind::Unverifiable {
                why: "there is no seal in it; a trail is sealed unless its writer was told not to"
                    .to_owned(),
            }));
        }
        Ok(self.verified)
    }

    /// What stands behind the last seal.
    fn judge_tail(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        // The seal itself is the first of them: its bytes follow from what is signed.
        let Some(base) = self.last.as_ref().map(|last| last.size) else {
            return;
        };
        let mut next = base;
        let mut tree = self.tree.take();
        for entry in &entries {
            let at = (Some(entry.seq), Some(entry.place));
            if entry.seq > next {
                let mut gap = Some(next);
                self.end_gap(&mut gap, entry.seq, at.1);
                tree = None;
            } else if entry.seq < next {
                let detail = format!("another line says that it is record {}", entry.seq);
                self.find(Kind::Inserted, at.0, at.1, detail);
                continue;
            }
            if let Some(tree) = &mut tree {
                tree.push(entry.hash);
                self.compare(&tree.clone());
                self.compare_beside(tree, base);
            }
            next = entry.seq + 1;
        }
        if self
            .verified
            .proven
            .last()
            .is_some_and(|(_, end)| *end == base)
        {
            self.prove(base, base + 1);
        }
        for entry in std::mem::take(&mut self.early) {
            let detail = format!("record {} stands in front of the seal before it", entry.seq);
            self.find(Kind::Reordered, Some(entry.seq), Some(entry.place), detail);
        }
        let waiting = next.saturating_sub(base + 1);
        if waiting > 0 {
            self.unknown(match waiting {
                1 => format!("record {} is not sealed yet", base + 1),
                count => format!(
                    "records {} to {} are not sealed yet: {count}",
                    base + 1,
                    next - 1
                ),
            });
        }
        let last = self.last.as_ref().map(|last| last.number);
        if self.is_closed && waiting == 0 {
            if self.expected.as_ref().map(|expected| expected.number) < last {
                self.unknown(format!(
                    "whether the trail was opened again behind record {base}: no checkpoint beside it says so"
                ));
            }
        } else {
            self.unknown(format!(
                "whether anything was written behind record {}: the trail is not closed; it is being \
                 written, its writer died, or its end was cut off",
                next.saturating_sub(1)
            ));
        }
    }

    fn judge_beginning(&mut self) {
        let Some((first, place)) = self.begins.filter(|(first, _)| *first > 0) else {
            return;
        };
        if self.pruned.is_some_and(|pruned| pruned >= first) {
            let told = format!("retention has removed the {first} records in front");
            self.verified.told.push(told);
            return;
        }
        self.end_gap(&mut Some(0), first, Some(place));
    }

    /// What was kept elsewhere, against the whole.
    fn judge_kept(&mut self) {
        let reached = self.next;
        let expected = self.expected.take();
        if let (Some(expected), None) = (&expected, &self.last) {
            let detail = format!(
                "the checkpoint beside the trail is over {} records, and no seal is left",
                expected.size
            );
            self.find(Kind::Cut, Some(reached.min(expected.size)), None, detail);
        }
        if let (Some(expected), Some(last)) = (expected, &self.last)
            && expected.number > last.number
            && expected.origin == last.origin
        {
            let detail = format!(
                "the checkpoint beside the trail is of seal {} over {} records; the trail ends with seal {} and record {}",
                expected.number,
                expected.size,
                last.number,
                reached.saturating_sub(1)
            );
            let first = (last.size + 1).max(reached.min(expected.size));
            self.find(Kind::Cut, Some(first), None, detail);
        }
        for kept in std::mem::take(&mut self.against) {
            let origins = self.last.as_ref().map(|last| last.origin.clone());
            if origins.as_ref() != Some(&kept.origin) {
                let detail = format!(
                    "the checkpoint that was kept is of {}, and the trail is of {}",
                    kept.origin,
                    origins.as_deref().unwrap_or("nobody")
                );
                self.find(Kind::KeyReplaced, Some(0), None, detail);
            }
            if kept.size > reached {
                let detail = format!(
                    "the checkpoint that was kept is over {} records, and the trail has {reached}",
                    kept.size
                );
                self.find(Kind::RolledBack, Some(reached), None, detail);
            } else if kept.size > 0 {
                let what = "the checkpoint that was kept could not be compared: the records in \
                            front of it are not all there";
                self.unknown(format!("{what} ({} records)", kept.size));
            }
        }
        match self.key {
            None if self.verified.key.is_some() => {
                let key = self.verified.key.clone().unwrap_or_default();
                self.unknown(format!(
                    "whether the trail is the one that its writer began: no key was given to compare; its first seal has {key}"
                ));
            }
            Some(_) if !self.key_seen => {
                let is_first_there = self.begins.is_some_and(|(first, _)| first == 0);
                let detail = "no seal is signed by the key that was given".to_owned();
                match is_first_there {
                    true => self.find(Kind::KeyReplaced, Some(0), None, detail),
                    false => self.find(
                        Kind::KeyReplaced,
                        None,
                        None,
                        format!("{detail}; the records in front of the first one are not there: give a checkpoint that was kept since"),
                    ),
                }
            }
            _ => {}
        }
    }
}
