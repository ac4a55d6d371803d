//! Conversations of several writers, and of one that began to count again.

use std::fs;

use stinger_audit::read::{Conversation, Trail};
use stinger_audit::record::Record;

/// Conversation `c` of a trail of these lines.
fn conversation_of(lines: &[String]) -> Conversation {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    fs::write(&path, lines.concat()).expect("written");
    Trail::open(&path).expect("a trail").conversation("c")
}

/// A line of conversation `c` at a second of a minute, by a writer that numbers its turns.
fn at(second: u64, seq: u64, event_type: &str, keys: &str) -> String {
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:{second:02}Z\",\"event_type\":\"{event_type}\",\"conversation_id\":\"c\"{keys}}}\n"
    )
}

/// What was asked and answered in each turn.
fn said(conversation: &Conversation) -> Vec<Vec<&str>> {
    let texts = |record: &'_ Record| {
        let texts = [&record.prompt, &record.response];
        texts.into_iter().flatten().count()
    };
    let turns = conversation.turns.iter();
    turns
        .map(|turn| {
            let records = turn.records.iter().filter(|record| texts(record) > 0);
            records
                .flat_map(|record| [&record.prompt, &record.response])
                .flatten()
                .map(String::as_str)
                .collect()
        })
        .collect()
}

#[test]
fn two_prompts_are_two_turns_in_the_order_in_which_they_were_asked_whatever_their_numbers() {
    let prompt = |text: &str| format!(",\"prompt\":\"{text}\"");
    let answer = |text: &str| format!(",\"response\":\"{text}\"");
    let turn = |number: u64| format!(",\"turn_number\":{number}");
    // Two replicas: both count their own prompts. The second one's clock goes back between its turns.
    let first = [
        at(1, 0, "user_prompt", &(turn(1) + &prompt("a1"))),
        at(5, 1, "llm_response", &(turn(1) + &answer("A1"))),
        at(9, 2, "user_prompt", &(turn(2) + &prompt("a2"))),
    ];
    let second = [
        at(3, 0, "user_prompt", &(turn(1) + &prompt("b1"))),
        at(7, 1, "llm_response", &(turn(1) + &answer("B1"))),
        at(2, 2, "user_prompt", &(turn(2) + &prompt("b2"))),
        at(8, 3, "llm_response", &(turn(2) + &answer("B2"))),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    for (pid, lines) in [(1, first.concat()), (2, second.concat())] {
        fs::write(dir.path().join(format!("audit.{pid}.log")), lines).expect("written");
    }
    let trail = Trail::open(dir.path().join("audit.{pid}.log")).expect("trails");
    let conversation = trail.conversation("c");
    assert_eq!(
        said(&conversation),
        [
            vec!["a1", "A1"],
            vec!["b1", "B1"],
            vec!["b2", "B2"],
            vec!["a2"]
        ]
    );
    let numbers: Vec<_> = conversation.turns.iter().map(|turn| turn.number).collect();
    assert_eq!(numbers, [Some(1), Some(1), Some(2), Some(2)]);
    assert_eq!(conversation.turns[1].trails, [1, 1]);
    assert!(conversation.missing_turns().is_empty());

    // One writer that began again, with ids of the application's, and without numbers.
    for names in [
        [turn(1), turn(1)],
        [
            ",\"turn_id\":\"t\"".to_owned(),
            ",\"turn_id\":\"t\"".to_owned(),
        ],
        [
            ",\"turn_number_unknown\":true".to_owned(),
            ",\"turn_number_unknown\":true".to_owned(),
        ],
        [turn(3), turn(1)],
    ] {
        let conversation = conversation_of(&[
            at(1, 0, "user_prompt", &(names[0].clone() + &prompt("p"))),
            at(2, 1, "user_prompt", &(names[1].clone() + &prompt("q"))),
            at(3, 2, "llm_response", &(names[1].clone() + &answer("Q"))),
        ]);
        assert_eq!(
            said(&conversation),
            [vec!["p"], vec!["q", "Q"]],
            "{names:?}"
        );
    }
    // Records that hold both.
    let exchange = |seq, text| at(seq, seq, "chat", &(turn(1) + &prompt(text) + &answer(text)));
    let conversation = conversation_of(&[exchange(0, "p"), exchange(1, "q")]);
    assert_eq!(said(&conversation), [["p", "p"], ["q", "q"]]);
    // A response that repeats its prompt begins no turn.
    let repeated = conversation_of(&[
        at(0, 0, "user_prompt", &(turn(1) + &prompt("p"))),
        at(
            1,
            1,
            "llm_response",
            &(turn(1) + &prompt("p") + &answer("r")),
        ),
    ]);
    assert_eq!(said(&repeated), [["p", "p", "r"]]);
}

#[test]
fn a_turn_that_two_services_record_under_one_id_is_one() {
    let id = ",\"turn_id\":\"t\"";
    let dir = tempfile::tempdir().expect("a directory");
    let lines = [
        at(2, 0, "user_prompt", &format!("{id},\"prompt\":\"p\"")),
        // This clock goes slow.
        at(1, 0, "llm_response", &format!("{id},\"response\":\"r\"")),
    ];
    for (pid, line) in lines.iter().enumerate() {
        fs::write(dir.path().join(format!("audit.{pid}.log")), line).expect("written");
    }
    let trail = Trail::open(dir.path().join("audit.{pid}.log")).expect("trails");
    let conversation = trail.conversation("c");
    assert_eq!(said(&conversation), [["r", "p"]]);
    assert!(conversation.turns[0].completeness().is_complete());
}
