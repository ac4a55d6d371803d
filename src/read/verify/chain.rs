//! The lines of a trail in their order, against the seals among them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Leaf, Tampering, TamperingKind as Kind, Verified, What, is_json};
use crate::error::{Error, Position};
use crate::read::file::End;
use crate::read::scan::Taken;
use crate::trail::checkpoint::{Checkpoint, Key, encode, origin};
use crate::trail::files::read_at;
use crate::trail::seal::{Hint, Seal, hint};
use crate::trail::tree::{Frontier, Hash};
use crate::trail::{TornLine, is_record};

pub(super) struct Chain {
    verified: Verified,
    /// Of each record each finding is told once.
    found: HashSet<(Kind, u64)>,
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
    /// What the trail says of itself and no seal covers yet: whoever may write to the file may have added it.
    said: Vec<(u64, Vec<u8>)>,
    /// Lines that are no records, in their order.
    fragments: VecDeque<Fragment>,
    /// How often the writer has told of a torn line with this hash.
    torn: HashMap<String, u32>,
    /// Lines at the head of a file that stand in another already.
    repeated: Option<Repeated>,
    repeats: Vec<Repeated>,
    /// How often a writer says that it has written so many bytes again.
    rewritten: HashMap<u64, u32>,
    key_seen: bool,
    /// Retention has removed the records in front of this one, as the trail says.
    pruned: Option<u64>,
    is_unreadable: bool,
    begins: Option<(u64, Place)>,
    is_closed: bool,
}

mod end;
mod judge;
mod recent;

use recent::Recent;

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
    line: TornLine,
    /// Of the end of a file, which may begin again in the next: what it holds.
    bytes: Vec<u8>,
    end: End,
    /// How many seals stand in front of it.
    seals: u64,
    /// It is a record for every reader, and not written as the writer writes one.
    is_record: bool,
}

impl Fragment {
    /// There may be many, and long: what is not needed is not kept.
    fn new(place: Place, bytes: Vec<u8>, end: End, seals: u64) -> Fragment {
        Fragment {
            place,
            line: TornLine::of(&bytes),
            is_record: is_record(&bytes),
            bytes: if end == End::Cut { bytes } else { Vec::new() },
            end,
            seals,
        }
    }
}

struct Repeated {
    first: u64,
    last: u64,
    bytes: u64,
    place: Place,
    /// How many seals stand in front of it.
    seals: u64,
}

impl Chain {
    pub(super) fn new(key: Option<Key>, against: Vec<Checkpoint>) -> Chain {
        Chain {
            verified: Verified::default(),
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
            said: Vec::new(),
            fragments: VecDeque::new(),
            torn: HashMap::new(),
            repeated: None,
            repeats: Vec::new(),
            rewritten: HashMap::new(),
            key_seen: false,
            pruned: None,
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
                self.said.push((seq, line));
                self.entries.push(entry);
            }
            None => self.entries.push(entry),
        }
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
                    seals: self.verified.seals,
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

    /// Lines at the head of a file that another has already: a writer may come to tell why.
    fn end_repeated(&mut self) {
        self.repeats.extend(self.repeated.take());
    }

    fn judge_repeats(&mut self, repeats: Vec<Repeated>) {
        for run in repeats {
            let told = self.rewritten.get_mut(&run.bytes);
            if let Some(left) = told.filter(|left| **left > 0) {
                *left -= 1;
                continue;
            }
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
        if self.found.remove(&(Kind::Removed, seq)) {
            self.verified.findings.retain(|known| !is_it(known));
        }
        if self.missing.contains_key(&(seq + 1)) {
            let detail = format!("record {} is missing", seq + 1);
            self.find(Kind::Removed, Some(seq + 1), Some(entry.place), detail);
        }
        self.recent.note(&entry);
    }

    fn foreign(&mut self, place: Place, bytes: Vec<u8>, end: End) {
        // Among other lines of a stream only what poses as a record is of interest.
        if !self.is_stream || is_record(&bytes) {
            let seals = self.verified.seals;
            let fragment = Fragment::new(place, bytes, end, seals);
            self.fragments.push_back(fragment);
        }
    }

    /// A file may end with the beginning of a record that stands whole at the head of the next.
    fn drop_begun_again(&mut self, next: Place) {
        let Some(last) = self.fragments.back() else {
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
            self.fragments.pop_back();
        }
    }

    /// Takes what the trail says of itself for true, as far as a seal covers it and proves it.
    fn believe(&mut self, seal: &Checkpoint, is_proven: bool) {
        let (said, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.said)
            .into_iter()
            .partition(|(seq, _)| *seq < seal.size);
        self.said = open;
        for (_, line) in said.into_iter().filter(|_| is_proven) {
            self.own(&line, Some(seal));
        }
    }

    /// What the trail says of itself. `None`: no seal covers it.
    fn own(&mut self, line: &[u8], seal: Option<&Checkpoint>) {
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
                if let Some(bytes) = again {
                    *self.rewritten.entry(bytes).or_default() += 1;
                }
            }
            // A writer seals it before it removes a file: what the next seal of another covers, or none, is
            // somebody else's.
            "trail_pruned"
                if seal.is_some_and(|seal| {
                    seal.reason == "pruned" && number("seq") == seal.size.checked_sub(1)
                }) =>
            {
                let last = list("files").filter_map(|file| file["last_seq"].as_u64());
                let behind = last.map(|last| last.saturating_add(1));
                self.pruned = behind.chain(self.pruned).max();
            }
            "trail_seal_broken" => {
                let (from, to) = (number("from_seq"), number("to_seq"));
                if let (Some(from), Some(to)) = (from, to) {
                    let detail = format!(
                        "records {from} to {to} stand behind the seal that closed the trail, and no writer that seals had opened it"
                    );
                    self.find(Kind::Inserted, Some(from), None, detail);
                }
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
        let hash = torn["sha256"].as_str().unwrap_or_default().to_owned();
        *self.torn.entry(hash).or_default() += 1;
    }

    /// Whether the writer has told of it, which it does once. No writer leaves a whole record torn.
    fn is_told(&mut self, fragment: &Fragment) -> bool {
        let told = self.torn.get_mut(&fragment.line.sha256);
        match told.filter(|left| !fragment.is_record && **left > 0) {
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        }
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
            let fragment = Fragment::new(entry.place, bytes, End::Ended, self.verified.seals);
            self.fragments.push_back(fragment);
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
            self.follow_note(line);
            return;
        };
        self.verified.seals += 1;
        self.origins.insert(seal.checkpoint.origin.clone());
        if self.last.is_none() && self.begins_behind(&seal) {
            // The frontier of the first seal is what the rest stands on.
            self.tree = None;
        }
        let proven = self.judge(&seal);
        self.follow(&seal, entry);
        let is_proven = proven.is_some() && !self.is_broken;
        if let Some((from, to)) = proven {
            self.prove(from, to);
        }
        self.believe(&seal.checkpoint, is_proven);
        self.is_closed = seal.checkpoint.reason == "closed";
        self.verified.until = Some(seal.checkpoint.time);
        self.last = Some(seal.checkpoint);
        self.excused = false;
        self.entries.push(entry);
    }

    /// Whether the first record that is there is not the first of all, as far as its first seal tells.
    fn begins_behind(&self, seal: &Seal) -> bool {
        let tells_all = seal.leaves.len() == seal.checkpoint.size;
        let is_first = seal.checkpoint.number == 0 && tells_all;
        self.begins.is_some_and(|(first, _)| first > 0) && !is_first
    }

    /// A seal that is damaged still names the next key, where what was signed of it is whole.
    fn follow_note(&mut self, line: &[u8]) {
        let note = serde_json::from_slice::<Value>(line).ok();
        let note = note.as_ref().and_then(|seal| seal["checkpoint"].as_str());
        let is_next = |last: &Checkpoint, now: &Checkpoint| {
            (now.origin == last.origin && now.key == last.next)
                && (now.number == last.number + 1 && now.size > last.size)
        };
        let last = self.noted.as_ref().or(self.last.as_ref());
        if let Some(now) = note.and_then(Checkpoint::read)
            && last.is_some_and(|last| is_next(last, &now))
        {
            self.noted = Some(now);
        }
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
        let last = self.noted.take().unwrap_or(last);
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
        } else if now.number > last.number + 1 && !(self.excused && now.key == last.next) {
            // The key that the last one names may sign many; any other has to be named.
            if self.excused {
                self.unknown(format!(
                    "whether seal {}, record {}, is by the trail's own key: the seal before it is damaged or missing",
                    now.number, entry.seq
                ));
                self.is_broken = true;
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
}
