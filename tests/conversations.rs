//! Conversations: which number and state each turn has, and how turns are read back.

use std::fs;

use stinger_audit::error::trail::{Error, ErrorKind, Unreadable};
use stinger_audit::read::{Completeness, Conversation, Missing, Outcome, Trail};
use stinger_audit::record::{Decision, GuardrailDecision, Record};

mod common;
use common::Bench;

/// A line of conversation `c`.
fn line(seq: u64, event_type: &str, keys: &str) -> String {
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:{seq:02}Z\",\"event_type\":\"{event_type}\",\"conversation_id\":\"c\"{keys}}}\n"
    )
}

/// Conversation `id` of a trail of these lines.
fn conversation_of(lines: &[String], id: &str) -> Conversation {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    fs::write(&path, lines.concat()).expect("written");
    Trail::open(&path).expect("a trail").conversation(id)
}

/// The turn of each record, and its state.
fn places(records: &[Record]) -> Vec<(u64, String)> {
    let records = records.iter();
    let places = records.map(|record| {
        let state = record.conversation_state.as_deref();
        place((record.turn_number.unwrap_or(0), state.unwrap_or_default()))
    });
    places.collect()
}

fn place((turn, state): (u64, &str)) -> (u64, String) {
    (turn, state.to_owned())
}

#[test]
fn turns_and_states_are_kept_where_the_application_gives_none() {
    let bench = Bench::new();
    bench.emit(|| {
        for conversation in ["a", "b", "a"] {
            stinger_audit::emit::prompt("p")
                .conversation_id(conversation)
                .log()
                .expect("recorded");
        }
        stinger_audit::emit::response("r")
            .conversation_id("a")
            .log()
            .expect("recorded");
        stinger_audit::emit::guardrail(GuardrailDecision::block("f"))
            .conversation_id("b")
            .log()
            .expect("recorded");
    });
    let places = places(&bench.records());
    let expected = [
        (1, "prompted"),
        (1, "prompted"),
        (2, "prompted"),
        (2, "answered"),
        (1, "blocked"),
    ];
    assert_eq!(places, expected.map(place));
}

#[test]
fn turns_side_by_side_in_one_conversation_are_told_apart() {
    let bench = Bench::new();
    let begin = |number| {
        let turn = bench.audit.turn("c").expects(["injection", "pii"]);
        turn.begin(&format!("prompt {number}")).expect("begun")
    };
    let mut turns: Vec<_> = (0..8).map(begin).collect();
    for (number, turn) in turns.iter_mut().enumerate() {
        turn.guardrail("injection")
            .run(|| Ok::<_, String>(Decision::Allow));
        turn.guardrail(format!("own {number}"))
            .run(|| Ok::<_, String>(Decision::Allow));
    }
    for (number, turn) in turns.into_iter().enumerate() {
        let answer = turn.hold(format!("answer {number}"));
        turn.release(answer).expect("released");
    }
    bench.audit.flush().expect("written");
    let trail = Trail::open(bench.path()).expect("a trail");
    let turns = trail.conversation("c").turns;
    assert_eq!(turns.len(), 8);
    for (number, turn) in turns.iter().enumerate() {
        assert_eq!(turn.records.len(), 4);
        assert!(
            turn.decisions()
                .any(|found| found.filter_name == format!("own {number}"))
        );
        assert_eq!(turn.completeness().missing, ["pii"]);
    }
}

#[test]
fn every_record_has_the_number_and_the_state_of_its_own_turn_also_after_a_restart() {
    let bench = Bench::new();
    let begin = |prompt| bench.audit.turn("c").begin(prompt).expect("begun");
    let [first, second] = ["one", "two"].map(begin);
    let answer = first.hold("one");
    first.release(answer).expect("released");
    bench.audit.close().expect("closed");
    let audit = stinger_audit::to(bench.path())
        .redact_pii(false)
        .open()
        .expect("opened again");
    let third = audit.turn("c").begin("three").expect("begun");
    // The answer in a turn that another process left comes under its id, in whatever order.
    let answered = stinger_audit::emit::response("two")
        .conversation_id("c")
        .field("turn_id", second.id());
    audit.log(answered).expect("recorded");
    let mut cut = third.send(["thr", "ee"]);
    cut.next();
    drop(cut);
    drop(audit.turn("c").begin("four").expect("begun"));
    let five = audit.turn("c").begin("five").expect("begun");
    five.block("an attack").expect("recorded");
    audit.close().expect("closed");
    let places = places(&common::records(&bench.path()));
    let expected = [
        (1, "prompted"),
        (2, "prompted"),
        (1, "answered"),
        (3, "prompted"),
        (2, "answered"),
        (3, "cut"),
        (4, "prompted"),
        (4, "abandoned"),
        (5, "prompted"),
        (5, "blocked"),
    ];
    assert_eq!(places, expected.map(place));
    // Its trail is closed: this end is refused.
    drop(second);
}

#[test]
fn an_event_without_a_turn_is_of_the_turn_that_began_last() {
    let bench = Bench::new();
    let note = || {
        let note = stinger_audit::emit::event("note").conversation_id("c");
        bench.audit.log(note).expect("recorded");
    };
    let begin = |prompt| bench.audit.turn("c").begin(prompt).expect("begun");
    let [first, second] = ["one", "two"].map(begin);
    first.fail("no model").expect("recorded");
    note();
    second.block("an attack").expect("recorded");
    note();
    let expected = [
        (1, "prompted"),
        (2, "prompted"),
        (1, "failed"),
        (2, "prompted"),
        (2, "blocked"),
        (2, "blocked"),
    ];
    assert_eq!(places(&bench.records()), expected.map(place));
}

/// Where an event without a turn stands in conversation `c`, after another process has written these lines.
fn goes_on_at(lines: &[String]) -> (u64, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    fs::write(&path, lines.concat()).expect("written");
    let audit = stinger_audit::to(&path)
        .rotation(stinger_audit::config::Rotation::NEVER)
        .sealing(false)
        .open()
        .expect("opened again");
    audit
        .log(stinger_audit::emit::event("note").conversation_id("c"))
        .expect("recorded");
    audit.close().expect("closed");
    let mut places = places(&common::records(&path));
    assert_eq!(places.len(), lines.len() + 1);
    places.remove(lines.len())
}

#[test]
fn a_conversation_goes_on_in_the_state_that_an_earlier_process_left() {
    for state in [
        "open",
        "prompted",
        "answered",
        "blocked",
        "failed",
        "cut",
        "abandoned",
        "withheld",
    ] {
        let keys = format!(",\"turn_number\":3,\"conversation_state\":\"{state}\"");
        assert_eq!(goes_on_at(&[line(0, "e", &keys)]), place((3, state)));
    }
    // The application's own word says nothing to the trail.
    let keys = ",\"turn_number\":3,\"conversation_state\":\"on hold\"";
    assert_eq!(goes_on_at(&[line(0, "e", keys)]), place((3, "open")));
}

#[test]
fn after_a_restart_the_turn_that_began_last_goes_on() {
    let keys = |turn: u64, state: &str| {
        format!(",\"turn_number\":{turn},\"conversation_state\":\"{state}\"")
    };
    let of = |id: &str, turn, state: &str| format!("{},\"turn_id\":\"{id}\"", keys(turn, state));
    let prompted = |seq, id, turn| line(seq, "user_prompt", &of(id, turn, "prompted"));
    for (name, lines, expected) in [
        (
            "the first of two turns ended",
            vec![
                prompted(0, "t-1", 1),
                prompted(1, "t-2", 2),
                line(2, "llm_response", &of("t-1", 1, "answered")),
            ],
            (2, "prompted"),
        ),
        (
            "the second of two turns ended",
            vec![
                prompted(0, "t-1", 1),
                prompted(1, "t-2", 2),
                line(2, "llm_response", &of("t-2", 2, "answered")),
            ],
            (2, "answered"),
        ),
        (
            "the application began an earlier turn",
            vec![prompted(0, "t-5", 5), prompted(1, "t-2", 2)],
            (2, "prompted"),
        ),
        (
            "the same without ids",
            vec![
                line(0, "user_prompt", &keys(5, "prompted")),
                line(1, "llm_response", &keys(2, "answered")),
            ],
            (2, "answered"),
        ),
    ] {
        assert_eq!(goes_on_at(&lines), place(expected), "{name}");
    }
}

#[test]
fn a_turn_is_complete_with_its_prompt_the_decisions_that_it_expects_and_an_end() {
    let turn = |event: &str, keys: &str| {
        (
            event.to_owned(),
            format!(",\"turn_number\":1,\"turn_id\":\"t\"{keys}"),
        )
    };
    let prompt = || turn("user_prompt", ",\"prompt\":\"p\",\"expects\":[\"a\",\"b\"]");
    let decided = |guardrail: &str| {
        let decision = format!("{{\"filter_name\":\"{guardrail}\",\"decision\":\"allow\"}}");
        turn(
            "guardrail_decision",
            &format!(",\"guardrail_decisions\":[{decision}]"),
        )
    };
    let answer = |outcome: &str| {
        turn(
            "llm_response",
            &format!(",\"response\":\"r\",\"outcome\":\"{outcome}\""),
        )
    };
    let end = |event: &str| turn(event, "");
    let with_decisions = |end| vec![prompt(), decided("a"), decided("b"), end];
    for (name, records, (has_prompt, missing, outcome, is_complete)) in [
        (
            "released",
            with_decisions(answer("released")),
            (true, vec![], Some(Outcome::Released), true),
        ),
        (
            "modified",
            with_decisions(answer("modified")),
            (true, vec![], Some(Outcome::Modified), true),
        ),
        (
            "stopped",
            with_decisions(answer("stopped")),
            (true, vec![], Some(Outcome::Stopped), true),
        ),
        (
            "cut",
            with_decisions(answer("cut")),
            (true, vec![], Some(Outcome::Cut), true),
        ),
        (
            "failed while it was sent",
            with_decisions(answer("failed")),
            (true, vec![], Some(Outcome::Failed), true),
        ),
        (
            "failed",
            with_decisions(end("turn_failed")),
            (true, vec![], Some(Outcome::Failed), true),
        ),
        (
            "abandoned",
            with_decisions(end("turn_abandoned")),
            (true, vec![], Some(Outcome::Abandoned), false),
        ),
        (
            "released and withheld",
            vec![
                prompt(),
                decided("a"),
                decided("b"),
                answer("released"),
                end("turn_withheld"),
            ],
            (true, vec![], Some(Outcome::Withheld), true),
        ),
        (
            "without an end",
            vec![prompt(), decided("a"), decided("b")],
            (true, vec![], None, false),
        ),
        (
            "without an outcome, answered",
            vec![
                prompt(),
                decided("a"),
                decided("b"),
                turn("llm_response", ",\"response\":\"r\""),
            ],
            (true, vec![], Some(Outcome::Released), true),
        ),
        (
            "one decision is missing",
            vec![prompt(), decided("b"), answer("released")],
            (true, vec!["a"], Some(Outcome::Released), false),
        ),
        (
            "both decisions are missing",
            vec![prompt(), answer("stopped")],
            (true, vec!["a", "b"], Some(Outcome::Stopped), false),
        ),
        (
            "blocked, nobody else was asked",
            vec![prompt(), end("turn_blocked")],
            (true, vec![], Some(Outcome::Blocked), true),
        ),
        (
            "the prompt is missing",
            vec![decided("a"), answer("released")],
            (false, vec![], Some(Outcome::Released), false),
        ),
    ] {
        let lines: Vec<_> = (0..)
            .zip(&records)
            .map(|(seq, (event, keys))| line(seq, event, keys))
            .collect();
        let conversation = conversation_of(&lines, "c");
        let [turn] = conversation.turns.as_slice() else {
            panic!("{name}: {conversation:#?}");
        };
        let completeness = turn.completeness();
        let Completeness {
            prompt,
            expected,
            missing: found,
            outcome: ended,
            ..
        } = &completeness;
        assert_eq!(
            (
                *prompt,
                found
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .as_slice(),
                *ended
            ),
            (has_prompt, missing.as_slice(), outcome),
            "{name}"
        );
        let expects: &[&str] = if has_prompt { &["a", "b"] } else { &[] };
        assert_eq!(expected, expects, "{name}");
        assert_eq!(completeness.is_complete(), is_complete, "{name}");
    }
}

#[test]
fn a_damaged_line_is_listed_with_any_conversation() {
    let lines = [
        "somebody else's\n".to_owned(),
        line(0, "user_prompt", ",\"prompt\":\"p\""),
        "{\"seq\":1,\"timest\n".to_owned(),
        line(1, "llm_response", ",\"response\":\"r\""),
    ];
    for (id, turns) in [("c", 1), ("another", 0)] {
        let conversation = conversation_of(&lines, id);
        assert_eq!(conversation.turns.len(), turns);
        let [foreign, torn] = conversation.unreadable.as_slice() else {
            panic!("{conversation:#?}");
        };
        let reason = |error: &Error| match error.kind() {
            ErrorKind::Unreadable { reason, .. } => reason.clone(),
            other => panic!("{other:?}"),
        };
        let line = |error: &Error| error.position().map(|position| position.line);
        assert!(matches!(reason(foreign), Unreadable::Foreign { .. }));
        assert_eq!(reason(torn), Unreadable::Torn);
        assert_eq!((line(foreign), line(torn)), (Some(1), Some(3)));
    }
}

#[test]
fn a_conversation_is_rebuilt_with_what_is_missing() {
    let bench = Bench::new();
    let log = |entry: stinger_audit::emit::Entry<'static>| {
        bench
            .audit
            .log(entry.conversation_id("c"))
            .expect("recorded");
    };
    log(stinger_audit::emit::prompt("first"));
    log(stinger_audit::emit::guardrail(GuardrailDecision::allow(
        "pii",
    )));
    log(stinger_audit::emit::response("answer"));
    log(stinger_audit::emit::prompt("second").blocked("injection", "why"));
    log(stinger_audit::emit::prompt("third"));
    log(stinger_audit::emit::response("skips ahead").turn_number(5));
    bench
        .audit
        .log(stinger_audit::emit::prompt("other").conversation_id("d"))
        .expect("recorded");
    bench.audit.flush().expect("written");

    let conversation = Trail::open(bench.path())
        .expect("a trail")
        .conversation("c");
    assert!(conversation.unreadable.is_empty());
    assert_eq!(conversation.turns.len(), 4);
    assert_eq!(conversation.missing_turns(), [4..=4]);
    let [first, second, third, fifth] = conversation.turns.as_slice() else {
        panic!("{conversation:#?}");
    };
    assert_eq!(
        first.prompt().and_then(|record| record.prompt.as_deref()),
        Some("first")
    );
    assert_eq!(
        first
            .response()
            .and_then(|record| record.response.as_deref()),
        Some("answer")
    );
    assert_eq!(first.decisions().count(), 1);
    assert!(first.missing().is_empty());
    assert_eq!(
        second.blocking().map(|by| by.filter_name.as_str()),
        Some("injection")
    );
    assert!(
        second.missing().is_empty(),
        "a blocked turn needs no response"
    );
    assert_eq!(third.missing(), [Missing::Decisions, Missing::Response]);
    assert_eq!(fifth.missing(), [Missing::Prompt, Missing::Decisions]);
}
