//! The end of a trail: what no seal covers, where it begins, and what was kept elsewhere.

use std::collections::HashSet;

use super::{Chain, SeenRecord};
use crate::error::{Result, Unverifiable};
use crate::format::checkpoint::{Checkpoint, origin};
use crate::format::tree::Frontier;
use crate::read::verify::{TamperingKind as Kind, VerifyReport};

impl Chain {
    /// Compares the tree with the checkpoints of its size that somebody kept; `seal` is the next one, if any is left.
    pub(super) fn compare(&mut self, tree: &Frontier, seal: Option<&Checkpoint>) {
        let mut at = 0;
        while let Some(kept) = self.expected.checkpoints.get(at) {
            if kept.size != tree.size() {
                at += 1;
                continue;
            }
            let kept = self.expected.checkpoints.remove(at);
            let when = crate::record::timestamp_text(kept.time);
            // Its seal is the very next record.
            let signed = seal.filter(|seal| seal.size == kept.size);
            if tree.root() == kept.root
                && signed.is_some_and(|seal| (seal.key, seal.next) == (kept.key, kept.next))
            {
                // Whatever signs from there on, the records so far are those of then.
                self.expected.is_anchored = true;
                self.seals.is_broken = false;
                continue;
            }
            if !self.seals.origins.contains(&kept.origin) {
                self.is_of_another(&kept);
                continue;
            }
            let size = kept.size;
            let (kind, seq, detail) = match (tree.root() == kept.root, seal) {
                (true, Some(_)) => (
                    Kind::ReSigned,
                    0,
                    format!(
                        "behind the first {size} records does not stand the seal of the checkpoint that was kept at {when}"
                    ),
                ),
                (true, None) => (
                    Kind::RolledBack,
                    size,
                    format!(
                        "the seal of the checkpoint that was kept at {when} is missing, behind the first {size} records"
                    ),
                ),
                (false, _) => (
                    Kind::ReSigned,
                    0,
                    format!(
                        "the first {size} records are not those of the checkpoint that was kept at {when}"
                    ),
                ),
            };
            self.find(kind, Some(seq), None, detail);
        }
    }

    fn is_of_another(&mut self, kept: &Checkpoint) {
        let detail = format!(
            "the checkpoint that was kept is of {}, and the trail is of {}: it is another trail's, or another \
             trail was put in the place of this one",
            kept.origin,
            self.seals
                .last
                .as_ref()
                .map_or("nobody", |last| &last.origin)
        );
        self.find(Kind::KeyReplaced, Some(0), None, detail);
    }

    /// How many of `count` leaves may be added before the next comparison.
    pub(super) fn before_comparison(&self, tree: &Frontier, count: usize) -> usize {
        let left = |kept: &Checkpoint| kept.size.checked_sub(tree.size()).filter(|left| *left > 0);
        let next = self.expected.checkpoints.iter().filter_map(left).min();
        let next = next.and_then(|left| usize::try_from(left).ok());
        next.map_or(count, |left| left.min(count))
    }

    /// Compares the records behind the last seal with the checkpoint beside the trail, and says whether they are
    /// its records. It must be signed by the key that the last seal names.
    fn compare_beside(&mut self, tree: &Frontier, base: u64) -> bool {
        let last = self.seals.last.as_ref();
        let Some(beside) = self.expected.beside.as_ref().filter(|beside| {
            beside.size == tree.size()
                && last.is_some_and(|last| {
                    (&beside.origin, beside.key, beside.number)
                        == (&last.origin, last.next, last.number + 1)
                })
        }) else {
            return false;
        };
        let is_it = beside.root == tree.root();
        if is_it {
            self.prove(base, tree.size());
        } else {
            let detail = format!(
                "records {base} to {} are not those of the checkpoint beside the trail",
                tree.size() - 1
            );
            self.find(Kind::Changed, Some(base), None, detail);
        }
        is_it
    }

    pub(in crate::read::verify) fn end(mut self) -> Result<VerifyReport> {
        self.check_tail();
        self.check_beginning();
        self.check_fragments();
        self.check_kept();
        let is_sealed = self.findings.report.seals > 0 || self.expected.beside.is_some();
        if !is_sealed && !self.findings.is_unreadable {
            return Err(Unverifiable::NoSeal.into());
        }
        Ok(self.findings.report)
    }

    /// What stands behind the last seal.
    fn check_tail(&mut self) {
        let mut entries = std::mem::take(&mut self.records.since_seal);
        // The seal itself is the first of them: its bytes follow from what is signed.
        let Some(base) = self.seals.last.as_ref().map(|last| last.size) else {
            return;
        };
        let early: Vec<_> = std::mem::take(&mut self.records.early)
            .into_values()
            .flatten()
            .collect();
        entries.splice(1..1, early.iter().copied());
        self.take_torn_twins(&mut entries);
        let mut next = base;
        let mut tree = self.seals.tree.take();
        // The last seal itself needs no other.
        let mut sealed = base + 1;
        for entry in &entries {
            let at = (Some(entry.seq), Some(entry.place));
            if entry.seq > next {
                self.end_gap(next, entry.seq, at.1);
                tree = None;
            } else if entry.seq < next {
                let detail = format!("another line says that it is record {}", entry.seq);
                self.find(Kind::Inserted, at.0, at.1, detail);
                continue;
            }
            if let Some(tree) = &mut tree {
                tree.push(entry.hash);
                self.compare(tree, None);
                if self.compare_beside(tree, base) {
                    sealed = tree.size();
                }
            }
            next = entry.seq + 1;
        }
        if self
            .findings
            .report
            .proven
            .last()
            .is_some_and(|(_, end)| *end == base)
        {
            self.prove(base, base + 1);
        }
        for entry in early {
            if self.findings.told.contains(&(Kind::Inserted, entry.seq)) {
                continue;
            }
            let detail = format!("record {} stands in front of the seal before it", entry.seq);
            self.find(Kind::Reordered, Some(entry.seq), Some(entry.place), detail);
        }
        let waiting = next.saturating_sub(sealed);
        if waiting > 0 {
            self.unknown(match waiting {
                1 => format!("record {sealed} is not sealed yet"),
                count => format!(
                    "records {sealed} to {} are not sealed yet: {count}",
                    next - 1
                ),
            });
        }
        let last = self.seals.last.as_ref().map(|last| last.number);
        if self.seals.is_closed && waiting == 0 {
            if self
                .expected
                .beside
                .as_ref()
                .map(|expected| expected.number)
                < last
            {
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

    /// Takes away lines that a writer left torn and that end as records do: another line has their number.
    fn take_torn_twins(&mut self, entries: &mut Vec<SeenRecord>) {
        let mut seen = HashSet::new();
        let twins = entries.iter().filter(|entry| !seen.insert(entry.seq));
        let twins: HashSet<u64> = twins.map(|entry| entry.seq).collect();
        entries.retain(|entry| !(twins.contains(&entry.seq) && self.take_torn(entry)));
    }

    fn check_beginning(&mut self) {
        let Some((first, place)) = self.records.first.filter(|(first, _)| *first > 0) else {
            return;
        };
        if self
            .system_events
            .pruned
            .is_some_and(|pruned| pruned >= first)
        {
            let told = format!("retention has removed the {first} records in front");
            self.findings.report.notices.push(told);
            return;
        }
        self.end_gap(0, first, Some(place));
    }

    /// What was kept elsewhere, against the whole.
    fn check_kept(&mut self) {
        let reached = self.records.next;
        let expected = self.expected.beside.clone();
        if let (Some(expected), None) = (&expected, &self.seals.last)
            && !self.findings.is_unreadable
        {
            let detail = format!(
                "the checkpoint beside the trail is over {} records, and no seal is left",
                expected.size
            );
            self.find(Kind::Cut, Some(reached.min(expected.size)), None, detail);
        }
        if let (Some(expected), Some(last)) = (&expected, &self.seals.last)
            && !self.seals.origins.contains(&expected.origin)
        {
            let detail = format!(
                "the checkpoint beside the trail is of {}, and no seal is: the end was cut off behind seal {} of {}, \
                 or another trail's checkpoint was put there",
                expected.origin, last.number, last.origin
            );
            self.find(Kind::Cut, Some(reached), None, detail);
        } else if let (Some(expected), Some(last)) = (expected, &self.seals.last)
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
        for kept in std::mem::take(&mut self.expected.checkpoints) {
            if !self.seals.origins.contains(&kept.origin) {
                self.is_of_another(&kept);
            } else if kept.size > reached {
                let detail = format!(
                    "the checkpoint that was kept is over {} records, and the trail has {reached}",
                    kept.size
                );
                self.find(Kind::RolledBack, Some(reached), None, detail);
            } else if kept.size > 0 {
                self.unchecked(format!(
                    "the checkpoint that was kept, over {} records, could not be compared: the records in front of it \
                     are not all there",
                    kept.size
                ));
            }
        }
        match self.expected.key {
            None if self.findings.report.key.is_some() => {
                let key = self.findings.report.key.clone().unwrap_or_default();
                self.unknown(format!(
                    "whether the trail is the one that its writer began: no key was given to compare; its first seal has {key}"
                ));
            }
            Some(key) if !self.expected.is_key_seen && !self.expected.is_anchored => {
                let is_first_there = self.records.first.is_some_and(|(first, _)| first == 0);
                let is_named = self.seals.origins.contains(&origin(&key));
                if is_named && !is_first_there {
                    self.unchecked(
                        "whether the key that was given leads to the first seal that is left: those between are \
                         gone with the records in front; give a checkpoint that was kept since, too",
                    );
                } else if self.seals.last.is_some() {
                    let detail = "no seal is signed by the key that was given".to_owned();
                    self.find(Kind::KeyReplaced, Some(0), None, detail);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_file_that_cannot_be_read_may_hold_the_seals() {
        let unreadable = Error::io(
            "read",
            std::path::Path::new("audit.log"),
            std::io::Error::other("gone"),
        );
        let empty = || Chain::new(None, Vec::new());
        empty().end().expect_err("there is no seal");
        let mut chain = empty();
        chain.unreadable(&unreadable);
        let verified = chain.end().expect("there may be seals");
        assert!(!verified.is_intact());
        assert_eq!(verified.unchecked.len(), 1);
        // A checkpoint shows that there were seals, and that they are gone.
        let kept = Checkpoint {
            origin: origin(&[1; 32]),
            size: 5,
            root: [0; 32],
            time: chrono::DateTime::UNIX_EPOCH,
            number: 1,
            reason: "busy".to_owned(),
            key: [1; 32],
            next: [2; 32],
            leaves: [0; 32],
            run_id: None,
        };
        let mut chain = empty();
        chain.expect(kept.clone());
        let verified = chain.end().expect("there were seals");
        let kinds: Vec<_> = verified.findings.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, [Kind::Cut]);
        // But not that they are gone, where a file cannot be read.
        let mut chain = empty();
        chain.expect(kept);
        chain.unreadable(&unreadable);
        let verified = chain.end().expect("there were seals");
        assert!(verified.findings.is_empty() && !verified.is_intact());
    }
}
