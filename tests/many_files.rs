//! A trail of 5,000 files of which one is dated in 2030: the writer, readers and retention go by `seq`, and say so.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use stinger_audit::config::{Retention, Rotation};
use stinger_audit::read::{Query, Trail};

const FILES: u64 = 5_000;
/// The file that is dated wrong, and its name. Each file has two records.
const MISDATED: u64 = 2_500;
const IN_2030: &str = "audit.2030-06-01-12.log";

/// Set in the process that opens the trail: the path.
const TRAIL: &str = "STINGER_TEST_MANY_FILES";

fn begin() -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(FILES as i64 + 1)
}

/// Hourly files up to the last hour, of which one is dated 2030 as its records are.
fn write_trail(dir: &Path) {
    let in_2030 = "2030-06-01T12:30:00Z".parse().expect("a time");
    let begin = begin();
    let mut newest = String::new();
    for number in 0..FILES {
        let mut time = begin + TimeDelta::hours(number as i64);
        let mut file = time.format("audit.%Y-%m-%d-%H.log").to_string();
        if number == MISDATED {
            (file, time) = (IN_2030.to_owned(), in_2030);
        }
        let lines = [2 * number, 2 * number + 1].map(|seq| {
            let time = time.to_rfc3339();
            format!("{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"e\"}}\n")
        });
        fs::write(dir.join(&file), lines.concat()).expect("written");
        newest = file;
    }
    std::os::unix::fs::symlink(newest, dir.join("audit.log")).expect("a link");
}

/// Runs in a process of its own, whose stderr the test reads.
#[test]
fn child() {
    let Ok(path) = std::env::var(TRAIL) else {
        return;
    };
    let audit = stinger_audit::to(path)
        .redact_pii(false)
        .rotation(Rotation::HOURLY)
        .retention(Retention::files(FILES as usize - 2_700))
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::emit::event("written_on"))
        .expect("recorded");
    audit.close().expect("closed");
}

fn seqs(trail: &Trail, query: Query) -> Vec<u64> {
    let records = trail.query(query);
    records
        .map(|record| record.expect("readable").seq)
        .collect()
}

#[test]
fn one_of_5000_files_that_is_dated_2030_misleads_neither_writer_nor_readers_nor_retention() {
    let dir = tempfile::tempdir().expect("a directory");
    write_trail(dir.path());
    let path = dir.path().join("audit.log");
    let trail = Trail::open(&path).expect("a trail");
    assert_eq!(
        seqs(&trail, Query::new()),
        (0..2 * FILES).collect::<Vec<_>>()
    );
    let (last, mut coming) = trail.follow(Query::new(), 3).expect("readable");
    let last: Vec<_> = last
        .into_iter()
        .map(|line| line.expect("readable"))
        .collect();
    assert_eq!(
        last.iter().map(|line| line.record.seq).collect::<Vec<_>>(),
        [9_997, 9_998, 9_999]
    );
    assert!(coming.next().is_none());
    // Its records have the time that its name says.
    let lately = seqs(&trail, Query::new().last(TimeDelta::minutes(90)));
    assert!(
        lately.starts_with(&[5_000, 5_001]) && lately.len() < 8,
        "{lately:?}"
    );
    let notices = trail.check().notices;
    assert!(
        notices.len() == 1
            && notices[0].starts_with(&format!("{IN_2030} begins with record 5000, but ")),
        "{notices:?}"
    );

    let opened = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "child", "--nocapture"])
        .env(TRAIL, &path)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&opened.stderr);
    assert!(opened.status.success(), "{said}");
    assert!(
        said.contains(&format!("{IN_2030} begins with record 5000, but ")),
        "{said}"
    );
    // The oldest 2,701 of 5,001 files are gone: those before the misdated one, it, and as many after it.
    let left = seqs(&trail, Query::new());
    let next: Vec<_> = (2 * 2_701..2 * FILES + left.len() as u64 - 2 * (FILES - 2_701)).collect();
    assert_eq!(left, next);
    assert!(!dir.path().join(IN_2030).exists());
    let files = trail.names()[0].files().expect("readable");
    assert_eq!(files.len() as u64, FILES - 2_700);
    let written = Query::new().event_type("written_on");
    assert!(seqs(&trail, written)[0] >= 2 * FILES);
    let came = coming.next().expect("a record").expect("readable");
    assert_eq!(came.record.seq, 2 * FILES);
    assert!(trail.check().notices.is_empty());
}
