//! That a record costs what it holds, and that nothing else makes it dearer: not the length of its text, not
//! its other fields, not other threads, not the records before it.
//!
//! `cargo bench --bench growth` prints five tables: by bytes of text, by fields, by threads that record at the same
//! time, by the size of a trail that is opened, in order or behind a process that was killed, and by the number of its
//! files. Redaction and sealing are on. All in interleaved rounds, medians. `cargo bench --bench growth -- files` prints
//! one of them: `size`, `fields`, `threads`, `trail` or `files`.
//!
//! - `RATIO per_byte_1mb_vs_10kb`, `RATIO cpu_per_byte_1mb_vs_10kb`: a byte in a text of 1 MB over one in a text of
//!   10 KB, on the calling thread and in CPU of all threads;
//! - `RATIO per_field_64_vs_8`: a field of an event with 64 over one of an event with 8;
//! - `RATIO per_event_2_threads_vs_1`, `RATIO per_event_64_threads_vs_2`: CPU of the calling threads per event;
//! - `RATIO open_100gb_vs_1000_records`, `RATIO recover_100gb_vs_1000_records`, and the same `_vs_100mb`: the time
//!   that opening takes. It reads the last 4 MB, which 1,000 records do not fill;
//! - `RATIO open_5000_files_vs_10`, `RATIO roll_5000_files_vs_10`, `RATIO tail_5000_files_vs_10`,
//!   `RATIO last_hour_5000_files_vs_10`: a trail of 5,000 files over one of 10. Opening; two records that are confirmed
//!   one after the other when a file has to begin; the CPU that a follower takes; and a query for the last hour.

use std::path::{Path, PathBuf};

use stinger_audit::Audit;
use stinger_audit::config::Rotation;

#[path = "growth/cpu.rs"]
mod cpu;
#[path = "growth/events.rs"]
mod events;
#[path = "growth/files.rs"]
mod files;
#[path = "growth/trail.rs"]
mod trail;

/// The name of each trail.
const NAME: &str = "audit.log";

/// Bytes of text in an event, where its size is not what is measured.
const EVENT_BYTES: usize = 500;

fn main() {
    if let Some(directory) = std::env::var_os(trail::KILLED_IN) {
        return trail::write_to_be_killed(Path::new(&directory));
    }
    let tables: [(&str, fn()); 5] = [
        ("size", events::by_size),
        ("fields", events::by_fields),
        ("threads", events::by_threads),
        ("trail", trail::by_trail),
        ("files", files::by_files),
    ];
    // Cargo says `--bench` to every bench.
    let asked: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    for (name, table) in tables {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            table();
            println!();
        }
    }
}

fn file_of(directory: &Path) -> PathBuf {
    directory.join(NAME)
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
