//! What goes in comes out, text for text, across rolls and restarts.
//!
//! With `STINGER_TEST_CONVERSATIONS=file.jsonl` the conversations of that file are used,
//! one JSON object a line: `{"conversation_id", "turns": [{"prompt", "response"}]}`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use stinger_audit::config::Rotation;
use stinger_audit::read::Trail;
use stinger_audit::record::GuardrailDecision;

mod common;

#[derive(Deserialize)]
struct Conversation {
    conversation_id: String,
    turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    prompt: String,
    response: Option<String>,
}

fn conversations() -> Vec<Conversation> {
    match std::env::var_os("STINGER_TEST_CONVERSATIONS") {
        Some(path) => std::fs::read_to_string(&path)
            .unwrap_or_else(|error| {
                panic!("STINGER_TEST_CONVERSATIONS={}: {error}", path.display())
            })
            .lines()
            .map(|line| serde_json::from_str(line).expect("a conversation"))
            .collect(),
        None => generated(),
    }
}

/// Texts of every kind of character and length, from a fixed seed.
fn generated() -> Vec<Conversation> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut text = move |longest: u64| {
        let length = next(longest);
        (0..length)
            .filter_map(|_| {
                let ranges = [
                    (0x20, 0x7f),
                    (0, 0x100),
                    (0x2000, 0x2070),
                    (0x1_f300, 0x1_f700),
                    (0, 0x11_0000),
                ];
                let (from, to) = ranges[[0, 0, 0, 1, 2, 3, 4][next(7) as usize]];
                char::from_u32((from + next(to - from)) as u32)
            })
            .collect::<String>()
    };
    (0..200)
        .map(|number| Conversation {
            conversation_id: format!("conversation {number} \"{}\"", number % 7),
            turns: (0..1 + number % 4)
                .map(|turn| Turn {
                    prompt: text(3_000),
                    response: (turn != 2).then(|| text(2_000)),
                })
                .collect(),
        })
        .collect()
}

#[test]
fn conversations_come_back_text_for_text_across_rolls_and_restarts() {
    let conversations = conversations();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    // Each restart begins a file of another kind: the trail is forced to roll.
    let rotations = [
        Rotation::NEVER,
        Rotation::HOURLY,
        Rotation::DAILY,
        Rotation::MINUTELY,
    ];
    let mut emitted = 0;
    for (part, rotation) in conversations
        .chunks(conversations.len().div_ceil(4))
        .zip(rotations)
    {
        let audit = stinger_audit::to(&path)
            .redact_pii(false)
            .rotation(rotation)
            .open()
            .expect("a trail");
        for conversation in part {
            let log = |entry: stinger_audit::emit::Entry<'_>| {
                let entry = entry.conversation_id(conversation.conversation_id.as_str());
                audit.log(entry).expect("recorded");
            };
            for turn in &conversation.turns {
                log(stinger_audit::emit::prompt(&turn.prompt));
                log(stinger_audit::emit::guardrail(
                    GuardrailDecision::allow("length").reason(turn.prompt.as_str()),
                ));
                emitted += 2;
                if let Some(response) = &turn.response {
                    log(stinger_audit::emit::response(response));
                    emitted += 1;
                }
            }
        }
        audit.close().expect("closed");
    }
    // `records` asserts that every line is one and that seq has no hole.
    assert_eq!(common::records(&path).len(), emitted);
    let files = Trail::open(&path).expect("a trail").names()[0]
        .files()
        .expect("readable");
    assert!(files.len() >= 4, "the trail rolled: {files:?}");

    let trail = Trail::open(&path).expect("a trail");
    for conversation in &conversations {
        let read = trail.conversation(&conversation.conversation_id);
        assert!(read.unreadable.is_empty() && read.missing_turns().is_empty());
        assert_eq!(read.turns.len(), conversation.turns.len());
        for (read, turn) in read.turns.iter().zip(&conversation.turns) {
            assert_eq!(
                read.prompt().and_then(|record| record.prompt.as_ref()),
                Some(&turn.prompt)
            );
            assert_eq!(
                read.response().and_then(|record| record.response.as_ref()),
                turn.response.as_ref()
            );
            let reason = read
                .decisions()
                .next()
                .and_then(|decision| decision.reason.as_ref());
            assert_eq!(
                reason,
                Some(&turn.prompt).filter(|prompt| !prompt.is_empty())
            );
        }
    }
    println!(
        "{} conversations, {emitted} records, {} files",
        conversations.len(),
        files.len()
    );
}

/// Takes up to a minute: it waits for the clock.
#[test]
fn a_roll_by_the_clock_loses_nothing_and_readers_follow() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .rotation(Rotation::MINUTELY)
        .open()
        .expect("a trail");
    let files = |path: &Path| {
        let trail = Trail::open(path).expect("a trail");
        trail.names()[0]
            .files()
            .expect("readable")
            .into_iter()
            .collect::<BTreeSet<_>>()
    };
    let first = files(&path);
    let deadline = Instant::now() + Duration::from_secs(90);
    let mut emitted = 0;
    let mut after_roll = 0;
    while after_roll < 200 {
        assert!(Instant::now() < deadline, "no roll within 90 s");
        audit
            .log(stinger_audit::emit::event("tick").field("n", emitted))
            .expect("recorded");
        emitted += 1;
        std::thread::sleep(Duration::from_millis(1));
        if files(&path) != first {
            after_roll += 1;
        }
        if emitted % 500 == 0 {
            audit.flush().expect("written");
            assert_eq!(common::records(&path).len(), emitted, "read while it rolls");
        }
    }
    audit.close().expect("closed");
    assert_eq!(common::records(&path).len(), emitted);
    let now = files(&path);
    // The clock may have rolled more than once, or before the first look.
    assert!(now.is_superset(&first) && now.len() > first.len());
    let target = std::fs::read_link(&path).expect("a link");
    assert_eq!(
        now.last().and_then(|file| file.file_name()),
        Some(target.as_os_str())
    );
    #[cfg(unix)]
    for file in now {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            file.metadata().expect("metadata").permissions().mode() & 0o777,
            0o600
        );
    }
}
