//! A child that records from several threads is ended at random points, again and again, on
//! one trail. The parent knows what each `event!` had returned from: all of it must be in the
//! trail, once, with no hole in `seq`.
//!
//! `STINGER_TORTURE_LIVES` sets how many lives there are (default 200). The same is done to
//! tracing-appender's `NonBlocking` alone, for scale.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};
use std::thread;
use std::time::Duration;

use stinger_audit::TARGET;
use stinger_audit::config::Rotation;
use stinger_audit::error::trail::{ErrorKind, Unreadable};
use stinger_audit::read::{Trail, VerifyOptions};
use stinger_audit::record::Record;
use tracing::info;
use tracing_subscriber::prelude::*;

#[path = "common/harness.rs"]
mod harness;

const THREADS: u64 = 4;
const ENDINGS: [&str; 5] = ["SIGKILL", "SIGTERM", "abort", "exit", "stack overflow"];

fn main() {
    if let Ok(role) = std::env::var("STINGER_TORTURE_ROLE") {
        return child(&role);
    }
    harness::run(harness::named![
        nothing_that_returned_is_lost_however_a_process_ends
    ])
}

fn nothing_that_returned_is_lost_however_a_process_ends() {
    let lives = std::env::var("STINGER_TORTURE_LIVES").map_or(200, |lives| {
        lives.parse().expect("STINGER_TORTURE_LIVES is a number")
    });
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    println!("seed {:#x}", random.0);

    let (emitted, lost, doubled) = torture("stinger", lives, &mut random);
    println!(
        "stinger-audit: {lives} lives, {emitted} events returned, {lost} lost, {doubled} doubled"
    );
    let scale = lives.min(20);
    let (peers, peers_lost, _) = torture("non_blocking", scale, &mut random);
    println!(
        "NonBlocking alone: {scale} lives, {peers} events returned, {peers_lost} lost ({:.0} %)",
        100.0 * peers_lost as f64 / peers.max(1) as f64
    );
    assert_eq!((lost, doubled), (0, 0));
    assert!(emitted > lives * 10, "the children did record: {emitted}");
}

/// A xorshift generator; the seed is printed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn torture(role: &str, lives: u64, random: &mut Random) -> (u64, u64, u64) {
    let dir = tempfile::tempdir().expect("a directory");
    let ledger = dir.path().join("ledger");
    let trail = dir.path().join("trail/audit.log");
    for life in 0..lives {
        let ending = ENDINGS[random.below(5) as usize];
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .env("STINGER_TORTURE_ROLE", role)
            .env("STINGER_TORTURE_LIFE", life.to_string())
            .env("STINGER_TORTURE_ENDING", ending)
            .env("STINGER_TORTURE_AFTER", random.below(40_000).to_string())
            .env("STINGER_TORTURE_TRAIL", &trail)
            .env("STINGER_TORTURE_LEDGER", &ledger)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        if matches!(ending, "SIGKILL" | "SIGTERM") {
            // At any moment, that of opening the trail included.
            thread::sleep(Duration::from_micros(random.below(60_000)));
            end(&mut child, ending);
        }
        child.wait().expect("it ends");
    }
    let mut returned = Vec::new();
    File::open(&ledger)
        .and_then(|mut file| file.read_to_end(&mut returned))
        .expect("a ledger");
    let returned: Vec<u64> = returned
        .chunks_exact(8)
        .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
        .collect();
    let found = match role {
        "stinger" => found_in_trail(&trail),
        _ => found_in_lines(trail.parent().expect("a directory")),
    };
    let lost = returned
        .iter()
        .filter(|event| !found.contains_key(event))
        .count();
    let doubled = found.values().filter(|&&count| count > 1).count();
    (returned.len() as u64, lost as u64, doubled as u64)
}

fn end(child: &mut Child, ending: &str) {
    if ending == "SIGKILL" {
        child.kill().expect("killed");
        return;
    }
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    if !sent.is_ok_and(|status| status.success()) {
        child.kill().expect("killed");
    }
}

/// Events by how often they are in the trail, which the last opening has recovered.
fn found_in_trail(path: &Path) -> HashMap<u64, u64> {
    let audit = stinger_audit::to(path)
        .redact_pii(false)
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    // Recovered records are sealed, and how a writer ended is told as that.
    let verified = Trail::open(path)
        .expect("a trail")
        .verify(&VerifyOptions::new())
        .expect("it is sealed");
    assert!(verified.is_intact(), "{verified:#?}");
    assert_eq!(verified.proven, [(0, verified.records)]);
    println!(
        "verified: {} records, {} seals, {} unclean ends and torn lines told",
        verified.records,
        verified.seals,
        verified.notices.len()
    );
    let mut found = HashMap::new();
    let mut next = 0;
    let (mut torn, mut recovered, mut replayed) = (0, 0, 0);
    for record in Trail::open(path).expect("a trail").records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let reason = match error.kind() {
                    ErrorKind::Unreadable { reason, .. } => reason.clone(),
                    _ => panic!("{error:?}"),
                };
                assert_eq!(reason, Unreadable::Torn, "{error}");
                torn += 1;
                continue;
            }
        };
        assert_eq!(record.seq, next, "a hole, or out of order");
        next += 1;
        match record.event_type.as_str() {
            "load" => *found.entry(event_of(&record)).or_default() += 1,
            "trail_recovered" => {
                recovered += 1;
                replayed += record.other["replayed"].as_u64().expect("a number");
                assert_eq!(record.other["damaged_bytes"], 0, "{record:?}");
            }
            "trail_gap" => panic!("a gap: {record:?}"),
            _ => {}
        }
    }
    println!(
        "{recovered} recoveries, {replayed} records replayed from the journal, {torn} torn lines"
    );
    found
}

fn event_of(record: &Record) -> u64 {
    let text = record.prompt.as_ref().expect("a prompt");
    let filler = record.other["filler"].as_u64().expect("a number") as usize;
    let (event, rest) = text.split_once(' ').expect("two parts");
    assert_eq!(rest.len(), filler, "the text is whole");
    event.parse().expect("a number")
}

fn found_in_lines(directory: &Path) -> HashMap<u64, u64> {
    let mut found = HashMap::new();
    for entry in std::fs::read_dir(directory).expect("readable") {
        let text = std::fs::read(entry.expect("an entry").path()).expect("readable");
        for line in text.split(|&byte| byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<serde_json::Value>(line) else {
                continue;
            };
            let text = line["fields"]["prompt"].as_str().unwrap_or_default();
            let event = text.split(' ').next().and_then(|event| event.parse().ok());
            *found.entry(event.expect("a number")).or_default() += 1;
        }
    }
    found
}

fn child(role: &str) {
    let variable = |name: &str| std::env::var(name).expect("set");
    let life: u64 = variable("STINGER_TORTURE_LIFE").parse().expect("a number");
    let after: u64 = variable("STINGER_TORTURE_AFTER").parse().expect("a number");
    let trail = variable("STINGER_TORTURE_TRAIL");
    let trail = Path::new(&trail);
    let ledger = OpenOptions::new()
        .append(true)
        .create(true)
        .open(variable("STINGER_TORTURE_LEDGER"))
        .expect("a ledger");
    let mut guard = None;
    match role {
        "stinger" => {
            let rotation =
                [Rotation::DAILY, Rotation::MINUTELY, Rotation::HOURLY][life as usize % 3].clone();
            // A small buffer, so that it goes round and callers wait.
            let audit = stinger_audit::to(trail)
                .redact_pii(false)
                .rotation(rotation)
                .buffer_capacity(256 << 10)
                .enable()
                .expect("a trail");
            if life.is_multiple_of(4) {
                thread::spawn(move || while audit.confirm().is_ok() {});
            }
        }
        _ => {
            let directory = trail.parent().expect("a directory");
            let appender = tracing_appender::rolling::daily(directory, "audit.log");
            let (writer, kept) = tracing_appender::non_blocking(appender);
            guard = Some(kept);
            tracing_subscriber::registry()
                .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
                .init();
        }
    }
    for number in 0..THREADS {
        let mut ledger = ledger.try_clone().expect("a handle");
        thread::spawn(move || {
            let mut random = Random((life + 1) * 1_000_003 + number);
            for count in 0.. {
                let event = life << 40 | number << 32 | count;
                let filler = match random.below(400) {
                    // Larger than a quarter of the buffer: it does not go through the journal.
                    0 => 100_000,
                    1..40 => random.below(9_000) as usize,
                    _ => random.below(300) as usize,
                };
                let text = format!("{event} {}", "x".repeat(filler));
                if count % 2 == 0 {
                    info!(target: TARGET, event_type = "load", prompt = text, filler);
                } else if guard_free(&text, filler).is_none() {
                    info!(target: TARGET, event_type = "load", prompt = text, filler);
                }
                ledger.write_all(&event.to_le_bytes()).expect("the ledger");
            }
        });
    }
    thread::sleep(Duration::from_micros(after));
    match variable("STINGER_TORTURE_ENDING").as_str() {
        "abort" => std::process::abort(),
        "exit" => exit(0),
        "stack overflow" => println!("{}", overflow(1)),
        // The parent sends the signal.
        _ => thread::sleep(Duration::from_secs(60)),
    }
    drop(guard);
}

/// Records through a typed function, where there is a trail.
fn guard_free(text: &str, filler: usize) -> Option<()> {
    let entry = stinger_audit::emit::event("load")
        .field("prompt", text)
        .field("filler", filler);
    entry.log().ok()
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn overflow(depth: u64) -> u64 {
    let page = std::hint::black_box([depth; 512]);
    overflow(depth + 1) + page[0]
}
