//! The records in front of a seal, against what it seals.

use std::collections::BTreeMap;
use std::ops::Range;

use super::fragments::Fragment;
use super::{Chain, LinePlace, SeenRecord};
use crate::format::seal::{Seal, hint};
use crate::format::tree::{Frontier, Hash};
use crate::read::file::End;
use crate::read::verify::TamperingKind as Kind;

impl Chain {
    /// The records in front of a seal, whose line is at `place`, that are those that it seals.
    pub(super) fn check_seal(&mut self, seal: &Seal, place: LinePlace) -> Option<(u64, u64)> {
        let size = seal.checkpoint.size;
        let told = size - seal.leaves.count();
        let mut entries = std::mem::take(&mut self.records.since_seal);
        let early = self.due(size);
        // Behind the last seal, as if they stood where they belong.
        let at = entries.len().min(1);
        entries.splice(at..at, early.iter().copied());
        let Some(mut tree) = self.seals.tree.replace(seal.frontier.clone()) else {
            // Of the tree in front nothing is known, and four bytes of a hash prove nothing.
            self.diagnose(&entries, &early, told, (seal, place));
            self.compare(&seal.frontier, Some(&seal.checkpoint));
            if let Some(first) = entries.first().filter(|entry| entry.seq < size) {
                self.unknown(format!(
                    "whether records {} to {} are what was written: no seal in front of them is left",
                    first.seq,
                    size - 1
                ));
            }
            self.carry(entries, size);
            return None;
        };
        let base = tree.size();
        let is_plain = early.is_empty()
            && entries.len() as u64 == size.saturating_sub(base)
            && entries
                .iter()
                .zip(base..)
                .all(|(entry, seq)| entry.seq == seq);
        if is_plain {
            let hashes: Vec<Hash> = entries.iter().map(|entry| entry.hash).collect();
            self.carry_on(&mut tree, &hashes, seal);
            if tree.root() == seal.checkpoint.root {
                return Some((base, size));
            }
        }
        let intact = self.diagnose(&entries, &early, base, (seal, place));
        let is_listed = intact.is_some();
        // Whatever stands in another place, the records themselves may all be there.
        let is_same = !is_plain
            && intact.is_some_and(|leaves| {
                let mut tree = tree;
                self.carry_on(&mut tree, &leaves, seal);
                tree.root() == seal.checkpoint.root
            });
        // Every record is the one that the seal lists, and together they are not what it covers.
        if is_listed && !is_same {
            let place = entries.first().map(|entry| entry.place);
            let detail = format!(
                "records {base} to {} are not what was sealed: they were written anew",
                size.saturating_sub(1)
            );
            self.find(Kind::Changed, Some(base), place, detail);
        }
        self.carry(entries, size);
        is_same.then_some((base, size))
    }

    /// Adds the leaves up to a seal, and compares on the way with what somebody kept.
    fn carry_on(&mut self, tree: &mut Frontier, leaves: &[Hash], seal: &Seal) {
        let mut rest = leaves;
        while !rest.is_empty() {
            let (leaves, behind) = rest.split_at(self.before_comparison(tree, rest.len()));
            leaves.iter().for_each(|leaf| tree.push(*leaf));
            self.compare(tree, Some(&seal.checkpoint));
            rest = behind;
        }
    }

    /// What has happened to the records from `base` on up to a seal. The leaves in their order, where
    /// all are there.
    fn diagnose(
        &mut self,
        entries: &[SeenRecord],
        early: &[SeenRecord],
        base: u64,
        (seal, seal_place): (&Seal, LinePlace),
    ) -> Option<Vec<Hash>> {
        let size = seal.checkpoint.size;
        let told = size - seal.leaves.count();
        let hint_of = |seq: u64| seal.leaves.get(seq.checked_sub(told)?);
        let mut by_seq: BTreeMap<u64, Vec<SeenRecord>> = BTreeMap::new();
        let mut highest = None;
        for entry in entries {
            // What belongs behind the seal is told when that is judged.
            if entry.seq >= size {
                continue;
            }
            if highest > Some(entry.seq) && entry.seq >= base {
                let detail = format!(
                    "record {} comes behind record {}",
                    entry.seq,
                    highest.unwrap_or(0)
                );
                let is_it = hint_of(entry.seq).is_none_or(|told| told == hint(&entry.hash));
                if is_it {
                    self.find(Kind::Reordered, Some(entry.seq), Some(entry.place), detail);
                }
            }
            highest = highest.max(Some(entry.seq));
            by_seq.entry(entry.seq).or_default().push(*entry);
        }
        let from = match self.records.first {
            // What is missing in front of the first record is told at the end.
            Some((first, _)) if self.seals.last.is_none() && first > 0 => first.min(size),
            _ => base,
        };
        let mut intact = (from <= base).then(Vec::new);
        self.miss(base..from, told, seal);
        let mut next = from;
        // Over what is there: a forged seal may claim any size.
        for (&seq, candidates) in by_seq.range(from..size.max(from)) {
            if seq > next {
                intact = None;
                self.miss(next..seq, told, seal);
                let place = candidates.first().map(|entry| entry.place);
                self.end_gap(next, seq, place);
            }
            next = seq + 1;
            let is_it =
                |entry: &&SeenRecord| hint_of(seq).is_none_or(|told| told == hint(&entry.hash));
            let right = candidates.iter().find(is_it).copied();
            match (right, &mut intact) {
                (Some(right), Some(leaves)) => leaves.push(right.hash),
                (None, _) => intact = None,
                _ => {}
            }
            for (count, entry) in candidates.iter().enumerate() {
                let place = Some(entry.place);
                match right {
                    None if count == 0 => {
                        let detail = format!("record {seq} is not what was sealed");
                        self.find(Kind::Changed, Some(seq), place, detail);
                        // It may have been a seal.
                        self.seals.excused = true;
                    }
                    Some(right) if right.hash == entry.hash => {}
                    Some(_) if self.take_torn(entry) => {}
                    _ => {
                        let detail = format!("another line says that it is record {seq}");
                        self.find(Kind::Inserted, Some(seq), place, detail);
                    }
                }
            }
        }
        if next < size {
            intact = None;
            self.miss(next..size, told, seal);
            self.end_gap(next, size, Some(seal_place));
        }
        for entry in early {
            let seq = entry.seq;
            if hint_of(seq) == Some(hint(&entry.hash)) {
                let detail = format!("record {seq} stands in front of the seal before it");
                self.find(Kind::Reordered, Some(seq), Some(entry.place), detail);
            }
        }
        for entry in entries.iter().filter(|entry| entry.seq < from) {
            let detail = format!("another line says that it is record {}", entry.seq);
            self.find(Kind::Inserted, Some(entry.seq), Some(entry.place), detail);
        }
        intact
    }

    /// Remembers of records that are not there what the seal tells of them: they may still come.
    fn miss(&mut self, gap: Range<u64>, told: u64, seal: &Seal) {
        for seq in gap.start.max(told)..gap.end {
            if let Some(hint) = seal.leaves.get(seq - told) {
                self.records.missing.insert(seq, hint);
            }
        }
    }

    /// Tells what is missing from `first` up to `end`, in front of a place.
    pub(super) fn end_gap(&mut self, mut first: u64, end: u64, place: Option<LinePlace>) {
        self.seals.excused = true;
        let here = |place: LinePlace| (place.file, place.byte);
        let is_in_front =
            |fragment: &Fragment| place.is_none_or(|place| here(fragment.place) < here(place));
        // A line that stands there and is no record was one.
        let mut others = Vec::new();
        while first < end
            && self.fragments.lines.front().is_some_and(is_in_front)
            && let Some(fragment) = self.fragments.lines.pop_front()
        {
            if fragment.end != End::Ended {
                others.push(fragment);
                continue;
            }
            let detail = format!("record {first} is not what was sealed");
            self.find(Kind::Changed, Some(first), Some(fragment.place), detail);
            first += 1;
        }
        for other in others.into_iter().rev() {
            self.fragments.lines.push_front(other);
        }
        if first == end {
            return;
        }
        let detail = match end - first {
            1 => format!("record {first} is missing"),
            count => format!("records {first} to {} are missing: {count}", end - 1),
        };
        self.find(Kind::Removed, Some(first), place, detail);
    }

    /// Keeps what belongs behind a seal and stands in front of it.
    fn carry(&mut self, entries: Vec<SeenRecord>, size: u64) {
        for entry in entries.into_iter().filter(|entry| entry.seq >= size) {
            self.records.early.entry(entry.seq).or_default().push(entry);
        }
    }

    /// Takes what was kept and belongs in front of a seal.
    fn due(&mut self, size: u64) -> Vec<SeenRecord> {
        let mut due = Vec::new();
        while let Some(first) = self.records.early.first_entry()
            && *first.key() < size
        {
            due.extend(first.remove());
        }
        due
    }

    pub(super) fn prove(&mut self, from: u64, to: u64) {
        if self.seals.is_broken {
            return;
        }
        match self.findings.report.proven.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ if from < to => self.findings.report.proven.push((from, to)),
            _ => {}
        }
    }
}
