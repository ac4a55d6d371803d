//! What the audit costs the application, beside what a user would pick instead:
//! `tracing_subscriber::fmt().json()` over tracing-appender's non-blocking rolling writer.
//!
//! `cargo bench --bench compare` runs both on the same record, interleaved, and prints a
//! table and lines `RATIO <name> <value>`: ours divided by the peer's. Times are of the
//! calling thread. `sustained` is records per second until they are in the file, so that
//! there more is better.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use stinger_audit::{Audit, TARGET};
use tempfile::TempDir;
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::prelude::*;

const ROUNDS: usize = 9;
const BURST: usize = 1_000;
const PACED: usize = 1_000;
const PACE: Duration = Duration::from_micros(200);
const SUSTAINED: usize = 60_000;

/// Whoever records the events, and how it is made to finish.
struct Contender {
    name: &'static str,
    dispatch: Dispatch,
    dir: TempDir,
    end: End,
    seen: Cell<Seen>,
}

enum End {
    Ours(Audit),
    Fmt(WorkerGuard),
}

fn ours(name: &'static str, redact: bool) -> Contender {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .redact_pii(redact)
        .open()
        .expect("a trail");
    Contender {
        name,
        dispatch: Dispatch::new(tracing_subscriber::registry().with(audit.layer())),
        dir,
        end: End::Ours(audit),
        seen: Cell::default(),
    }
}

fn fmt_json() -> Contender {
    let dir = tempfile::tempdir().expect("a directory");
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("audit")
        .filename_suffix("log")
        .build(dir.path())
        .expect("an appender");
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(appender);
    let layer = tracing_subscriber::fmt::layer().json().with_writer(writer);
    Contender {
        name: "fmt().json() + non_blocking",
        dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)),
        dir,
        end: End::Fmt(guard),
        seen: Cell::default(),
    }
}

impl Contender {
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch, || {
            let _request = info_span!(
                "request",
                user_id = "user-4711",
                session_id = "session-0815"
            )
            .entered();
            let _turn = info_span!(
                "turn",
                conversation_id = "conversation-42",
                request_id = "request-1"
            )
            .entered();
            work()
        })
    }

    /// Waits until `records` records of `emit` are in the files.
    fn wait_for(&self, records: usize) {
        let own = match &self.end {
            // `trail_opened`
            End::Ours(_) => 1,
            End::Fmt(_) => 0,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut seen = self.seen.get();
        loop {
            seen = count_on(self.dir.path(), seen);
            if seen.lines >= records + own {
                break self.seen.set(seen);
            }
            assert!(
                Instant::now() < deadline,
                "{}: {} of {records} records",
                self.name,
                seen.lines
            );
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn finish(self) {
        match self.end {
            End::Ours(audit) => audit.close().expect("closed"),
            End::Fmt(guard) => drop(guard),
        }
    }
}

/// How far the file has been read, and how many lines that was.
#[derive(Clone, Copy, Default)]
struct Seen {
    bytes: u64,
    lines: usize,
}

/// Reads on in the one file of the directory, and counts its lines.
fn count_on(directory: &Path, mut seen: Seen) -> Seen {
    let file = std::fs::read_dir(directory)
        .expect("readable")
        .map(|entry| entry.expect("an entry"))
        .find(|entry| {
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            is_file && entry.file_name().to_string_lossy().ends_with(".log")
        })
        .expect("the file");
    let mut file = File::open(file.path()).expect("readable");
    file.seek(SeekFrom::Start(seen.bytes)).expect("seekable");
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block).expect("readable") {
            0 => return seen,
            count => {
                seen.bytes += count as u64;
                seen.lines += block[..count].iter().filter(|&&byte| byte == b'\n').count();
            }
        }
    }
}

struct Texts {
    prompt: String,
    response: String,
}

/// Twelve fields, 500 characters of prompt and 300 of response.
fn emit(texts: &Texts) {
    info!(
        target: TARGET,
        event_type = "llm_response",
        user_ip = "192.0.2.17",
        user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
        prompt = texts.prompt.as_str(),
        response = texts.response.as_str(),
        filter_name = "prompt_injection",
        decision = "allow",
        confidence = 0.97,
        processing_time_ms = 812.5,
        model_used = "large-model-1",
        tokens_processed = 321_u64,
        turn_number = 3_u64,
    );
}

#[derive(Default)]
struct Figures {
    burst: Vec<f64>,
    paced: Vec<f64>,
    paced_p99: Vec<f64>,
    sustained: Vec<f64>,
}

fn measure(make: impl Fn() -> Contender, texts: &Texts, figures: &mut Figures) -> &'static str {
    let contender = make();
    let name = contender.name;
    contender.run(|| {
        for _ in 0..200 {
            emit(texts);
        }
        contender.wait_for(200);

        let begun = Instant::now();
        for _ in 0..BURST {
            emit(texts);
        }
        figures
            .burst
            .push(begun.elapsed().as_nanos() as f64 / BURST as f64);
        contender.wait_for(200 + BURST);

        let mut times = Vec::with_capacity(PACED);
        let mut next = Instant::now();
        for _ in 0..PACED {
            next += PACE;
            while Instant::now() < next {
                std::hint::spin_loop();
            }
            let begun = Instant::now();
            emit(texts);
            times.push(begun.elapsed().as_nanos() as f64);
        }
        times.sort_by(f64::total_cmp);
        figures.paced.push(times.iter().sum::<f64>() / PACED as f64);
        figures.paced_p99.push(times[PACED * 99 / 100]);
        contender.wait_for(200 + BURST + PACED);

        let begun = Instant::now();
        for _ in 0..SUSTAINED {
            emit(texts);
        }
        contender.wait_for(200 + BURST + PACED + SUSTAINED);
        figures
            .sustained
            .push(SUSTAINED as f64 / begun.elapsed().as_secs_f64());
    });
    contender.finish();
    name
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let words = "The quick brown fox jumps over the lazy dog, and nobody minds. ";
    let texts = Texts {
        prompt: words.repeat(8)[..500].to_owned(),
        response: words.repeat(5)[..300].to_owned(),
    };
    let makers: [&dyn Fn() -> Contender; 3] =
        [&fmt_json, &|| ours("stinger-audit", false), &|| {
            ours("stinger-audit, redacting", true)
        }];
    let mut figures = makers.map(|_| Figures::default());
    let mut names = [""; 3];
    for _ in 0..ROUNDS {
        for (index, make) in makers.iter().enumerate() {
            names[index] = measure(make, &texts, &mut figures[index]);
        }
    }
    println!("medians of {ROUNDS} interleaved rounds; ns on the calling thread\n");
    println!(
        "{:<30} {:>10} {:>10} {:>10} {:>14}",
        "", "burst", "paced", "paced p99", "records/s"
    );
    for (name, figures) in names.iter().zip(&figures) {
        println!(
            "{name:<30} {:>10.0} {:>10.0} {:>10.0} {:>14.0}",
            median(&figures.burst),
            median(&figures.paced),
            median(&figures.paced_p99),
            median(&figures.sustained),
        );
    }
    println!();
    let [peer, plain, redacting] = &figures;
    for (suffix, ours) in [("", plain), ("_redacted", redacting)] {
        let ratio = |name: &str, pick: fn(&Figures) -> &Vec<f64>| {
            println!(
                "RATIO {name}{suffix} {:.3}",
                median(pick(ours)) / median(pick(peer))
            );
        };
        ratio("burst_mean", |figures| &figures.burst);
        ratio("paced_mean", |figures| &figures.paced);
        ratio("paced_p99", |figures| &figures.paced_p99);
        ratio("sustained", |figures| &figures.sustained);
    }
}
