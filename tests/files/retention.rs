//! Which files retention removes, and when.

use super::*;

#[test]
fn retention_goes_by_exact_names_and_says_what_it_removes() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open_without_seals(&path, Rotation::DAILY);
    log(&audit, "oldest");
    audit.close().expect("closed");
    let live = fs::read_link(&path).expect("a link");
    // Three files of the past, made of the first one's records.
    for date in ["2020-01-01", "2020-01-02", "2020-01-03"] {
        let old = fs::read_to_string(dir.path().join(&live)).expect("readable");
        fs::write(dir.path().join(format!("audit.{date}.log")), old).expect("written");
    }
    fs::remove_file(dir.path().join(&live)).expect("removed");
    let neighbours = [
        "audit-key.pem",
        "audit.2020-01-01.log.gz",
        "audit.log.bak",
        "audit2.2020-01-01.log",
    ];
    for neighbour in neighbours {
        fs::write(dir.path().join(neighbour), "keep me").expect("written");
    }

    let audit = stinger_audit::to(&path)
        .retention(Retention::files(2))
        .sealing(false)
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    let left = names(dir.path());
    for neighbour in neighbours {
        assert!(
            left.contains(&neighbour.to_owned()),
            "{neighbour} is gone: {left:?}"
        );
    }
    assert_eq!(
        left.iter()
            .filter(|name| name.starts_with("audit.2020"))
            .count(),
        2,
        "{left:?}"
    );
    let pruned: Vec<_> = Trail::open(&path)
        .expect("a trail")
        .records()
        .filter_map(Result::ok)
        .filter(|record| record.event_type.as_str() == "trail_pruned")
        .collect();
    assert_eq!(pruned.len(), 1);
    let files = pruned[0].other["files"].as_array().expect("a list");
    assert_eq!(files.len(), 2);
    assert_eq!(files[0]["file"], "audit.2020-01-01.log");
    assert_eq!(
        (&files[0]["first_seq"], &files[0]["last_seq"]),
        (&0.into(), &2.into())
    );
}

#[test]
fn retention_by_days_goes_by_the_last_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let ago = |days| (chrono::Utc::now() - chrono::Duration::days(days)).to_rfc3339();
    fs::write(
        dir.path().join("audit.2020-01-01.log"),
        line_of(0, &ago(40)),
    )
    .expect("written");
    fs::write(
        dir.path().join("audit.2020-01-02.log"),
        line_of(1, &ago(20)),
    )
    .expect("written");
    let audit = stinger_audit::to(&path)
        .retention(Retention::days(30))
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    let left = names(dir.path());
    assert!(!left.contains(&"audit.2020-01-01.log".to_owned()));
    assert!(left.contains(&"audit.2020-01-02.log".to_owned()));
}

#[test]
fn retention_waits_until_what_the_writer_before_left_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    for rotation in [Rotation::NEVER, Rotation::DAILY] {
        let audit = open(&path, rotation);
        log(&audit, "hello");
        audit.close().expect("closed");
    }
    let live = dir.path().join(fs::read_link(&path).expect("a link"));
    let mut text = fs::read(&live).expect("readable");
    text.extend_from_slice(b"{\"seq\":99,\"timest");
    fs::write(&live, text).expect("written");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .retention(Retention::files(1))
        .open()
        .expect("a trail");
    // Not before it is removed, and whoever verifies meanwhile is told no lie.
    let trail = Trail::open(&path).expect("a trail");
    let types = || -> Vec<String> {
        let records = trail.records().filter_map(Result::ok);
        records
            .map(|record| record.event_type.to_string())
            .collect()
    };
    let begun = std::time::Instant::now();
    while !types().contains(&"trail_pruned".to_owned()) {
        assert!(begun.elapsed() < Duration::from_secs(30));
        let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
        assert!(verified.is_intact(), "{verified:#?}");
    }
    audit.close().expect("closed");
    let types = types();
    let place = |of: &str| types.iter().position(|known| known == of).expect("there");
    assert!(
        place("trail_recovered") < place("trail_pruned"),
        "{types:?}"
    );
    let verified = trail.verify(&VerifyOptions::new()).expect("sealed");
    assert!(verified.is_intact(), "{verified:#?}");
}

#[test]
fn retention_waits_for_a_pause_but_not_for_ever() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let old = dir.path().join("audit.2020-01-01.log");
    let line = "{\"seq\":0,\"timestamp\":\"2020-01-01T00:00:00Z\",\"event_type\":\"e\"}\n";
    fs::write(&old, line).expect("written");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .retention(Retention::files(1))
        .open()
        .expect("a trail");
    let begun = std::time::Instant::now();
    while old.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        log(&audit, "there is no pause");
        audit.flush().expect("written");
    }
    audit.close().expect("closed");
}

#[test]
fn retention_keeps_what_a_wrong_clock_dated_before_what_is_older() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let now = chrono::Utc::now().to_rfc3339();
    let [oldest, first, second] = [
        ("audit.2019-12-31.log", line_of(0, "2019-12-31T00:00:00Z")),
        ("audit.2026-11-01.log", line_of(1, &now)),
        ("audit.2020-01-01.log", line_of(2, "2020-01-01T00:00:00Z")),
    ]
    .map(|(name, line)| {
        let path = dir.path().join(name);
        fs::write(&path, line).expect("written");
        path
    });
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .retention(Retention::days(90))
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    assert!(!oldest.exists(), "retention ran");
    assert!(first.exists() && second.exists());
    let pruned: Vec<_> = all_records(&path)
        .into_iter()
        .filter(|record| record.event_type.as_str() == "trail_pruned")
        .map(|record| record.other["files"][0]["file"].clone())
        .collect();
    assert_eq!(pruned, ["audit.2019-12-31.log"]);
}
