//! The lines of a trail in their order, against the seals among them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::{Leaf, Tampering, TamperingKind as Kind, VerifyReport, What};
use crate::error::{Error, Position};
use crate::format::checkpoint::{Checkpoint, PublicKey};
use crate::format::seal::{Hint, Seal, hint};
use crate::format::tree::{Frontier, Hash};
use crate::read::file::End;
use crate::read::line_mapper::Mapped;

/// The state of a verification: what was found, and what the next line is compared with.
#[derive(Debug, Default)]
pub(super) struct Chain {
    findings: Findings,
    expected: Expected,
    seals: Seals,
    records: SeenRecords,
    fragments: Fragments,
    system_events: SystemEvents,
}

/// What is found.
#[derive(Debug, Default)]
struct Findings {
    report: VerifyReport,
    /// Of each record each finding is told once.
    told: HashSet<(Kind, u64)>,
    files: Vec<Arc<Path>>,
    is_unreadable: bool,
}

/// What the trail must agree with.
#[derive(Debug, Default)]
struct Expected {
    key: Option<PublicKey>,
    is_key_seen: bool,
    /// Checkpoints that were kept elsewhere, as far as they are not compared yet.
    checkpoints: Vec<Checkpoint>,
    /// The one beside the trail, which it must reach.
    beside: Option<Checkpoint>,
    /// The records of one of the checkpoints that somebody kept are those that are there.
    is_anchored: bool,
}

/// The seals so far.
#[derive(Debug, Default)]
struct Seals {
    last: Option<Checkpoint>,
    /// What was signed of a seal after the last, whose line is damaged.
    noted: Option<Checkpoint>,
    /// The tree over the records up to the last seal. `None`: it is not known before the next.
    tree: Option<Frontier>,
    /// A seal between the last one and the next is known to be damaged or gone.
    excused: bool,
    /// A break in the chain of keys: nothing after it is proven.
    is_broken: bool,
    /// The origins of the seals.
    origins: HashSet<String>,
    is_closed: bool,
}

/// The records so far.
#[derive(Debug, Default)]
struct SeenRecords {
    /// Those since the last seal, with that seal.
    since_seal: Vec<SeenRecord>,
    /// Records that stood in front of a seal and belong after it, by their seq.
    early: BTreeMap<u64, Vec<SeenRecord>>,
    /// Records that were found to be missing, with their hints.
    missing: BTreeMap<u64, Hint>,
    recent: Recent,
    /// One more than the highest seq.
    next: u64,
    first: Option<(u64, LinePlace)>,
}

mod check_seal;
mod end;
mod fragments;
mod keys;
mod recent;
mod system_events;

use fragments::Fragments;
use recent::Recent;
use system_events::SystemEvents;

#[derive(Clone, Copy, Debug)]
struct LinePlace {
    file: usize,
    line: u64,
    byte: u64,
}

#[derive(Clone, Copy, Debug)]
struct SeenRecord {
    seq: u64,
    hash: Hash,
    place: LinePlace,
    length: usize,
}

impl Chain {
    pub(super) fn new(key: Option<PublicKey>, against: Vec<Checkpoint>) -> Chain {
        Chain {
            expected: Expected {
                key,
                checkpoints: against,
                ..Expected::default()
            },
            seals: Seals {
                tree: Some(Frontier::default()),
                ..Seals::default()
            },
            ..Chain::default()
        }
    }

    pub(super) fn of_stream(mut self) -> Chain {
        self.fragments.is_stream = true;
        self
    }

    /// The trail must reach as far as this.
    pub(super) fn expect(&mut self, checkpoint: Checkpoint) {
        self.expected.beside = Some(checkpoint);
    }

    pub(super) fn unknown(&mut self, what: impl Into<String>) {
        self.findings.report.unknown.push(what.into());
    }

    /// Something that was to be checked and could not be.
    pub(super) fn unchecked(&mut self, what: impl Into<String>) {
        self.findings.report.unchecked.push(what.into());
    }

    pub(super) fn unreadable(&mut self, error: &Error) {
        self.findings.is_unreadable = true;
        self.unchecked(format!("{error:?}"));
    }

    fn position(&self, place: LinePlace) -> Position {
        let file = self.findings.files.get(place.file);
        Position {
            file: file.map_or_else(Default::default, |file| file.to_path_buf()),
            line: place.line,
            byte: place.byte,
        }
    }

    fn find(&mut self, kind: Kind, seq: Option<u64>, place: Option<LinePlace>, detail: String) {
        let position = place.map(|place| self.position(place));
        if seq.is_none_or(|seq| self.findings.told.insert((kind, seq))) {
            self.findings.report.findings.push(Tampering {
                kind,
                seq,
                position,
                detail,
            });
        }
    }

    pub(super) fn line(&mut self, taken: Mapped<Leaf>) {
        let Mapped {
            seq,
            number,
            length,
            item: leaf,
            ..
        } = taken;
        if let Some(path) = leaf.path
            && self.findings.files.last() != Some(&path)
        {
            self.end_repeated();
            self.findings.files.push(path);
        }
        let place = LinePlace {
            file: self.findings.files.len().saturating_sub(1),
            line: number,
            byte: leaf.byte,
        };
        let own = match leaf.what {
            What::Foreign(bytes) => return self.foreign(place, bytes, leaf.end),
            What::Record => None,
            What::Own(line) => Some(line),
        };
        self.drop_begun_again(place);
        let entry = SeenRecord {
            seq,
            hash: leaf.hash,
            place,
            length,
        };
        if leaf.end == End::Open {
            self.unknown("whether the last line is whole: it lacks its line feed");
        }
        self.findings.report.records += 1;
        // Up to the first seal the lowest may still come.
        if self
            .records
            .first
            .is_none_or(|(first, _)| self.seals.last.is_none() && seq < first)
        {
            self.records.first = Some((seq, place));
        }
        if seq < self.records.next && self.records.recent.has(&entry) {
            return self.again(entry);
        }
        if let Some(hint_of) = self.records.missing.get(&seq)
            && *hint_of == hint(&entry.hash)
        {
            return self.late(entry);
        }
        self.records.recent.note(&entry);
        self.records.next = self.records.next.max(seq.saturating_add(1));
        match own {
            Some(line) if Seal::is_one(&line) => self.seal(entry, &line),
            Some(line) => {
                self.system_events.unproven.push((seq, line));
                self.records.since_seal.push(entry);
            }
            None => self.records.since_seal.push(entry),
        }
    }

    /// A record that was missing, in another place.
    fn late(&mut self, entry: SeenRecord) {
        let seq = entry.seq;
        self.records.missing.remove(&seq);
        if self.records.first.is_some_and(|(first, _)| seq < first) {
            self.records.first = Some((seq, entry.place));
        }
        let detail = format!("record {seq} comes behind record {}", self.records.next - 1);
        self.find(Kind::Reordered, Some(seq), Some(entry.place), detail);
        let is_it = |known: &Tampering| known.kind == Kind::Removed && known.seq == Some(seq);
        if self.findings.told.remove(&(Kind::Removed, seq)) {
            self.findings.report.findings.retain(|known| !is_it(known));
        }
        if self.records.missing.contains_key(&(seq + 1)) {
            let detail = format!("record {} is missing", seq + 1);
            self.find(Kind::Removed, Some(seq + 1), Some(entry.place), detail);
        }
        self.records.recent.note(&entry);
    }

    fn seal(&mut self, entry: SeenRecord, line: &[u8]) {
        let Some(seal) = Seal::read(line) else {
            let detail = format!("the seal, record {}, is not what was signed", entry.seq);
            self.find(Kind::Changed, Some(entry.seq), Some(entry.place), detail);
            self.seals.excused = true;
            self.records.since_seal.push(entry);
            self.follow_note(line);
            return;
        };
        self.findings.report.seals += 1;
        self.seals.origins.insert(seal.checkpoint.origin.clone());
        if self.seals.last.is_none() && self.begins_behind(&seal) {
            // The frontier of the first seal is what the rest stands on.
            self.seals.tree = None;
        }
        let proven = self.check_seal(&seal, entry.place);
        self.follow(&seal, entry);
        let is_proven = proven.is_some() && !self.seals.is_broken;
        if let Some((from, to)) = proven {
            self.prove(from, to);
        }
        self.believe(&seal.checkpoint, is_proven);
        self.seals.is_closed = seal.checkpoint.reason == "closed";
        self.findings.report.sealed_until = Some(seal.checkpoint.time);
        self.seals.last = Some(seal.checkpoint);
        self.seals.excused = false;
        self.records.since_seal.push(entry);
    }

    /// Whether the first record that is there is not the first of all, as far as its first seal tells.
    fn begins_behind(&self, seal: &Seal) -> bool {
        let tells_all = seal.leaves.count() == seal.checkpoint.size;
        let is_first = seal.checkpoint.number == 0 && tells_all;
        self.records.first.is_some_and(|(first, _)| first > 0) && !is_first
    }
}
