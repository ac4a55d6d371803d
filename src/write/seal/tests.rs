//! A sealer over a trail that the test writes, stopped anywhere.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::environment::tests::Imagined;
use crate::read::{Trail, Verify};
use crate::settings::Given;

/// What the worker does with a sealer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Record,
    Prepare,
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
        let given = Given {
            destinations: Some(file.to_str().expect("UTF-8").into()),
            ..Given::default()
        };
        let settings = given.resolve(&Imagined::default()).expect("settings");
        let (sealer, wrong) = Sealer::open(&settings, false).expect("a sealer");
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
        let number = self.sealer.leaves.size();
        self.sealer.push(Arc::new(Lines::one(number, line)));
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Record => {
                let seq = self.sealer.leaves.size();
                let line = format!(
                    "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00.000001Z\",\"event_type\":\"e\"}}\n"
                );
                self.write(line.into_bytes());
            }
            Step::Prepare => self.sealer.prepare("busy", Utc::now()),
            Step::Seal => {
                let mut line = Vec::new();
                self.sealer.seal("busy", Utc::now(), &mut line);
                self.write(line);
            }
            Step::BeginSync => {
                self.keys = self.sealer.begin_sync();
                self.syncing = length(&self.file);
            }
            Step::Synced => {
                if let Some(keys) = self.keys.take() {
                    keys.run();
                }
                self.sealer.synced();
                self.synced = self.syncing;
            }
            Step::Rescued => {
                self.keys = None;
                self.sealer.synced();
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
fn killed_behind(steps: &[Step]) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut killed = Process::start(directory.path());
    killed.take(Step::Record);
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

fn go_on(directory: &Path, steps: &[Step]) {
    let mut next = Process::start(directory);
    for step in [
        Step::Record,
        Step::Seal,
        Step::BeginSync,
        Step::Synced,
        Step::Record,
        Step::Seal,
    ] {
        next.take(step);
    }
    let trail = Trail::open(&next.file).expect("a trail");
    let verified = trail.verify(&Verify::new()).expect("sealed");
    assert!(verified.is_intact(), "{steps:?}: {verified:#?}");
    let end = next.sealer.leaves.size();
    assert_eq!(verified.proven, [(0, end)], "{steps:?}");
}

/// All ways to go on, so many steps far, in which syncs begin and end by turns.
fn ways(is_syncing: bool, steps: usize) -> Vec<Vec<Step>> {
    if steps == 0 {
        return vec![Vec::new()];
    }
    let syncs: &[Step] = match is_syncing {
        true => &[Step::Synced, Step::Rescued],
        false => &[Step::BeginSync],
    };
    let mut all = Vec::new();
    for step in [&[Step::Prepare, Step::Seal], syncs].concat() {
        for behind in ways(is_syncing != syncs.contains(&step), steps - 1) {
            all.push([vec![step], behind].concat());
        }
    }
    all
}

#[test]
fn wherever_a_process_ends_the_next_has_the_key_that_was_named() {
    // From the beginning, and with a sync underway and seals behind the one that it takes to the medium.
    for way in ways(false, 4) {
        killed_behind(&way);
    }
    let begun = [
        Step::Seal,
        Step::BeginSync,
        Step::Seal,
        Step::Synced,
        Step::BeginSync,
    ];
    for way in ways(true, 4) {
        killed_behind(&[&begun[..], &way].concat());
    }
}

#[test]
fn a_seal_is_over_all_lines_before_it_whoever_makes_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    let mut seal_of = |prepare: bool, record_behind: bool, is_run: bool| {
        process.take(Step::Record);
        if prepare {
            process.take(Step::Prepare);
        }
        let draft = process.sealer.draft.clone();
        if let Some(draft) = draft.filter(|_| is_run) {
            Arc::downgrade(&draft).run();
            assert!(draft.seal.get().is_some());
        }
        if record_behind {
            process.take(Step::Record);
            assert!(process.sealer.draft.is_none());
        }
        let size = process.sealer.leaves.size();
        let mut line = Vec::new();
        process.sealer.seal("busy", Utc::now(), &mut line);
        let seal = Seal::read(&line[..line.len() - 1]).expect("a sound seal");
        assert_eq!(seal.checkpoint.size, size);
        process.write(line);
    };
    seal_of(false, false, false);
    seal_of(true, false, false);
    seal_of(true, false, true);
    seal_of(true, true, false);
    seal_of(true, true, true);
    let mut line = Vec::new();
    process.take(Step::Prepare);
    process.sealer.seal("closed", Utc::now(), &mut line);
    let seal = Seal::read(&line[..line.len() - 1]).expect("a sound seal");
    assert_eq!(seal.checkpoint.reason, "closed");
    process.write(line);
    let trail = Trail::open(&process.file).expect("a trail");
    let verified = trail.verify(&Verify::new()).expect("sealed");
    assert!(verified.is_intact(), "{verified:#?}");
    assert_eq!(verified.seals, 6);
}
