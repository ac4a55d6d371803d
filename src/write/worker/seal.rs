//! Sealing, on the worker: the tree over the lines, when a seal is due, and what it says.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, Utc};
use ed25519_dalek::SigningKey;

use super::line_batch::LineBatch;
use super::merkle::{GrowingTree, MOST_LEAVES};
use super::seal_key::{KeyFile, KeyWrite, KeyWritten, State, fresh, public};
use crate::config::Config;
use crate::destination::Target;
use crate::error::{Error, InvalidSetting, Result};
use crate::record::system::SealBroken;
use crate::trail::TrailName;
use crate::trail::internal::{
    Catalog, Checkpoint, Hint, HintText, PublicKey, Seal, SealResume, origin, resume_seals,
    verifier_key,
};

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
    /// What the file of keys is to say behind the sync that was begun last.
    to_say: Option<ToSay>,
    /// The number of the next seal as the file of keys has it.
    said: u64,
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

struct ToSay {
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
    /// Goes on where the trail is sealed; says what is wrong with its seals, if anything is. Behind the seal of a
    /// writer that closed the trail nothing was written: `was_closed`. `files`: the trail's, if they were listed.
    pub(crate) fn open(
        config: &Config,
        was_closed: bool,
        files: Option<&mut Catalog>,
    ) -> Result<(Sealer, Option<SealBroken>)> {
        let Target::Files(name) = &config.targets.trail else {
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
        let last = match files {
            Some(files) => resume_seals(files, MOST_LEAVES, &mut tail),
            None => resume_seals(&mut listed(&name)?, MOST_LEAVES, &mut tail),
        };
        let last = last.map_err(|error| Error::io("read the seals of", &name.path(), error))?;
        let mut wrong = None;
        let mut sealer = match key {
            Some((key, state)) => {
                let kept = KeptIn { key, checkpoint };
                let found = last.as_ref().filter(|last| last.origin == state.origin);
                let (sealer, is_whole) = Sealer::resumed(state, found, kept);
                if !is_whole {
                    wrong = Some(SealBroken {
                        happened: "seals are missing at the end".to_owned(),
                        expected_seal: sealer.number.checked_sub(1),
                        found_seal: found.map(|found| found.number),
                        ..SealBroken::default()
                    });
                }
                sealer
            }
            None => {
                if let Some(last) = &last {
                    wrong = Some(SealBroken {
                        happened: "the key is lost".to_owned(),
                        found_seal: Some(last.number),
                        origin: Some(last.origin.clone()),
                        ..SealBroken::default()
                    });
                }
                Sealer::first(path, checkpoint)?
            }
        };
        let end = tail.tree.size();
        if let Some(last) = last.filter(|last| was_closed && last.reason == "closed")
            && wrong.is_none()
            && end > tail.sealed
        {
            wrong = Some(SealBroken {
                happened: "records stand behind the seal that closed the trail".to_owned(),
                found_seal: Some(last.number),
                from_seq: Some(tail.sealed),
                to_seq: Some(end - 1),
                ..SealBroken::default()
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
            to_say: None,
            said: 0,
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
        let is_named = |key: &SigningKey| public(key) == named;
        let (key, announced, is_named) = match next {
            // The file may have come from a process that was killed before it was on the medium.
            Some(next) if is_named(&key) => {
                (key, Some(next).filter(|_| files.key.sync().is_ok()), true)
            }
            Some(next) => {
                let is_named = is_named(&next);
                (next, None, is_named)
            }
            None => {
                let is_named = is_named(&key);
                (key, None, is_named)
            }
        };
        let sealer = Sealer {
            origin,
            first,
            number: number.max(found),
            said: number,
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
        self.note_said();
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
        self.note_said();
        let is_said = self.announced.is_some() && self.said == self.number;
        if is_said || self.to_say.is_some() {
            return None;
        }
        // One that the file does not have is named by no seal until it does.
        let new = match self.announced {
            Some(_) => None,
            None => Some(fresh().ok()?),
        };
        let Some(files) = &self.files else {
            self.announced = self.announced.take().or(new);
            self.said = self.number;
            return None;
        };
        let next = new.as_ref().or(self.announced.as_ref())?;
        let state = self.state(next);
        let note = self.note.clone();
        let (write, written) = files.key.write_behind(&state, &files.checkpoint, note);
        self.to_say = Some(ToSay {
            number: self.number,
            next: new,
            written,
        });
        Some(write)
    }

    /// Takes notice of what has become of the file of keys.
    fn note_said(&mut self) {
        let to_say = self.to_say.take_if(|to_say| to_say.written.get().is_some());
        if let Some(said) = to_say.filter(|said| said.written.get() == Some(&true)) {
            self.said = said.number;
            self.announced = self.announced.take().or(said.next);
        }
    }

    /// Waits until the file of keys says what it is to say behind the sync that was begun last.
    pub(crate) fn wait_for_keys(&self) {
        if let Some(ToSay { written, .. }) = &self.to_say {
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
            next: Some(next.clone()),
        }
    }
}

fn listed(name: &TrailName) -> Result<Catalog> {
    let files = Catalog::list(name);
    let mut files =
        files.map_err(|error| Error::io("read the directory", name.directory(), error))?;
    files.verify_order();
    Ok(files)
}
