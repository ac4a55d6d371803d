//! What opening, rolling, following and querying cost, by the number of a trail's files.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use stinger_audit::Audit;
use stinger_audit::config::{Retention, Rotation};
use stinger_audit::read::{Query, Trail};
use tempfile::TempDir;

use crate::trail::record_prompts;
use crate::{cpu, file_of, interleaved, median};

const COUNTS: [usize; 2] = [10, 5_000];
const ROUNDS: usize = 21;

/// Records of each file that was left, and of the one that was written last.
const RECORDS: u64 = 4;
const LIVE_RECORDS: usize = 20_000;

/// A follower looks so often, as the command `tail` does, and finds a record each time that many looks have gone by.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 50;
const LOOKS_PER_RECORD: usize = 10;

/// Trails of each number of files that roll when a minute begins, and how many minutes they are watched.
const ROLLING: usize = 6;
const MINUTES: usize = 3;

pub(crate) fn by_files() {
    let trails = COUNTS.map(|count| with_files(count, Rotation::HOURLY));
    let medians = interleaved(ROUNDS, &trails, |trail| {
        let opened = time_to_open(trail.path());
        [opened, time_of_last_hour(trail.path())]
    });
    let [open, last_hour] = [0, 1].map(|figure| [medians[0][figure], medians[1][figure]]);
    let medians = interleaved(ROUNDS / 2, &trails, |trail| follow(trail.path()));
    let [start, tail] = [0, 1].map(|figure| [medians[0][figure], medians[1][figure]]);
    drop(trails);
    let roll = times_of_rolls();
    println!(
        "{:<24}{:>20} {:>20}",
        "files, milliseconds", COUNTS[0], COUNTS[1]
    );
    for (what, [few, many]) in [
        ("open", open),
        ("roll", roll),
        ("begin to follow", start),
        ("follow a second, CPU", tail),
        ("query the last hour", last_hour),
    ] {
        println!("{what:<24}{few:>20.2} {many:>20.2}");
    }
    for (what, [few, many]) in [
        ("open", open),
        ("roll", roll),
        ("tail", tail),
        ("last_hour", last_hour),
    ] {
        println!("RATIO {what}_5000_files_vs_10 {:.3}", many / few);
    }
}

fn opened(directory: &Path, rotation: Rotation, files: usize) -> Audit {
    stinger_audit::to(file_of(directory))
        .redact_pii(true)
        .rotation(rotation)
        .retention(Retention::files(files))
        .open()
        .expect("the trail opens")
}

/// A trail with files of the past, one for each hour or minute, and one that was written just now.
fn with_files(count: usize, rotation: Rotation) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let (period, format) = match rotation {
        Rotation::MINUTELY => (TimeDelta::minutes(1), "audit.%Y-%m-%d-%H-%M.log"),
        _ => (TimeDelta::hours(1), "audit.%Y-%m-%d-%H.log"),
    };
    // Far enough in the past that no file of it is the live one.
    let begin = Utc::now() - period * (count as i32 + 60);
    for number in 0..count as u64 - 1 {
        let time: DateTime<Utc> = begin + period * number as i32;
        let lines = (0..RECORDS).map(|record| {
            let seq = number * RECORDS + record;
            let time = time.to_rfc3339();
            format!("{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"user_prompt\"}}\n")
        });
        let file = directory.path().join(time.format(format).to_string());
        fs::write(file, lines.collect::<String>()).expect("written");
    }
    let records = match rotation {
        Rotation::MINUTELY => 0,
        _ => LIVE_RECORDS,
    };
    let audit = opened(directory.path(), rotation, count);
    record_prompts(&audit, records);
    audit.close().expect("the trail closes");
    directory
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn time_to_open(directory: &Path) -> f64 {
    let begun = Instant::now();
    let audit = opened(directory, Rotation::HOURLY, usize::MAX);
    let opened = milliseconds(begun);
    audit.close().expect("the trail closes");
    opened
}

fn time_of_last_hour(directory: &Path) -> f64 {
    let begun = Instant::now();
    let trail = Trail::open(file_of(directory)).expect("a trail");
    let found = trail.query(Query::new().last_hour()).count();
    let queried = milliseconds(begun);
    assert!(found >= LIVE_RECORDS, "{found}");
    queried
}

/// What it takes to begin to follow a trail, and the CPU to follow it while records come.
fn follow(directory: &Path) -> [f64; 2] {
    let audit = opened(directory, Rotation::HOURLY, usize::MAX);
    let begun = Instant::now();
    let trail = Trail::open(file_of(directory)).expect("a trail");
    let (last, mut coming) = trail.follow(Query::new(), 10).expect("readable");
    let start = milliseconds(begun);
    assert_eq!(last.len(), 10);
    let cpu = cpu::OfThread::new();
    let (mut spent, mut found) = (0.0, 0);
    for look in 0..LOOKS {
        if look % LOOKS_PER_RECORD == 0 {
            record_prompts(&audit, 1);
        }
        thread::sleep(LOOK);
        let before = cpu.read();
        for line in coming.by_ref() {
            line.expect("readable");
            found += 1;
        }
        spent += cpu.read() - before;
    }
    audit.close().expect("the trail closes");
    assert!(found >= LOOKS / LOOKS_PER_RECORD - 1, "{found}");
    [start, spent / 1e6]
}

/// Milliseconds from the first record of a minute until it and the next one are confirmed. Retention then removes the
/// oldest file.
fn times_of_rolls() -> [f64; 2] {
    let trails: Vec<_> = (0..ROLLING)
        .map(|_| COUNTS.map(|count| with_files(count, Rotation::MINUTELY)))
        .collect();
    // Else a sync of the trail takes thousands of small files to the medium with it.
    rustix::fs::sync();
    let mut times = COUNTS.map(|_| Vec::new());
    for _ in 0..MINUTES {
        let opened: Vec<_> = trails
            .iter()
            .map(|pair| {
                [0, 1].map(|kind| opened(pair[kind].path(), Rotation::MINUTELY, COUNTS[kind]))
            })
            .collect();
        let live = |directory: &TempDir| fs::read_link(file_of(directory.path())).expect("a link");
        let before: Vec<_> = trails
            .iter()
            .map(|pair| pair.each_ref().map(live))
            .collect();
        let now = Utc::now();
        let left = 60_000 - (now.second() * 1_000 + now.timestamp_subsec_millis()) % 60_000;
        thread::sleep(Duration::from_millis(u64::from(left) + 5));
        for (number, ((pair, directories), before)) in
            opened.iter().zip(&trails).zip(&before).enumerate()
        {
            for kind in [number % 2, 1 - number % 2] {
                // The worker of a sealed trail rolls by itself when it wakes, within a second.
                let is_first = live(&directories[kind]) == before[kind];
                let begun = Instant::now();
                for _ in 0..2 {
                    record_prompts(&pair[kind], 1);
                    pair[kind].confirm().expect("on the medium");
                }
                let rolled = milliseconds(begun);
                assert!(live(&directories[kind]) != before[kind], "it has rolled");
                if is_first {
                    times[kind].push(rolled);
                }
            }
        }
        for audit in opened.into_iter().flatten() {
            audit.close().expect("the trail closes");
        }
        for (pair, count) in trails.iter().flat_map(|pair| pair.iter().zip(COUNTS)) {
            let files = stinger_audit::read::Trail::open(file_of(pair.path())).expect("a trail");
            let files = files.names()[0].files().expect("readable").len();
            assert_eq!(files, count, "the oldest was removed");
        }
    }
    assert!(
        times.iter().all(|times| times.len() >= ROLLING),
        "{times:?}"
    );
    times.map(median)
}
