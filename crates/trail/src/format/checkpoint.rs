//! Checkpoints: what a trail holds at a moment, signed, in the formats of transparency logs
//! (C2SP `signed-note` and `tlog-checkpoint`, Ed25519).
//!
//! ```text
//! stinger-audit/8f3c1d20a7b94e65                  the trail's origin: from its first key
//! 1042                                            how many records it holds
//! UQ0Zl…=                                         the root of the tree over them
//! time 2026-11-24T10:00:00.000001Z
//! seal 17 busy                                    which seal this is, and why it was made
//! key xk3v…= Zm9v…=                               the key that signs it, and the one that signs the next
//! leaves 9w0k…=                                   SHA-256 of the seal's list of leaves
//! run 5f0c1d20a7b94e65                            the run_id, if every record has it
//!
//! — stinger-audit/8f3c1d20a7b94e65 AbCd…=
//! ```

use chrono::{DateTime, Utc};
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::MOST_RECORDS;
use super::tree::Hash;
use crate::record::timestamp_text;

/// A public key.
pub type PublicKey = [u8; 32];

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    pub time: DateTime<Utc>,
    /// 0 for the first seal of an origin.
    pub number: u64,
    pub reason: String,
    /// The key that signs this one.
    pub key: PublicKey,
    /// The key that signs the next.
    pub next: PublicKey,
    pub leaves: Hash,
    /// The run of the writer, if every record says it.
    pub run_id: Option<String>,
}

const SEPARATOR: &str = "\n\n\u{2014} ";
/// Ed25519, in the formats of keys and key ids.
const ED25519: u8 = 1;

impl Checkpoint {
    /// The signed note.
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        let signature = key.sign(text.as_bytes());
        let id = key_id(&self.origin, &self.key);
        let blob = [&id[..], &signature.to_bytes()].concat();
        let text = text.trim_end();
        format!(
            "{text}{SEPARATOR}{} {}\n",
            self.origin,
            BASE64.encode(&blob)
        )
    }

    /// Reads a note, if it is as one is written, and the key that it names has signed it.
    pub fn read(note: &str) -> Option<Checkpoint> {
        let (text, signature) = note.split_once(SEPARATOR)?;
        let mut lines = text.lines();
        let origin = lines.next()?;
        let number = |text: &str| {
            let number: Option<u64> = text.parse().ok();
            number.filter(|number| *number < MOST_RECORDS)
        };
        let size = number(lines.next()?)?;
        let root = decode(lines.next()?)?;
        let time = lines.next()?.strip_prefix("time ")?;
        let (seal, reason) = lines.next()?.strip_prefix("seal ")?.split_once(' ')?;
        let (key, next) = lines.next()?.strip_prefix("key ")?.split_once(' ')?;
        let leaves = decode(lines.next()?.strip_prefix("leaves ")?)?;
        let run_id = lines.next().and_then(|line| line.strip_prefix("run "));
        let read = Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            time: DateTime::parse_from_rfc3339(time).ok()?.with_timezone(&Utc),
            number: number(seal)?,
            reason: reason.to_owned(),
            key: decode(key)?,
            next: decode(next)?,
            leaves,
            run_id: run_id.map(str::to_owned),
        };
        let (name, blob) = signature.strip_suffix('\n')?.split_once(' ')?;
        let bytes = BASE64.decode(blob.as_bytes()).ok()?;
        let (id, signature) = bytes.split_at_checked(4)?;
        let is_named = name == origin && id == key_id(origin, &read.key);
        // Written in one way only: no byte of a note can change.
        if !is_named || read.text().trim_end() != text || BASE64.encode(&bytes) != blob {
            return None;
        }
        let key = VerifyingKey::from_bytes(&read.key).ok()?;
        let signature = Signature::from_slice(signature).ok()?;
        key.verify_strict(read.text().as_bytes(), &signature).ok()?;
        Some(read)
    }

    /// The key that has signed it, as verifiers of notes take it.
    pub fn verifier_key(&self) -> String {
        verifier_key(&self.origin, &self.key)
    }

    fn text(&self) -> String {
        let run = self.run_id.as_ref().map(|run| format!("run {run}\n"));
        format!(
            "{}\n{}\n{}\ntime {}\nseal {} {}\nkey {} {}\nleaves {}\n{}",
            self.origin,
            self.size,
            encode(&self.root),
            timestamp_text(self.time),
            self.number,
            self.reason,
            encode(&self.key),
            encode(&self.next),
            encode(&self.leaves),
            run.unwrap_or_default(),
        )
    }
}

/// The origin of a trail whose first key this is.
pub fn origin(first: &PublicKey) -> String {
    let hash = Sha256::digest(first);
    format!("stinger-audit/{}", HEXLOWER.encode(&hash[..8]))
}

/// A public key as verifiers of notes take it: `<name>+<id>+<key>`.
pub fn verifier_key(name: &str, key: &PublicKey) -> String {
    let id = u32::from_be_bytes(key_id(name, key));
    let typed = [&[ED25519][..], key].concat();
    format!("{name}+{id:08x}+{}", BASE64.encode(&typed))
}

/// The public key in a verifier key. `None`: it is none.
#[cfg(feature = "read")]
pub(crate) fn parse_verifier_key(text: &str) -> Option<PublicKey> {
    let mut parts = text.trim().splitn(3, '+');
    let (name, _id, typed) = (parts.next()?, parts.next()?, parts.next()?);
    let typed = BASE64.decode(typed.as_bytes()).ok()?;
    let (kind, key) = typed.split_first()?;
    let key: PublicKey = key.try_into().ok()?;
    (*kind == ED25519 && verifier_key(name, &key) == text.trim()).then_some(key)
}

pub(crate) fn decode(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

pub(crate) fn encode(hash: &Hash) -> String {
    BASE64.encode(hash)
}

fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key)
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}
