//! What an event costs: by bytes of text, by fields, and by threads that record at the same time.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use stinger_audit::{Audit, TARGET};
use tempfile::TempDir;
use tracing::{Dispatch, dispatcher, info};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{EVENT_BYTES, cpu, interleaved, median, open, text};

const ROUNDS: usize = 61;

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
        assert_eq!(self.audit.status().records.lost, 0);
        self.audit.close().expect("the trail closes");
    }
}

/// So many bytes of text in a burst: less than the buffer holds.
const BURST_BYTES: usize = 2_000_000;

pub(crate) fn by_size() {
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

pub(crate) fn by_fields() {
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
    let entry = names
        .iter()
        .fold(stinger_audit::emit::event("e"), |entry, name| {
            entry.field(name.as_str(), "twenty bytes of text")
        });
    entry.log().expect("recorded");
}

/// So many events in a burst, from however many threads: less than the buffer holds.
const BURST_EVENTS: usize = 8_192;
/// Events of each thread before it is measured.
const WARM_UP: usize = 20;

pub(crate) fn by_threads() {
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
