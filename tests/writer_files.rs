//! The files that a writer keeps beside its trail: written so that a loss of power leaves them whole, and refused by
//! name, and left as they are, when another version wrote them or they are damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use stinger_audit::Audit;
use stinger_audit::config::Rotation;
use stinger_audit::emit::prompt;
use stinger_audit::error::Result;

mod common;
use common::strace::{can_trace, is_durable, trace};

/// Set in the process that writes a trail under strace.
const WRITES: &str = "STINGER_TEST_WRITES";

fn open(directory: &Path) -> Result<Audit> {
    let path = directory.join("audit.log");
    stinger_audit::to(path)
        .redact_pii(false)
        .buffer_capacity(64 << 10)
        .open()
}

/// A trail that was closed.
fn trail() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path()).expect("a trail");
    audit.log(prompt("hello")).expect("recorded");
    audit.close().expect("closed");
    dir
}

/// The files of a directory, except for the lock.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).expect("readable");
    let files = entries.map(|entry| {
        let entry = entry.expect("readable");
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, fs::read(entry.path()).expect("readable"))
    });
    files.filter(|(name, _)| !name.ends_with(".lock")).collect()
}

/// Opens the trail with each of these as the file of that name.
fn refused(directory: &Path, name: &str, spoiled: &[Vec<u8>]) {
    let path = directory.join(name);
    for bytes in spoiled {
        fs::write(&path, bytes).expect("written");
        let before = contents(directory);
        let error = format!("{:?}", open(directory).expect_err("refused"));
        for part in [&path.to_string_lossy(), "of this version", "left as it is"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(contents(directory) == before, "{error}");
    }
}

#[test]
fn a_trail_of_another_format_is_refused_and_left_as_it_is() {
    for rotation in [Rotation::NEVER, Rotation::DAILY] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let open = || {
            let trail = stinger_audit::to(&path).redact_pii(false);
            trail.rotation(rotation.clone()).open()
        };
        let audit = open().expect("a trail");
        audit.log(prompt("hello")).expect("recorded");
        audit.close().expect("closed");
        let written = fs::read_to_string(&path).expect("readable");
        let other = written.replace("\"format\":1,", "\"format\":2,");
        assert_ne!(written, other);
        fs::write(&path, other).expect("written");
        let before = contents(dir.path());
        let error = open().expect_err("refused").to_string();
        assert!(
            error.contains("format 2") && error.contains(&*path.to_string_lossy()),
            "{error}"
        );
        assert!(contents(dir.path()) == before, "{error}");
    }
}

#[test]
fn a_seal_key_that_cannot_be_understood_is_refused_and_no_new_one_is_made() {
    let dir = trail();
    let path = dir.path().join("audit.log.sealkey");
    let key = fs::read_to_string(&path).expect("a key");
    let spoiled = [
        String::new(),
        "nonsense".to_owned(),
        key.replace("seal key 1", "seal key 0"),
        key.replace("\nsum ", "\nsum f"),
        key[..key.len() / 2].to_owned(),
    ];
    let mut spoiled = spoiled.map(String::into_bytes).to_vec();
    spoiled.push(vec![0xff; key.len()]);
    refused(dir.path(), "audit.log.sealkey", &spoiled);

    fs::write(&path, &key).expect("written");
    open(dir.path()).expect("a trail").close().expect("closed");
    let text = fs::read_to_string(dir.path().join("audit.log")).expect("a trail");
    assert!(!text.contains("trail_seal_broken"), "{text}");
}

#[test]
fn a_journal_of_another_layout_is_refused_and_not_moved_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log.journal");
    let audit = open(dir.path()).expect("a trail");
    audit.confirm().expect("confirmed");
    let journal = fs::read(&path).expect("a journal");
    audit.close().expect("closed");
    let with = |at: usize, bytes: &[u8]| {
        let mut journal = journal.clone();
        journal[at..at + bytes.len()].copy_from_slice(bytes);
        journal
    };
    let spoiled = [
        Vec::new(),
        b"nonsense".to_vec(),
        vec![0; journal.len()],
        // The layout of the version before.
        with(0, b"stinger3"),
        // A capacity that is not that of the file.
        with(8, &0_u64.to_le_bytes()),
        journal[..4096].to_vec(),
        journal[..journal.len() - 1].to_vec(),
        // Where it begins or ends.
        with(16, &u64::MAX.to_le_bytes()),
        with(24, &(1_u64 << 62).to_le_bytes()),
    ];
    refused(dir.path(), "audit.log.journal", &spoiled);

    fs::write(&path, &journal).expect("written");
    open(dir.path()).expect("a trail").close().expect("closed");
    assert!(!path.exists());
}

#[test]
fn a_file_is_synced_before_it_has_its_name_and_its_directory_after_that() {
    if let Some(directory) = std::env::var_os(WRITES) {
        let path = Path::new(&directory).join("audit.log");
        let audit = stinger_audit::to(path).rotation(Rotation::NEVER);
        let audit = audit.open().expect("a trail");
        audit.log(prompt("hello")).expect("recorded");
        return audit.close().expect("closed");
    }
    if !can_trace() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let this = std::env::current_exe().expect("a path");
    let name = "a_file_is_synced_before_it_has_its_name_and_its_directory_after_that";
    let calls = trace(
        Command::new(this)
            .args(["--exact", name])
            .env(WRITES, dir.path()),
    );
    for name in [
        "audit.log.journal",
        "audit.log.sealkey",
        "audit.log.checkpoint",
        "redaction.keys",
    ] {
        assert!(is_durable(&calls, dir.path(), name), "{name}: {calls:#?}");
    }
}
