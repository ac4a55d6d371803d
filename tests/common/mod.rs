//! What several test binaries share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stinger_audit::read::Trail;
use stinger_audit::record::Record;
use stinger_audit::{Audit, Builder};
use tempfile::TempDir;
use tracing_subscriber::prelude::*;

pub mod disk;
pub mod package;
pub mod peers;
mod skip;
pub mod small;
pub mod strace;
pub mod test_trail;

pub use skip::skip;

/// A trail in a directory of its own.
pub struct Bench {
    pub dir: TempDir,
    pub audit: Audit,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(|builder| builder.redact_pii(false))
    }

    pub fn with(configure: impl FnOnce(Builder) -> Builder) -> Bench {
        let dir = tempfile::tempdir().expect("a directory");
        let audit = configure(stinger_audit::to(dir.path().join("audit.log")))
            .open()
            .expect("a trail");
        Bench { dir, audit }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("audit.log")
    }

    /// Runs `emit` under a subscriber that is nothing but the audit layer.
    pub fn emit<T>(&self, emit: impl FnOnce() -> T) -> T {
        let subscriber = tracing_subscriber::registry().with(self.audit.layer());
        tracing::subscriber::with_default(subscriber, emit)
    }

    /// The application's records so far.
    pub fn records(&self) -> Vec<Record> {
        self.audit.flush().expect("written");
        records(&self.path())
    }

    /// The one record that the application has emitted.
    pub fn one(&self) -> Record {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        records.remove(0)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Not asserted: a test that fails must fail for its own reason.
        let _ = self.audit.close();
    }
}

/// All records of a trail; every line must be one, and `seq` must have no hole.
pub fn all_records(path: &Path) -> Vec<Record> {
    let trail = Trail::open(path).expect("a trail");
    let records: Vec<_> = trail
        .records()
        .collect::<Result<_, _>>()
        .expect("every line is a record");
    for pair in records.windows(2) {
        assert_eq!(pair[0].seq + 1, pair[1].seq, "a hole, or out of order");
    }
    records
}

/// The application's records.
pub fn records(path: &Path) -> Vec<Record> {
    let mut records = all_records(path);
    records.retain(|record| !record.is_about_trail());
    records
}

/// The lines of a file as JSON: every key, whatever the library makes of it.
pub fn lines_of(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("readable");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Makes a FIFO. Says why not.
pub fn make_fifo(path: &Path) -> bool {
    let made = Command::new("mkfifo").arg(path).status();
    let is_made = made.is_ok_and(|status| status.success());
    if !is_made {
        skip("mkfifo is not installed");
    }
    is_made
}
