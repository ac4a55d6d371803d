//! A small sealed trail, and what somebody can do to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use stinger_audit::config::{Retention, Rotation};
use stinger_audit::emit::prompt;
use stinger_audit::read::{Trail, VerifyOptions, VerifyReport};
use tempfile::TempDir;

/// A trail of four files: a process each, which is closed in order. Its records are, in each file,
/// `trail_opened`, a seal, two prompts, `trail_closed` and a seal.
pub struct Small {
    pub dir: TempDir,
    /// Files in the order of their records, with their lines. The last is the one that is written on.
    pub files: Vec<(PathBuf, Vec<Vec<u8>>)>,
}

pub const RECORDS: usize = 2;
const LINES: usize = RECORDS + 4;

/// Another process writes to the trail. It never begins a file: no clock decides what is where.
pub fn write_on(path: &Path) {
    let audit = stinger_audit::to(path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .open()
        .expect("a trail");
    for number in 0..RECORDS {
        let text = format!("prompt {number}");
        let prompt = prompt(&text).user_id("u-1");
        audit.log(prompt).expect("recorded");
    }
    audit.close().expect("closed");
}

impl Small {
    pub fn new() -> Small {
        Small::of(4)
    }

    /// The same with another number of files.
    pub fn of(files: usize) -> Small {
        // If the machine stalls for a second, the writer makes one seal more.
        let written = (0..5).find_map(|_| Small::written(files));
        written.expect("a process that does not stall writes six records")
    }

    fn written(count: usize) -> Option<Small> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        for number in 1..=count {
            write_on(&path);
            if number < count {
                let older = format!("audit.2026-01-{number:02}.log");
                fs::rename(&path, dir.path().join(older)).expect("renamed");
            }
        }
        let files = files(dir.path());
        assert_eq!(files.len(), count);
        let is_regular = files.iter().all(|(_, lines)| lines.len() == LINES);
        is_regular.then_some(Small { dir, files })
    }

    /// A trail whose oldest two files retention has removed, and the checkpoint from before that.
    pub fn pruned() -> (Small, String) {
        // If a week ends while it is open, retention removes one file more.
        for _ in 0..2 {
            let small = Small::new();
            let kept = fs::read_to_string(small.checkpoint()).expect("a checkpoint");
            small.prune();
            let left = files(small.dir.path());
            if left.len() == 3 && left[0].1 == small.files[2].1 {
                return (small, kept);
            }
        }
        panic!("retention did not leave two files and the new one");
    }

    /// Has retention remove the oldest two files.
    fn prune(&self) {
        let audit = stinger_audit::to(self.path())
            .redact_pii(false)
            .retention(Retention::files(3))
            .rotation(Rotation::WEEKLY)
            .open()
            .expect("a trail");
        audit.close().expect("closed");
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("audit.log")
    }

    /// All lines, in the order of their records.
    pub fn whole(&self) -> Vec<Vec<u8>> {
        let files = self.files.iter();
        files.flat_map(|(_, lines)| lines.clone()).collect()
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.dir.path().join("audit.log.checkpoint")
    }

    pub fn verify(&self) -> VerifyReport {
        verify(&self.path())
    }

    /// Every line, with the number of its file and of itself in it.
    pub fn lines(&self) -> Vec<(usize, usize)> {
        let files = self.files.iter().enumerate();
        files
            .flat_map(|(file, (_, lines))| (0..lines.len()).map(move |line| (file, line)))
            .collect()
    }

    /// Where a line is, as [`findings`] says it.
    pub fn place(&self, (file, line): (usize, usize)) -> String {
        match file + 1 == self.files.len() {
            true => format!("audit:{}", line + 1),
            false => format!("{}:{}", file + 1, line + 1),
        }
    }

    pub fn seq(&self, (file, line): (usize, usize)) -> u64 {
        seq(&self.files[file].1[line])
    }

    /// Runs with other lines in some files, and puts things right again.
    pub fn with<T>(&self, changed: &[(usize, Vec<Vec<u8>>)], then: impl FnOnce() -> T) -> T {
        for (file, lines) in changed {
            let path = &self.files[*file].0;
            match lines.is_empty() {
                true => fs::remove_file(path).expect("removed"),
                false => fs::write(path, bytes(lines)).expect("written"),
            }
        }
        let done = then();
        for (file, _) in changed {
            let (path, lines) = &self.files[*file];
            fs::write(path, bytes(lines)).expect("written");
        }
        done
    }
}

pub fn verify(path: &Path) -> VerifyReport {
    let trail = Trail::open(path).expect("a trail");
    trail
        .verify(&VerifyOptions::new())
        .expect("it can be verified")
}

/// What was found: kind, record, file and line. The file of 1 January is number 1.
pub fn findings(verified: &VerifyReport) -> Vec<String> {
    let findings = verified.findings.iter().map(|found| {
        let kind = found.kind.as_str();
        let seq = found.seq.map_or("-".to_owned(), |seq| seq.to_string());
        let place = found.position.as_ref().map(|position| {
            let name = position.file.to_string_lossy().into_owned();
            let name = name.rsplit('/').next().unwrap_or_default();
            let name = name.trim_start_matches("audit.2026-01-0");
            format!("{}:{}", name.trim_end_matches(".log"), position.line)
        });
        format!("{kind} {seq} {}", place.as_deref().unwrap_or("-"))
    });
    findings.collect()
}

pub fn seq(line: &[u8]) -> u64 {
    let record: Value = serde_json::from_slice(line).expect("JSON");
    record["seq"].as_u64().expect("a seq")
}

pub fn bytes(lines: &[Vec<u8>]) -> Vec<u8> {
    let ended = lines.iter().map(|line| [line.as_slice(), b"\n"].concat());
    ended.collect::<Vec<_>>().concat()
}

pub fn files(dir: &Path) -> Vec<(PathBuf, Vec<Vec<u8>>)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8");
        let is_file = path.symlink_metadata().expect("metadata").is_file();
        if is_file && name.ends_with(".log") {
            let bytes = fs::read(&path).expect("readable");
            // A week ended before the first record of this file.
            if bytes.is_empty() {
                continue;
            }
            let lines = bytes
                .strip_suffix(b"\n")
                .expect("ended")
                .split(|byte| *byte == b'\n');
            let lines: Vec<_> = lines.map(<[u8]>::to_vec).collect();
            files.insert(seq(&lines[0]), (path, lines));
        }
    }
    files.into_values().collect()
}

/// Somebody who knows the format and holds a key: writes a trail's seals anew from a record on.
pub struct Forger {
    pub key: SigningKey,
}

pub fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

pub fn leaf(line: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update([0])
        .chain_update(line)
        .finalize()
        .into()
}

/// The roots of the complete subtrees, and the root over them.
pub fn frontier(lines: &[Vec<u8>]) -> (Vec<[u8; 32]>, [u8; 32]) {
    let mut nodes: Vec<(u32, [u8; 32])> = Vec::new();
    for line in lines {
        let mut new = (0, leaf(line));
        while nodes.last().is_some_and(|(level, _)| *level == new.0) {
            let (level, left) = nodes.pop().expect("there is one");
            new = (level + 1, node(&left, &new.1));
        }
        nodes.push(new);
    }
    let nodes: Vec<_> = nodes.into_iter().map(|(_, hash)| hash).collect();
    let root = nodes
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node(&left, &right));
    (nodes, root.unwrap_or_else(|| Sha256::digest([]).into()))
}

impl Forger {
    /// The lines with every seal behind `from` made to fit.
    pub fn sign(&self, lines: &[Vec<u8>], from: usize) -> Vec<Vec<u8>> {
        let mut forged: Vec<Vec<u8>> = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let text = std::str::from_utf8(line).expect("UTF-8");
            if place < from || !text.contains("\"event_type\":\"trail_sealed\"") {
                forged.push(line.clone());
                continue;
            }
            let record: Value = serde_json::from_slice(line).expect("JSON");
            let note = record["checkpoint"].as_str().expect("a note");
            let told = record["leaves"].as_str().expect("leaves").len() / 8;
            let (nodes, root) = frontier(&forged);
            let leaves: String = forged[forged.len() - told..]
                .iter()
                .map(|line| HEXLOWER.encode(&leaf(line)[..4]))
                .collect();
            let mut parts: Vec<String> = note.lines().map(str::to_owned).collect();
            let public = self.key.verifying_key().to_bytes();
            parts[2] = BASE64.encode(&root);
            let public64 = BASE64.encode(&public);
            parts[5] = format!("key {public64} {public64}");
            parts[6] = format!("leaves {}", BASE64.encode(&Sha256::digest(&leaves)));
            let body = format!("{}\n", parts[..7].join("\n"));
            let id = Sha256::new()
                .chain_update(&parts[0])
                .chain_update(b"\n\x01")
                .chain_update(public)
                .finalize();
            let signature = self.key.sign(body.as_bytes()).to_bytes();
            let blob = BASE64.encode(&[&id[..4], &signature].concat());
            let note = format!("{body}\n\u{2014} {} {blob}\n", parts[0]);
            let nodes: Vec<_> = nodes.iter().map(|node| BASE64.encode(node)).collect();
            let (head, _) = text.split_once("\"checkpoint\":").expect("a checkpoint");
            forged.push(
                format!(
                    "{head}\"checkpoint\":{},\"frontier\":{},\"leaves\":\"{leaves}\"}}",
                    serde_json::to_string(&note).expect("JSON"),
                    serde_json::to_string(&nodes).expect("JSON"),
                )
                .into_bytes(),
            );
        }
        forged
    }
}

pub fn key_of(path: &Path) -> SigningKey {
    let text = fs::read_to_string(path).expect("a key");
    let hex = text
        .lines()
        .find_map(|line| line.strip_prefix("key "))
        .expect("a key");
    let bytes = HEXLOWER.decode(hex.as_bytes()).expect("hex");
    SigningKey::from_bytes(&bytes.try_into().expect("32 bytes"))
}
