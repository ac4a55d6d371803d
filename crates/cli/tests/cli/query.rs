//! `query` and the command `tag`.

use std::fs;

use stinger_audit::read::{Query, Trail};

use crate::fixtures::golden;
use crate::process::{run, stderr, stdout};

#[test]
fn json_is_the_line_byte_for_byte_and_the_library_selects_the_same() {
    let trail = Trail::open(golden().join("audit.log")).expect("a trail");
    let lines: Vec<String> = ["10", "11"]
        .iter()
        .map(|hour| golden().join(format!("audit.2026-11-24-{hour}.log")))
        .flat_map(|path| {
            fs::read_to_string(path)
                .expect("readable")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let since = "2026-11-24T10:27:00Z".parse().expect("a time");
    let until = "2026-11-24T11:06:30Z".parse().expect("a time");
    for (arguments, query) in [
        (&[][..], Query::new()),
        (&["--user", "u-8"], Query::new().user_id("u-8")),
        (
            &["--user", "u-7", "--user", "u-8"],
            Query::new().user_id("u-7").user_id("u-8"),
        ),
        (
            &["--conversation", "c-42", "--decision", "BLOCK"],
            Query::new().conversation_id("c-42").decision("block"),
        ),
        (
            &["--filter", "prompt_injection", "--decision", "warn"],
            Query::new()
                .filter_name("prompt_injection")
                .decision("warn"),
        ),
        (
            &["--event", "llm_response", "--model", "small-1"],
            Query::new()
                .event_type("llm_response")
                .model_used("small-1"),
        ),
        (&["--text", "ÜBER"], Query::new().text("über")),
        (
            &["--tag", "[EMAIL:k1:9GZ4M2QX7R1B]"],
            Query::new().tag("EMAIL:k1:9GZ4M2QX7R1B"),
        ),
        (
            &["--tag", "k1:9gz4m2qx7r1b"],
            Query::new().tag("[EMAIL:k1:9GZ4M2QX7R1B]"),
        ),
        (
            &["--tag", "PHONE:k1:9GZ4M2QX7R1B"],
            Query::new().tag("PHONE:k1:9GZ4M2QX7R1B"),
        ),
        (
            &[
                "--since",
                "2026-11-24T10:27:00Z",
                "--until",
                "2026-11-24 11:06:30",
            ],
            Query::new().since(since).until(until),
        ),
        (&["--session", "nobody"], Query::new().session_id("nobody")),
    ] {
        let expected: Vec<u64> = trail
            .query(query)
            .flatten()
            .map(|record| record.seq)
            .collect();
        let output = run(
            &golden(),
            &[&["query", "audit.log", "--json"], arguments].concat(),
        );
        let printed = stdout(&output);
        let found: Vec<u64> = printed
            .lines()
            .map(|line| {
                assert!(lines.iter().any(|known| known == line), "{line}");
                let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
                record["seq"].as_u64().expect("a seq")
            })
            .collect();
        assert_eq!(found, expected, "{arguments:?}");
        let reversed = run(
            &golden(),
            &[&["query", "audit.log", "--json", "--reverse"], arguments].concat(),
        );
        let mut reversed: Vec<String> = stdout(&reversed).lines().map(str::to_owned).collect();
        reversed.reverse();
        assert_eq!(
            reversed,
            printed.lines().collect::<Vec<_>>(),
            "{arguments:?}"
        );
    }
}

#[test]
fn reverse_prints_the_newest_records_first() {
    let output = run(
        &golden(),
        &["query", "audit.log", "--reverse", "--limit", "2", "--json"],
    );
    let printed = stdout(&output);
    assert!(
        printed.starts_with("{\"seq\":22,") && printed.contains("\n{\"seq\":21,"),
        "{printed}"
    );
    // A line longer than a block, and one that is not ended.
    let dir = tempfile::tempdir().expect("a directory");
    let line = |seq: u64, pad: usize| {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\",\"pad\":\"{}\"}}\n",
            "x".repeat(pad)
        )
    };
    let text = [line(0, 10), line(1, 2 << 20), line(2, 10)].concat() + line(3, 5).trim_end();
    fs::write(dir.path().join("audit.log"), text).expect("written");
    let printed = stdout(&run(
        dir.path(),
        &["query", "audit.log", "--reverse", "--json"],
    ));
    let seqs: Vec<&str> = printed.lines().map(|line| &line[..8]).collect();
    assert_eq!(
        seqs,
        ["{\"seq\":2", "{\"seq\":1", "{\"seq\":0"],
        "what is being written has no end yet"
    );
}

#[test]
fn a_query_keeps_its_bounds_reports_bad_lines_and_truncates_no_text() {
    // The start is in the range, the end is not.
    let output = run(
        &golden(),
        &[
            "query",
            "audit.log",
            "--json",
            "--since",
            "2026-11-24T10:27:30Z",
            "--until",
            "2026-11-24T10:28:00Z",
        ],
    );
    assert_eq!(stdout(&output).lines().count(), 3);
    // A bad line does not empty the result, and is told.
    assert!(
        stderr(&output).contains("line 15, byte"),
        "{}",
        stderr(&output)
    );
    // No text is cut, and no formula gets through.
    let csv = stdout(&run(
        &golden(),
        &["export", "audit.log", "--conversation", "c-42"],
    ));
    assert!(csv.contains("on an ordinary day in spring?"), "{csv}");
    assert!(csv.contains("'=cmd|' /C calc'!A0"), "{csv}");
    // Blocked prompts are there.
    let blocked = stdout(&run(
        &golden(),
        &["query", "audit.log", "--decision", "block", "--json"],
    ));
    assert_eq!(blocked.lines().count(), 2);
}

#[test]
fn tag_finds_the_records_of_a_known_value() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .redact_pii(true)
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::emit::prompt("I am Ann@Example.com").user_id("u-7"))
        .expect("recorded");
    audit
        .log(stinger_audit::emit::prompt("I am nobody"))
        .expect("recorded");
    audit.close().expect("closed");
    let tags = stdout(&run(dir.path(), &["tag", "ann@example.com", "audit.log"]));
    let tag = tags.lines().next().expect("a tag");
    assert!(tag.starts_with("[EMAIL:k1:"), "{tags}");
    let found = stdout(&run(
        dir.path(),
        &["query", "audit.log", "--tag", tag, "--json"],
    ));
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.contains("\"user_id\":\"u-7\""));
}

#[test]
fn an_address_is_found_in_whatever_spelling() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .open()
        .expect("a trail");
    for address in [
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "2001:DB8:0::1",
        "no address",
    ] {
        let entry = stinger_audit::emit::event("e").user_ip(address);
        audit.log(entry).expect("recorded");
    }
    audit.close().expect("closed");
    for (typed, count) in [
        ("192.0.2.1", 2),
        ("::FFFF:192.0.2.1", 2),
        ("::ffff:c000:201", 2),
        ("2001:db8::1", 1),
        ("2001:0db8::0001", 1),
        ("192.0.2.2", 0),
        ("no address", 1),
    ] {
        let found = run(dir.path(), &["query", "audit.log", "--ip", typed, "--json"]);
        assert_eq!(stdout(&found).lines().count(), count, "{typed}");
    }
}
