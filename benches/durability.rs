//! What durability costs, and that a destination that hangs costs nothing.
//!
//! `cargo bench --bench durability` prints, in one run: `confirm()` from 8 threads beside a
//! loop of write and fdatasync as bare as it can be, from as many threads on one file; and the
//! trail with and without a FIFO that nobody reads as a second destination, interleaved.
//! `RATIO <name> <value>` is ours over the bare loop, or with the FIFO over without.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use stinger_audit::Audit;
use stinger_audit::config::Rotation;

const THREADS: usize = 8;
const SPAN: Duration = Duration::from_secs(3);
const ROUNDS: usize = 15;
const RECORDS: usize = 50_000;

fn main() {
    confirms();
    println!();
    hung_copy();
}

fn open(path: &Path, copy: Option<&Path>) -> Audit {
    let destinations: Vec<&Path> = std::iter::once(path).chain(copy).collect();
    stinger_audit::to(destinations)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .open()
        .expect("a trail")
}

fn entry(text: &str) -> stinger_audit::emit::Entry<'_> {
    stinger_audit::emit::prompt(text)
        .user_id("u-7")
        .conversation_id("c-42")
}

/// Times of calls, in microseconds, from all threads, and how many there were in a second.
fn run(call: impl Fn() + Sync) -> (f64, f64) {
    let times = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut own = Vec::new();
                let begun = Instant::now();
                while begun.elapsed() < SPAN {
                    let call_begun = Instant::now();
                    call();
                    own.push(call_begun.elapsed().as_micros() as f64);
                }
                times.lock().expect("no panic").extend(own);
            });
        }
    });
    let mut times = times.into_inner().expect("no panic");
    times.sort_by(f64::total_cmp);
    (
        times[times.len() * 99 / 100],
        times.len() as f64 / SPAN.as_secs_f64(),
    )
}

fn confirms() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = "x".repeat(800);
    let bare = Mutex::new(File::create(dir.path().join("bare")).expect("created"));
    let line = text.clone() + "\n";
    let (bare_p99, bare_rate) = run(|| {
        let mut file = bare.lock().expect("no panic");
        file.write_all(line.as_bytes()).expect("written");
        file.sync_data().expect("synced");
    });
    let audit = open(&dir.path().join("audit.log"), None);
    let (p99, rate) = run(|| {
        audit.log(entry(&text)).expect("recorded");
        audit.confirm().expect("confirmed");
    });
    audit.close().expect("closed");
    println!(
        "{THREADS} threads, each record confirmed{:>20} {:>14}",
        "p99, µs", "per second"
    );
    println!(
        "{:<40}{bare_p99:>12.0} {bare_rate:>14.0}",
        "write + fdatasync"
    );
    println!("{:<40}{p99:>12.0} {rate:>14.0}", "log + confirm");
    println!("RATIO confirm_p99 {:.3}", p99 / bare_p99);
    println!("RATIO confirm_rate {:.3}", rate / bare_rate);
}

fn hung_copy() {
    let text = "x".repeat(800);
    let mut figures = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    for _ in 0..ROUNDS {
        for (hung, (latency, rate)) in figures.iter_mut().enumerate() {
            let dir = tempfile::tempdir().expect("a directory");
            let fifo = dir.path().join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&fifo).status();
            if !made.is_ok_and(|status| status.success()) {
                println!("SKIPPED: mkfifo is not installed, so nothing hangs");
                return;
            }
            let copy = (hung == 1).then_some(fifo.as_path());
            let audit = open(&dir.path().join("audit.log"), copy);
            let mut times = Vec::with_capacity(RECORDS);
            let begun = Instant::now();
            for _ in 0..RECORDS {
                let call_begun = Instant::now();
                audit.log(entry(&text)).expect("recorded");
                times.push(call_begun.elapsed().as_nanos() as f64);
            }
            audit.flush().expect("written");
            rate.push(RECORDS as f64 / begun.elapsed().as_secs_f64());
            latency.push(median(&times));
            audit.close().expect("closed");
        }
    }
    let [(alone, alone_rate), (hung, hung_rate)] = figures.map(|(a, b)| (median(&a), median(&b)));
    println!(
        "{:<40}{:>12} {:>14}",
        "second destination", "median, ns", "records/s"
    );
    println!("{:<40}{alone:>12.0} {alone_rate:>14.0}", "none");
    println!(
        "{:<40}{hung:>12.0} {hung_rate:>14.0}",
        "a FIFO that nobody reads"
    );
    println!("RATIO hung_copy_latency {:.3}", hung / alone);
    println!("RATIO hung_copy_rate {:.3}", hung_rate / alone_rate);
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
