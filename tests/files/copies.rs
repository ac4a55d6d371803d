//! Further destinations.

use super::*;

#[test]
fn a_copy_gets_every_line_and_a_hung_one_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let (trail, copy) = (dir.path().join("audit.log"), dir.path().join("copy.log"));
    let fifo = dir.path().join("fifo");
    let mut destinations = vec![trail.clone(), copy.clone()];
    // Without a FIFO no destination hangs; the rest holds all the same.
    if common::make_fifo(&fifo) {
        destinations.push(fifo);
    }
    let audit = stinger_audit::to(destinations)
        .redact_pii(false)
        .open()
        .expect("a trail");
    let begun = std::time::Instant::now();
    for number in 0..2_000 {
        log(&audit, &format!("prompt {number}"));
    }
    audit.flush().expect("written");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "held up: {:?}",
        begun.elapsed()
    );
    audit.close().expect("closed");
    let read = |path: &Path| fs::read_to_string(path).expect("readable");
    assert_eq!(unsealed(&trail).len(), 2_002);
    assert_eq!(read(&trail), read(&copy));
}

#[test]
fn a_copy_that_catches_up_again_and_again_gets_every_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let (trail, copy) = (dir.path().join("audit.log"), dir.path().join("copy.log"));
    let audit = stinger_audit::to([&trail, &copy])
        .redact_pii(false)
        .open()
        .expect("a trail");
    let long = "x".repeat(3_000);
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    for _ in 0..10 {
        (0..150).for_each(|_| log(&audit, &long));
        audit.flush().expect("written");
        let begun = std::time::Instant::now();
        while length(&copy) < length(&trail) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it catches up");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    audit.close().expect("closed");
    let read = |path: &Path| fs::read_to_string(path).expect("readable");
    assert_eq!(read(&trail), read(&copy));
}

#[test]
fn a_copy_that_is_too_slow_is_named_in_the_trail() {
    let dir = tempfile::tempdir().expect("a directory");
    let (trail, fifo) = (dir.path().join("audit.log"), dir.path().join("fifo"));
    if !common::make_fifo(&fifo) {
        return;
    }
    let audit = stinger_audit::to([&trail, &fifo])
        .redact_pii(false)
        .buffer_capacity(64 << 10)
        .open()
        .expect("a trail");
    let long = "x".repeat(20_000);
    for _ in 0..20 {
        log(&audit, &long);
        audit.flush().expect("written");
    }
    assert!(audit.status().copies[0].missed > 0, "{:?}", audit.status());
    // Somebody reads: the copy takes lines again, and the trail says what it missed.
    let reader = std::thread::spawn(move || fs::read_to_string(fifo));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !types(&trail).contains(&"trail_copy_gap".to_owned()) {
        assert!(std::time::Instant::now() < deadline, "no trail_copy_gap");
        log(&audit, "p");
        audit.flush().expect("written");
        std::thread::sleep(Duration::from_millis(5));
    }
    audit.close().expect("closed");
    let copied = reader
        .join()
        .expect("no panic")
        .expect("read")
        .lines()
        .count() as u64;
    let gap = all_records(&trail)
        .into_iter()
        .find(|record| record.event_type.as_str() == "trail_copy_gap")
        .expect("a gap");
    let missed = gap.other["missed"].as_u64().expect("a number");
    assert_eq!(copied + missed, all_records(&trail).len() as u64);
}
