//! What an audit record costs the application, beside what a user would pick instead.
//!
//! `cargo bench --bench compare` gives every contender of [`rivals`] the same record of twelve
//! fields and four that say whom it is about, in interleaved rounds, and prints the medians as
//! tables for people and as lines `RATIO <name> <value>` for programs: ours, or a rival, divided
//! by `tracing_subscriber::fmt().json()` over tracing-appender's non-blocking rolling writer.
//! Less is better, but for `sustained`, which is records per second.
//!
//! Nobody may lose records: the lines are counted in each round, and a wrong count panics.
//!
//! `STINGER_BENCH_ROUNDS` sets the number of rounds, `STINGER_BENCH_ONLY` names the contenders
//! (parts of names, separated by commas; the peer runs in any case).

#![warn(clippy::all)]

mod check;
mod cpu;
mod measure;
mod report;
mod rivals;
mod settings;
mod trail;

use std::io::{IsTerminal as _, Write as _};

use measure::Round;
use report::Row;
use rivals::{Candidate, Texts};
use settings::Settings;

fn main() {
    let settings = Settings::from_environment();
    let candidates: Vec<&Candidate> = rivals::ALL
        .iter()
        .copied()
        .filter(|candidate| settings.wants(candidate))
        .collect();
    let texts = Texts::sample();
    for candidate in &candidates {
        check::writes_the_record(candidate, &texts);
    }
    let rounds = interleaved(&candidates, &texts, settings.rounds);
    let rows: Vec<Row> = candidates
        .iter()
        .zip(&rounds)
        .map(|(candidate, rounds)| Row::new(candidate, rounds))
        .collect();
    report::print(&rows, settings.rounds);
}

/// The rounds of each candidate. Every round begins with another one, so that nobody always
/// follows the same neighbour's writeback.
fn interleaved(candidates: &[&Candidate], texts: &Texts, rounds: usize) -> Vec<Vec<Round>> {
    let mut measured: Vec<Vec<Round>> = candidates.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for turn in 0..candidates.len() {
            let index = (round + turn) % candidates.len();
            let candidate = candidates[index];
            show_progress(&format!(
                "round {} of {rounds}: {}",
                round + 1,
                candidate.name
            ));
            measured[index].push(measure::round(candidate, texts));
        }
    }
    show_progress("");
    measured
}

fn show_progress(text: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Whether the progress can be shown changes no figure.
        let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
    }
}
