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
        assert!(shown.contains("2 turns"), "a turn has one prompt: {shown}");
        assert!(shown.contains("response  2 of 2  #4"), "{shown}");
        let trail = Trail::open(dir.path().join("audit.log")).expect("a trail");
        let conversation = trail.conversation("c-1");
        let texts = |records: Vec<&stinger_audit::record::Record>| -> Vec<String> {
            let text = |record: &stinger_audit::record::Record| {
                record.prompt.clone().or(record.response.clone())
            };
            records.into_iter().filter_map(text).collect()
        };
        let [first, second] = conversation.turns.as_slice() else {
            panic!("{:?}", conversation.turns);
        };
        assert_eq!(texts(first.prompts().collect()), ["one"]);
        assert_eq!(texts(first.responses().collect()), ["two"]);
        assert_eq!(texts(second.prompts().collect()), ["three"]);
        assert_eq!(texts(second.responses().collect()), ["four", "five"]);
        assert_eq!(first.records.len() + second.records.len(), 7);
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

#[test]
fn show_tells_the_records_of_merged_trails_apart_and_says_of_which_each_turn_is() {
    let dir = tempfile::tempdir().expect("a directory");
    for (pid, text) in [(1, "one"), (2, "two")] {
        let key = ",\"conversation_id\":\"c\",\"turn_number\":1";
        let lines = [
            line(pid, "user_prompt", &format!("{key},\"prompt\":\"{text}\"")),
            line(
                2 + pid,
                "llm_response",
                &format!("{key},\"response\":\"re: {text}\""),
            ),
        ];
        // The numbers of one are the other's.
        let lines = lines
            .concat()
            .replace(&format!("\"seq\":{}", 2 + pid), "\"seq\":9");
        let lines = lines.replace(&format!("\"seq\":{pid},"), "\"seq\":8,");
        std::fs::write(dir.path().join(format!("audit.{pid}.log")), lines).expect("written");
    }
    let shown = stdout(&run(dir.path(), &["show", "c", "audit.{pid}.log"]));
    assert!(
        shown.contains("2 turns") && !shown.contains("again"),
        "{shown}"
    );
    let places = [
        "audit.1.log",
        "one",
        "re: one",
        "audit.2.log",
        "two",
        "re: two",
    ];
    let places = places.map(|text| shown.find(text).unwrap_or(usize::MAX));
    assert!(places.is_sorted() && places[5] < usize::MAX, "{shown}");
    let filtered = [
        "show",
        "c",
        "audit.{pid}.log",
        "--json",
        "--text",
        "re: two",
    ];
    let lines = stdout(&run(dir.path(), &filtered));
    assert_eq!(lines.matches("two").count(), 2, "{lines}");
    assert!(!lines.contains("one"), "{lines}");
}

#[test]
fn show_has_the_tool_calls_and_the_files_of_prompts_and_responses() {
    let key = ",\"conversation_id\":\"c\",\"turn_number\":1";
    let dir = trail_of(&[
        line(
            0,
            "user_prompt",
            &format!(
                "{key},\"prompt\":\"look\",\"attachments\":[{{\"kind\":\"image/png\",\"bytes\":3,\"sha256\":\"ab\"}}]"
            ),
        ),
        line(
            1,
            "llm_response",
            &format!(
                "{key},\"tool_calls\":[{{\"id\":\"1\",\"name\":\"search\",\"arguments\":{{\"q\":\"Lyon\"}}}}]"
            ),
        ),
    ]);
    let shown = stdout(&run(dir.path(), &["show", "c", "audit.log"]));
    assert!(shown.contains("answered"), "{shown}");
    for part in ["image/png", "\"ab\"", "search {\"q\":\"Lyon\"}"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
