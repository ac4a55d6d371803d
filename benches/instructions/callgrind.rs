//! Processes under valgrind's callgrind, and what it counts of them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cases::{CASES, Case};

/// In these processes everything is the same but the number of records.
const FEW: usize = 2_000;
const MANY: usize = 12_000;

/// Set in a process that is measured: the case, what of it, and how many records.
pub(super) const CASE: &str = "STINGER_BENCH_CASE";
const PART: &str = "STINGER_BENCH_PART";
const RECORDS: &str = "STINGER_BENCH_RECORDS";

#[derive(Clone, Copy)]
pub(super) enum Part {
    Work,
    Besides,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Part::Work => "work",
            Part::Besides => "besides",
        }
    }
}

/// Instructions on the calling thread, and on all others together.
pub(super) struct Counts {
    pub(super) calling: i64,
    pub(super) behind: i64,
}

/// What a program prints, where it is there and succeeds.
pub(super) fn said(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

pub(super) fn per_record(case: &Case, part: Part) -> Counts {
    let few = count(case, part, FEW);
    let many = count(case, part, MANY);
    let each = |few: i64, many: i64| {
        let records = (MANY - FEW) as f64;
        ((many - few) as f64 / records).round() as i64
    };
    Counts {
        calling: each(few.calling, many.calling),
        behind: each(few.behind, many.behind),
    }
}

/// Counts what a process does that records so many times.
fn count(case: &Case, part: Part, records: usize) -> Counts {
    let directory = tempfile::tempdir().expect("a directory");
    let mut out_option = OsString::from("--callgrind-out-file=");
    out_option.push(directory.path().join("callgrind"));
    let output = Command::new("valgrind")
        .args(["-q", "--tool=callgrind", "--separate-threads=yes"])
        .arg(out_option)
        .arg(std::env::current_exe().expect("a path"))
        .env(CASE, case.name)
        .env(PART, part.as_str())
        .env(RECORDS, records.to_string())
        .output()
        .expect("valgrind runs");
    assert!(output.status.success(), "{}: {output:?}", case.name);
    counts_in(directory.path())
}

/// The threads' counts, each in a file whose name ends in the number of the thread.
fn counts_in(directory: &Path) -> Counts {
    let mut counts = Counts {
        calling: 0,
        behind: 0,
    };
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(OsStr::to_str).expect("a name");
        let Some((_, thread)) = name.rsplit_once('-') else {
            continue;
        };
        let total = total_in(&fs::read_to_string(&path).expect("readable"));
        match thread {
            "01" => counts.calling += total,
            _ => counts.behind += total,
        }
    }
    assert!(
        counts.calling > 0,
        "callgrind has counted the calling thread"
    );
    counts
}

/// The instructions in a file of callgrind's.
fn total_in(profile: &str) -> i64 {
    let total = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    let total = total.expect("callgrind tells the total of a thread");
    total.trim().parse().expect("one kind of event is counted")
}

pub(super) fn child(name: &str) {
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.expect("a case that there is");
    let records = std::env::var(RECORDS).expect("how many records");
    let records = records.parse().expect("a number of records");
    let is_work = std::env::var(PART).as_deref() == Ok(Part::Work.as_str());
    let run = match is_work {
        true => case.work,
        false => case.besides.expect("a case with something besides"),
    };
    run(records);
}
