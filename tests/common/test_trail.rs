//! A trail that a test writes itself, byte by byte: no writer, no clock, and keys that the test knows.

use std::fs;
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stinger_audit::error::trail::{Error, ErrorKind};
use stinger_audit::read::{Trail, VerifyOptions, VerifyReport};

use super::small::{findings, frontier, leaf};

const TIME: &str = "2026-01-01T10:00:00.000001Z";

/// Files, lines, and the checkpoint beside them. Methods append what an honest writer appends; to
/// forge, a test changes [`next`](TestTrail::next) first, or the bytes afterwards.
#[derive(Clone)]
pub struct TestTrail {
    /// Files in the order of their records: each is its lines, with their line feeds.
    pub files: Vec<Vec<Vec<u8>>>,
    /// The checkpoint beside the trail: that of the last seal.
    pub checkpoint: Option<String>,
    pub next: NextSeal,
    /// The lines of the records, without their line feeds.
    pub leaves: Vec<Vec<u8>>,
    /// The sizes of the seals so far.
    seals: Vec<usize>,
}

/// What the next seal says of itself.
#[derive(Clone)]
pub struct NextSeal {
    pub origin: String,
    pub number: u64,
    /// Which [`key`] signs it, and which one it names as the next.
    pub signer: u8,
    pub names: u8,
}

/// The test's keys: number 1 is the first of the trail.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> [u8; 32] {
    key(number).verifying_key().to_bytes()
}

pub fn origin(number: u8) -> String {
    let hash = Sha256::digest(public(number));
    format!("stinger-audit/{}", HEXLOWER.encode(&hash[..8]))
}

fn key_id(name: &str, kind: u8, key: &[u8]) -> [u8; 4] {
    let hash = Sha256::digest([name.as_bytes(), &[b'\n', kind], key].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A verifier key of any kind: 1 is Ed25519.
pub fn verifier_key(name: &str, kind: u8, key: &[u8]) -> String {
    let id = u32::from_be_bytes(key_id(name, kind, key));
    let typed = BASE64.encode(&[&[kind], key].concat());
    format!("{name}+{id:08x}+{typed}")
}

/// The note around a checkpoint's text, which ends with a line feed.
pub fn sign(text: &str, signer: u8) -> String {
    let name = text.lines().next().expect("an origin");
    let signature = key(signer).sign(text.as_bytes()).to_bytes();
    let id = key_id(name, 1, &public(signer));
    let blob = BASE64.encode(&[&id[..], &signature].concat());
    format!("{text}\n\u{2014} {name} {blob}\n")
}

/// A line that was torn: as `trail_recovered` lists it.
pub fn torn(line: &[u8]) -> Value {
    let hash = Sha256::digest(line);
    json!({ "file": "audit.log", "bytes": line.len(), "sha256": HEXLOWER.encode(&hash) })
}

/// A line without its line feed.
pub fn line(seq: u64, event_type: &str, fields: &Value) -> Vec<u8> {
    let fields = fields.to_string();
    let comma = if fields == "{}" { "" } else { "," };
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"{TIME}\",\"event_type\":\"{event_type}\"{comma}{}",
        &fields[1..]
    )
    .into_bytes()
}

impl TestTrail {
    pub fn new() -> TestTrail {
        TestTrail {
            files: vec![Vec::new()],
            checkpoint: None,
            next: NextSeal {
                origin: origin(1),
                number: 0,
                signer: 1,
                names: 2,
            },
            leaves: Vec::new(),
            seals: Vec::new(),
        }
    }

    /// Two files of one process, closed in order. The seals are records 1, 4, 7 and 10.
    pub fn closed() -> TestTrail {
        let mut trail = TestTrail::new();
        trail.opened();
        trail.seal("opened");
        trail.prompts(2);
        trail.seal("busy");
        trail.begin_file();
        trail.prompts(2);
        trail.seal("busy");
        trail.prompts(1);
        trail.own("trail_closed", &json!({}));
        trail.seal("closed");
        trail
    }

    /// How many records there are.
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub fn begin_file(&mut self) {
        self.files.push(Vec::new());
    }

    pub fn own(&mut self, event_type: &str, fields: &Value) {
        self.record(line(self.size(), event_type, fields));
    }

    pub fn opened(&mut self) {
        self.own("trail_opened", &json!({ "format": 1 }));
    }

    pub fn prompts(&mut self, count: u64) {
        for _ in 0..count {
            let prompt = json!({ "prompt": format!("prompt {}", self.size()) });
            self.own("user_prompt", &prompt);
        }
    }

    /// Appends bytes that are no record of the trail's.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let file = self.files.last_mut().expect("there is always a file");
        file.push(bytes.to_vec());
    }

    /// Appends lines that stand there already.
    pub fn again(&mut self, seqs: std::ops::Range<usize>) {
        let ended = self.leaves[seqs]
            .iter()
            .map(|leaf| [&leaf[..], b"\n"].concat());
        let lines: Vec<_> = ended.collect();
        for line in lines {
            self.bytes(&line);
        }
    }

    /// How many bytes these records have, with their line feeds.
    pub fn length(&self, seqs: std::ops::Range<usize>) -> usize {
        self.leaves[seqs].iter().map(|leaf| leaf.len() + 1).sum()
    }

    fn record(&mut self, line: Vec<u8>) {
        self.bytes(&[&line[..], b"\n"].concat());
        self.leaves.push(line);
    }

    pub fn seal(&mut self, reason: &str) {
        let leaves = self.leaves.clone();
        self.seal_tree_of(reason, &leaves);
    }

    /// A seal that lists the leaves of the trail, over the tree of these lines.
    pub fn seal_tree_of(&mut self, reason: &str, tree: &[Vec<u8>]) {
        let size = self.leaves.len();
        let listed = self
            .seals
            .len()
            .checked_sub(2)
            .map_or(0, |at| self.seals[at]);
        let hints: String = self.leaves[listed..]
            .iter()
            .map(|line| HEXLOWER.encode(&leaf(line)[..4]))
            .collect();
        let (nodes, root) = frontier(tree);
        let note = self.note(reason, size, &root, &hints);
        let nodes: Vec<_> = nodes.iter().map(|node| BASE64.encode(node)).collect();
        let line = format!(
            "{{\"seq\":{size},\"timestamp\":\"{TIME}\",\"event_type\":\"trail_sealed\",\"reason\":\"{reason}\",\
             \"checkpoint\":{},\"frontier\":{},\"leaves\":\"{hints}\"}}",
            Value::from(note.as_str()),
            Value::from(nodes)
        );
        self.checkpoint = Some(note);
        self.seals.push(size);
        self.record(line.into_bytes());
        self.next.number += 1;
        self.next.signer = self.next.names;
        self.next.names += 1;
    }

    /// The note of the next seal, over any number of records with any root.
    pub fn note(&self, reason: &str, size: usize, root: &[u8; 32], hints: &str) -> String {
        let NextSeal {
            origin,
            number,
            signer,
            names,
        } = &self.next;
        let text = format!(
            "{origin}\n{size}\n{}\ntime {TIME}\nseal {number} {reason}\nkey {} {}\nleaves {}\n",
            BASE64.encode(root),
            BASE64.encode(&public(*signer)),
            BASE64.encode(&public(*names)),
            BASE64.encode(&Sha256::digest(hints)),
        );
        sign(&text, *signer)
    }

    /// The line of a record that stands where the test has not moved it, and its file.
    pub fn line_of(&mut self, seq: usize) -> &mut Vec<u8> {
        let leaf = [&self.leaves[seq][..], b"\n"].concat();
        let mut lines = self.files.iter_mut().flatten();
        lines.find(|line| **line == leaf).expect("it is there")
    }

    /// Changes the prompt of a record.
    pub fn change(&mut self, seq: usize) {
        let line = self.line_of(seq);
        let changed = String::from_utf8_lossy(line).replace("prompt ", "pr0mpt ");
        assert_ne!(changed.as_bytes(), &line[..], "record {seq} is no prompt");
        *line = changed.into_bytes();
    }

    /// Damages the line of a seal, but not what was signed of it.
    pub fn damage_leaves(&mut self, seq: usize) {
        self.flip(seq, "\"leaves\":\"");
    }

    /// Damages the line of a seal in what was signed of it.
    pub fn damage_note(&mut self, seq: usize) {
        self.flip(seq, "\\nleaves ");
    }

    fn flip(&mut self, seq: usize, behind: &str) {
        let line = self.line_of(seq);
        let text = String::from_utf8_lossy(line);
        let at = text.find(behind).expect("a seal") + behind.len();
        line[at] = if line[at] == b'0' { b'1' } else { b'0' };
    }

    pub fn remove(&mut self, seq: usize) {
        self.line_of(seq).clear();
    }

    pub fn swap(&mut self, one: usize, other: usize) {
        let first = self.line_of(one).clone();
        let second = std::mem::take(self.line_of(other));
        *self.line_of(one) = second;
        let emptied = self.files.iter_mut().flatten().find(|line| line.is_empty());
        *emptied.expect("it was taken") = first;
    }

    /// Puts bytes in front of a record.
    pub fn insert(&mut self, seq: usize, bytes: &[u8]) {
        let line = self.line_of(seq);
        let changed = [bytes, &line[..]].concat();
        *line = changed;
    }

    /// Writes the files, as a trail that never rolls and whose older files were renamed.
    pub fn write(&self, dir: &Path) {
        let last = self.files.len() - 1;
        for (number, lines) in self.files.iter().enumerate() {
            let name = match number == last {
                true => "audit.log".to_owned(),
                false => format!("audit.2026-01-{:02}.log", number + 1),
            };
            let bytes = lines.concat();
            // A file that lost all of its lines is gone.
            if !bytes.is_empty() {
                fs::write(dir.join(name), bytes).expect("written");
            }
        }
        if let Some(note) = &self.checkpoint {
            fs::write(dir.join("audit.log.checkpoint"), note).expect("written");
        }
    }

    pub fn verify(&self) -> VerifyReport {
        self.verify_against(&VerifyOptions::new())
            .expect("it is sealed")
    }

    /// Verifies it with the key that a trail of the test begins with.
    pub fn verify_by_key(&self) -> VerifyReport {
        let key = verifier_key(&origin(1), 1, &public(1));
        let verify = VerifyOptions::new().key(&key).expect("a key");
        self.verify_against(&verify).expect("it is sealed")
    }

    pub fn verify_against(&self, verify: &VerifyOptions) -> Result<VerifyReport, Error> {
        let dir = tempfile::tempdir().expect("a directory");
        self.write(dir.path());
        let trail = Trail::open(dir.path().join("audit.log")).expect("a trail");
        trail.verify(verify)
    }

    /// Exactly this is found, this is proven, and this much is open: the beginnings of what is said, beside
    /// that no key was given to compare.
    #[track_caller]
    pub fn expect(&self, what: &str, found: &[&str], proven: &[(u64, u64)], unknown: &[&str]) {
        let verified = self.verify();
        assert_eq!(findings(&verified), found, "{what}: {verified:#?}");
        assert_eq!(verified.proven, proven, "{what}: {verified:#?}");
        let [said @ .., key] = &verified.unknown[..] else {
            panic!("{what}: {verified:#?}");
        };
        assert!(
            key.starts_with("whether the trail is the one"),
            "{what}: {key}"
        );
        let is_said = said.len() == unknown.len()
            && said
                .iter()
                .zip(unknown)
                .all(|(said, begin)| said.starts_with(begin));
        assert!(is_said, "{what}: {unknown:?} expected: {said:#?}");
        assert!(verified.unchecked.is_empty(), "{what}: {verified:#?}");
    }
}

/// There is nothing to verify in it.
#[track_caller]
pub fn assert_unverifiable<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.expect_err("nothing proves it");
    let is_it = matches!(error.kind(), ErrorKind::Unverifiable(_));
    assert!(is_it, "{error:?}");
}
