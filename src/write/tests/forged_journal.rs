//! A journal that somebody else than the writer made.

use std::time::Duration;

use crate::format::internal::Key;
use crate::record::Record;
use crate::write::journal::frame::{self, Name, Value};
use crate::write::journal::{Journal, no_records};

#[test]
fn a_journal_that_somebody_made_puts_no_line_into_the_trail_that_is_no_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let journal_path = path.with_file_name("audit.log.journal");
    let opened = Journal::open(&journal_path, 1 << 24, None, &mut no_records);
    let (journal, _) = opened.expect("a journal");
    let append = |fields: &[u8]| {
        let mut made = Vec::new();
        frame::begin(&mut made, 1_795_000_000_000_000);
        frame::push_known(&mut made, Key::EventType, Value::Str("forged"));
        made.extend_from_slice(fields);
        frame::end(&mut made).expect("short");
        journal.append(&made, Duration::ZERO).expect("room");
    };
    let field = |name: Name<&str>, value: Value<'_>| {
        let mut field = Vec::new();
        frame::push_name(&mut field, name);
        frame::push_value(&mut field, value);
        field
    };
    let deep = [b"[".repeat(500), b"]".repeat(500)].concat();
    let forged: [&[u8]; 14] = [
        b"1}\n{\"seq\":9,\"event_type\":\"forged\"}\n{\"a\":1",
        b"1,\"seq\":9",
        b"1,\"a\":1,\"a\":2",
        b"1,\"timestamp\":\"2026-11-24T10:00:00Z\"",
        b"1,\"event_type\":\"trail_closed\"",
        b"[1",
        b"",
        b"[1,\r\n2]",
        b"\"\x7f\"",
        b"\"\xff\"",
        b"\"\\ud800\"",
        b"1e999",
        "\"\u{202e}\"".as_bytes(),
        &deep,
    ];
    for json in forged {
        let given = field(Name::Other("given"), Value::Json(json));
        append(&given);
        // A decision's own members may have any names.
        if !json.starts_with(b"1,") {
            append(&field(Name::Key(Key::Decisions), Value::Group(&given)));
        }
    }
    for name in ["seq", "timestamp", "event_type"] {
        append(&field(Name::Other(name), Value::U64(u64::MAX)));
    }
    // What is sound among it is kept.
    append(&field(
        Name::Other("given"),
        Value::Json(b"{\"sound\":[1,null,\"\\u007f\"]}"),
    ));
    let mut nested = Vec::new();
    for _ in 0..100_000 {
        nested = [&b"\x10g"[..], &(nested.len() as u32).to_le_bytes(), &nested].concat();
        if nested.len() > 200_000 {
            break;
        }
    }
    append(&field(Name::Key(Key::Decisions), Value::Group(&nested)));
    drop(journal);
    let audit = crate::to(&path).open().expect("a trail");
    audit.close().expect("closed");
    let trail = crate::read::Trail::open(&path).expect("a trail");
    let read = trail.query(crate::read::Query::new());
    let read: Vec<Record> = read
        .collect::<stinger_audit_trail::Result<_>>()
        .expect("whole");
    assert!(read.iter().zip(0..).all(|(record, seq)| record.seq == seq));
    let count = |of: &str| {
        let all = read.iter();
        all.filter(|record| record.event_type.as_str() == of)
            .count()
    };
    assert_eq!(
        (count("trail_gap"), count("forged")),
        (2 * forged.len() - 4 + 3, 2)
    );
    let gap = read
        .iter()
        .find(|record| record.event_type.as_str() == "trail_gap");
    let gap = &gap.expect("told").other;
    assert_eq!(gap["types"], serde_json::json!({ "forged": 1 }));
    assert!(gap["from"].to_string().contains("2026-11-18T"), "{gap:?}");
    let checked = trail
        .verify(&crate::read::VerifyOptions::new())
        .expect("sealed");
    assert!(checked.is_intact(), "{checked:#?}");
}
