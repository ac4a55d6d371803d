//! What a trail takes of the machine, and how long a record takes to get where it is looked for.
//!
//! `cargo bench --bench limits` measures, each in processes of its own:
//!
//! - how much longer an event of the application takes that is none of ours, because the layer is there:
//!   one that nobody wants, and one that another layer takes;
//! - how long a record takes from the event to the file, at loads from 10 records a second to 100,000;
//! - how long until `stinger-audit tail` has printed it;
//! - the share of a core that an open trail takes when nothing happens, alone and with two copies;
//! - the resident memory of a process that records a great deal.
//!
//! The command is that of `STINGER_AUDIT_BIN`, or is built when it is needed.
//!
//! It prints tables for people, and `FIGURE <name> <value>` for programs, with the limit behind it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stinger_audit::{Audit, TARGET};
use tracing::{Dispatch, Subscriber, debug, dispatcher, info};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

/// Set in a process that plays one of these.
const ROLE: &str = "STINGER_BENCH_ROLE";

const ROUNDS: usize = 9;
const FOREIGN_EVENTS: u32 = 5_000_000;
const LOADS: [u32; 5] = [10, 100, 1_000, 20_000, 100_000];
const LOAD_LASTS: Duration = Duration::from_secs(4);
const IDLE_LASTS: Duration = Duration::from_secs(10);
/// As the builder has it by default.
const BUFFER_MB: f64 = 8.0;

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("disabled, with") => print_value(foreign_event(true, disabled)),
        Ok("disabled, without") => print_value(foreign_event(false, disabled)),
        Ok("taken, with") => print_value(foreign_event(true, taken)),
        Ok("taken, without") => print_value(foreign_event(false, taken)),
        Ok("idle") => print_value(idle_share(&[])),
        Ok("idle, with copies") => print_value(idle_share(&["one.log", "two.log"])),
        Ok("memory") => print_value(memory()),
        Ok(other) => panic!("{ROLE}={other} is no role"),
        Err(_) => measure(),
    }
}

fn print_value(value: f64) {
    println!("{value}");
}

fn measure() {
    println!("an event that is none of ours, ns\n");
    for (kind, limit) in [("disabled", "<= 1"), ("taken", "no limit")] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(child(&format!("{kind}, without")));
            with.push(child(&format!("{kind}, with")));
        }
        let (with, without) = (median(with), median(without));
        println!("{kind:<10} {without:>8.2} without the layer {with:>8.2} with it");
        figure(&format!("foreign_{kind}_ns"), with - without, limit);
    }

    println!("\nfrom the event to the file, ms\n");
    println!(
        "{:>12} {:>8} {:>8} {:>8} {:>9}",
        "records/s", "p50", "p99", "most", "records"
    );
    for load in LOADS {
        let times = to_disk(load);
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|part| quantile(&times, part));
        println!(
            "{load:>12} {p50:>8.2} {p99:>8.2} {most:>8.2} {:>9}",
            times.len()
        );
        figure(&format!("to_disk_p99_ms_at_{load}"), p99, "<= 10");
    }

    let times = to_tail();
    println!(
        "\nfrom the event to the output of `tail`, ms: p50 {:.2}, most {:.2}, of {} records",
        quantile(&times, 0.5),
        quantile(&times, 1.0),
        times.len()
    );
    figure("to_tail_p99_ms", quantile(&times, 0.99), "<= 50");

    println!();
    figure("idle_percent_of_a_core", child("idle"), "<= 0.2");
    figure(
        "idle_percent_of_a_core_with_two_copies",
        child("idle, with copies"),
        "<= 0.2",
    );
    figure(
        "resident_mb_beyond_the_buffer",
        child("memory") - BUFFER_MB,
        "<= 24",
    );
}

fn figure(name: &str, value: f64, limit: &str) {
    println!("FIGURE {name} {value:.3} ({limit})");
}

/// What a process of its own says.
fn child(role: &str) -> f64 {
    let output = Command::new(std::env::current_exe().expect("a path"))
        .env(ROLE, role)
        .stderr(Stdio::null())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{role}: {output:?}");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    said.trim().parse().expect("a number")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len() as f64 * part) as usize;
    sorted[place.min(sorted.len() - 1)]
}

fn open(directory: &Path) -> Audit {
    stinger_audit::to(directory.join("audit.log"))
        .redact_pii(true)
        .open()
        .expect("a trail")
}

/// A layer of the application's that takes its events, and does nothing with them.
struct Takes;

impl<S: Subscriber> Layer<S> for Takes {}

/// An event that the application's layer does not want, and one that it takes.
fn disabled(number: u32) {
    debug!(target: "application", number, "done");
}

fn taken(number: u32) {
    info!(target: "application", number, "done");
}

/// Nanoseconds of an event of the application's.
fn foreign_event(has_layer: bool, emit: fn(u32)) -> f64 {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path());
    let registry = tracing_subscriber::registry().with(Takes.with_filter(LevelFilter::INFO));
    let dispatch = match has_layer {
        true => Dispatch::new(registry.with(audit.layer())),
        false => Dispatch::new(registry),
    };
    dispatcher::with_default(&dispatch, || {
        let begun = Instant::now();
        (0..FOREIGN_EVENTS).for_each(emit);
        begun.elapsed().as_nanos() as f64 / f64::from(FOREIGN_EVENTS)
    })
}

/// Microseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock that is set").as_micros() as u64
}

/// Records at a steady pace until told to stop.
fn emit_at(audit: &Audit, per_second: u32, stop: &AtomicBool) {
    let prompt = "What is the capital of France, and how long does the train take? ".repeat(8);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(audit.layer()));
    dispatcher::with_default(&dispatch, || {
        let begun = Instant::now();
        let mut emitted = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            let due = (begun.elapsed().as_secs_f64() * f64::from(per_second)) as u32;
            if emitted >= due {
                thread::sleep(Duration::from_micros(100));
                continue;
            }
            while emitted < due {
                info!(target: TARGET, event_type = "user_prompt", prompt = prompt.as_str(), emitted_at = now());
                emitted += 1;
            }
        }
    });
}

/// How long records took from the event to the file, in milliseconds, sorted.
fn to_disk(per_second: u32) -> Vec<f64> {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path());
    let stop = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| emit_at(&audit, per_second, &stop));
        let mut file = File::open(dir.path().join("audit.log")).expect("readable");
        let mut lines = Lines::default();
        let begun = Instant::now();
        while begun.elapsed() < LOAD_LASTS {
            thread::sleep(Duration::from_micros(200));
            file.read_to_end(&mut lines.bytes).expect("readable");
            let seen = now();
            lines.each(|line| times.extend(age(line, seen)));
        }
        stop.store(true, Ordering::Relaxed);
    });
    audit.close().expect("closed");
    times.sort_by(f64::total_cmp);
    times
}

/// Bytes that were read, of which the last may make no whole line yet.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Takes out the whole lines.
    fn each(&mut self, mut each: impl FnMut(&[u8])) {
        let end = memchr::memrchr(b'\n', &self.bytes).map_or(0, |feed| feed + 1);
        self.bytes[..end]
            .split(|byte| *byte == b'\n')
            .for_each(&mut each);
        self.bytes.drain(..end);
    }
}

/// How old the record of a line is, in milliseconds. `None`: it is a record of the trail's own.
fn age(line: &[u8], seen: u64) -> Option<f64> {
    const KEY: &[u8] = b"\"emitted_at\":";
    let begin = memchr::memmem::find(line, KEY)? + KEY.len();
    let digits = line[begin..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let emitted = digits.fold(0_u64, |number, digit| 10 * number + u64::from(digit - b'0'));
    Some(seen.saturating_sub(emitted) as f64 / 1e3)
}

/// The command: `STINGER_AUDIT_BIN`, or built now.
fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("STINGER_AUDIT_BIN") {
        return program.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--package", "stinger-audit-cli"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the command is built");
    // This bench is in the directory `deps` beside it.
    let this = std::env::current_exe().expect("a path");
    let release = this.ancestors().nth(2).expect("the target directory");
    release.join("stinger-audit")
}

/// How long records took from the event to what `tail` prints, in milliseconds, sorted.
fn to_tail() -> Vec<f64> {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path());
    audit.flush().expect("written");
    let mut tail = Command::new(program())
        .args(["tail", "--json"])
        .arg(dir.path().join("audit.log"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let output = tail.stdout.take().expect("a pipe");
    let stop = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            // Until it follows.
            thread::sleep(Duration::from_millis(500));
            emit_at(&audit, 50, &stop);
        });
        for line in BufReader::new(output).lines() {
            let line = line.expect("UTF-8");
            times.extend(age(line.as_bytes(), now()));
            if times.len() == 300 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    tail.kill().expect("killed");
    tail.wait().expect("it ends");
    audit.close().expect("closed");
    times.sort_by(f64::total_cmp);
    times
}

/// The percentage of a core that an open trail takes, with copies in these files.
fn idle_share(copies: &[&str]) -> f64 {
    let dir = tempfile::tempdir().expect("a directory");
    let files = [&["audit.log"], copies].concat();
    let audit = stinger_audit::to(
        files
            .iter()
            .map(|file| dir.path().join(file))
            .collect::<Vec<_>>(),
    )
    .open()
    .expect("a trail");
    thread::sleep(Duration::from_secs(1));
    let before = cpu_seconds();
    let begun = Instant::now();
    thread::sleep(IDLE_LASTS);
    let share = (cpu_seconds() - before) / begun.elapsed().as_secs_f64();
    audit.close().expect("closed");
    100.0 * share
}

/// What the threads of the process have run, as the scheduler counts it.
fn cpu_seconds() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").expect("this bench needs Linux");
    let nanoseconds = tasks.filter_map(|task| {
        let told = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        told.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// The most memory that was resident, in MB, of a process that records from many threads, large
/// records, and as fast as it can.
fn memory() -> f64 {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(dir.path());
    let words = "What is the capital of France, and how long does the train take? ";
    let (usual, large) = (words.repeat(8), words.repeat(16_000));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for number in 0..20_000 {
                    let conversation = format!("c-{number}");
                    let entry = stinger_audit::emit::prompt(&usual).conversation_id(&conversation);
                    audit.log(entry).expect("recorded");
                }
            });
        }
    });
    for _ in 0..100 {
        audit
            .log(stinger_audit::emit::prompt(&large))
            .expect("recorded");
    }
    audit.close().expect("closed");
    let status = fs::read_to_string("/proc/self/status").expect("this bench needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    // The text that the bench itself holds is not the trail's.
    kilobytes.expect("a number") / 1024.0 - large.len() as f64 / f64::from(1 << 20)
}
