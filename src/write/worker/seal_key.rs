//! The file of the key that signs the next seal.
//!
//! ```text
//! stinger-audit seal key 1
//! origin stinger-audit/8f3c1d20a7b94e65
//! first <64 hex digits>                 the trail's first public key
//! seal 00000000000000000017             the seals in front of this one are on the medium
//! key <64 hex digits>                   private: the last of those names it
//! next <64 hex digits>                  private: a seal after them may name it
//! sum 1a2b3c4d                          checksum of all that (XXH3)
//! ```
//!
//! A seal names a key only when the file with it is on the medium, and the file leaves a key only when a seal that
//! names the next one is. So whatever a process that is killed or a loss of power leaves of both, the file has the
//! key that the last seal names.
//!
//! It is made whole. After that it is written over in place, and always has the same length: what has signed is gone
//! from it. The checkpoint is written after it, on the same thread.
//! LIMIT: a medium that writes elsewhere (copy on write, flash) may keep the old bytes for a while.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;

use crate::error::{Error, Result};
use crate::format::internal::{
    DurableFile, PublicKey, checksum, create_private_dir, is_same_file, open_private_as,
    sync_directory_of,
};
use crate::write::warn;

/// What the file says.
pub(crate) struct State {
    pub(crate) origin: String,
    pub(crate) first: PublicKey,
    pub(crate) number: u64,
    pub(crate) key: SigningKey,
    pub(crate) next: SigningKey,
}

pub(crate) struct KeyFile {
    path: PathBuf,
    file: Arc<File>,
}

const HEAD: &str = "stinger-audit seal key 1";

/// A new key.
pub(crate) fn fresh() -> Result<SigningKey> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| {
        let system = Path::new("the system");
        Error::io("take random bytes from", system, io::Error::other(error))
    })?;
    Ok(SigningKey::from_bytes(&secret))
}

pub(crate) fn public(key: &SigningKey) -> PublicKey {
    key.verifying_key().to_bytes()
}

impl KeyFile {
    /// Opens the file, with what it says. `None`: there is no file. One that cannot be understood is an error, and is
    /// left as it is: it may be the only key to go on with.
    pub(crate) fn open(path: &Path) -> Result<Option<(KeyFile, State)>> {
        let failed = |error| Error::io("open the seal key", path, error);
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(failed)?,
        };
        let state = str::from_utf8(&bytes).ok().and_then(State::parse);
        let state = state.ok_or_else(|| {
            let why = "it is no seal key of this version, or it is damaged, and was left as it is; put the trail's \
                own key back, or move the file away: the trail goes on with a new key then, and verify reports it";
            failed(io::Error::new(io::ErrorKind::InvalidData, why))
        })?;
        let file = open_private_as(OpenOptions::new().read(true).write(true), path);
        let key = KeyFile {
            path: path.to_owned(),
            file: Arc::new(file.map_err(failed)?),
        };
        Ok(Some((key, state)))
    }

    /// Makes the file of a trail that has none, and waits until it is on the medium.
    pub(crate) fn create(path: PathBuf, state: &State) -> Result<KeyFile> {
        let file = create(&path, &state.text());
        let file = file.map_err(|error| Error::io("write the seal key", &path, error))?;
        Ok(KeyFile {
            path,
            file: Arc::new(file),
        })
    }

    /// Has the file say this when the seals that were made are on the medium, and then writes the note of the last of
    /// them to the file of the checkpoint.
    pub(crate) fn write_behind(
        &self,
        state: &State,
        checkpoint: &Path,
        note: Option<String>,
    ) -> (KeyWrite, KeyWritten) {
        let written = KeyWritten::default();
        let write = KeyWrite {
            path: self.path.clone(),
            file: self.file.clone(),
            text: state.text(),
            checkpoint: note.map(|note| (checkpoint.to_owned(), note)),
            written: written.clone(),
        };
        (write, written)
    }

    /// Waits until the file and its name are on the medium.
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync_directory_of(&self.path)?;
        self.file.sync_data()
    }
}

fn create(path: &Path, text: &str) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        create_private_dir(directory)?;
    }
    let mut draft = DurableFile::exclusive(path)?;
    draft.write_all(text.as_bytes())?;
    draft.create_new()
}

/// Writes over the file in place, so that the bytes of the key that has signed are gone.
fn write(path: &Path, file: &File, text: &str) -> io::Result<()> {
    let anew;
    let mut file = match is_same_file(path, file) {
        true => file,
        false => match open_private_as(OpenOptions::new().read(true).write(true), path) {
            // Somebody removed it, or its directory: without it the next process has no key.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return create(path, text).map(drop);
            }
            opened => {
                anew = opened?;
                &anew
            }
        },
    };
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_data()
}

fn write_checkpoint(path: &Path, note: &str) -> io::Result<()> {
    let mut draft = DurableFile::exclusive(path)?;
    draft.write_all(note.as_bytes())?;
    draft.replace().map(drop)
}

/// What the file is to say next, and the checkpoint.
pub(crate) struct KeyWrite {
    path: PathBuf,
    file: Arc<File>,
    text: String,
    checkpoint: Option<(PathBuf, String)>,
    written: KeyWritten,
}

/// Whether the file says it, and is on the medium. Empty: that is not known yet.
pub(crate) type KeyWritten = Arc<OnceLock<bool>>;

impl KeyWrite {
    /// Writes both. The seals that were made before must be on the medium.
    pub(crate) fn run(self) {
        let outcome = write(&self.path, &self.file, &self.text);
        if let Err(error) = &outcome {
            let path = self.path.display();
            warn(&format!("{path}: {error}: seals go on with the same key"));
        }
        if let Some((path, note)) = &self.checkpoint
            && let Err(error) = write_checkpoint(path, note)
        {
            warn(&format!("{}: {error}", path.display()));
        }
        // Last: whoever waits for it may write the next checkpoint.
        let _ = self.written.set(outcome.is_ok());
    }
}

impl Drop for KeyWrite {
    /// Whoever waits for it does not wait for what does not come.
    fn drop(&mut self) {
        let _ = self.written.set(false);
    }
}

impl State {
    fn text(&self) -> String {
        let text = format!(
            "{HEAD}\norigin {}\nfirst {}\nseal {:020}\nkey {}\nnext {}\n",
            self.origin,
            HEXLOWER.encode(&self.first),
            self.number,
            HEXLOWER.encode(self.key.as_bytes()),
            HEXLOWER.encode(self.next.as_bytes()),
        );
        let sum = checksum(text.as_bytes());
        format!("{text}sum {sum:08x}\n")
    }

    fn parse(text: &str) -> Option<State> {
        let mut lines = text.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        value("stinger-audit").filter(|_| text.starts_with(HEAD))?;
        let state = State {
            origin: value("origin")?.to_owned(),
            first: unhex(value("first")?)?,
            number: value("seal")?.parse().ok()?,
            key: SigningKey::from_bytes(&unhex(value("key")?)?),
            next: SigningKey::from_bytes(&unhex(value("next")?)?),
        };
        // The sum, and everything else, is as it would be written.
        (state.text() == text).then_some(state)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}
