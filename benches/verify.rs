//! What verification costs, compared with a bare pass of SHA-256.
//!
//! `cargo bench --bench verify` writes a sealed trail of 200,000 records in 8 files to the target directory and
//! verifies it in processes of its own: on one core, next to a process that only reads the same files through SHA-256,
//! and on two cores. All in interleaved rounds. Times are medians, and a ratio is the median of the rounds' ratios: a
//! shared machine changes its speed from one second to the next, and hardly within one round.
//!
//! - `RATIO verify_vs_sha256`: bytes a second of `verify` over those of SHA-256, on one core;
//! - `RATIO verify_two_threads`: `verify` on two cores over one;
//! - `RATIO sha256_two_threads`: the same of bare SHA-256, which touches hardly any memory. It says how much of a second
//!   core the machine has to give.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use sha2::{Digest as _, Sha256};
use stinger_audit::Audit;
use stinger_audit::config::Rotation;
use stinger_audit::read::{Trail, VerifyOptions};

const ROUNDS: usize = 21;
const RECORDS: usize = 200_000;
const FILES: usize = 8;

/// Set in a process that does one of these to a trail: `verify` or `sha256`, on one core or on all.
const ROLE: &str = "STINGER_BENCH_ROLE";
const CORES: &str = "STINGER_BENCH_CORES";

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        let trail = std::env::args().nth(1).expect("a trail");
        return child(&role, Path::new(&trail));
    }
    verification();
}

/// Prints the seconds that it took.
fn child(role: &str, path: &Path) {
    if std::env::var(CORES).as_deref() == Ok("1") {
        pin();
    }
    let trail = Trail::open(path).expect("a trail");
    let begun = Instant::now();
    match role {
        "verify" => {
            let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
            assert!(verified.is_intact(), "{verified:#?}");
        }
        _ => {
            let files = trail.names()[0].files().expect("readable");
            let threads = match std::env::var(CORES).as_deref() {
                Ok("1") => 1,
                _ => 2,
            };
            std::thread::scope(|scope| {
                for files in files.chunks(files.len().div_ceil(threads)) {
                    scope.spawn(|| sha256(files));
                }
            });
        }
    }
    println!("{}", begun.elapsed().as_secs_f64());
}

fn sha256(files: &[PathBuf]) {
    let mut buffer = vec![0; 512 << 10];
    let mut hash = Sha256::new();
    for file in files {
        let mut file = File::open(file).expect("readable");
        loop {
            match file.read(&mut buffer).expect("readable") {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    std::hint::black_box(hash.finalize());
}

#[cfg(target_os = "linux")]
fn pin() {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(0);
    rustix::thread::sched_setaffinity(None, &cores).expect("a core");
}

#[cfg(not(target_os = "linux"))]
fn pin() {
    println!("the process cannot be kept on one core here");
}

fn record(audit: &Audit, records: usize) {
    let prompt = "What is the capital of France, and how long does the train take? ".repeat(8);
    let answer = "Paris. The train takes about two hours on an ordinary day. ".repeat(5);
    for number in 0..records {
        let conversation = format!("c-{number}");
        let entry = stinger_audit::emit::prompt(&prompt)
            .user_id("u-7")
            .session_id("s-1")
            .request_id("01935c2e-8f3c-7d20-a7b9-4e65d1c20f11")
            .conversation_id(&conversation)
            .model_used("a-model-1.5")
            .field("answer", answer.as_str())
            .field("tenant", "t-17")
            .field("route", "/v1/chat/completions")
            .field("temperature", 0.7)
            .field("stream", true);
        audit.log(entry).expect("recorded");
    }
    audit.flush().expect("written");
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints the median of what each round has of one over what it has of another.
fn print_ratio(name: &str, of: &[f64], over: &[f64]) {
    let rounds = of.iter().zip(over).map(|(of, over)| of / over);
    let ratio = median(&rounds.collect::<Vec<_>>());
    println!("RATIO {name} {ratio:.3}");
}

fn verification() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("verify");
    let _ = fs::remove_dir_all(&directory);
    let path = directory.join("audit.log");
    let rotations = [
        Rotation::NEVER,
        Rotation::MINUTELY,
        Rotation::HOURLY,
        Rotation::DAILY,
    ];
    for rotation in rotations.iter().cycle().take(FILES) {
        let audit = stinger_audit::to(&path)
            .redact_pii(false)
            .rotation(rotation.clone())
            .open()
            .expect("a trail");
        record(&audit, RECORDS / FILES);
        audit.close().expect("closed");
    }
    let files = Trail::open(&path).expect("a trail").names()[0].files();
    let files = files.expect("readable");
    let sizes = files
        .iter()
        .map(|file| file.metadata().expect("metadata").len());
    let megabytes = sizes.sum::<u64>() as f64 / 1e6;
    println!(
        "{} files, {megabytes:.0} MB; medians of {ROUNDS} interleaved rounds\n",
        files.len()
    );
    let run = |role: &str, cores: &str| -> f64 {
        let output = Command::new(std::env::current_exe().expect("a path"))
            .arg(&path)
            .env(ROLE, role)
            .env(CORES, cores)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        said.trim().parse().expect("seconds")
    };
    let cases = [
        ("sha256", "1"),
        ("sha256", "2"),
        ("verify", "1"),
        ("verify", "2"),
    ];
    let mut times: [Vec<f64>; 4] = Default::default();
    run("sha256", "2");
    for _ in 0..ROUNDS {
        for (place, (role, cores)) in cases.iter().enumerate() {
            times[place].push(run(role, cores));
        }
    }
    let [sha256, sha256_two, one, two] = &times;
    for (name, seconds) in [
        ("SHA-256, one core", sha256),
        ("SHA-256, two cores", sha256_two),
        ("verify, one core", one),
        ("verify, two cores", two),
    ] {
        let seconds = median(seconds);
        println!(
            "{name:<20} {seconds:>8.3} s {:>8.0} MB/s",
            megabytes / seconds
        );
    }
    print_ratio("verify_vs_sha256", sha256, one);
    print_ratio("verify_two_threads", one, two);
    print_ratio("sha256_two_threads", sha256, sha256_two);
    let _ = fs::remove_dir_all(&directory);
}
