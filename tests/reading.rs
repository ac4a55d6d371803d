//! Reading a trail back: queries, conversations, exports, damage.

use std::fs;
use std::path::PathBuf;

use chrono::{Duration, Utc};
use stinger_audit::error::trail::{ErrorKind, Unreadable};
use stinger_audit::read::{FindingKind, Outcome, Query, Trail};
use stinger_audit::record::Record;
use tempfile::TempDir;

mod common;
use common::Bench;

/// A trail in one file, of these lines.
fn trail_of(lines: &[u8]) -> (TempDir, PathBuf, Trail) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    fs::write(&path, lines).expect("written");
    let trail = Trail::open(&path).expect("a trail");
    (dir, path, trail)
}

fn line(seq: u64, rest: &str) -> String {
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"2026-11-23T10:00:0{seq}Z\",\"event_type\":\"e\"{rest}}}\n"
    )
}

fn seqs(records: impl Iterator<Item = stinger_audit::error::trail::Result<Record>>) -> Vec<u64> {
    records
        .filter_map(Result::ok)
        .map(|record| record.seq)
        .collect()
}

#[test]
fn damage_is_reported_with_its_place_and_the_rest_is_returned() {
    let (first, second, third) = (line(0, ""), line(1, ""), line(2, ""));
    let lines = [
        first.as_bytes(),
        b"a foreign line\n",
        second.as_bytes(),
        b"{\"seq\":9,\"timestamp\":\"2026\n",
        b"{\"level\":\"INFO\"}\n",
        b"\xff\xfe\n",
        b"\n",
        third.as_bytes(),
        b"{\"seq\":3",
    ]
    .concat();
    let (_dir, path, trail) = trail_of(&lines);
    let (read, damage): (Vec<_>, Vec<_>) = trail.records().partition(Result::is_ok);
    assert_eq!(seqs(read.into_iter()), [0, 1, 2]);
    let mut found = Vec::new();
    for error in damage.iter().filter_map(|item| item.as_ref().err()) {
        let position = error.position().expect("a position");
        assert_eq!(position.file, path);
        let begins = &lines[position.byte as usize..];
        assert!(position.byte == 0 || lines[position.byte as usize - 1] == b'\n');
        let ErrorKind::Unreadable { reason, length, .. } = error.kind() else {
            panic!("{error}");
        };
        let end = begins
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(begins.len());
        assert_eq!(*length, end as u64, "{error}");
        found.push((position.line, std::mem::discriminant(reason)));
    }
    let foreign = std::mem::discriminant(&Unreadable::Foreign { why: String::new() });
    let torn = std::mem::discriminant(&Unreadable::Torn);
    let unfinished = std::mem::discriminant(&Unreadable::Unfinished);
    assert_eq!(
        found,
        [
            (2, foreign),
            (4, torn),
            (5, foreign),
            (6, foreign),
            (7, foreign),
            (9, unfinished)
        ]
    );
}

#[test]
fn a_line_with_a_key_twice_or_of_another_format_is_a_finding_with_that_reason() {
    let opened = |seq, format| {
        line(seq, &format!(",\"format\":{format}")).replace("\"e\"", "\"trail_opened\"")
    };
    let lines = [
        opened(0, 1),
        line(1, ",\"user_id\":\"a\",\"x\":1,\"user_id\":\"b\""),
        line(2, ",\"x\":1,\"x\":1"),
        line(
            3,
            ",\"guardrail_decisions\":[{\"decision\":\"allow\",\"decision\":\"block\"}]",
        ),
        opened(4, 2),
        line(5, ""),
    ]
    .concat();
    let (_dir, _path, trail) = trail_of(lines.as_bytes());
    assert_eq!(seqs(trail.records()), [0, 5]);
    let errors = trail.records().filter_map(Result::err);
    let reasons: Vec<_> = errors
        .map(|error| match error.kind() {
            ErrorKind::Unreadable { reason, .. } => reason.to_string(),
            _ => panic!("{error}"),
        })
        .collect();
    let twice = "not a record of the trail: a key occurs twice";
    let other = "written by format 2; this reads format 1";
    assert_eq!(reasons, [twice, twice, twice, other]);
    let findings = trail.check().findings;
    let of = |kind| {
        let found = findings.iter().filter(move |finding| finding.kind == kind);
        found.map(|finding| finding.detail.clone())
    };
    assert_eq!(of(FindingKind::Foreign).count(), 3);
    let formats: Vec<_> = of(FindingKind::OtherFormat).collect();
    assert!(
        matches!(formats.as_slice(), [found] if found.starts_with(other)),
        "{formats:?}"
    );
}

#[test]
fn a_field_called_outcome_ends_no_turn() {
    let turn = |event_type: &str, seq, rest: &str| {
        let keys = ",\"conversation_id\":\"c\",\"turn_id\":\"t\",\"turn_number\":1";
        line(seq, &format!("{keys}{rest}")).replace("\"e\"", &format!("\"{event_type}\""))
    };
    let prompt = turn("user_prompt", 0, ",\"prompt\":\"p\"");
    let notes = [
        turn("payment", 1, ",\"outcome\":\"released\""),
        turn("llm_response", 2, ",\"outcome\":\"paid\""),
        turn("llm_response", 2, ",\"outcome\":[\"released\"]"),
    ];
    let end = turn(
        "llm_response",
        3,
        ",\"response\":\"r\",\"outcome\":\"modified\"",
    );
    for note in notes {
        let checked = |lines: &[&str]| {
            let (_dir, _path, trail) = trail_of(lines.concat().as_bytes());
            let kinds = trail.check().findings.into_iter().map(|found| found.kind);
            let kinds: Vec<_> = kinds.filter(|kind| *kind != FindingKind::Hole).collect();
            (kinds, trail.conversation("c").turns[0].outcome())
        };
        assert_eq!(
            checked(&[&prompt, &note]),
            (vec![FindingKind::NoOutcome], None),
            "{note}"
        );
        let whole = checked(&[&prompt, &note, &end]);
        assert_eq!(whole, (vec![], Some(Outcome::Modified)), "{note}");
    }
}

#[test]
fn the_name_arguments_result_and_error_of_a_tool_call_are_searched() {
    let call = r#"{"name":"mail","arguments":{"to":["ann@example.com"]},"result":"sent from Lyon","error":"bob@example.com is full"}"#;
    let lines = line(0, &format!(",\"tool_calls\":[{call}]"));
    let (_dir, _path, trail) = trail_of(lines.as_bytes());
    for text in ["MAIL", "ann@", "lyon", "is full"] {
        assert_eq!(seqs(trail.query(Query::new().text(text))), [0], "{text}");
    }
    let record = trail.records().next().expect("a line").expect("a record");
    assert!(record.other.is_empty());
}

/// Large files are read in parts by several threads; lines lie across their bounds, end at them, and are
/// longer than several.
#[test]
fn every_line_of_large_files_has_its_place() {
    const PART: usize = 1 << 20;
    let dir = tempfile::tempdir().expect("a directory");
    // Where each line is expected: seq where it is a record, file, number, byte.
    let mut expected = Vec::new();
    let mut seq = 0;
    for file in 0..4 {
        let path = dir.path().join(format!("audit.2026-11-2{file}.log"));
        let mut lines = Vec::new();
        let mut number = 1_u64;
        while lines.len() < 19 * PART {
            let place = (path.clone(), number, lines.len() as u64);
            number += 1;
            if number.is_multiple_of(97) {
                lines.extend_from_slice(b"a foreign line\n");
                expected.push((None, place));
                continue;
            }
            let head = format!(
                "{{\"seq\":{seq},\"timestamp\":\"2026-11-23T10:00:00Z\",\"event_type\":\"e\",\"user_id\":\"u-1\",\"prompt\":\""
            );
            let to_bound = PART - lines.len() % PART;
            let length = match number % 400 {
                // Across several parts.
                7 => 5 * PART,
                // Its line feed is the last byte of a part, or the first of the next.
                50 | 150 if to_bound > 1_000 => to_bound - head.len() - 3,
                100 if to_bound > 1_000 => to_bound - head.len() - 2,
                odd => 100 + odd as usize * 37,
            };
            lines.extend_from_slice(head.as_bytes());
            lines.resize(lines.len() + length, b'x');
            lines.extend_from_slice(b"\"}\n");
            expected.push((Some(seq), place));
            seq += 1;
        }
        if file == 1 {
            // A file that the writer has left without a line feed.
            let place = (path.clone(), number, lines.len() as u64);
            lines.extend_from_slice(b"{\"seq\":");
            expected.push((None, place));
        }
        fs::write(&path, lines).expect("written");
    }
    let trail = Trail::open(dir.path().join("audit.log")).expect("a trail");
    for query in [Query::new(), Query::new().user_id("u-1")] {
        let found: Vec<_> = trail
            .lines(query)
            .map(|line| {
                let (seq, position) = match &line {
                    Ok(line) => (Some(line.record.seq), &line.position),
                    Err(error) => (None, error.position().expect("a position")),
                };
                (seq, (position.file.clone(), position.line, position.byte))
            })
            .collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn no_error_shows_a_byte_of_the_text() {
    let (_dir, _path, trail) =
        trail_of(b"{\"seq\":1,\"prompt\":\"topsecret\nmore topsecret \x1b[2J\n");
    let errors: Vec<_> = trail.records().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for error in errors {
        let said = format!("{error} {error:?}");
        assert!(
            !said.contains("topsecret") && !said.contains('\u{1b}'),
            "{said}"
        );
    }
}

#[test]
fn both_ends_of_a_time_range_count_and_a_bad_line_does_not_empty_the_result() {
    let lines: String = (0..10)
        .map(|seq| line(seq, "") + if seq == 4 { "bad\n" } else { "" })
        .collect();
    let (_dir, _path, trail) = trail_of(lines.as_bytes());
    let at = |second: u32| {
        format!("2026-11-23T10:00:{second:02}Z")
            .parse()
            .expect("a time")
    };
    let query = Query::new().since(at(2)).until(at(7));
    assert_eq!(seqs(trail.query(query.clone())), [2, 3, 4, 5, 6]);
    assert_eq!(trail.query(query).filter(Result::is_err).count(), 1);
}

#[test]
fn spaces_behind_colons_hide_no_record() {
    let spaced = line(0, ", \"conversation_id\" : \"c 1\"");
    let (_dir, _path, trail) = trail_of(spaced.as_bytes());
    assert_eq!(seqs(trail.query(Query::new().conversation_id("c 1"))), [0]);
}

#[test]
fn the_last_hour_is_the_last_hour() {
    let at = |seq: u64, ago: i64| {
        let time = (Utc::now() - Duration::minutes(ago)).to_rfc3339();
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"e\",\"user_id\":\"u\"}}\n"
        )
    };
    let (_dir, _path, trail) = trail_of((at(0, 61) + &at(1, 59) + &at(2, 0)).as_bytes());
    assert_eq!(
        seqs(trail.query(Query::new().user_id("u").last_hour())),
        [1, 2]
    );
}

#[test]
fn files_are_read_in_the_order_of_seq_whatever_their_names() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, seq) in [
        ("audit.log", 2),
        ("audit.2026-11-23.log", 0),
        ("audit.2026-11-22-10.log", 1),
    ] {
        fs::write(dir.path().join(name), line(seq, "")).expect("written");
    }
    let trail = Trail::open(dir.path().join("audit.log")).expect("a trail");
    assert_eq!(seqs(trail.records()), [0, 1, 2]);
    // One file alone, by its own name.
    let one = Trail::open(dir.path().join("audit.2026-11-23.log")).expect("a trail");
    assert_eq!(seqs(one.records()), [0]);
}

#[test]
fn a_name_without_files_says_what_to_do() {
    let dir = tempfile::tempdir().expect("a directory");
    for path in [
        dir.path().join("audit.log"),
        dir.path().join("no/audit.log"),
    ] {
        let error = Trail::open(path).expect_err("an error").to_string();
        assert!(
            error.contains("give the destination that the service writes to"),
            "{error}"
        );
    }
}

const HOSTILE: [&str; 11] = [
    "  =1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "a,b\"c\"\r\nd",
    "<script>alert(1)</script>",
    "\u{1b}[31m\u{202e}",
    "lone\rcr\0nul",
    "＝1+1",
];

#[test]
fn csv_holds_every_text_whole_and_no_formula() {
    let bench = Bench::new();
    let long = format!("{}end", "x".repeat(5_000));
    for text in HOSTILE.into_iter().chain([long.as_str()]) {
        bench
            .audit
            .log(
                stinger_audit::emit::prompt(text)
                    .user_id(text)
                    .blocked("f", text)
                    .field("note", text),
            )
            .expect("recorded");
    }
    bench.audit.flush().expect("written");
    let trail = Trail::open(bench.path()).expect("a trail");
    let mut csv = Vec::new();
    let exported = trail
        .export_csv(Query::new().event_type("user_prompt"), &mut csv)
        .expect("exported");
    assert_eq!(exported.records, 12);
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let headers = reader.headers().expect("a header").clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .expect("a column")
    };
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows");
    for (row, text) in rows.iter().zip(HOSTILE.into_iter().chain([long.as_str()])) {
        for cell in row {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']),
                "{cell:?}"
            );
        }
        let prompt = &row[column("prompt")];
        let shown = text
            .replace('\u{1b}', "\\u001b")
            .replace('\u{202e}', "\\u202e")
            .replace('\0', "\\u0000");
        assert_eq!(prompt.strip_prefix('\'').unwrap_or(prompt), shown);
        assert!(!prompt.contains(['\u{1b}', '\u{202e}', '\0']));
        assert!(row[column("guardrail_decisions")].contains("\"block\""));
        assert!(row[column("other")].contains("note"));
    }
}

#[test]
fn json_export_is_an_array_of_the_same_records() {
    let bench = Bench::new();
    for text in HOSTILE {
        bench
            .audit
            .log(stinger_audit::emit::prompt(text))
            .expect("recorded");
    }
    bench.audit.flush().expect("written");
    let trail = Trail::open(bench.path()).expect("a trail");
    let mut json = Vec::new();
    trail
        .export_json(Query::new(), &mut json)
        .expect("exported");
    let text = String::from_utf8(json).expect("UTF-8");
    assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text}");
    let exported: Vec<Record> = serde_json::from_str(&text).expect("an array");
    let read: Vec<Record> = trail.records().collect::<Result<_, _>>().expect("records");
    assert_eq!(exported, read);
    let mut empty = Vec::new();
    trail
        .export_json(Query::new().user_id("nobody"), &mut empty)
        .expect("exported");
    assert_eq!(empty, b"[]\n");
}

#[test]
fn a_trail_is_read_while_it_is_written() {
    let bench = Bench::new();
    let total = 20_000;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..total {
                bench
                    .audit
                    .log(stinger_audit::emit::event("e").field("n", number))
                    .expect("recorded");
            }
        });
        let trail = Trail::open(bench.path()).expect("a trail");
        while !writer.is_finished() {
            let mut expected = 0;
            for record in trail.records() {
                match record {
                    Ok(record) => {
                        assert_eq!(record.seq, expected);
                        expected += 1;
                    }
                    Err(error) => assert!(
                        matches!(
                            error.kind(),
                            ErrorKind::Unreadable {
                                reason: Unreadable::Unfinished,
                                ..
                            }
                        ),
                        "{error}"
                    ),
                }
            }
        }
    });
    assert_eq!(bench.records().len(), total);
}

#[test]
fn a_trail_that_is_being_written_has_its_end_and_several_are_checked_apart() {
    let bench = Bench::new();
    let prompt = stinger_audit::emit::prompt("one").conversation_id("c");
    bench.audit.log(prompt).expect("recorded");
    let no_outcome = [(FindingKind::NoOutcome, Some(bench.one().seq))];
    let check = |path: &std::path::Path| Trail::open(path).expect("a trail").check();
    let findings = || -> Vec<_> {
        let findings = check(&bench.path()).findings.into_iter();
        findings
            .map(|finding| (finding.kind, finding.seq))
            .collect()
    };
    assert_eq!(findings(), no_outcome);
    // Its writer runs, and may be in the middle of a line.
    let whole = fs::read(bench.path()).expect("readable");
    fs::write(bench.path(), [whole.as_slice(), b"{\"seq\":"].concat()).expect("written");
    assert_eq!(findings(), no_outcome);
    drop(bench);

    let dir = tempfile::tempdir().expect("a directory");
    for pid in 1..3 {
        let path = dir.path().join(format!("audit.{pid}.log"));
        let lines: String = (0..3).map(|seq| line(seq, "")).collect();
        fs::write(path, lines).expect("written");
    }
    let report = check(&dir.path().join("audit.{pid}.log"));
    assert_eq!(report.records, 6);
    assert!(report.is_complete(), "{report:?}");
}
