//! The lines of a trail in their order, against the seals among them.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::{Leaf, Tampering, TamperingKind as Kind, VerifyReport, What};
use crate::read::file::End;
use crate::read::line_mapper::Mapped;
use crate::trail::checkpoint::{Checkpoint, PublicKey};
use crate::trail::error::{Error, Position};
use crate::trail::seal::{Hint, Seal, hint};
use crate::trail::tree::{Frontier, Hash};

#[derive(Debug)]
pub(super) struct Chain {
    verified: VerifyReport,
    /// Of each record each finding is told once.
    found: HashSet<(Kind, u64)>,
    key: Option<PublicKey>,
    against: Vec<Checkpoint>,
    /// The one beside the trail, which it must reach.
    expected: Option<Checkpoint>,
    /// Foreign lines are somebody else's.
    is_stream: bool,
    /// The tree over the records up to the last seal. `None`: it is not known before the next.
    tree: Option<Frontier>,
    /// The records since then.
    entries: Vec<Entry>,
    /// Behind the highest seq so far.
    next: u64,
    last: Option<Checkpoint>,
    /// What was signed of a seal behind that, whose line is damaged.
    noted: Option<Checkpoint>,
    /// A seal between the last one and the next is known to be damaged or gone.
    excused: bool,
    recent: Recent,
    /// A break in the chain of keys: nothing behind it is proven.
    is_broken: bool,
    /// The records of one of the checkpoints that somebody kept are those that are there.
    is_anchored: bool,
    /// The origins of the seals so far.
    origins: HashSet<String>,
    /// Records that stood in front of a seal and belong behind it, by their seq.
    early: BTreeMap<u64, Vec<Entry>>,
    /// Records that were found to be missing, with their hints.
    missing: BTreeMap<u64, Hint>,
    files: Vec<Arc<Path>>,
    system_events: SystemEvents,
    /// Lines that are no records, in their order.
    fragments: VecDeque<Fragment>,
    /// Lines at the head of a file that stand in another already: those that are going by, and others before them.
    repeated: Option<Repeated>,
    repeats: Vec<Repeated>,
    key_seen: bool,
    is_unreadable: bool,
    begins: Option<(u64, Place)>,
    is_closed: bool,
}

mod check_seal;
mod end;
mod fragments;
mod keys;
mod recent;
mod system_events;

use fragments::{Fragment, Repeated};
use recent::Recent;
use system_events::SystemEvents;

#[derive(Clone, Copy, Debug)]
struct Place {
    file: usize,
    line: u64,
    byte: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: u64,
    hash: Hash,
    place: Place,
    length: usize,
}

impl Chain {
    pub(super) fn new(key: Option<PublicKey>, against: Vec<Checkpoint>) -> Chain {
        Chain {
            verified: VerifyReport::default(),
            found: HashSet::new(),
            key,
            against,
            expected: None,
            is_stream: false,
            tree: Some(Frontier::default()),
            entries: Vec::new(),
            next: 0,
            last: None,
            noted: None,
            excused: false,
            recent: Recent::default(),
            is_broken: false,
            is_anchored: false,
            origins: HashSet::new(),
            early: BTreeMap::new(),
            missing: BTreeMap::new(),
            files: Vec::new(),
            system_events: SystemEvents::default(),
            fragments: VecDeque::new(),
            repeated: None,
            repeats: Vec::new(),
            key_seen: false,
            is_unreadable: false,
            begins: None,
            is_closed: false,
        }
    }

    pub(super) fn of_stream(mut self) -> Chain {
        self.is_stream = true;
        self
    }

    /// The trail must reach as far as this.
    pub(super) fn expect(&mut self, checkpoint: Checkpoint) {
        self.expected = Some(checkpoint);
    }

    pub(super) fn unknown(&mut self, what: impl Into<String>) {
        self.verified.unknown.push(what.into());
    }

    /// Something that was to be checked and could not be.
    pub(super) fn unchecked(&mut self, what: impl Into<String>) {
        self.verified.unchecked.push(what.into());
    }

    pub(super) fn unreadable(&mut self, error: &Error) {
        self.is_unreadable = true;
        self.unchecked(format!("{error:?}"));
    }

    fn position(&self, place: Place) -> Position {
        let file = self.files.get(place.file);
        Position {
            file: file.map_or_else(Default::default, |file| file.to_path_buf()),
            line: place.line,
            byte: place.byte,
        }
    }

    fn find(&mut self, kind: Kind, seq: Option<u64>, place: Option<Place>, detail: String) {
        let position = place.map(|place| self.position(place));
        if seq.is_none_or(|seq| self.found.insert((kind, seq))) {
            self.verified.findings.push(Tampering {
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
            && self.files.last() != Some(&path)
        {
            self.end_repeated();
            self.files.push(path);
        }
        let place = Place {
            file: self.files.len().saturating_sub(1),
            line: number,
            byte: leaf.byte,
        };
        let own = match leaf.what {
            What::Foreign(bytes) => return self.foreign(place, bytes, leaf.end),
            What::Record => None,
            What::Own(line) => Some(line),
        };
        self.drop_begun_again(place);
        let entry = Entry {
            seq,
            hash: leaf.hash,
            place,
            length,
        };
        if leaf.end == End::Open {
            self.unknown("whether the last line is whole: it lacks its line feed");
        }
        self.verified.records += 1;
        // Up to the first seal the lowest may still come.
        if self
            .begins
            .is_none_or(|(first, _)| self.last.is_none() && seq < first)
        {
            self.begins = Some((seq, place));
        }
        if seq < self.next && self.recent.has(&entry) {
            return self.again(entry);
        }
        if let Some(hint_of) = self.missing.get(&seq)
            && *hint_of == hint(&entry.hash)
        {
            return self.late(entry);
        }
        self.recent.note(&entry);
        self.next = self.next.max(seq.saturating_add(1));
        match own {
            Some(line) if Seal::is_one(&line) => self.seal(entry, &line),
            Some(line) => {
                self.system_events.unproven.push((seq, line));
                self.entries.push(entry);
            }
            None => self.entries.push(entry),
        }
    }

    /// A record that was missing, in another place.
    fn late(&mut self, entry: Entry) {
        let seq = entry.seq;
        self.missing.remove(&seq);
        if self.begins.is_some_and(|(first, _)| seq < first) {
            self.begins = Some((seq, entry.place));
        }
        let detail = format!("record {seq} comes behind record {}", self.next - 1);
        self.find(Kind::Reordered, Some(seq), Some(entry.place), detail);
        let is_it = |known: &Tampering| known.kind == Kind::Removed && known.seq == Some(seq);
        if self.found.remove(&(Kind::Removed, seq)) {
            self.verified.findings.retain(|known| !is_it(known));
        }
        if self.missing.contains_key(&(seq + 1)) {
            let detail = format!("record {} is missing", seq + 1);
            self.find(Kind::Removed, Some(seq + 1), Some(entry.place), detail);
        }
        self.recent.note(&entry);
    }

    fn seal(&mut self, entry: Entry, line: &[u8]) {
        let Some(seal) = Seal::read(line) else {
            let detail = format!("the seal, record {}, is not what was signed", entry.seq);
            self.find(Kind::Changed, Some(entry.seq), Some(entry.place), detail);
            self.excused = true;
            self.entries.push(entry);
            self.follow_note(line);
            return;
        };
        self.verified.seals += 1;
        self.origins.insert(seal.checkpoint.origin.clone());
        if self.last.is_none() && self.begins_behind(&seal) {
            // The frontier of the first seal is what the rest stands on.
            self.tree = None;
        }
        let proven = self.check_seal(&seal, entry.place);
        self.follow(&seal, entry);
        let is_proven = proven.is_some() && !self.is_broken;
        if let Some((from, to)) = proven {
            self.prove(from, to);
        }
        self.believe(&seal.checkpoint, is_proven);
        self.is_closed = seal.checkpoint.reason == "closed";
        self.verified.sealed_until = Some(seal.checkpoint.time);
        self.last = Some(seal.checkpoint);
        self.excused = false;
        self.entries.push(entry);
    }

    /// Whether the first record that is there is not the first of all, as far as its first seal tells.
    fn begins_behind(&self, seal: &Seal) -> bool {
        let tells_all = seal.leaves.count() == seal.checkpoint.size;
        let is_first = seal.checkpoint.number == 0 && tells_all;
        self.begins.is_some_and(|(first, _)| first > 0) && !is_first
    }
}
