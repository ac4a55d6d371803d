//! Proof of single records, for somebody who is not to see the others.
//!
//! ```text
//! stinger-audit evidence 1
//! record {"seq":1041,…}                      the line, byte for byte
//! c2sp.org/tlog-proof@v1
//! index 1041
//! hbTc…=                                     the inclusion proof, the leaf's sibling first
//!
//! stinger-audit/8f3c1d20a7b94e65             the checkpoint
//! …
//! ```
//!
//! A record and its proof (C2SP `tlog-proof`) come for each record, with a blank line and another
//! `record` between. Nothing else of the trail is in it but hashes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::file::RawLine;
use super::line_mapper::{LineMapper, Mapped};
use super::scan::Merge;
use super::verify::whole_seq;
use super::{Query, Trail};
use crate::error::{ErrorKind, Result, Unverifiable};
use crate::format::checkpoint::{
    Checkpoint, PublicKey, decode, encode, origin, parse_verifier_key,
};
use crate::format::seal::{Seal, hint};
use crate::format::tree::{Frontier, Hash, Inclusion, leaf, root_of};
use crate::record::system::Sealed;
use crate::record::{Record, not_a_record};

const HEAD: &str = "stinger-audit evidence 1";
const PROOF: &str = "c2sp.org/tlog-proof@v1";

/// Records with proofs that they stand in a trail: what `stinger-audit prove` writes.
///
/// Its `Display` is the text that [`InclusionProof::read`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    proven: Vec<Proven>,
    /// The checkpoint that the proofs lead to, as it was signed.
    note: String,
    checkpoint: Checkpoint,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Proven {
    line: String,
    index: u64,
    hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Reads evidence and checks it: each record is in the tree that the checkpoint signs.
    ///
    /// # Errors
    ///
    /// It is no evidence, or what it says does not follow from what it holds.
    pub fn read(text: &str) -> Result<InclusionProof> {
        let rest = text
            .strip_prefix(HEAD)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(Unverifiable::NotAProof)?;
        let mut evidence: Option<InclusionProof> = None;
        for (place, part) in rest.split("\nrecord ").enumerate() {
            let part = match place {
                0 => part
                    .strip_prefix("record ")
                    .ok_or(Unverifiable::NoProvenRecord)?,
                // The line feed in front of `record` ended what came before.
                _ => part,
            };
            let (proven, note) = Proven::read(part).ok_or(Unverifiable::DamagedProof(place))?;
            let checkpoint = Checkpoint::read(&note).ok_or(Unverifiable::ForgedCheckpoint)?;
            let root = root_of(
                proven.index,
                checkpoint.size,
                leaf(proven.line.as_bytes()),
                &proven.hashes,
            );
            if root != Some(checkpoint.root) {
                return Err(Unverifiable::OtherRecord(proven.index).into());
            }
            match &mut evidence {
                None => {
                    evidence = Some(InclusionProof {
                        proven: vec![proven],
                        note,
                        checkpoint,
                    });
                }
                Some(evidence) if evidence.note == note => evidence.proven.push(proven),
                Some(_) => return Err(Unverifiable::DifferentCheckpoints.into()),
            }
        }
        Ok(evidence.ok_or(Unverifiable::NoProvenRecord)?)
    }

    /// The records that are proven.
    ///
    /// # Errors
    ///
    /// A line is no record.
    pub fn records(&self) -> Result<Vec<Record>> {
        let records: std::result::Result<_, _> = self.proven.iter().map(Proven::record).collect();
        Ok(records?)
    }

    /// The checkpoint that they stand in, as it was signed.
    pub fn checkpoint(&self) -> &str {
        &self.note
    }

    /// The key that has signed it, as verifiers of notes take it.
    pub fn key(&self) -> String {
        self.checkpoint.verifier_key()
    }

    /// When it was signed, and over how many records.
    pub fn sealed(&self) -> (DateTime<Utc>, u64) {
        (self.checkpoint.time, self.checkpoint.size)
    }

    /// Whether it says that it is of the trail that this key, its first one, began. That the key which has signed it
    /// follows from that one, the trail shows.
    ///
    /// # Errors
    ///
    /// It is no key.
    pub fn is_of_trail(&self, first: &str) -> Result<bool> {
        let parsed = parse_verifier_key(first).ok_or_else(|| ErrorKind::Key(first.to_owned()))?;
        Ok(origin(&parsed) == self.checkpoint.origin)
    }

    /// Whether this key has signed it.
    ///
    /// # Errors
    ///
    /// It is no key.
    pub fn is_signed_by(&self, key: &str) -> Result<bool> {
        let parsed: PublicKey =
            parse_verifier_key(key).ok_or_else(|| ErrorKind::Key(key.to_owned()))?;
        Ok(parsed == self.checkpoint.key)
    }
}

impl Proven {
    fn record(&self) -> std::result::Result<Record, Unverifiable> {
        serde_json::from_str(&self.line).map_err(|error| Unverifiable::NotARecord {
            index: self.index,
            why: not_a_record(&error),
        })
    }

    fn read(part: &str) -> Option<(Proven, String)> {
        let (line, rest) = part.split_once('\n')?;
        let rest = rest.strip_prefix(PROOF)?.strip_prefix("\nindex ")?;
        let (head, note) = rest.split_once("\n\n")?;
        let mut lines = head.lines();
        let index = lines.next()?.parse().ok()?;
        let hashes: Option<Vec<Hash>> = lines.map(decode).collect();
        let note = match note.ends_with('\n') {
            true => note.to_owned(),
            false => format!("{note}\n"),
        };
        let proven = Proven {
            line: line.to_owned(),
            index,
            hashes: hashes?,
        };
        Some((proven, note))
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for proven in &self.proven {
            write!(
                f,
                "\nrecord {}\n{PROOF}\nindex {}\n",
                proven.line, proven.index
            )?;
            for hash in &proven.hashes {
                writeln!(f, "{}", encode(hash))?;
            }
            write!(f, "\n{}", self.note.trim_end())?;
        }
        f.write_str("\n")
    }
}

impl Trail {
    /// Proves that the records with these `seq` stand in the trail, in the checkpoint of its last
    /// seal. The trail is read whole for it, and verified up to that seal.
    ///
    /// # Errors
    ///
    /// There is no such record, it is not sealed yet, or the records are not those that were sealed.
    pub fn prove(&self, seqs: &[u64]) -> Result<InclusionProof> {
        let [name] = self.names() else {
            return Err(Unverifiable::SeveralTrails.into());
        };
        let mut seals = self.lines_reversed(Query::new().event_type(Sealed::EVENT_TYPE))?;
        let last = seals.find_map(|line| Seal::read(&line.ok()?.bytes));
        let Some(last) = last else {
            return Err(Unverifiable::NoSeal.into());
        };
        let size = last.checkpoint.size;
        if let Some(late) = seqs.iter().find(|seq| **seq >= size) {
            return Err(Unverifiable::NotSealed { seq: *late, size }.into());
        }
        let wanted = ToProof(Arc::new(seqs.iter().copied().collect()));
        let lines = Merge::new(std::slice::from_ref(name), Query::new(), wanted, None);
        let first = seqs.iter().min().copied().unwrap_or(0);
        let mut tree = Frontier::default();
        let mut proofs: Option<Vec<(Inclusion, Option<String>)>> = None;
        for taken in lines {
            let Mapped { seq, item, .. } = taken?;
            let (hash, line) = item;
            // What is gone or damaged in front of a seal, it stands for.
            let seal = line
                .as_deref()
                .filter(|_| seq <= first)
                .and_then(Seal::read);
            let is_other = |seal: &Seal| {
                tree.size() != seal.checkpoint.size || tree.root() != seal.checkpoint.root
            };
            if seal.as_ref().is_some_and(is_other) || proofs.is_none() && seq == 0 {
                tree = seal.map_or_else(Frontier::default, |seal| seal.frontier);
                let begun = seqs.iter().map(|seq| {
                    let proof = Inclusion::new(*seq, size, &tree);
                    proof
                        .filter(|_| *seq >= tree.size())
                        .map(|proof| (proof, None))
                });
                proofs = begun.collect();
            }
            let Some(proofs) = &mut proofs else {
                continue;
            };
            if seq != tree.size() || seq >= size {
                continue;
            }
            tree.push(hash);
            for (proof, text) in proofs {
                proof.note(seq, hash);
                if proof.index() == seq {
                    *text = line.clone().and_then(|line| String::from_utf8(line).ok());
                }
            }
        }
        if proofs.is_none() {
            return Err(Unverifiable::MissingRecord(first).into());
        }
        if tree.size() != size || tree.root() != last.checkpoint.root {
            return Err(Unverifiable::Altered(first).into());
        }
        let proven = proofs.into_iter().flatten().map(|(proof, text)| {
            Some(Proven {
                line: text?,
                index: proof.index(),
                hashes: proof.hashes()?,
            })
        });
        let proven: Option<Vec<Proven>> = proven.collect();
        Ok(InclusionProof {
            proven: proven.ok_or(Unverifiable::RecordGone)?,
            note: last.note,
            checkpoint: last.checkpoint,
        })
    }
}

/// Hashes, and the bytes of seals and of what is to be proven.
#[derive(Clone, Debug)]
struct ToProof(Arc<BTreeSet<u64>>);

impl LineMapper for ToProof {
    type Item = (Hash, Option<Vec<u8>>);

    fn item(&self, line: &RawLine<'_>, _record: Record) -> Self::Item {
        (leaf(line.bytes), None)
    }

    fn map(&self, line: &RawLine<'_>, _query: &Query) -> Result<Option<Mapped<Self::Item>>> {
        Ok(whole_seq(line).map(|seq| {
            let hash = leaf(line.bytes);
            let is_kept = self.0.contains(&seq) || Seal::is_one(line.bytes);
            Mapped {
                trail: 0,
                seq,
                timestamp: DateTime::UNIX_EPOCH,
                crc: u32::from_le_bytes(hint(&hash)),
                number: line.number,
                length: line.bytes.len(),
                item: (hash, is_kept.then(|| line.bytes.to_vec())),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proven_line_that_is_no_record_is_named_and_not_quoted() {
        for (line, why) in [
            ("{\"x\":7}", "it has no "),
            ("[\"secret\"]", "it is no JSON object from byte "),
        ] {
            let proven = Proven {
                line: line.to_owned(),
                index: 7,
                hashes: Vec::new(),
            };
            let error = proven.record().expect_err("no record").to_string();
            let expected = format!("the proven line of index 7 is not a record: {why}");
            assert!(error.starts_with(&expected), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
