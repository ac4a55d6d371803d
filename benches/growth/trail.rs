//! What opening a trail costs, by its size, in order or after a process that was killed.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use stinger_audit::Audit;
use tempfile::TempDir;

use crate::{EVENT_BYTES, NAME, file_of, interleaved, open, text};

const OPENINGS: usize = 21;

/// Set in a process that is to be killed: the directory of the trail that it writes.
pub(crate) const KILLED_IN: &str = "STINGER_BENCH_KILLED_IN";

const MB: u64 = 1_000_000;
const GB: u64 = 1_000 * MB;

/// A process that is killed has written so many records.
const RECORDS_OF_KILLED: usize = 2_000;

/// The type of the record that is written first when a trail was opened.
const NEXT: &str = "next";

/// A trail that is opened again and again.
struct Grown {
    name: String,
    kept: Kept,
}

enum Kept {
    /// It is small, and written anew with so many records before it is opened.
    Anew(usize),
    /// It grows by what is recorded when it was opened.
    In(TempDir),
}

pub(crate) fn by_trail() {
    let of_100_mb = grown("100 MB".to_owned(), 100 * MB);
    let (gigabytes, sparse) = sparse_from(&of_100_mb);
    let trails = [
        Grown {
            name: "an empty directory".to_owned(),
            kept: Kept::Anew(0),
        },
        Grown {
            name: "1,000 records".to_owned(),
            kept: Kept::Anew(1_000),
        },
        of_100_mb,
        one_gigabyte(),
        sparse,
    ];
    let medians = interleaved(OPENINGS, &trails, |trail| {
        let in_order = reopened(trail, false);
        let killed = reopened(trail, true);
        [in_order.milliseconds, killed.milliseconds, killed.replayed]
    });
    println!(
        "{:<24}{:>20} {:>20} {:>20}",
        "trail", "open, ms", "recover, ms", "records replayed"
    );
    for (trail, [open, recover, replayed]) in trails.iter().zip(&medians) {
        let name = &trail.name;
        println!("{name:<24}{open:>20.1} {recover:>20.1} {replayed:>20.0}");
    }
    let [_, of_1000, of_100_mb, _, of_most] = medians[..] else {
        unreachable!("there are that many trails");
    };
    for (figure, what) in ["open", "recover"].into_iter().enumerate() {
        for (smaller, than) in [("1000_records", of_1000), ("100mb", of_100_mb)] {
            let ratio = of_most[figure] / than[figure];
            println!("RATIO {what}_{gigabytes}gb_vs_{smaller} {ratio:.3}");
        }
    }
}

/// Records so many prompts, each of a conversation of its own.
pub(crate) fn record_prompts(audit: &Audit, count: usize) {
    let text = text(EVENT_BYTES);
    for number in 0..count {
        let prompt = stinger_audit::emit::prompt(&text)
            .user_id("u-7")
            .conversation_id(format!("c-{number}"));
        audit.log(prompt).expect("recorded");
    }
}

/// A trail that was really written.
fn grown(name: String, bytes: u64) -> Grown {
    let directory = tempfile::tempdir().expect("a directory");
    let audit = open(directory.path());
    while size_of(directory.path()) < bytes {
        record_prompts(&audit, 10_000);
        audit.flush().expect("written");
    }
    audit.confirm().expect("on the medium");
    audit.close().expect("the trail closes");
    Grown {
        name,
        kept: Kept::In(directory),
    }
}

fn one_gigabyte() -> Grown {
    let there = rustix::fs::statvfs(std::env::temp_dir()).expect("a file system");
    match there.f_bavail * there.f_frsize > 3 * GB {
        true => grown("1 GB".to_owned(), GB),
        false => grown("no room for more, 200 MB".to_owned(), 200 * MB),
    }
}

/// As large as the file system lets a file be, up to 100 GB: a trail with a hole in its middle. Says how many
/// gigabytes it has.
fn sparse_from(written: &Grown) -> (u64, Grown) {
    let Kept::In(original) = &written.kept else {
        unreachable!("it is written once");
    };
    let made = [100, 10, 2].into_iter().find_map(|gigabytes| {
        let directory = tempfile::tempdir().expect("a directory");
        copy_with_hole(original.path(), directory.path(), gigabytes * GB).ok()?;
        Some((gigabytes, directory))
    });
    let (gigabytes, directory) = made.expect("room for a sparse file");
    let name = format!("{gigabytes} GB, sparse");
    let kept = Kept::In(directory);
    (gigabytes, Grown { name, kept })
}

/// Copies a trail, its file only as far as its first lines and its last, with a hole and a line feed between them.
fn copy_with_hole(from: &Path, to: &Path, size: u64) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if name != NAME {
            fs::copy(from.join(&name), to.join(&name))?;
        }
    }
    let lines = fs::read(file_of(from))?;
    let feed = |bytes: &[u8]| bytes.iter().position(|&byte| byte == b'\n');
    let first = MB as usize;
    let first = first + feed(&lines[first..]).expect("lines are shorter") + 1;
    // Without the line feed in front of it, which ends the hole's line.
    let last = lines.len() - 16 * MB as usize;
    let last = last + feed(&lines[last..]).expect("lines are shorter");
    let mut file = File::create(file_of(to))?;
    file.write_all(&lines[..first])?;
    file.seek(SeekFrom::Start(size - (lines.len() - last) as u64))?;
    file.write_all(&lines[last..])?;
    file.sync_all()
}

struct Reopened {
    milliseconds: f64,
    /// Records that were in the journal only.
    replayed: f64,
}

/// Opens a trail behind a writer that has closed it, or that was killed, and asserts that it goes on where that
/// one has ended.
fn reopened(trail: &Grown, killed: bool) -> Reopened {
    let anew;
    let directory = match &trail.kept {
        Kept::In(directory) => directory.path(),
        Kept::Anew(records) => {
            anew = tempfile::tempdir().expect("a directory");
            if *records > 0 {
                let audit = open(anew.path());
                record_prompts(&audit, *records);
                audit.close().expect("the trail closes");
            }
            anew.path()
        }
    };
    let next_seq = end_of(directory).last().map_or(0, |last| seq(last) + 1);
    if killed {
        kill_writer(directory);
    }
    let begun = Instant::now();
    let audit = open(directory);
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    audit
        .log(stinger_audit::emit::event(NEXT))
        .expect("recorded");
    audit.flush().expect("written");
    let mut since = end_of(directory);
    audit.close().expect("the trail closes");
    since.retain(|record| seq(record) >= next_seq);
    assert_follows(&since, next_seq, if killed { RECORDS_OF_KILLED } else { 0 });
    Reopened {
        milliseconds,
        replayed: replayed(&since),
    }
}

fn assert_follows(records: &[Json], next_seq: u64, prompts: usize) {
    for (record, expected) in records.iter().zip(next_seq..) {
        assert_eq!(seq(record), expected);
    }
    let (found, others): (Vec<&Json>, Vec<&Json>) = records
        .iter()
        .partition(|record| record["event_type"] == "user_prompt");
    assert_eq!(found.len(), prompts, "beside them {others:#?}");
    let next = others.iter().filter(|record| record["event_type"] == NEXT);
    assert_eq!(next.count(), 1, "in {others:#?}");
}

fn seq(record: &Json) -> u64 {
    record["seq"].as_u64().expect("each record has a seq")
}

fn replayed(records: &[Json]) -> f64 {
    let mut replayed = records.iter().map(|record| &record["replayed"]);
    replayed.find_map(Json::as_f64).unwrap_or_default()
}

/// The records in the last bytes of a trail, as many as are surely behind whatever was there before.
fn end_of(directory: &Path) -> Vec<Json> {
    let size = size_of(directory);
    if size == 0 {
        return Vec::new();
    }
    let begin = size.saturating_sub(8 * MB);
    let mut lines = Vec::new();
    let mut file = File::open(file_of(directory)).expect("it was written");
    file.seek(SeekFrom::Start(begin)).expect("it is a file");
    file.read_to_end(&mut lines).expect("readable");
    // One that the killed process has torn is no record.
    let lines = lines.split(|&byte| byte == b'\n');
    lines
        .skip(usize::from(begin > 0))
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn size_of(directory: &Path) -> u64 {
    fs::metadata(file_of(directory)).map_or(0, |found| found.len())
}

/// Has another process open the trail and record, and kills it when it has.
fn kill_writer(directory: &Path) {
    let mut writer = Command::new(std::env::current_exe().expect("a path"))
        .env(KILLED_IN, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut has_recorded = [0];
    let said = writer.stdout.as_mut().expect("it is piped");
    said.read_exact(&mut has_recorded).expect("it records");
    writer.kill().expect("it is killed");
    writer.wait().expect("it has ended");
}

pub(crate) fn write_to_be_killed(directory: &Path) {
    let audit = open(directory);
    // Whoever writes the lines sleeps longer by now: most of the records will be in the journal only.
    thread::sleep(Duration::from_millis(50));
    record_prompts(&audit, RECORDS_OF_KILLED);
    let mut out = io::stdout();
    out.write_all(b"!")
        .and_then(|()| out.flush())
        .expect("said");
    thread::sleep(Duration::from_secs(60));
    unreachable!("it was to be killed");
}
