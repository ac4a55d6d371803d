//! What is redacted of an event, and how its record tells.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::record::GuardrailDecision;
use tracing::info;

mod common;
use common::Bench;

#[test]
fn redaction_covers_every_text_and_no_id() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let mail = "ann@example.com";
    bench.emit(|| {
        stinger_audit::emit::prompt(mail)
            .user_id(mail)
            .user_agent(mail)
            .decision(GuardrailDecision::warn("f").reason(mail).rule_triggered(mail).field("x", mail))
            .field("free", mail)
            .field("nested", json!({mail: [mail, {"k": mail}]}))
            .log()
            .expect("recorded");
        info!(target: TARGET, event_type = "e", response = mail, shown = %mail, bytes = mail.as_bytes());
    });
    let records = bench.records();
    let shown = serde_json::to_string(&records).expect("JSON");
    assert_eq!(shown.matches(mail).count(), 1, "{shown}");
    assert_eq!(records[0].user_id.as_deref(), Some(mail));
    let tag = records[0].prompt.as_deref().expect("a prompt");
    assert!(tag.starts_with("[EMAIL:k1:"), "{tag}");
    assert_eq!(
        records[0].other["nested"],
        json!({tag: [tag, {"k": tag}]}),
        "the same value has the same tag everywhere"
    );
    let fields: Vec<_> = records[0]
        .redactions
        .iter()
        .cloned()
        .map(|redaction| {
            assert_eq!(
                (redaction.kind.as_str(), redaction.rule.as_str()),
                ("EMAIL", "email")
            );
            assert_eq!(
                redaction.tag.map(|tag| format!("[EMAIL:{tag}]")).as_deref(),
                Some(tag)
            );
            assert_eq!((redaction.start, redaction.end), (Some(0), Some(tag.len())));
            redaction.field
        })
        .collect();
    assert_eq!(
        fields,
        [
            "prompt",
            "user_agent",
            "guardrail_decisions/0/reason",
            "guardrail_decisions/0/rule_triggered",
            "guardrail_decisions/0/x",
            "free",
            "nested",
            &format!("nested/{tag}/0"),
            &format!("nested/{tag}/1/k"),
        ]
    );
    assert_eq!(json!(records[0].redaction_counts), json!({"EMAIL": 9}));
}

#[test]
fn a_redaction_says_where_in_the_record_it_stands() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let mail = "ann@example.com";
    bench.emit(|| {
        // A decision of plain fields stands before those that are given whole.
        stinger_audit::emit::guardrail(GuardrailDecision::warn("a").reason(mail).field("who", json!([mail])))
            .decision(GuardrailDecision::warn("b").rule_triggered(mail))
            .field("filter_name", "plain")
            .field("reason", mail)
            .log()
            .expect("recorded");
        // Without a filter and a verdict they are fields like others.
        stinger_audit::emit::guardrail(GuardrailDecision::warn("a").reason(mail))
            .field("reason", mail)
            .log()
            .expect("recorded");
        // What a key does not take stands beside it, and what comes second under a number.
        stinger_audit::emit::prompt(mail)
            .field("prompt", json!({"k": mail}))
            .field("guardrail_decisions/0/reason", mail)
            .field("reason/x", mail)
            .field("a~b", json!({"c/d": [mail]}))
            .field("x", json!([mail]))
            .field("x", json!({"to": mail}))
            .field("event_type", json!({"x": mail}))
            .field("response", json!({"text": mail}))
            .log()
            .expect("recorded");
        info!(
            target: TARGET, event_type = "e", decision = "warn", reason = mail, rule_triggered = %mail,
            guardrail_decisions = json!([{"filter_name": "c", "decision": "block", "reason": mail}]).to_string()
        );
    });
    let records = bench.records();
    let told: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            let whole = serde_json::to_value(record).expect("JSON");
            let redactions = record.redactions.iter().cloned();
            redactions
                .map(|redaction| {
                    let text = whole.pointer(&format!("/{}", redaction.field));
                    let text = text
                        .and_then(|text| text.as_str())
                        .unwrap_or_else(|| panic!("{} is no text of {whole:#}", redaction.field));
                    assert!(text.starts_with("[EMAIL:"), "{text}");
                    redaction.field
                })
                .collect()
        })
        .collect();
    assert_eq!(
        told,
        [
            vec![
                "guardrail_decisions/1/reason",
                "guardrail_decisions/1/who/0",
                "guardrail_decisions/2/rule_triggered",
                "guardrail_decisions/0/reason",
            ],
            vec!["guardrail_decisions/0/reason", "reason"],
            vec![
                "prompt",
                "event.prompt/k",
                "guardrail_decisions~10~1reason",
                "reason~1x",
                "a~0b/c~1d/0",
                "x/0",
                "x#2/to",
                "event.event_type/x",
                "response/text",
            ],
            vec![
                "guardrail_decisions/0/reason",
                "guardrail_decisions/0/rule_triggered",
                "guardrail_decisions/1/reason",
            ],
        ]
    );
}

#[test]
fn a_custom_redactor_composes_and_one_that_panics_withholds() {
    let bench = Bench::with(|builder| {
        builder.redact_pii(true).custom_redactor(|text: &str| {
            assert!(!text.contains("boom"), "a bug of the redactor");
            text.replace("Falcon", "[PROJECT]")
        })
    });
    bench.emit(|| {
        stinger_audit::log_prompt("Falcon, ask ann@example.com").expect("recorded");
        stinger_audit::log_prompt("boom secret").expect("recorded");
    });
    let records = bench.records();
    let prompt = records[0].prompt.as_deref().expect("a prompt");
    assert!(prompt.starts_with("[PROJECT], ask [EMAIL:k1:"), "{prompt}");
    let told: Vec<_> = records[0]
        .redactions
        .iter()
        .cloned()
        .map(|told| (told.kind, told.rule))
        .collect();
    let expected = [("CUSTOM", "custom_redactor"), ("EMAIL", "email")];
    assert_eq!(
        told,
        expected.map(|(kind, rule)| (kind.to_owned(), rule.to_owned()))
    );
    let status = bench.audit.status();
    assert_eq!(
        (
            status.custom_redactors[0].calls,
            status.custom_redactors[0].panics
        ),
        (2, 1)
    );
    assert_eq!(
        records[1].prompt.as_deref(),
        Some("[withheld: the redactor failed]")
    );
    assert!(records[1].problems.concat().contains("redactor panicked"));
}

#[test]
fn a_redactor_that_logs_does_not_call_itself_without_end() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let bench = Bench::with(|builder| {
        builder.custom_redactor(|text: &str| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            stinger_audit::log_prompt(text).expect("recorded");
            text.to_owned()
        })
    });
    bench.emit(|| stinger_audit::log_prompt("a secret").expect("recorded"));
    let records = bench.records();
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    let prompts: Vec<_> = records
        .iter()
        .filter_map(|record| record.prompt.as_deref())
        .collect();
    assert_eq!(prompts, ["[withheld: emitted by a redactor]", "a secret"]);
}

#[test]
fn many_keys_that_redact_alike_are_all_kept_and_cost_no_more() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let map: serde_json::Map<_, _> = (0..5_000)
        .map(|number| (format!("user{number}@example.com"), json!(number)))
        .collect();
    let begun = std::time::Instant::now();
    bench.emit(|| {
        stinger_audit::emit::event("e")
            .field("map", map)
            .log()
            .expect("recorded")
    });
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let record = bench.one();
    assert_eq!(record.other["map"].as_object().expect("a map").len(), 5_000);
}

#[test]
fn numbers_and_unknown_verdicts_are_redacted_as_the_texts_they_are() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    bench.emit(|| {
        let card = 4_111_111_111_111_111_u64;
        info!(target: TARGET, event_type = "e", prompt = card, plain = card, order = 42_u64,
              decision = "ask ann@example.com");
        stinger_audit::emit::event("e")
            .field("nested", json!({"card": card}))
            .log()
            .expect("recorded");
    });
    let text = serde_json::to_string(&bench.records()).expect("JSON");
    assert!(!text.contains("4111") && !text.contains("ann@"), "{text}");
    assert!(text.contains("\"order\":42"));
}
