//! The file of redaction keys: made with a first key, and extended when a key is rotated.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use data_encoding::HEXLOWER;

use crate::error::{Error, Result};
use crate::format::internal::DurableFile;
use crate::redact::Keys;
use crate::redact::internal::SECRET_BYTES;

const HEAD: &str = "# Keys of the redaction of a stinger-audit trail. Whoever holds this file can tell whom a tag\n\
# stands for, by trying values. The last key is in use; the others tell what is in older records.\n";

/// Reads a file of keys, and makes it with a first key if there is none.
pub(super) fn open(path: &Path) -> Result<Keys> {
    if !path.exists() {
        let made = DurableFile::shared(path).and_then(|mut draft| {
            draft.write_all(HEAD.as_bytes())?;
            draft.write_all(fresh_line(1)?.as_bytes())?;
            draft.create_new()
        });
        match made {
            // Another process was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(|error| Error::io("make the redaction keys", path, error))?;
            }
        }
    }
    Ok(Keys::read(path)?)
}

/// Adds a key at the end of a file of redaction keys, which is made if there is none. Trails that are opened from then
/// on make their tags with it; the keys before it tell what is in older records.
///
/// # Errors
///
/// The file cannot be read, made or written; others than its owner may read it; a line is not a key.
pub fn rotate_redaction_keys(path: impl AsRef<Path>) -> Result<Keys> {
    let path = path.as_ref();
    let keys = open(path)?;
    let numbers = keys
        .ids()
        .filter_map(|id| id.strip_prefix('k')?.parse().ok());
    let number = numbers.max().unwrap_or(0_u64) + 1;
    let appended = fresh_line(number).and_then(|line| {
        let mut file = OpenOptions::new().append(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    });
    appended.map_err(|error| Error::io("add a key to", path, error))?;
    Ok(Keys::read(path)?)
}

fn fresh_line(number: u64) -> io::Result<String> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
    let made = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(format!("k{number} {made} {}\n", HEXLOWER.encode(&secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_kept_private_and_rotated() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("redaction.keys");
        let first = open(&path).expect("made");
        assert_eq!(first.current(), "k1");
        assert_eq!(
            open(&path).expect("read").tags("a@b.cd"),
            first.tags("a@b.cd")
        );
        let second = rotate_redaction_keys(&path).expect("rotated");
        assert_eq!(second.ids().collect::<Vec<_>>(), ["k1", "k2"]);
        let of_address = |keys: &Keys, value: &str| {
            let mut tags = keys.tags(value);
            tags.retain(|tag| tag.starts_with("[EMAIL:"));
            tags
        };
        let tags = of_address(&second, " A@b.cd");
        assert_eq!(
            tags[0],
            of_address(&first, "a@b.cd")[0],
            "old tags are still known"
        );
        assert!(tags[1].starts_with("[EMAIL:k2:"), "{tags:?}");
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("readable").count(),
            1,
            "no draft is left"
        );
    }
}
