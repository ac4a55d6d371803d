//! The chain of keys: each seal names the one that signs the next.

use serde_json::Value;

use super::{Chain, SeenRecord};
use crate::format::checkpoint::{Checkpoint, encode, origin};
use crate::format::seal::Seal;
use crate::read::verify::TamperingKind as Kind;

impl Chain {
    /// A seal that is damaged still names the next key, where what was signed of it is whole.
    pub(super) fn follow_note(&mut self, line: &[u8]) {
        let note = serde_json::from_slice::<Value>(line).ok();
        let note = note.as_ref().and_then(|seal| seal["checkpoint"].as_str());
        let is_next = |last: &Checkpoint, now: &Checkpoint| {
            (now.origin == last.origin && now.key == last.next)
                && (now.number == last.number + 1 && now.size > last.size)
        };
        let last = self.seals.noted.as_ref().or(self.seals.last.as_ref());
        if let Some(now) = note.and_then(Checkpoint::read)
            && last.is_some_and(|last| is_next(last, &now))
        {
            self.seals.noted = Some(now);
        }
    }

    /// Whether the seal is the one that the last one announces.
    pub(super) fn follow(&mut self, seal: &Seal, entry: SeenRecord) {
        let now = &seal.checkpoint;
        let at = (Some(entry.seq), Some(entry.place));
        self.expected.is_key_seen |= self.expected.key == Some(now.key);
        let Some(last) = self.seals.last.take() else {
            self.findings.report.key = Some(now.verifier_key());
            let is_whole =
                self.records.first.is_some_and(|(first, _)| first == 0) && !self.seals.excused;
            let is_first = now.number == 0 && origin(&now.key) == now.origin;
            if is_whole && !is_first {
                let detail = format!(
                    "the first seal, record {}, is number {} of {}: it does not begin with the trail's first key",
                    entry.seq, now.number, now.origin
                );
                self.find(Kind::KeyReplaced, at.0, at.1, detail);
            }
            if now.number == 0
                && let Some(key) = self.expected.key
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
        let last = self.seals.noted.take().unwrap_or(last);
        let known = self.findings.report.findings.len();
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
        } else if now.number > last.number + 1 && !(self.seals.excused && now.key == last.next) {
            // The key that the last one names may sign many; any other has to be named.
            if self.seals.excused {
                self.unknown(format!(
                    "whether seal {}, record {}, is by the trail's own key: the seal before it is damaged or missing",
                    now.number, entry.seq
                ));
                self.seals.is_broken = true;
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
        self.seals.is_broken |= self.findings.report.findings.len() > known;
    }
}
