//! What the trail makes of failures of the disk and of its destinations.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use stinger_audit::Audit;
use stinger_audit::config::Rotation;
use stinger_audit::record::Record;

#[path = "../common/mod.rs"]
mod common;

mod child_process;
mod confirm;
mod full_disk;
mod heartbeat;
mod live_file;
mod recovery;
mod stdout;
mod system_call;

fn open(path: &Path) -> Audit {
    stinger_audit::to(path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .open()
        .expect("a trail")
}

fn log(audit: &Audit, numbers: std::ops::Range<u64>) {
    for number in numbers {
        audit
            .log(stinger_audit::emit::event("e").field("number", number))
            .expect("recorded");
    }
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records
        .iter()
        .filter_map(|record| record.other.get("number")?.as_u64())
        .collect()
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}
