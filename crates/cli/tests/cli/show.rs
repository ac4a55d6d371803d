//! `show`.

use stinger_audit::read::Trail;

use crate::fixtures::{golden, line, trail_of};
use crate::process::{run, stderr, stdout};

#[test]
fn show_prints_every_record_of_a_turn() {
    for key in [
        "\"conversation_id\":\"c-1\",\"turn_number\":1",
        "\"conversation_id\":\"c-1\",\"turn_number\":1,\"turn_id\":\"t-1\"",
        "\"conversation_id\":\"c-1\"",
    ] {
        let said = |seq, event: &str, what: &str| line(seq, event, &format!(",{key},{what}"));
        let dir = trail_of(&[
            said(0, "user_prompt", "\"prompt\":\"one\""),
            said(
                1,
                "guardrail_decision",
                "\"guardrail_decisions\":[{\"filter_name\":\"pii\",\"decision\":\"allow\"}]",
            ),
            said(2, "llm_response", "\"response\":\"two\""),
            said(3, "user_prompt", "\"prompt\":\"three\""),
            said(4, "llm_response", "\"response\":\"four\""),
            said(4, "llm_response", "\"response\":\"five\""),
            said(5, "turn_note", "\"note\":\"six\""),
        ]);
        let shown = stdout(&run(dir.path(), &["show", "c-1", "audit.log"]));
        let places = [
            "one",
            "1 passed: pii",
            "two",
            "three",
            "four",
            "#4 again",
            "five",
            "six",
        ]
        .map(|text| (shown.find(text), text));
        assert!(
            places.is_sorted() && places.iter().all(|(place, _)| place.is_some()),
            "{places:?} {shown}"
        );
        assert!(
            shown.contains("prompt    2 of 2  #3  10:00:03.000Z"),
            "{shown}"
        );
        assert!(shown.contains("response  3 of 3  #4"), "{shown}");
        let trail = Trail::open(dir.path().join("audit.log")).expect("a trail");
        let conversation = trail.conversation("c-1");
        let texts = |records: Vec<&stinger_audit::record::Record>| -> Vec<String> {
            let text = |record: &stinger_audit::record::Record| {
                record.prompt.clone().or(record.response.clone())
            };
            records.into_iter().filter_map(text).collect()
        };
        let [turn] = conversation.turns.as_slice() else {
            panic!("{:?}", conversation.turns);
        };
        assert_eq!(texts(turn.prompts().collect()), ["one", "three"]);
        assert_eq!(texts(turn.responses().collect()), ["two", "four", "five"]);
        assert_eq!(turn.records.len(), 7);
    }
}

#[test]
fn a_filter_hides_turns_and_says_so() {
    let shown = run(
        &golden(),
        &["show", "c-42", "audit.log", "--filter", "confidential"],
    );
    let (out, err) = (stdout(&shown), stderr(&shown));
    assert!(
        out.contains("turns 1 to 2: hidden by the filters (7 records)"),
        "{out}"
    );
    assert!(out.contains("turns 3 to 4 are missing"), "{out}");
    assert!(
        out.contains("=cmd|' /C calc'!A0") && !out.contains("not recorded"),
        "a turn is shown whole: {out}"
    );
    assert!(err.contains("the filters hide 2 of 3 turns"), "{err}");
    let lines = stdout(&run(
        &golden(),
        &[
            "show",
            "c-42",
            "audit.log",
            "--filter",
            "confidential",
            "--json",
        ],
    ));
    assert_eq!(lines.lines().count(), 4, "{lines}");
    let nothing = run(&golden(), &["show", "c-42", "audit.log", "--user", "u-8"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("hide 3 of 3 turns"));
    assert_eq!(stdout(&nothing), "");
}
