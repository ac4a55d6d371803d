//! Sealing, on the worker: the tree over the lines, when a seal is due, and what it says.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, Utc};
use ed25519_dalek::SigningKey;

use super::line_batch::LineBatch;
use super::merkle::{GrowingTree, MOST_LEAVES};
use super::seal_key::{KeyFile, KeyWrite, KeyWritten, State, fresh, public};
use crate::config::Config;
use crate::destination::Output;
use crate::error::{Error, InvalidSetting, Result};
use crate::format::internal::{
    Catalog, Checkpoint, Hint, HintText, PublicKey, Seal, SealResume, origin, resume_seals,
    verifier_key,
};
use crate::record::system::SealBroken;

#[cfg(test)]
mod tests;

/// A seal is made when so many records wait for one, or one waits so long.
const RECORDS: u64 = 1_000;
const BUSY: Duration = Duration::from_secs(1);
/// And where none waits, after this: so that it shows when an end is cut off.
const IDLE: Duration = Duration::from_secs(60);

pub(crate) struct Sealer {
    /// If every record has it.
    pub(crate) run_id: Option<String>,
    origin: String,
    first: PublicKey,
    tree: GrowingTree,
    /// The leaves between the two seals before: a seal tells them again, so that they are known where the
    /// other is damaged.
    before: Vec<Hint>,
    /// The size of the tree with the last seal.
    sealed: u64,
    last: Instant,
    /// Signs the next seal.
    key: SigningKey,
    /// What the next seal names: the file of keys has it, on the medium.
    announced: Option<SigningKey>,
    /// What the key file will say after the sync that was begun last.
    pending: Option<PendingKeys>,
    /// The number of the next seal as the key file has it.
    stored_number: u64,
    /// The number of the next seal.
    number: u64,
    /// The note of the last seal.
    note: Option<String>,
    /// `None`: there is no directory, and the key is that of the process.
    files: Option<KeptIn>,
}

/// A seal that is made and not yet written.
pub(crate) struct SealDraft {
    /// Its line, with the line feed.
    pub(crate) line: Vec<u8>,
    note: String,
    /// The size of the tree that it seals.
    size: u64,
    /// Signs the seal after it, if another key does.
    next: Option<SigningKey>,
}

struct PendingKeys {
    number: u64,
    /// The key that it does not have yet.
    next: Option<SigningKey>,
    written: KeyWritten,
}

struct KeptIn {
    key: KeyFile,
    checkpoint: PathBuf,
}

impl Sealer {
    /// Goes on where the trail is sealed; says what is wrong with its seals, if anything is. After the seal of a
    /// writer that closed the trail nothing was written: `was_closed`. `files`: the trail's.
    pub(crate) fn open(
        config: &Config,
        was_closed: bool,
        files: Option<&mut Catalog>,
    ) -> Result<(Sealer, Option<SealBroken>)> {
        let (Output::Files(name), Some(files)) = (&config.outputs.trail, files) else {
            return Ok((Sealer::new(fresh()?, None), None));
        };
        let name = name
            .absolute()
            .map_err(|error| Error::io("find the directory of", &name.path(), error))?;
        let path = name.seal_key(config.seal_keys.as_deref());
        let beside = name.seal_key(None);
        if !path.exists() && path != beside && beside.exists() {
            let elsewhere = InvalidSetting::SealKeyElsewhere(beside);
            return Err(Error::setting("seal_keys", path.display(), elsewhere));
        }
        let checkpoint = name.checkpoint();
        let key = KeyFile::open(&path)?;
        let mut tail = SealResume::default();
        let last = resume_seals(files, MOST_LEAVES, &mut tail)
            .map_err(|error| Error::io("read the seals of", &name.path(), error))?;
        let end = tail.tree.size();
        let broken = |happened: &str, found: Option<&Checkpoint>| SealBroken {
            happened: happened.to_owned(),
            found_seal: found.map(|found| found.number),
            ..SealBroken::default()
        };
        let (mut sealer, mut wrong) = match key {
            Some((key, state)) => {
                let found = last.as_ref().filter(|last| last.origin == state.origin);
                let (sealer, is_whole) = Sealer::resumed(state, found, KeptIn { key, checkpoint });
                let wrong = (!is_whole).then(|| SealBroken {
                    expected_seal: sealer.number.checked_sub(1),
                    ..broken("seals are missing at the end", found)
                });
                (sealer, wrong)
            }
            None => {
                let wrong = last.as_ref().map(|last| SealBroken {
                    origin: Some(last.origin.clone()),
                    ..broken("the key is lost", Some(last))
                });
                (Sealer::first(path, checkpoint)?, wrong)
            }
        };
        let closing = last.filter(|last| was_closed && last.reason == "closed");
        if closing.is_some() && wrong.is_none() && end > tail.sealed {
            wrong = Some(SealBroken {
                from_seq: Some(tail.sealed),
                to_seq: Some(end - 1),
                ..broken(
                    "records stand behind the seal that closed the trail",
                    closing.as_ref(),
                )
            });
        }
        sealer.sealed = tail.sealed;
        sealer.tree = GrowingTree::new(tail.tree, tail.leaves);
        sealer.before = tail.before;
        Ok((sealer, wrong))
    }

    /// Of a trail that has no key yet.
    fn first(path: PathBuf, checkpoint: PathBuf) -> Result<Sealer> {
        let (mut sealer, next) = (Sealer::new(fresh()?, None), fresh()?);
        let key = KeyFile::create(path, &sealer.state(&next))?;
        sealer.announced = Some(next);
        sealer.files = Some(KeptIn { key, checkpoint });
        Ok(sealer)
    }

    fn new(key: SigningKey, files: Option<KeptIn>) -> Sealer {
        let first = public(&key);
        Sealer {
            run_id: None,
            origin: origin(&first),
            first,
            tree: GrowingTree::default(),
            before: Vec::new(),
            sealed: 0,
            last: Instant::now(),
            key,
            announced: None,
            pending: None,
            stored_number: 0,
            number: 0,
            note: None,
            files,
        }
    }

    /// With the key that the last seal names. The other: not all seals that were made are there.
    fn resumed(state: State, last: Option<&Checkpoint>, files: KeptIn) -> (Sealer, bool) {
        let State {
            origin,
            first,
            number,
            key,
            next,
        } = state;
        let named = last.map_or(first, |last| last.next);
        let found = last.map_or(0, |last| last.number + 1);
        let (key, announced, is_named) = match public(&key) == named {
            // The file may have come from a process that was killed before it was on the medium.
            true => (key, Some(next).filter(|_| files.key.sync().is_ok()), true),
            false => {
                let is_named = public(&next) == named;
                (next, None, is_named)
            }
        };
        let sealer = Sealer {
            origin,
            first,
            number: number.max(found),
            stored_number: number,
            announced,
            ..Sealer::new(key, Some(files))
        };
        (sealer, is_named && found >= number)
    }

    /// The trail's first key, which stands for it.
    pub(crate) fn identity(&self) -> String {
        verifier_key(&self.origin, &self.first)
    }

    /// Whether this is where the trail got its first key.
    pub(crate) fn is_new(&self) -> bool {
        self.number == 0
    }

    /// Adds lines that are written. Lines that the tree has already are skipped.
    pub(crate) fn push(&mut self, batch: &LineBatch) {
        self.tree.push(batch);
    }

    /// Whether records were written that no seal covers, other than the last seal itself.
    pub(crate) fn has_unsealed(&self) -> bool {
        self.tree.size() > self.sealed
    }

    /// Why a seal is due, if one is.
    pub(crate) fn due(&self) -> Option<&'static str> {
        let waiting = self.tree.size().saturating_sub(self.sealed);
        let elapsed = self.last.elapsed();
        if waiting >= RECORDS || waiting > 0 && elapsed >= BUSY {
            return Some("busy");
        }
        (elapsed >= IDLE).then_some("idle")
    }

    /// How long it takes until a seal is due, if nothing is written meanwhile.
    pub(crate) fn due_in(&self) -> Duration {
        let wait = match self.has_unsealed() {
            true => BUSY,
            false => IDLE,
        };
        wait.saturating_sub(self.last.elapsed())
    }

    /// Makes a seal over all lines so far, which must be written next.
    pub(crate) fn draft(&mut self, reason: &str, now: DateTime<Utc>) -> SealDraft {
        self.note_key_file();
        let frontier = self.tree.frontier().clone();
        let mut hints = [&self.before[..], self.tree.hints()].concat();
        hints.drain(..hints.len().saturating_sub(MOST_LEAVES));
        let leaves = HintText::new(&hints);
        let key = public(&self.key);
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: frontier.size(),
            root: frontier.root(),
            time: now.trunc_subsecs(6),
            number: self.number,
            reason: reason.to_owned(),
            key,
            next: self.announced.as_ref().map_or(key, public),
            leaves: leaves.hash(),
            run_id: self.run_id.clone(),
        };
        let seal = Seal {
            note: checkpoint.sign(&self.key),
            checkpoint,
            frontier,
            leaves,
        };
        let mut line = Vec::new();
        seal.push(&mut line);
        line.push(b'\n');
        SealDraft {
            line,
            size: seal.checkpoint.size,
            note: seal.note,
            next: self.announced.clone(),
        }
    }

    /// A seal is written. Its own line is pushed after it.
    pub(crate) fn sealed(&mut self, draft: SealDraft) {
        if let Some(next) = draft.next {
            self.key = next;
            self.announced = None;
        }
        self.before = self.tree.take_hints();
        self.note = Some(draft.note);
        self.number += 1;
        self.sealed = draft.size + 1;
        self.last = Instant::now();
    }

    /// A sync begins, which takes the seals that were made to the medium. What the file of keys is to say behind it,
    /// the key that they name and another one, and the checkpoint of the last of them.
    pub(crate) fn begin_sync(&mut self) -> Option<KeyWrite> {
        self.note_key_file();
        let is_stored = self.announced.is_some() && self.stored_number == self.number;
        if is_stored || self.pending.is_some() {
            return None;
        }
        // One that the file does not have is named by no seal until it does.
        let new = match self.announced {
            Some(_) => None,
            None => Some(fresh().ok()?),
        };
        let Some(files) = &self.files else {
            self.announced = self.announced.take().or(new);
            self.stored_number = self.number;
            return None;
        };
        let next = new.as_ref().or(self.announced.as_ref())?;
        let state = self.state(next);
        let note = self.note.clone();
        let (write, written) = files.key.write_behind(&state, &files.checkpoint, note);
        self.pending = Some(PendingKeys {
            number: self.number,
            next: new,
            written,
        });
        Some(write)
    }

    /// Takes notice of what has become of the file of keys.
    fn note_key_file(&mut self) {
        let settled = self
            .pending
            .take_if(|pending| pending.written.get().is_some());
        if let Some(settled) = settled.filter(|settled| settled.written.get() == Some(&true)) {
            self.stored_number = settled.number;
            self.announced = self.announced.take().or(settled.next);
        }
    }

    /// Waits until the file of keys says what it is to say behind the sync that was begun last.
    pub(crate) fn wait_for_keys(&self) {
        if let Some(PendingKeys { written, .. }) = &self.pending {
            written.wait();
        }
    }

    /// What the file of keys says when the seals that were made are on the medium.
    fn state(&self, next: &SigningKey) -> State {
        State {
            origin: self.origin.clone(),
            first: self.first,
            number: self.number,
            key: self.key.clone(),
            next: next.clone(),
        }
    }
}
