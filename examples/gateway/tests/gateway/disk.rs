//! The gateway whose trail is on a disk that fills up.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::Request;

use crate::evidence::{Evidence, whole};
use crate::load::{Answer, Ask, Client, Got, Sent, load};
use crate::server::{Server, Settings, runtime};
use crate::small_disk::SmallDisk;

const PER_SECOND: u64 = 200;
/// So many that some answers are due in the instant in which the disk is full and nobody has noticed.
const MANY: u64 = 1_000;
/// By then it must work again.
const SOON: Duration = Duration::from_secs(5);

type Clients = std::sync::Arc<[Client]>;

async fn phase(clients: &Clients, name: &str, per_second: u64, seconds: f64) -> Vec<Sent> {
    let span = Duration::from_secs_f64(seconds);
    let ask = |number| Ask {
        leaves: None,
        ..Ask::of(name, number)
    };
    load(clients, per_second, span, ask).await.sent
}

/// A phase of the load in which the disk fills up.
async fn filling(
    clients: &Clients,
    disk: &SmallDisk,
    per_second: u64,
    seconds: f64,
) -> (Vec<Sent>, PathBuf) {
    tokio::join!(phase(clients, "filling", per_second, seconds), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        disk.fill()
    })
}

fn answers(sent: &[Sent]) -> impl Iterator<Item = (&Ask, &Answer)> {
    sent.iter().map(|sent| match &sent.got {
        Got::Answer(answer) => (&sent.ask, answer),
        other => panic!("{other:?} to {:?}", sent.ask),
    })
}

fn is_refusal(answer: &Answer) -> bool {
    let is_refusal = answer.status == 503;
    if is_refusal {
        assert_eq!(answer.headers["retry-after"], "1", "{answer:?}");
        assert_eq!(answer.text, "", "{answer:?}");
    }
    is_refusal
}

fn is_proper(ask: &Ask, answer: &Answer) -> bool {
    answer.is_whole && answer.status == if ask.is_attack { 400 } else { 200 }
}

async fn health(client: &Client) -> u16 {
    let request = Request::get("/health").header("host", "gateway");
    let request = request.body(Default::default()).expect("a request");
    match client.send(request, None).await {
        Got::Answer(answer) => answer.status.as_u16(),
        other => panic!("{other:?}"),
    }
}

/// The trail as it stands in its file, with nothing of the journal.
fn as_written(disk: &SmallDisk) -> Evidence {
    let copy = tempfile::tempdir().expect("a directory");
    for entry in fs::read_dir(disk.path()).expect("readable") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        if name.ends_with(".log") && entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), copy.path().join(name)).expect("copied");
        }
    }
    Evidence::read(&copy.path().join("audit.log"))
}

pub fn refused_until_there_is_room(disk: &SmallDisk) {
    let settings = Settings {
        trail: disk.path().join("audit.log"),
        fail_safe: true,
        buffer: Some(1 << 20),
        ..Settings::default()
    };
    let server = Server::start("audited", &settings);
    let clients = Client::several(20, server.address);
    let (mut sent, came_back) = runtime().block_on(async {
        let mut sent = phase(&clients, "before", PER_SECOND, 1.0).await;
        assert!(answers(&sent).all(|(ask, answer)| is_proper(ask, answer)));
        assert_eq!(health(&clients[0]).await, 200);

        let (while_filling, filler) = filling(&clients, disk, MANY, 1.5).await;
        for (ask, answer) in answers(&while_filling) {
            // A stream that began before the disk was full ends with an error and without its end.
            let is_broken_off = ask.stream
                && !answer.is_whole
                && answer.error.as_deref() == Some("audit_unavailable");
            let is_known = is_proper(ask, answer) || is_refusal(answer) || is_broken_off;
            assert!(is_known, "{answer:?} to {ask:?}");
        }
        let full = phase(&clients, "full", PER_SECOND, 0.5).await;
        assert!(answers(&full).all(|(_, answer)| is_refusal(answer)));
        assert_eq!(health(&clients[0]).await, 503);

        // What has left has its record in the file, not only in memory or in the journal.
        let written = as_written(disk);
        sent.extend(while_filling);
        let left = whole(&sent).filter(|(_, answer)| !is_refusal(answer));
        left.for_each(|(ask, answer)| written.holds(ask, answer));

        fs::remove_file(filler).expect("removed");
        let freed = Instant::now();
        let mut tries = Vec::new();
        while !tries.last().is_some_and(|sent: &Sent| {
            let (ask, answer) = answers(std::slice::from_ref(sent)).next().expect("one");
            is_proper(ask, answer)
        }) {
            assert!(freed.elapsed() < SOON, "{:?}", tries.last());
            let name = format!("try-{}", tries.len());
            tries.extend(phase(&clients, &name, PER_SECOND, 1.5 / PER_SECOND as f64).await);
        }
        let came_back = freed.elapsed();
        let after = phase(&clients, "after", PER_SECOND, 1.0).await;
        assert!(answers(&after).all(|(ask, answer)| is_proper(ask, answer)));
        assert_eq!(health(&clients[0]).await, 200);
        sent.extend(full.into_iter().chain(tries).chain(after));
        (sent, came_back)
    });
    server.stop();
    let evidence = Evidence::read(&settings.trail);
    evidence.belongs_to(&sent);
    for (ask, answer) in whole(&sent).filter(|(_, answer)| !is_refusal(answer)) {
        evidence.holds(ask, answer);
    }
    let refused = answers(&sent).filter(|(_, answer)| is_refusal(answer));
    println!(
        "{} requests, {} refused with 503; service came back {came_back:?} after there was room",
        sent.len(),
        refused.count()
    );
    sent.retain(|sent| matches!(&sent.got, Got::Answer(answer) if answer.error.is_some()));
    for (ask, answer) in answers(&sent).filter(|(_, answer)| answer.status == 200) {
        assert!(evidence.fits(ask, &answer.text).is_some(), "{ask:?}");
    }
    assert!(evidence.has_own("trail_write_failed") && evidence.has_own("trail_write_resumed"));
    assert_eq!(evidence.lost(), 0);
}

pub fn answered_with_a_counted_gap(disk: &SmallDisk) {
    let settings = Settings {
        trail: disk.path().join("audit.log"),
        buffer: Some(64 << 10),
        patience: Some(Duration::from_millis(10)),
        ..Settings::default()
    };
    let server = Server::start("audited", &settings);
    let clients = Client::several(20, server.address);
    let sent = runtime().block_on(async {
        let mut sent = phase(&clients, "before", PER_SECOND, 0.5).await;
        let (while_filling, filler) = filling(&clients, disk, PER_SECOND, 2.5).await;
        assert_eq!(health(&clients[0]).await, 200);
        fs::remove_file(filler).expect("removed");
        sent.extend(while_filling);
        sent.extend(phase(&clients, "after", PER_SECOND, 1.0).await);
        sent
    });
    server.stop();
    let mut missing: BTreeMap<String, i64> = BTreeMap::new();
    for (ask, answer) in answers(&sent) {
        assert!(is_proper(ask, answer), "{answer:?} to {ask:?}");
        let (decisions, end) = match (ask.is_attack, ask.stream) {
            (true, _) => (2, "turn_blocked"),
            (false, false) => (3, "llm_response"),
            // The guardrail of the answer stands in the record of the answer.
            (false, true) => (2, "llm_response"),
        };
        for (event_type, count) in [
            ("user_prompt", 1),
            ("guardrail_decision", decisions),
            (end, 1),
        ] {
            *missing.entry(event_type.to_owned()).or_default() += count;
        }
    }
    let emitted: i64 = missing.values().sum();
    let evidence = Evidence::read(&settings.trail);
    evidence.belongs_to(&sent);
    for record in &evidence.records {
        *missing.entry(record.event_type.to_string()).or_default() -= 1;
    }
    let mut told: BTreeMap<String, i64> = missing.keys().map(|name| (name.clone(), 0)).collect();
    let gaps = evidence.own.iter().filter_map(|own| own.other.get("types"));
    for (event_type, count) in gaps.filter_map(|types| types.as_object()).flatten() {
        *told.entry(event_type.clone()).or_default() += count.as_i64().expect("a count");
    }
    println!(
        "{} requests, all answered; {emitted} records, of which the trail counts {} lost: {told:?}",
        sent.len(),
        evidence.lost()
    );
    assert_eq!(
        told, missing,
        "what is missing is what the trail says is missing"
    );
    assert_eq!(evidence.lost() as i64, told.values().sum::<i64>());
    assert!(evidence.lost() > 0, "the disk was full for long enough");
}
