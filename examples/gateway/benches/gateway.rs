//! What the audit trail costs the clients of a gateway.
//!
//! `cargo bench --bench gateway` runs the example's gateway (fail-safe, redaction on, its trail on the
//! disk of the target directory) and the same gateway without any audit code, each a process of its own,
//! under the same open-loop load in interleaved rounds. Latency is that of each answered request,
//! from the moment at which it was due. `RATIO <name> <value>` is audited over bare, of the medians
//! over the rounds.
//!
//! `STINGER_BENCH_ROUNDS` and `STINGER_BENCH_SECONDS` set how many rounds there are, and how long.

use std::time::Duration;

#[path = "gateway/bare.rs"]
mod bare;
#[path = "../tests/gateway/load.rs"]
mod load;
#[path = "../tests/gateway/server.rs"]
mod server;
use load::{Ask, Client, Got, Load};
use server::{Server, Settings};

const PER_SECOND: u64 = 1_000;
const CLIENTS: u8 = 40;

fn main() {
    match server::role() {
        Some((role, settings)) if role == "audited" => server::audited(settings),
        Some(_) => bare::serve(),
        None => compare(),
    }
}

/// Figures of one round, or their medians; times in microseconds.
#[derive(Default)]
struct Figures {
    p50: Vec<f64>,
    p90: Vec<f64>,
    p99: Vec<f64>,
    mean: Vec<f64>,
    /// Of requests that a guardrail refuses before the model is asked.
    refused_p50: Vec<f64>,
    achieved: Vec<f64>,
    errors: usize,
}

impl Figures {
    fn add(&mut self, load: &Load) {
        let (mut took, mut refused) = (Vec::new(), Vec::new());
        for sent in &load.sent {
            let microseconds = sent.took.as_secs_f64() * 1e6;
            let expected = if sent.ask.is_attack { 400 } else { 200 };
            match &sent.got {
                Got::Answer(answer) if answer.is_whole && answer.status == expected => {
                    took.push(microseconds);
                    if sent.ask.is_attack {
                        refused.push(microseconds);
                    }
                }
                Got::Left(_) => {}
                Got::Answer(_) | Got::Broken(_) => self.errors += 1,
            }
        }
        self.mean.push(took.iter().sum::<f64>() / took.len() as f64);
        self.p50.push(percentile(&mut took, 50));
        self.p90.push(percentile(&mut took, 90));
        self.p99.push(percentile(&mut took, 99));
        self.refused_p50.push(percentile(&mut refused, 50));
        self.achieved.push(load.achieved);
    }

    fn row(&self, name: &str) {
        let [p50, p90, p99, mean, refused, achieved] = [
            &self.p50,
            &self.p90,
            &self.p99,
            &self.mean,
            &self.refused_p50,
            &self.achieved,
        ]
        .map(|values| median(values));
        println!(
            "{name:<20}{p50:>10.0}{p90:>10.0}{p99:>10.0}{mean:>10.0}{refused:>14.0}{achieved:>10.0}{:>8}",
            self.errors
        );
    }
}

fn compare() {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |value| value.parse().expect("a number"))
    };
    let rounds = number("STINGER_BENCH_ROUNDS", 10);
    let span = Duration::from_secs(number("STINGER_BENCH_SECONDS", 4));
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let settings = Settings {
        trail: dir.path().join("audit.log"),
        fail_safe: true,
        ..Settings::default()
    };
    let servers = ["bare", "audited"].map(|role| Server::start(role, &settings));
    let clients = servers
        .each_ref()
        .map(|server| Client::several(CLIENTS, server.address));
    let mut figures = [Figures::default(), Figures::default()];
    let runtime = server::runtime();
    // The first round warms up: connections, caches, the clock of the processor.
    for round in 0..=rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            let ask = |number| Ask::of(&format!("round-{round}"), number);
            let load = load::load(&clients[which], PER_SECOND, span, ask);
            let load = runtime.block_on(load);
            if round > 0 {
                figures[which].add(&load);
            }
        }
    }
    servers.into_iter().for_each(Server::stop);

    let model = gateway::model::StandIn::default();
    println!(
        "{PER_SECOND} requests/s from {CLIENTS} clients, {rounds} rounds of {} s each; a fifth streamed, a fifth refused, a twentieth given up",
        span.as_secs()
    );
    println!(
        "the stand-in for the model takes {} ms to its first piece and {} ms a piece",
        model.first.as_millis(),
        model.between.as_millis()
    );
    println!(
        "{:<20}{:>10}{:>10}{:>10}{:>10}{:>14}{:>10}{:>8}",
        "µs", "p50", "p90", "p99", "mean", "refused p50", "per s", "errors"
    );
    let [bare, audited] = &figures;
    bare.row("without audit");
    audited.row("audited, fail-safe");
    let difference = |of: fn(&Figures) -> &[f64]| median(of(audited)) - median(of(bare));
    println!(
        "difference: p50 {:+.0} µs, p90 {:+.0} µs, p99 {:+.0} µs, mean {:+.0} µs, refused p50 {:+.0} µs",
        difference(|figures| &figures.p50),
        difference(|figures| &figures.p90),
        difference(|figures| &figures.p99),
        difference(|figures| &figures.mean),
        difference(|figures| &figures.refused_p50),
    );
    let ratio = |of: fn(&Figures) -> &[f64]| median(of(audited)) / median(of(bare));
    println!("RATIO gateway_p50 {:.3}", ratio(|figures| &figures.p50));
    println!("RATIO gateway_p99 {:.3}", ratio(|figures| &figures.p99));
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() * percent / 100]
}

fn median(values: &[f64]) -> f64 {
    percentile(&mut values.to_vec(), 50)
}
