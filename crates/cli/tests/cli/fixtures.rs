//! Trails to run the command on.

use std::fs;
use std::path::{Path, PathBuf};

pub(super) fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli")
}

pub(super) fn golden() -> PathBuf {
    files().join("trail")
}

/// A trail in one file, of these lines.
pub(super) fn trail_of(lines: &[String]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("audit.log"), lines.concat()).expect("written");
    dir
}

pub(super) fn line(seq: u64, event: &str, rest: &str) -> String {
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:{:02}Z\",\"event_type\":\"{event}\"{rest}}}\n",
        seq % 60
    )
}

/// A trail of some records that its writer has ended, in one file.
pub(super) fn ended(directory: &Path) -> Vec<u8> {
    let audit = stinger_audit::to(directory.join("audit.log"))
        .rotation(stinger_audit::config::Rotation::NEVER)
        .redact_pii(false)
        .open()
        .expect("a trail");
    for prompt in ["one", "two", "three"] {
        let prompt = stinger_audit::emit::prompt(prompt);
        audit.log(prompt).expect("recorded");
    }
    audit.close().expect("closed");
    fs::read(directory.join("audit.log")).expect("readable")
}
