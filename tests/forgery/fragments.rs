//! Lines that are no records and lines that stand there again: a writer may have left them, and tells of it once.

use std::fs;

use serde_json::{Value, json};

use crate::common::small::{findings, verify};
use crate::common::test_trail::{TestTrail, line, torn};

/// A file whose last line is what `end` appends, and another one with what `then` does. All of it is sealed.
fn two_files(end: impl FnOnce(&mut TestTrail), then: impl FnOnce(&mut TestTrail)) -> TestTrail {
    let mut trail = TestTrail::new();
    trail.opened();
    trail.seal("opened");
    trail.prompts(3);
    end(&mut trail);
    trail.begin_file();
    then(&mut trail);
    trail.own("trail_closed", &json!({}));
    trail.seal("closed");
    trail
}

#[track_caller]
fn expect(what: &str, trail: &TestTrail, found: &[&str]) {
    trail.expect(what, found, &[(0, trail.size())], &[]);
    assert_eq!(trail.verify().records, count(trail), "{what}");
}

/// How many lines are records.
fn count(trail: &TestTrail) -> u64 {
    let lines = trail.files.iter().flatten();
    let parsed = lines.filter(|line| {
        let value = serde_json::from_slice::<Value>(line);
        value.is_ok() && line.starts_with(b"{\"seq\":")
    });
    parsed.count() as u64
}

#[test]
fn a_line_that_a_file_ends_with_and_the_next_begins_with_was_not_inserted() {
    // The live file was renamed while record 5 was written to it: it stands whole in the next one.
    let record = line(5, "user_prompt", &json!({ "prompt": "prompt 5" }));
    let begun = |trail: &mut TestTrail| trail.bytes(&record[..40]);
    let put_back = json!({ "file": "audit.log", "happened": "renamed", "restored_bytes": null });
    let then = |trail: &mut TestTrail| {
        trail.prompts(1);
        trail.own("trail_file_restored", &put_back);
    };
    expect("begun again", &two_files(begun, then), &[]);
    // Another record than the one that was begun.
    let other = |trail: &mut TestTrail| trail.bytes(&line(5, "llm_response", &json!({}))[..70]);
    expect("another one", &two_files(other, then), &["inserted - 1:6"]);
    // It ends with a line feed: it did not end there because the file did.
    let ended = |trail: &mut TestTrail| trail.bytes(&[&record[..40], b"\n"].concat());
    expect("ended", &two_files(ended, then), &["inserted - 1:6"]);
    let ended = |trail: &mut TestTrail| trail.bytes(b"x\n");
    expect("no record", &two_files(ended, then), &["inserted - 1:6"]);
    // The record comes later: in the file behind the next.
    let record = line(6, "user_prompt", &json!({ "prompt": "prompt 6" }));
    let begun = |trail: &mut TestTrail| trail.bytes(&record[..40]);
    let later = |trail: &mut TestTrail| {
        trail.opened();
        trail.begin_file();
        trail.prompts(1);
    };
    expect(
        "in another file",
        &two_files(begun, later),
        &["inserted - 1:6"],
    );
    // Or in the next line of the next file.
    let later = |trail: &mut TestTrail| {
        trail.opened();
        trail.prompts(1);
    };
    expect(
        "in another line",
        &two_files(begun, later),
        &["inserted - 1:6"],
    );
    // Three files, of which the second ends so.
    let record = line(6, "user_prompt", &json!({ "prompt": "prompt 6" }));
    let three = |trail: &mut TestTrail| {
        trail.opened();
        trail.bytes(&record[..40]);
        trail.begin_file();
        trail.prompts(1);
    };
    expect("the second of three", &two_files(|_| {}, three), &[]);
}

#[test]
fn a_torn_line_is_excused_by_being_told_once() {
    let record = line(5, "user_prompt", &json!({ "prompt": "prompt 5" }));
    let torn_line = &record[..60];
    let ended = [torn_line, b"\n"].concat();
    let told = |lines: &[&[u8]]| {
        let torn: Vec<_> = lines.iter().map(|line| torn(line)).collect();
        json!({ "replayed": 1, "torn": torn })
    };
    // So many of these lines, and so often told.
    let with = |lines: usize, told_of: &[&[u8]]| {
        let recovered = told(told_of);
        let end = |trail: &mut TestTrail| (0..lines).for_each(|_| trail.bytes(&ended));
        let then = |trail: &mut TestTrail| {
            trail.prompts(1);
            trail.own("trail_recovered", &recovered);
        };
        two_files(end, then)
    };
    expect("none", &with(0, &[]), &[]);
    expect("untold", &with(1, &[]), &["inserted - 1:6"]);
    expect("told", &with(1, &[torn_line]), &[]);
    expect(
        "told, and there twice",
        &with(2, &[torn_line]),
        &["inserted - 1:7"],
    );
    expect("told twice", &with(2, &[torn_line, torn_line]), &[]);
    let thrice = ["inserted - 1:8"];
    expect(
        "told twice of three",
        &with(3, &[torn_line, torn_line]),
        &thrice,
    );
    expect("another told", &with(1, &[b"x"]), &["inserted - 1:6"]);
    // Where no seal covers the lines, what is said there is the only account.
    let mut open = with(1, &[torn_line]);
    open.remove(8);
    open.checkpoint = None;
    let waiting = ["records 2 to 7 are not sealed yet: 6", "whether anything"];
    open.expect("not sealed", &[], &[(0, 2)], &waiting);
    let mut open = with(2, &[torn_line]);
    open.remove(8);
    open.checkpoint = None;
    open.expect(
        "not sealed, twice",
        &["inserted - 1:7"],
        &[(0, 2)],
        &waiting,
    );

    // A whole record was not torn.
    let whole =
        b"{\"timestamp\":\"2026-01-01T10:00:00Z\",\"seq\":5,\"event_type\":\"llm_response\"}";
    let recovered = told(&[whole]);
    let end = |trail: &mut TestTrail| trail.bytes(&[&whole[..], b"\n"].concat());
    let then = |trail: &mut TestTrail| {
        trail.prompts(1);
        trail.own("trail_recovered", &recovered);
    };
    let trail = two_files(end, then);
    expect("a whole record", &trail, &["inserted - 1:6"]);
    let detail = &trail.verify().findings[0].detail;
    assert!(
        detail.ends_with("is a record to readers, and no writer writes one so"),
        "{detail}"
    );
}

#[test]
fn a_torn_line_may_end_as_a_record_does() {
    // Torn behind a brace within it. The next writer has ended it, written the record, and told.
    let fields = json!({ "details": { "a": 1 }, "prompt": "prompt 5" });
    let record = line(5, "user_prompt", &fields);
    let brace = record.iter().position(|byte| *byte == b'}').expect("one");
    let torn_line = &record[..=brace];
    let ended = [torn_line, b"\n"].concat();
    let with = |lines: usize, torn_lines: &[&[u8]]| {
        let torn: Vec<_> = torn_lines.iter().map(|line| torn(line)).collect();
        let recovered = json!({ "replayed": 1, "torn": torn });
        let end = |trail: &mut TestTrail| (0..lines).for_each(|_| trail.bytes(&ended));
        let then = |trail: &mut TestTrail| {
            trail.own("user_prompt", &fields);
            trail.own("trail_recovered", &recovered);
        };
        two_files(end, then)
    };
    expect("told", &with(1, &[torn_line]), &[]);
    expect("untold", &with(1, &[]), &["inserted - 1:6"]);
    // The same before a seal covers it.
    let mut open = with(1, &[torn_line]);
    open.remove(8);
    open.checkpoint = None;
    let waiting = ["records 2 to 7 are not sealed yet: 6", "whether anything"];
    open.expect("not sealed", &[], &[(0, 2)], &waiting);
    let mut open = with(1, &[]);
    open.remove(8);
    open.checkpoint = None;
    open.expect(
        "not sealed, untold",
        &["inserted - 1:6"],
        &[(0, 2)],
        &waiting,
    );
    // Another record with the number is no torn line.
    let forged = line(5, "llm_response", &json!({}));
    let end = |trail: &mut TestTrail| trail.bytes(&[&forged[..], b"\n"].concat());
    let recovered = json!({ "replayed": 1, "torn": [torn(&forged)] });
    let then = |trail: &mut TestTrail| {
        trail.own("user_prompt", &fields);
        trail.own("trail_recovered", &recovered);
    };
    expect("a record", &two_files(end, then), &["inserted 5 1:6"]);
}

#[test]
fn what_was_written_again_is_excused_by_being_told_once() {
    let told = |bytes: usize| json!({ "file": "audit.log", "rewritten_bytes": bytes });
    // Records 2 to 4 are at the head of the second file again, and of the third.
    let with = |files: usize, told_of: &[usize]| {
        let then = |trail: &mut TestTrail| {
            for file in 0..files {
                if file > 0 {
                    trail.begin_file();
                }
                trail.again(2..5);
            }
            for bytes in told_of {
                trail.own("trail_sync_failed", &told(*bytes));
            }
        };
        two_files(|_| {}, then)
    };
    let bytes = with(0, &[]).length(2..5);
    let first_two = with(0, &[]).length(2..4);
    expect("untold", &with(1, &[]), &["duplicated 2 audit:1"]);
    let detail = &with(1, &[]).verify().findings[0].detail;
    assert_eq!(detail, "records 2 to 4 stand there again");
    expect("told", &with(1, &[bytes]), &[]);
    expect(
        "told of others",
        &with(1, &[first_two]),
        &["duplicated 2 audit:1"],
    );
    expect("told twice, of two files", &with(2, &[bytes, bytes]), &[]);
    // The third file, which tells of it, is the one that is written now.
    let found = ["duplicated 2 audit:1"];
    expect("told once, of two files", &with(2, &[bytes]), &found);
    // Where no seal covers them, what is said there is the only account.
    let mut open = with(1, &[bytes]);
    open.remove(7);
    open.checkpoint = None;
    let waiting = ["records 2 to 6 are not sealed yet: 5", "whether anything"];
    open.expect("not sealed", &[], &[(0, 2)], &waiting);

    // Put back behind a file that was removed: the same.
    let then = |trail: &mut TestTrail| {
        trail.again(2..5);
        let put_back = json!({ "happened": "renamed", "restored_bytes": bytes });
        trail.own("trail_file_restored", &put_back);
    };
    expect("put back", &two_files(|_| {}, then), &[]);

    // Not at the head of the file.
    let then = |trail: &mut TestTrail| {
        trail.prompts(1);
        trail.again(2..5);
        trail.own("trail_sync_failed", &told(bytes));
    };
    let each = [
        "duplicated 2 audit:2",
        "duplicated 3 audit:3",
        "duplicated 4 audit:4",
    ];
    expect("not at the head", &two_files(|_| {}, then), &each);
    // In the same file.
    let end = |trail: &mut TestTrail| trail.again(2..5);
    let then = |trail: &mut TestTrail| trail.own("trail_sync_failed", &told(bytes));
    let each = ["duplicated 2 1:6", "duplicated 3 1:7", "duplicated 4 1:8"];
    expect("the same file", &two_files(end, then), &each);
    // Something comes between them: only what follows the head of the file without a break is what was written again.
    let then = |trail: &mut TestTrail| {
        trail.again(2..4);
        trail.prompts(1);
        trail.again(4..5);
        trail.own("trail_sync_failed", &told(first_two));
    };
    expect(
        "a break",
        &two_files(|_| {}, then),
        &["duplicated 4 audit:4"],
    );
    let then = |trail: &mut TestTrail| {
        trail.again(2..4);
        trail.prompts(1);
        trail.again(4..5);
        trail.own("trail_sync_failed", &told(bytes));
    };
    let found = ["duplicated 4 audit:4", "duplicated 2 audit:1"];
    expect("a break, told of all", &two_files(|_| {}, then), &found);
}

#[test]
fn a_line_that_is_being_written_was_not_inserted() {
    let mut trail = TestTrail::closed();
    trail.opened();
    trail.bytes(b"{\"seq\":12,\"times");
    let open = [
        "record 11 is not sealed yet",
        "whether anything was written behind record 11",
        "the last line has no end",
    ];
    trail.expect("the last line", &[], &[(0, 11)], &open);
    // An empty file beside it, as a writer leaves one that rolls before it writes, has no lines in between.
    let dir = tempfile::tempdir().expect("a directory");
    trail.write(dir.path());
    fs::write(dir.path().join("audit.2025-12-31.log"), "").expect("written");
    let verified = verify(&dir.path().join("audit.log"));
    assert!(verified.is_intact(), "{verified:#?}");
    assert!(
        verified.unknown[2].starts_with(open[2]),
        "{:#?}",
        verified.unknown
    );
}

#[test]
fn a_line_that_is_no_record_may_have_been_the_one_that_is_missing() {
    let garbage = |seq: usize, lines: &[u8]| {
        let mut trail = TestTrail::closed();
        trail.remove(seq);
        trail.insert(seq + 1, lines);
        trail.verify()
    };
    let verified = garbage(2, b"x\n");
    assert_eq!(findings(&verified), ["changed 2 1:3"], "{verified:#?}");
    // Of more lines than are missing, the first.
    let verified = garbage(2, b"x\ny\n");
    let found = ["changed 2 1:3", "inserted - 1:4"];
    assert_eq!(findings(&verified), found, "{verified:#?}");
    // It stands behind the record that comes behind the one that is missing.
    let mut trail = TestTrail::closed();
    trail.remove(2);
    trail.insert(4, b"x\n");
    let found = ["removed 2 1:3", "inserted - 1:4"];
    trail.expect("behind", &found, &[(0, 1), (4, 11)], &[]);
    // One stands there, and two are missing.
    let mut trail = TestTrail::closed();
    trail.remove(2);
    trail.remove(3);
    trail.insert(4, b"x\n");
    let found = ["changed 2 1:3", "removed 3 1:4"];
    trail.expect("one of two", &found, &[(0, 1), (4, 11)], &[]);
    // The first record of all, and more of them in front of the first seal that is there.
    let mut trail = TestTrail::closed();
    *trail.line_of(0) = b"x\n".to_vec();
    trail.expect("the first", &["changed 0 1:1"], &[(1, 11)], &[]);
    let mut trail = TestTrail::new();
    trail.prompts(4);
    trail.seal("opened");
    trail.seal("closed");
    trail.remove(1);
    trail.remove(2);
    *trail.line_of(0) = b"x\n".to_vec();
    let found = ["changed 0 audit:1", "removed 1 audit:2"];
    trail.expect("the first three", &found, &[(4, 6)], &[]);
    // A line that a file ends with, and that has no line feed, was never a record.
    let mut trail = TestTrail::closed();
    trail.remove(5);
    trail.files[0].push(b"x".to_vec());
    let found = ["removed 5 audit:1", "inserted - 1:6"];
    trail.expect("without a line feed", &found, &[(0, 4), (7, 11)], &[]);
}
