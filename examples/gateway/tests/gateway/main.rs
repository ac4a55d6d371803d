//! The example's gateway as a process of its own, under load, killed, on a full disk, and asked
//! odd things; and what its trail proves afterwards.
//!
//! `STINGER_TEST_LOAD_SECONDS` sets how long the load lasts (default 4), `STINGER_TEST_KILLS` how
//! often the gateway is killed (default 5).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

mod disk;
mod evidence;
#[path = "../../../../tests/common/harness.rs"]
mod harness;
mod load;
mod odd;
mod server;
#[path = "../../../../tests/common/skip.rs"]
mod skip;
#[path = "../../../../tests/common/disk.rs"]
mod small_disk;

use evidence::{Evidence, is_by, left, percentile, whole};
use load::{Ask, Client, Got, Load, Random, Sent};
use server::{Server, Settings};
use small_disk::SmallDisk;

const CLIENTS: u8 = 40;
const PER_SECOND: u64 = 1_000;

fn main() {
    if let Some((_, settings)) = server::role() {
        return server::audited(settings);
    }
    harness::run(harness::named![
        every_request_of_a_load_has_its_whole_turn,
        no_answer_outlives_the_gateway_that_its_record_did_not,
        under_fail_safe_a_full_disk_refuses_requests_until_there_is_room,
        without_fail_safe_a_full_disk_costs_a_counted_gap_and_no_answer,
        odd::only_a_trusted_proxy_says_where_a_request_comes_from,
        odd::headers_of_any_size_leave_the_gateway_working,
        odd::what_never_becomes_a_turn_is_recorded_and_equal_ids_are_told_apart,
        odd::tool_calls_their_results_refusals_and_images_are_in_the_trail,
    ])
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}

fn every_request_of_a_load_has_its_whole_turn() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        trail: dir.path().join("audit.log"),
        fail_safe: true,
        ledger: Some(dir.path().join("ledger")),
        ..Settings::default()
    };
    let server = Server::start("audited", &settings);
    let clients = Client::several(CLIENTS, server.address);
    let span = Duration::from_secs(number("STINGER_TEST_LOAD_SECONDS", 4));
    let runtime = server::runtime();
    let Load { sent, achieved } =
        runtime.block_on(load::load(&clients, PER_SECOND, span, |number| {
            Ask::of("load", number)
        }));
    server.stop();
    println!(
        "{} requests, {achieved:.0} a second of the {PER_SECOND} wanted",
        sent.len()
    );
    tell_latency(&sent);

    let evidence = Evidence::read(&settings.trail);
    evidence.belongs_to(&sent);
    let mut whole_answers = 0;
    for (ask, answer) in whole(&sent) {
        evidence.holds(ask, answer);
        whole_answers += 1;
    }
    let reached = std::fs::read_to_string(dir.path().join("ledger")).expect("a ledger");
    let reached: HashSet<&str> = reached.lines().collect();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut given_up = 0;
    for (ask, got) in left(&sent) {
        given_up += 1;
        let outcome = match evidence.fits(ask, got) {
            Some(outcome) => format!("{outcome:?}"),
            None if evidence.is_told_as_cancelled(ask) => "cancelled before its turn".to_owned(),
            None => {
                assert!(!reached.contains(&*ask.id), "{ask:?} left no trace");
                "never seen by the gateway".to_owned()
            }
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{whole_answers} answered; {given_up} given up by their clients: {outcomes:?}");
    assert_eq!(whole_answers + given_up, sent.len(), "nothing broke");
    for sent in &sent {
        if let Some(turn) = evidence.turn(&sent.ask) {
            is_by(turn, &clients[sent.ask.client % clients.len()]);
        }
    }
    assert_eq!((evidence.torn, evidence.lost()), (0, 0));
}

fn tell_latency(sent: &[Sent]) {
    let mut took: Vec<f64> = sent
        .iter()
        .filter(|sent| matches!(&sent.got, Got::Answer(answer) if answer.status == 200))
        .map(|sent| sent.took.as_secs_f64() * 1e3)
        .collect();
    took.sort_by(f64::total_cmp);
    println!(
        "answers took p50 {:.1} ms, p99 {:.1} ms; the model itself takes 80 ms and 2 ms a word",
        percentile(&took, 50),
        percentile(&took, 99)
    );
}

fn no_answer_outlives_the_gateway_that_its_record_did_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        trail: dir.path().join("audit.log"),
        fail_safe: true,
        ..Settings::default()
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    println!("seed {:#x}", random.0);
    let kills = number("STINGER_TEST_KILLS", 5);
    let runtime = server::runtime();
    let mut sent = Vec::new();
    for life in 0..kills {
        let server = Server::start("audited", &settings);
        let clients = Client::several(CLIENTS, server.address);
        let lives = Duration::from_micros(random.below(1_500_000));
        sent.extend(runtime.block_on(async {
            let load = load::load(&clients, PER_SECOND, lives, |number| {
                Ask::of(&format!("life-{life}"), number)
            });
            let (load, ()) = tokio::join!(load, async {
                tokio::time::sleep(lives).await;
                server.kill();
            });
            load.sent
        }));
    }
    // The last one puts in order what the killed ones left.
    Server::start("audited", &settings).stop();

    let evidence = Evidence::read(&settings.trail);
    evidence.belongs_to(&sent);
    let mut held = 0;
    for (ask, answer) in whole(&sent) {
        evidence.holds(ask, answer);
        held += 1;
    }
    let broken = sent
        .iter()
        .filter(|sent| matches!(sent.got, Got::Broken(_)))
        .count();
    let unended = sent
        .iter()
        .filter_map(|sent| evidence.turn(&sent.ask))
        .filter(|turn| turn.outcome().is_none())
        .count();
    println!(
        "{kills} kills, {} requests: {held} whole answers, all in the trail; {broken} broken off, {unended} turns without an end, {} torn lines",
        sent.len(),
        evidence.torn
    );
    assert!(held > 0 && broken > 0, "the kills came under load");
    assert_eq!(evidence.lost(), 0);
}

fn under_fail_safe_a_full_disk_refuses_requests_until_there_is_room() {
    with_small_disk(disk::refused_until_there_is_room);
}

fn without_fail_safe_a_full_disk_costs_a_counted_gap_and_no_answer() {
    with_small_disk(disk::answered_with_a_counted_gap);
}

fn with_small_disk(test: fn(&SmallDisk)) {
    if let Some(disk) = SmallDisk::mount("8m") {
        test(&disk);
    }
}
