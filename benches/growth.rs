//! That a record costs what it holds, and that nothing else makes it dearer: not the length of its text, not
//! its other fields, not other threads, not the records before it.
//!
//! `cargo bench --bench growth` prints four tables: by bytes of text, by fields, by threads that record at the same
//! time, and by the size of a trail that is opened, in order or behind a process that was killed. Redaction
//! and sealing are on. All in interleaved rounds, medians.
//!
//! - `RATIO per_byte_1mb_vs_10kb`, `RATIO cpu_per_byte_1mb_vs_10kb`: a byte in a text of 1 MB over one in a text of
//!   10 KB, on the calling thread and in CPU of all threads;
//! - `RATIO per_field_64_vs_8`: a field of an event with 64 over one of an event with 8;
//! - `RATIO per_event_2_threads_vs_1`, `RATIO per_event_64_threads_vs_2`: CPU of the calling threads per event;
//! - `RATIO open_100gb_vs_1000_records`, `RATIO recover_100gb_vs_1000_records`, and the same `_vs_100mb`: the time
//!   that opening takes. It reads the last 4 MB, which 1,000 records do not fill.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use stinger_audit::{Audit, Rotation, TARGET};
use tempfile::TempDir;
use tracing::{Dispatch, dispatcher, info};
use tracing_subscriber::layer::SubscriberExt as _;

/// The name of each trail, and of its only file.
const NAME: &str = "audit.log";

const ROUNDS: usize = 61;
/// Of trails that are opened.
const OPENINGS: usize = 21;

/// Set in a process that is to be killed: the directory of the trail that it writes.
const KILLED_IN: &str = "STINGER_BENCH_KILLED_IN";

fn main() {
    if let Some(directory) = std::env::var_os(KILLED_IN) {
        return write_to_be_killed(Path::new(&directory));
    }
    by_size();
    println!();
    by_fields();
    println!();
    by_threads();
    println!();
    by_trail();
}

fn open(directory: &Path) -> Audit {
    stinger_audit::to(file_of(directory))
        .redact_pii(true)
        .rotation(Rotation::NEVER)
        .open()
        .expect("the trail opens")
}

fn text(bytes: usize) -> String {
    let sentence = "What is the capital of France, and how long does the train take? ";
    let mut text = sentence.repeat(bytes / sentence.len() + 1);
    text.truncate(bytes);
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures each case once a round; the medians of its figures, each on its own.
fn interleaved<Case, const FIGURES: usize>(
    rounds: usize,
    cases: &[Case],
    measure: impl Fn(&Case) -> [f64; FIGURES],
) -> Vec<[f64; FIGURES]> {
    let mut measured: Vec<Vec<_>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, measured) in cases.iter().zip(&mut measured) {
            measured.push(measure(case));
        }
    }
    let median_of = |rounds: &Vec<[f64; FIGURES]>, figure: usize| {
        median(rounds.iter().map(|figures| figures[figure]).collect())
    };
    measured
        .iter()
        .map(|rounds| std::array::from_fn(|figure| median_of(rounds, figure)))
        .collect()
}

/// A trail that is fed by its layer.
struct Layered {
    audit: Audit,
    dispatch: Dispatch,
    _directory: TempDir,
}

impl Layered {
    fn open() -> Layered {
        let directory = tempfile::tempdir().expect("a directory");
        let audit = open(directory.path());
        Layered {
            dispatch: Dispatch::new(tracing_subscriber::registry().with(audit.layer())),
            audit,
            _directory: directory,
        }
    }

    fn emit(&self, events: usize, text: &str) {
        dispatcher::with_default(&self.dispatch, || {
            for _ in 0..events {
                info!(target: TARGET, event_type = "user_prompt", prompt = text);
            }
        });
    }

    fn close(self) {
        assert_eq!(self.audit.status().lost, 0);
        self.audit.close().expect("the trail closes");
    }
}

/// CPU time as Linux counts it, in nanoseconds. What a thread has used is brought up to date when it leaves its
/// core.
mod cpu {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    /// The time of the thread that has made it.
    pub(super) struct OfThread(File);

    impl OfThread {
        pub(super) fn new() -> OfThread {
            OfThread(File::open("/proc/thread-self/schedstat").expect("Linux counts CPU time"))
        }

        pub(super) fn read(&self) -> f64 {
            thread::sleep(Duration::from_nanos(1));
            let mut counted = [0; 64];
            let length = self.0.read_at(&mut counted, 0).expect("readable");
            first_number(&counted[..length]).expect("it begins with the time")
        }
    }

    /// Of all threads that live, when those of the trail have come to rest.
    pub(super) fn of_process() -> f64 {
        thread::sleep(Duration::from_millis(3));
        let tasks = fs::read_dir("/proc/self/task").expect("Linux lists threads");
        let of_task = |path: &Path| first_number(&fs::read(path.join("schedstat")).ok()?);
        tasks.filter_map(|task| of_task(&task.ok()?.path())).sum()
    }

    fn first_number(counted: &[u8]) -> Option<f64> {
        let counted = str::from_utf8(counted).ok()?;
        counted.split(' ').next()?.parse().ok()
    }
}

/// So many bytes of text in a burst: less than the buffer holds.
const BURST_BYTES: usize = 2_000_000;

fn by_size() {
    let sizes = [
        ("100 B", 100),
        ("1 KB", 1_000),
        ("10 KB", 10_000),
        ("100 KB", 100_000),
        ("1 MB", 1_000_000),
    ];
    let trail = Layered::open();
    let medians = interleaved(ROUNDS, &sizes, |&(_, size)| burst(&trail, size));
    trail.close();
    println!(
        "{:<24}{:>20} {:>20} {:>20}",
        "text", "caller, ns/event", "caller, ns/byte", "all CPU, ns/byte"
    );
    for ((name, size), [caller, all]) in sizes.iter().zip(&medians) {
        let event = caller * *size as f64;
        println!("{name:<24}{event:>20.0} {caller:>20.3} {all:>20.3}");
    }
    let [.., [caller_10_kb, all_10_kb], _, [caller_1_mb, all_1_mb]] = medians[..] else {
        unreachable!("there are that many sizes");
    };
    println!(
        "RATIO per_byte_1mb_vs_10kb {:.3}",
        caller_1_mb / caller_10_kb
    );
    println!("RATIO cpu_per_byte_1mb_vs_10kb {:.3}", all_1_mb / all_10_kb);
}

/// Nanoseconds per byte on the calling thread, and of CPU of all threads.
fn burst(trail: &Layered, size: usize) -> [f64; 2] {
    let text = text(size);
    trail.emit(1, &text);
    trail.audit.flush().expect("written");
    let cpu = cpu::of_process();
    let begun = Instant::now();
    trail.emit(BURST_BYTES / size, &text);
    let caller = begun.elapsed();
    trail.audit.flush().expect("written");
    let all = cpu::of_process() - cpu;
    [caller.as_nanos() as f64, all].map(|nanoseconds| nanoseconds / BURST_BYTES as f64)
}

/// So many fields in a burst, in however many events.
const BURST_FIELDS: usize = 16_384;

fn by_fields() {
    let counts = [1, 2, 4, 8, 16, 32, 64];
    let names: Vec<String> = (0..64).map(|number| format!("f{number}")).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let audit = open(directory.path());
    let medians = interleaved(ROUNDS, &counts, |&fields| {
        let events = BURST_FIELDS / fields;
        let begun = Instant::now();
        for _ in 0..events {
            record_fields(&names[..fields]);
        }
        let caller = begun.elapsed().as_nanos() as f64;
        audit.flush().expect("written");
        [caller / events as f64, caller / BURST_FIELDS as f64]
    });
    audit.close().expect("the trail closes");
    println!(
        "{:<24}{:>20} {:>20}",
        "fields", "caller, ns/event", "caller, ns/field"
    );
    for (fields, [event, field]) in counts.iter().zip(&medians) {
        println!("{fields:<24}{event:>20.0} {field:>20.1}");
    }
    let [.., [_, of_8], _, _, [_, of_64]] = medians[..] else {
        unreachable!("there are that many counts");
    };
    println!("RATIO per_field_64_vs_8 {:.3}", of_64 / of_8);
}

fn record_fields(names: &[String]) {
    let entry = names.iter().fold(stinger_audit::event("e"), |entry, name| {
        entry.field(name.as_str(), "twenty bytes of text")
    });
    entry.log().expect("recorded");
}

/// So many events in a burst, from however many threads, with a text of so many bytes: less than the buffer holds.
const BURST_EVENTS: usize = 8_192;
const EVENT_BYTES: usize = 500;
/// Events of each thread before it is measured.
const WARM_UP: usize = 20;

fn by_threads() {
    let counts = [1, 2, 4, 8, 16, 32, 64];
    let trail = Layered::open();
    let to_read = time_to_read();
    let medians = interleaved(ROUNDS, &counts, |&threads| {
        let [cpu, wall] = burst_from(&trail, threads);
        [cpu - threads as f64 * to_read, wall].map(|total| total / BURST_EVENTS as f64)
    });
    trail.close();
    println!(
        "{:<24}{:>20} {:>20}",
        "threads", "callers' CPU, ns/event", "elapsed, ns/event"
    );
    for (threads, [cpu, wall]) in counts.iter().zip(&medians) {
        println!("{threads:<24}{cpu:>20.0} {wall:>20.0}");
    }
    let [[of_1, _], [of_2, _], .., [of_64, _]] = medians[..] else {
        unreachable!("there are that many counts");
    };
    println!("RATIO per_event_2_threads_vs_1 {:.3}", of_2 / of_1);
    println!("RATIO per_event_64_threads_vs_2 {:.3}", of_64 / of_2);
}

/// What reading a thread's time takes of it.
fn time_to_read() -> f64 {
    let cpu = cpu::OfThread::new();
    median((0..100).map(|_| -cpu.read() + cpu.read()).collect())
}

/// CPU nanoseconds of all calling threads, and nanoseconds from the first event to the last.
fn burst_from(trail: &Layered, threads: usize) -> [f64; 2] {
    let text = text(EVENT_BYTES);
    let (warm, start) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let work = || {
        let cpu = cpu::OfThread::new();
        trail.emit(WARM_UP, &text);
        warm.wait();
        start.wait();
        let before = cpu.read();
        let begun = Instant::now();
        trail.emit(BURST_EVENTS / threads, &text);
        let ended = Instant::now();
        (cpu.read() - before, begun, ended)
    };
    let ran: Vec<(f64, Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        warm.wait();
        trail.audit.flush().expect("written");
        start.wait();
        let ran = threads.into_iter().map(|thread| thread.join());
        ran.map(|ran| ran.expect("a thread that emits ends"))
            .collect()
    });
    trail.audit.flush().expect("written");
    let cpu = ran.iter().map(|(cpu, _, _)| cpu).sum();
    let begun = ran.iter().map(|(_, begun, _)| *begun).min();
    let ended = ran.iter().map(|(_, _, ended)| *ended).max();
    let wall = ended.zip(begun).map(|(ended, begun)| ended - begun);
    [cpu, wall.expect("there are threads").as_nanos() as f64]
}

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

fn by_trail() {
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
fn record_prompts(audit: &Audit, count: usize) {
    let text = text(EVENT_BYTES);
    for number in 0..count {
        let prompt = stinger_audit::prompt(&text)
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
    audit.log(stinger_audit::event(NEXT)).expect("recorded");
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

fn file_of(directory: &Path) -> PathBuf {
    directory.join(NAME)
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

fn write_to_be_killed(directory: &Path) {
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
