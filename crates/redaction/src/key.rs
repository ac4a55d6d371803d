//! Keys and tags: who has the key can tell which tag a known value has, and nobody else can tell
//! which value a tag stands for.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::canonical::canonical;
use super::error::{Error, InvalidKeys, Result};
use super::ids::id_kinds;

/// The length of a key.
pub const SECRET_BYTES: usize = 32;

/// The keys of a redaction: the last one makes the tags, the others made those of older records.
///
/// A file with a line for each: its id, when it was made, and 32 random bytes in hex. Mode 0600.
///
/// ```no_run
/// use stinger_audit_redaction::Keys;
///
/// # fn main() -> Result<(), stinger_audit_redaction::Error> {
/// let keys = Keys::read("./logs/redaction.keys")?;
/// for tag in keys.tags("ann@example.com") {
///     println!("{tag}"); // [EMAIL:k1:9GZ4M2QX7R1B]
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Keys {
    path: Option<PathBuf>,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    /// Ready for the first byte of a message.
    mac: Hmac<Sha256>,
}

/// The tag of a value: 60 bits of HMAC-SHA256, in Crockford's base32.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; Tag::LENGTH]);

impl Tag {
    pub(super) const LENGTH: usize = 12;

    /// Its twelve characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("invariant: base32 is ASCII")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(super) const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Keys {
    /// Reads a file of keys. A trail makes one beside itself, `redaction.keys`, if it is given none.
    ///
    /// # Errors
    ///
    /// The file cannot be read; others than its owner may read it; a line is not a key.
    pub fn read(path: impl AsRef<Path>) -> Result<Keys> {
        let path = path.as_ref();
        let failed = |error| Error::io("read the redaction keys", path, error);
        let file = File::open(path).map_err(failed)?;
        refuse_shared(&file, path)?;
        let text = io::read_to_string(file).map_err(failed)?;
        let refused = |reason| Err(Error::keys(path, reason));
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let Some(key) = Key::parse(line) else {
                return refused(InvalidKeys::Line(number + 1));
            };
            keys.push(key);
        }
        if keys.is_empty() {
            return refused(InvalidKeys::Empty);
        }
        Ok(Keys {
            path: Some(path.to_owned()),
            keys,
        })
    }

    /// Keys of which the only one is given: 32 bytes, from a vault for instance.
    pub fn from_secret(id: impl Into<String>, secret: &[u8; 32]) -> Keys {
        Keys {
            path: None,
            keys: vec![Key::new(id.into(), secret)],
        }
    }

    /// The id of the key in use.
    pub fn current(&self) -> &str {
        &self.newest().id
    }

    /// The ids of all keys, the oldest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// The placeholders that stand for a value in the records of all times, as whatever it may be:
    /// what to search a trail for.
    pub fn tags(&self, value: &str) -> Vec<String> {
        let value = value.trim();
        let kinds = super::kinds_of(value).into_iter();
        let kinds = kinds.map(|entity| (entity.as_str(), canonical(entity, value)));
        let kinds = kinds.chain(id_kinds().map(|kind| (kind, value.to_owned())));
        let tags = kinds.flat_map(|(kind, value)| {
            let keys = self.keys.iter();
            keys.map(move |key| format!("[{kind}:{}:{}]", key.id, key.tag(kind, value.as_bytes())))
        });
        tags.collect()
    }

    /// The tag of a value in its one spelling, under the key in use.
    pub(super) fn tag(&self, kind: &str, canonical: &[u8]) -> Tag {
        self.newest().tag(kind, canonical)
    }

    fn newest(&self) -> &Key {
        self.keys
            .last()
            .expect("invariant: there is at least one key")
    }
}

impl fmt::Debug for Keys {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("path", &self.path)
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}

impl Key {
    fn new(id: String, secret: &[u8]) -> Key {
        let mac = Hmac::new_from_slice(secret).expect("invariant: HMAC takes a key of any length");
        Key { id, mac }
    }

    fn parse(line: &str) -> Option<Key> {
        let mut words = line.split_whitespace();
        let (id, _made, secret) = (words.next()?, words.next()?, words.next()?);
        let is_id = id.len() <= 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id || secret.len() != 2 * SECRET_BYTES || words.next().is_some() {
            return None;
        }
        let secret = HEXLOWER_PERMISSIVE.decode(secret.as_bytes()).ok()?;
        Some(Key::new(id.to_owned(), &secret))
    }

    fn tag(&self, kind: &str, canonical: &[u8]) -> Tag {
        let mut mac = self.mac.clone();
        for part in [kind.as_bytes(), &[0], canonical] {
            mac.update(part);
        }
        let sum = mac.finalize().into_bytes();
        let mut bits =
            u64::from_be_bytes(*sum.first_chunk().expect("invariant: the sum has 32 bytes"));
        let mut tag = [0; Tag::LENGTH];
        for place in &mut tag {
            *place = BASE32[(bits >> 59) as usize];
            bits <<= 5;
        }
        Tag(tag)
    }
}

#[cfg(unix)]
fn refuse_shared(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file
        .metadata()
        .map_err(|error| Error::io("read the redaction keys", path, error))?;
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(Error::keys(path, InvalidKeys::Shared)),
    }
}

#[cfg(not(unix))]
fn refuse_shared(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entity;

    #[test]
    fn a_tag_is_the_head_of_an_hmac_over_kind_and_value() {
        // RFC 4231 has no such message; computed with another implementation.
        let keys = Keys::from_secret("k1", &[7; 32]);
        let tag = keys.tag(Entity::Email.as_str(), b"ann@example.com");
        assert_eq!(tag.as_str(), EXPECTED);
        assert_ne!(
            keys.tag("PHONE", b"ann@example.com"),
            tag,
            "the kind counts"
        );
    }

    const EXPECTED: &str = "V2AT3TCTHZXB";

    #[cfg(unix)]
    #[test]
    fn keys_that_others_may_read_or_that_are_none_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("redaction.keys");
        let line = format!("k1 now {}\n", "07".repeat(SECRET_BYTES));
        std::fs::write(&path, line).expect("written");
        let allow = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, mode).expect("set");
        };
        allow(0o640);
        let error = Keys::read(&path).expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        allow(0o600);
        std::fs::write(&path, "# head\nk1 now 0123\n").expect("written");
        let error = Keys::read(&path).expect_err("refused").to_string();
        assert!(error.contains("line 2 is not a key"), "{error}");
        std::fs::write(&path, "").expect("written");
        let error = Keys::read(&path).expect_err("refused").to_string();
        assert!(error.contains("has no key"), "{error}");
    }
}
