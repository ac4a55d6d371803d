//! The lines of a trail in their order, against the seals among them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Leaf, Tampering, TamperingKind as Kind, Verified, What, is_json};
use crate::error::{Error, ErrorKind, Position, Result};
use crate::read::file::End;
use crate::read::scan::Taken;
use crate::trail::TornLine;
use crate::trail::checkpoint::{Checkpoint, Key, encode, origin};
use crate::trail::files::read_at;
use crate::trail::seal::{Hint, Seal, hint};
use crate::trail::tree::{Frontier, Hash};

/// Lines that come again are known so far back.
const RECENT: usize = 1 << 16;

pub(super) struct Chain {
    verified: Verified,
    key: Option<Key>,
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
    /// A seal between the last one and the next is known to be damaged or gone.
    excused: bool,
    /// By seq modulo their number: the seq behind it, and the beginning of the hash.
    recent: Vec<[u64; 2]>,
    /// A break in the chain of keys: nothing behind it is proven.
    is_broken: bool,
    /// Records that stood in front of a seal and belong behind it.
    early: Vec<Entry>,
    /// Records that were found to be missing, with their hints.
    missing: BTreeMap<u64, Hint>,
    files: Vec<Arc<Path>>,
    /// Lines that are no records.
    fragments: Vec<Fragment>,
    /// The hashes of the torn lines that the writer has told of.
    torn: Vec<String>,
    /// Lines at the head of a file that stand in another already.
    repeated: Option<Repeated>,
    key_seen: bool,
    /// Retention has removed the records in front of this one, as the trail says.
    pruned: Option<u64>,
    begins: Option<(u64, Place)>,
    is_closed: bool,
}

#[derive(Clone, Copy)]
struct Place {
    file: usize,
    line: u64,
    byte: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    seq: u64,
    hash: Hash,
    place: Place,
    length: usize,
}

struct Fragment {
    place: Place,
    bytes: Vec<u8>,
    end: End,
}

struct Repeated {
    first: u64,
    last: u64,
    bytes: u64,
    place: Place,
}

impl Chain {
    pub(super) fn new(key: Option<Key>, against: Vec<Checkpoint>) -> Chain {
        Chain {
            verified: Verified::default(),
            key,
            against,
            expected: None,
            is_stream: false,
            tree: Some(Frontier::default()),
            entries: Vec::new(),
            next: 0,
            last: None,
            excused: false,
            recent: vec![[0; 2]; RECENT],
            is_broken: false,
            early: Vec::new(),
            missing: BTreeMap::new(),
            files: Vec::new(),
            fragments: Vec::new(),
            torn: Vec::new(),
            repeated: None,
            key_seen: false,
            pruned: None,
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

    pub(super) fn unreadable(&mut self, error: &Error) {
        self.verified.findings.push(Tampering {
            kind: Kind::Unreadable,
            seq: None,
            position: error.position().cloned(),
            detail: format!("{error:?}"),
        });
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
        let findings = &mut self.verified.findings;
        let is_known = |known: &Tampering| known.kind == kind && known.seq == seq && seq.is_some();
        if !findings.iter().any(is_known) {
            findings.push(Tampering {
                kind,
                seq,
                position,
                detail,
            });
        }
    }

    pub(super) fn line(&mut self, taken: Taken<Leaf>) {
        let Taken {
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
        if seq < self.next && self.is_known(&entry) {
            return self.again(entry);
        }
        if let Some(hint_of) = self.missing.get(&seq)
            && *hint_of == hint(&entry.hash)
        {
            return self.late(entry);
        }
        let slot = &mut self.recent[seq as usize % RECENT];
        *slot = known(&entry);
        self.next = self.next.max(seq.saturating_add(1));
        match own {
            Some(line) if Seal::is_one(&line) => self.seal(entry, &line),
            Some(line) => {
                self.own(&line);
                self.entries.push(entry);
            }
            None => self.entries.push(entry),
        }
    }

    fn is_known(&self, entry: &Entry) -> bool {
        self.recent[entry.seq as usize % RECENT] == known(entry)
    }

    /// A record that was there before.
    fn again(&mut self, entry: Entry) {
        let Entry {
            seq, place, length, ..
        } = entry;
        let bytes = length as u64 + 1;
        match &mut self.repeated {
            Some(run) if run.place.file == place.file && run.bytes == place.byte => {
                run.bytes += bytes;
                run.last = seq;
            }
            None if place.byte == 0 && place.file > 0 => {
                self.repeated = Some(Repeated {
                    first: seq,
                    last: seq,
                    bytes,
                    place,
                });
            }
            _ => self.find(
                Kind::Doubled,
                Some(seq),
                Some(place),
                format!("record {seq} stands there again"),
            ),
        }
    }

    /// Lines at the head of a file that another has already, and nobody has told why.
    fn end_repeated(&mut self) {
        if let Some(run) = self.repeated.take() {
            let detail = format!("records {} to {} stand there again", run.first, run.last);
            self.find(Kind::Doubled, Some(run.first), Some(run.place), detail);
        }
    }

    /// A record that was missing, in another place.
    fn late(&mut self, entry: Entry) {
        let seq = entry.seq;
        self.missing.remove(&seq);
        let detail = format!("record {seq} comes behind record {}", self.next - 1);
        self.find(Kind::Reordered, Some(seq), Some(entry.place), detail);
        let is_it = |known: &Tampering| known.kind == Kind::Removed && known.seq == Some(seq);
        self.verified.findings.retain(|known| !is_it(known));
        if self.missing.contains_key(&(seq + 1)) {
            let detail = format!("record {} is missing", seq + 1);
            self.find(Kind::Removed, Some(seq + 1), Some(entry.place), detail);
        }
        let slot = &mut self.recent[seq as usize % RECENT];
        *slot = known(&entry);
    }

    fn foreign(&mut self, place: Place, bytes: Vec<u8>, end: End) {
        if !self.is_stream {
            self.fragments.push(Fragment { place, bytes, end });
        }
    }

    /// A file may end with the beginning of a record that stands whole at the head of the next.
    fn drop_begun_again(&mut self, next: Place) {
        let Some(last) = self.fragments.last() else {
            return;
        };
        if last.end != End::Cut || last.place.file + 1 != next.file || next.line != 1 {
            return;
        }
        let mut begin = vec![0; last.bytes.len()];
        let read = self
            .files
            .get(next.file)
            .and_then(|path| read_at(&File::open(path).ok()?, &mut begin, 0).ok());
        if read == Some(begin.len()) && begin == last.bytes {
            self.fragments.pop();
        }
    }

    /// What the trail says of itself.
    fn own(&mut self, line: &[u8]) {
        let Ok(record) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let number = |key: &str| record.get(key).and_then(Value::as_u64);
        let list = |key: &str| {
            let list = record.get(key).and_then(Value::as_array);
            list.into_iter().flatten()
        };
        match record["event_type"].as_str().unwrap_or_default() {
            "trail_opened" => self.is_closed = false,
            "trail_recovered" => {
                for torn in list("torn") {
                    self.told_torn(torn);
                }
                let detail = format!(
                    "a writer before record {} ended without ending the trail; {} records were \
                     recovered from its journal",
                    number("seq").unwrap_or(0),
                    number("replayed").unwrap_or(0)
                );
                self.verified.told.push(detail);
            }
            "trail_sync_failed" | "trail_put_back" => {
                let again = number("rewritten_bytes").or(number("restored_bytes"));
                if self.repeated.as_ref().map(|run| run.bytes) == again {
                    self.repeated = None;
                }
            }
            "trail_pruned" => {
                let last = list("files").filter_map(|file| file["last_seq"].as_u64());
                self.pruned = last.map(|last| last + 1).chain(self.pruned).max();
            }
            _ => {}
        }
    }

    fn told_torn(&mut self, torn: &Value) {
        let file = torn["file"].as_str().unwrap_or_default().to_owned();
        let bytes = torn["bytes"].as_u64().unwrap_or(0);
        self.verified
            .told
            .push(format!("{file}: a line of {bytes} bytes was torn"));
        self.torn
            .push(torn["sha256"].as_str().unwrap_or_default().to_owned());
    }

    /// Whether the writer has told of it, which it does once.
    fn is_told(&mut self, fragment: &Fragment) -> bool {
        let hash = TornLine::of(&fragment.bytes).sha256;
        let told = self.torn.iter().position(|told| *told == hash);
        told.map(|told| self.torn.remove(told)).is_some()
    }

    /// Takes a line for what a writer has left torn, where it is no record at all.
    fn is_torn(&mut self, entry: &Entry) -> bool {
        let mut bytes = vec![0; entry.length];
        let read = self
            .files
            .get(entry.place.file)
            .and_then(|path| read_at(&File::open(path).ok()?, &mut bytes, entry.place.byte).ok());
        let is_torn = read == Some(bytes.len()) && !is_json(&bytes);
        if is_torn {
            self.fragments.push(Fragment {
                place: entry.place,
                bytes,
                end: End::Ended,
            });
            self.verified.records -= 1;
        }
        is_torn
    }

    fn seal(&mut self, entry: Entry, line: &[u8]) {
        let Some(seal) = Seal::read(line) else {
            let detail = format!("the seal, record {}, is not what was signed", entry.seq);
            self.find(Kind::Changed, Some(entry.seq), Some(entry.place), detail);
            self.excused = true;
            self.entries.push(entry);
            return;
        };
        self.verified.seals += 1;
        if self.last.is_none() && self.begins_behind(&seal) {
            // The frontier of the first seal is what the rest stands on.
            self.tree = None;
        }
        let proven = self.judge(&seal);
        self.follow(&seal, entry);
        if let Some((from, to)) = proven {
            self.prove(from, to);
        }
        self.is_closed = seal.checkpoint.reason == "closed";
        self.verified.until = Some(seal.checkpoint.time);
        self.last = Some(seal.checkpoint);
        self.excused = false;
        self.entries.push(entry);
        self.entries.sort_by_key(|entry| entry.seq);
    }

    /// Whether the first record that is there is not the first of all, as far as its first seal tells.
    fn begins_behind(&self, seal: &Seal) -> bool {
        let tells_all = seal.leaves.len() == seal.checkpoint.size;
        let is_first = seal.checkpoint.number == 0 && tells_all;
        self.begins.is_some_and(|(first, _)| first > 0) && !is_first
    }

    /// Whether the seal is the one that the last one announces.
    fn follow(&mut self, seal: &Seal, entry: Entry) {
        let now = &seal.checkpoint;
        let at = (Some(entry.seq), Some(entry.place));
        self.key_seen |= self.key == Some(now.key);
        let Some(last) = self.last.take() else {
            self.verified.key = Some(now.verifier_key());
            let is_whole = self.begins.is_some_and(|(first, _)| first == 0) && !self.excused;
            let is_first = now.number == 0 && origin(&now.key) == now.origin;
            if is_whole && !is_first {
                let detail = format!(
                    "the first seal, record {}, is number {} of {}: it does not begin with the trail's first key",
                    entry.seq, now.number, now.origin
                );
                self.find(Kind::KeyReplaced, at.0, at.1, detail);
            }
            if now.number == 0
                && let Some(key) = self.key
                && key != now.key
            {
                let detail = format!(
                    "the trail begins with the key {}, which is not the one that was given",
                    now.verifier_key()
                );
                self.find(Kind::KeyReplaced, at.0, at.1, detail);
            }
            return;
        };
        let known = self.verified.findings.len();
        if now.origin != last.origin {
            let detail = format!(
                "from record {} on another key signs, {}: the key was lost, or replaced",
                entry.seq,
                now.verifier_key()
            );
            self.find(Kind::KeyReplaced, at.0, at.1, detail);
        } else if now.number <= last.number {
            let detail = format!(
                "seal {} comes behind seal {}: an earlier state was put in place and carried on",
                now.number, last.number
            );
            self.find(Kind::RolledBack, at.0, at.1, detail);
        } else if now.number > last.number + 1 {
            if self.excused {
                self.unknown(format!(
                    "whether seal {}, record {}, is by the trail's own key: the seal before it is damaged or missing",
                    now.number, entry.seq
                ));
            } else {
                let detail = format!(
                    "seals {} to {} are missing: the end was cut off behind record {}, and writing went on",
                    last.number + 1,
                    now.number - 1,
                    last.size
                );
                self.find(Kind::Cut, Some(last.size + 1), at.1, detail);
            }
        } else if now.key != last.next {
            let detail = format!(
                "the seal, record {}, is signed by {}, and the seal before it names another key",
                entry.seq,
                encode(&now.key)
            );
            self.find(Kind::ReSigned, at.0, at.1, detail);
        }
        self.is_broken |= self.verified.findings.len() > known;
    }

    /// Whether the records in front of a seal are those that it seals.
    /// Those that are.
    fn judge(&mut self, seal: &Seal) -> Option<(u64, u64)> {
        let size = seal.checkpoint.size;
        let told = size - seal.leaves.len();
        let entries = std::mem::take(&mut self.entries);
        let Some(mut tree) = self.tree.replace(seal.frontier.clone()) else {
            // Nothing in front is known: what the seal tells of the leaves is.
            self.diagnose(&entries, told, seal);
            let first = entries.first().map_or(size, |entry| entry.seq).max(told);
            self.carry(entries, size);
            let is_touched = self
                .verified
                .findings
                .iter()
                .any(|known| known.seq >= Some(first));
            return (!is_touched).then_some((first, size));
        };
        let base = tree.size();
        let is_plain = self.early.is_empty()
            && entries.len() as u64 == size.saturating_sub(base)
            && entries
                .iter()
                .zip(base..)
                .all(|(entry, seq)| entry.seq == seq);
        if is_plain {
            for entry in &entries {
                tree.push(entry.hash);
                self.compare(&tree);
            }
            if tree.root() == seal.checkpoint.root {
                return Some((base, size));
            }
        }
        let before = self.verified.findings.len();
        let intact = self.diagnose(&entries, base, seal);
        // Whatever stands in another place, the records themselves may all be there.
        let is_same = !is_plain
            && intact.is_some_and(|leaves| {
                let mut tree = tree;
                leaves.into_iter().for_each(|leaf| tree.push(leaf));
                tree.root() == seal.checkpoint.root
            });
        if !is_same && self.verified.findings.len() == before {
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

    /// What has happened to the records from `base` on up to a seal. The leaves in their order, where
    /// all are there.
    fn diagnose(&mut self, entries: &[Entry], base: u64, seal: &Seal) -> Option<Vec<Hash>> {
        let size = seal.checkpoint.size;
        let told = size - seal.leaves.len();
        let hint_of = |seq: u64| seal.leaves.get(seq.checked_sub(told)?);
        let mut by_seq: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        let mut highest = None;
        for entry in entries {
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
        let first = entries.first().map_or(size, |entry| entry.seq).min(size);
        let from = match self.last {
            // Where a trail begins somewhere, nothing is missing in front of that.
            None if self.begins_behind(seal) => first.max(base),
            _ => base,
        };
        let mut intact = Some(Vec::new());
        let mut gap: Option<u64> = None;
        for seq in from..size {
            let Some(candidates) = by_seq.get(&seq) else {
                gap.get_or_insert(seq);
                intact = None;
                if let Some(hint) = hint_of(seq) {
                    self.missing.insert(seq, hint);
                }
                continue;
            };
            self.end_gap(&mut gap, seq, candidates.first().map(|entry| entry.place));
            let is_it = |entry: &&Entry| hint_of(seq).is_none_or(|told| told == hint(&entry.hash));
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
                    }
                    Some(right) if right.hash == entry.hash => {}
                    Some(_) if self.is_torn(entry) => {}
                    _ => {
                        let detail = format!("another line says that it is record {seq}");
                        self.find(Kind::Inserted, Some(seq), place, detail);
                    }
                }
            }
        }
        self.end_gap(&mut gap, size, entries.last().map(|entry| entry.place));
        for entry in std::mem::take(&mut self.early) {
            let seq = entry.seq;
            if seq >= size {
                self.early.push(entry);
            } else if hint_of(seq) == Some(hint(&entry.hash)) {
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

    fn end_gap(&mut self, gap: &mut Option<u64>, end: u64, place: Option<Place>) {
        let Some(first) = gap.take() else { return };
        self.excused = true;
        // A line that stands there and is no record was one.
        let is_in_front = |fragment: &Fragment| {
            let here = |place: Place| (place.file, place.byte);
            fragment.end == End::Ended
                && place.is_none_or(|place| here(fragment.place) < here(place))
        };
        if let Some(index) = self.fragments.iter().position(is_in_front) {
            let fragment = self.fragments.remove(index);
            let detail = format!("record {first} is not what was sealed");
            self.find(Kind::Changed, Some(first), Some(fragment.place), detail);
            let mut rest = (first + 1 < end).then_some(first + 1);
            return self.end_gap(&mut rest, end, place);
        }
        let detail = match end - first {
            1 => format!("record {first} is missing"),
            count => format!("records {first} to {} are missing: {count}", end - 1),
        };
        self.find(Kind::Removed, Some(first), place, detail);
    }

    /// Keeps what belongs behind a seal and stands in front of it.
    fn carry(&mut self, entries: Vec<Entry>, size: u64) {
        for entry in entries.into_iter().filter(|entry| entry.seq >= size) {
            self.entries.push(entry);
            if !self.early.iter().any(|known| known.seq == entry.seq) {
                self.early.push(entry);
            }
        }
    }

    fn prove(&mut self, from: u64, to: u64) {
        if self.is_broken {
            return;
        }
        match self.verified.proven.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ if from < to => self.verified.proven.push((from, to)),
            _ => {}
        }
    }

    /// Compares the tree with the checkpoints of its size that somebody kept.
    fn compare(&mut self, tree: &Frontier) {
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

    pub(super) fn end(mut self) -> Result<Verified> {
        self.end_repeated();
        self.judge_tail();
        self.judge_beginning();
        for fragment in std::mem::take(&mut self.fragments) {
            let length = fragment.bytes.len();
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

/// What is remembered of a record.
fn known(entry: &Entry) -> [u64; 2] {
    let (begin, _) = entry.hash.as_chunks::<8>();
    [entry.seq.wrapping_add(1), u64::from_le_bytes(begin[0])]
}
