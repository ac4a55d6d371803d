//! A sealer over a trail that the test writes, stopped anywhere.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::config::BuilderConfig;
use crate::environment::EnvSource;
use crate::format::TrailName;
use crate::read::{Trail, VerifyOptions};

/// What the worker does with a sealer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum SealerAction {
    Record,
    Seal,
    BeginSync,
    /// The sync that was begun has come to its end.
    Synced,
    /// It has failed, and what it was to sync stands in a file that is.
    Rescued,
}

struct Process {
    sealer: Sealer,
    file: PathBuf,
    /// What the file of keys is to say behind the sync that is underway.
    keys: Option<KeyWrite>,
    /// How long the trail was when that began.
    syncing: u64,
    /// So much of the trail is on the medium.
    synced: u64,
}

impl Process {
    fn start(directory: &Path) -> Process {
        let file = directory.join("audit.log");
        let config = BuilderConfig {
            destinations: Some(file.to_str().expect("UTF-8").into()),
            ..BuilderConfig::default()
        };
        let config = config.resolve(&EnvSource::default()).expect("settings");
        let name = TrailName::new(file.clone()).expect("a name");
        let mut files = Catalog::list(&name).expect("readable");
        let (sealer, wrong) = Sealer::open(&config, false, Some(&mut files)).expect("a sealer");
        assert_eq!(wrong, None);
        Process {
            sealer,
            keys: None,
            syncing: 0,
            synced: length(&file),
            file,
        }
    }

    fn write(&mut self, line: Vec<u8>) {
        let mut file = OpenOptions::new();
        let mut file = file
            .create(true)
            .append(true)
            .open(&self.file)
            .expect("a file");
        file.write_all(&line).expect("written");
        let seq = self.sealer.tree.size();
        self.sealer.push(&LineBatch::one(seq, line));
    }

    fn seal(&mut self, reason: &str) {
        let mut draft = self.sealer.draft(reason, Utc::now());
        let line = std::mem::take(&mut draft.line);
        self.sealer.sealed(draft);
        self.write(line);
    }

    fn take(&mut self, step: SealerAction) {
        match step {
            SealerAction::Record => {
                let seq = self.sealer.tree.size();
                let line = format!(
                    "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00.000001Z\",\"event_type\":\"e\"}}\n"
                );
                self.write(line.into_bytes());
            }
            SealerAction::Seal => self.seal("busy"),
            SealerAction::BeginSync => {
                self.keys = self.sealer.begin_sync();
                self.syncing = length(&self.file);
            }
            SealerAction::Synced => {
                if let Some(keys) = self.keys.take() {
                    keys.run();
                }
                self.synced = self.syncing;
            }
            SealerAction::Rescued => {
                self.keys = None;
                self.synced = self.syncing;
            }
        }
    }
}

fn length(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

/// Runs a process through the steps and kills it, or takes its power away: then some of what is not synced is lost.
/// Another process goes on, and what they have written is verified.
fn killed_behind(steps: &[SealerAction]) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut killed = Process::start(directory.path());
    killed.take(SealerAction::Record);
    steps.iter().for_each(|step| killed.take(*step));
    let Process { file, synced, .. } = killed;
    let lines = std::fs::read(&file).expect("a trail");
    let key = directory.path().join("audit.log.sealkey");
    let key = std::fs::read(key).expect("a key");
    let ends = memchr::memchr_iter(b'\n', &lines).map(|feed| feed + 1);
    let ends = std::iter::once(0).chain(ends);
    for end in ends.filter(|end| *end as u64 >= synced) {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("audit.log"), &lines[..end]).expect("written");
        std::fs::write(directory.path().join("audit.log.sealkey"), &key).expect("written");
        go_on(directory.path(), steps);
    }
}

fn go_on(directory: &Path, steps: &[SealerAction]) {
    let mut next = Process::start(directory);
    for step in [
        SealerAction::Record,
        SealerAction::Seal,
        SealerAction::BeginSync,
        SealerAction::Synced,
        SealerAction::Record,
        SealerAction::Seal,
    ] {
        next.take(step);
    }
    let trail = Trail::open(&next.file).expect("a trail");
    let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
    assert!(verified.is_intact(), "{steps:?}: {verified:#?}");
    let end = next.sealer.tree.size();
    assert_eq!(verified.proven, [(0, end)], "{steps:?}");
}

/// All ways to go on, so many steps far, in which syncs begin and end by turns.
fn ways(is_syncing: bool, steps: usize) -> Vec<Vec<SealerAction>> {
    if steps == 0 {
        return vec![Vec::new()];
    }
    let syncs: &[SealerAction] = match is_syncing {
        true => &[SealerAction::Synced, SealerAction::Rescued],
        false => &[SealerAction::BeginSync],
    };
    let mut all = Vec::new();
    for step in [&[SealerAction::Seal], syncs].concat() {
        for behind in ways(is_syncing != syncs.contains(&step), steps - 1) {
            all.push([vec![step], behind].concat());
        }
    }
    all
}

#[test]
fn wherever_a_process_ends_the_next_has_the_key_that_was_named() {
    // From the beginning, and with a sync underway and seals behind the one that it takes to the medium.
    for way in ways(false, 5) {
        killed_behind(&way);
    }
    let begun = [
        SealerAction::Seal,
        SealerAction::BeginSync,
        SealerAction::Seal,
        SealerAction::Synced,
        SealerAction::BeginSync,
    ];
    for way in ways(true, 5) {
        killed_behind(&[&begun[..], &way].concat());
    }
}

#[test]
fn a_seal_is_over_all_lines_before_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    for (records, reason) in [(1, "busy"), (3, "busy"), (0, "idle"), (2, "closed")] {
        for _ in 0..records {
            process.take(SealerAction::Record);
        }
        let size = process.sealer.tree.size();
        assert_eq!(process.sealer.has_unsealed(), records > 0);
        process.seal(reason);
        let text = std::fs::read(&process.file).expect("a trail");
        let line = text[..text.len() - 1].rsplit(|&byte| byte == b'\n').next();
        let seal = Seal::read(line.expect("a line")).expect("a sound seal");
        assert_eq!(seal.checkpoint.size, size);
        assert_eq!(seal.checkpoint.reason, reason);
    }
    let trail = Trail::open(&process.file).expect("a trail");
    let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
    assert!(verified.is_intact(), "{verified:#?}");
    assert_eq!(verified.seals, 4);
}
