//! Whatever an event holds, its record is written and nothing breaks.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::record::{Decision, EventType, GuardrailDecision, Phase, Record};
use tracing::field::Empty;
use tracing::{debug, error, event, info, info_span, trace, warn};

mod common;
use common::{Bench, all_records};

fn problems(record: &Record) -> String {
    json!(record.problems).to_string()
}

/// The application's lines as JSON: every key, whatever the library makes of it.
fn application_lines(bench: &Bench) -> Vec<serde_json::Value> {
    bench.audit.flush().expect("written");
    let mut lines = common::lines_of(&bench.path());
    lines.retain(|line| {
        !line["event_type"]
            .as_str()
            .is_some_and(|name| name.starts_with("trail_"))
    });
    lines
}

#[test]
fn every_macro_and_every_field_type_is_recorded() {
    let bench = Bench::new();
    let io_error = std::io::Error::other("the cause");
    let error: &(dyn std::error::Error + 'static) = &io_error;
    bench.emit(|| {
        info!(
            target: TARGET,
            event_type = "everything",
            a_str = "text",
            a_string = String::from("owned"),
            signed = -3_i64,
            unsigned = u64::MAX,
            huge = u128::MAX,
            small = i128::from(-5),
            float = 0.25,
            truth = true,
            display = %format_args!("{}!", 7),
            debug = ?vec![1, 2],
            error,
            absent = Empty,
            some = Some("x"),
            none = None::<&str>,
            wrapped = std::num::Wrapping(8_u32),
            nonzero = std::num::NonZeroU8::MIN,
            a.dotted.name = "d",
            "a message with {}", "arguments"
        );
        error!(target: TARGET, event_type = "e");
        warn!(target: TARGET, event_type = "w");
        debug!(target: TARGET, event_type = "d");
        trace!(target: TARGET, event_type = "t");
        event!(target: TARGET, tracing::Level::INFO, event_type = "plain event");
    });
    let records = bench.records();
    assert_eq!(records.len(), 6);
    let expected = json!({
        "a_str": "text", "a_string": "owned", "signed": -3, "unsigned": u64::MAX,
        "huge": u128::MAX.to_string(), "small": -5, "float": 0.25, "truth": true,
        "display": "7!", "debug": "[1, 2]", "error": "the cause", "some": "x",
        "wrapped": 8, "nonzero": 1, "a.dotted.name": "d",
        "message": "a message with arguments",
    });
    assert_eq!(json!(records[0].other), expected);
}

#[test]
fn the_typed_functions_fill_the_keys_they_are_named_after() {
    let bench = Bench::new();
    bench.emit(|| {
        stinger_audit::log_prompt("p").expect("recorded");
        stinger_audit::log_response("r").expect("recorded");
        stinger_audit::log_guardrail_decision(GuardrailDecision::skipped("f")).expect("recorded");
        stinger_audit::response("full")
            .request_id("req")
            .user_id("u")
            .session_id("s")
            .user_ip("192.0.2.1")
            .user_agent("agent/1.0")
            .conversation_id("c")
            .turn_number(4)
            .conversation_state("mine")
            .model_used("m")
            .tokens_processed(99)
            .processing_time_ms(1.5)
            .field("nested", json!({"list": [1, "two"]}))
            .log()
            .expect("recorded");
    });
    let records = bench.records();
    assert_eq!(records[0].prompt.as_deref(), Some("p"));
    assert_eq!(records[0].event_type, EventType::UserPrompt);
    assert_eq!(records[1].response.as_deref(), Some("r"));
    assert_eq!(
        records[2].guardrail_decisions[0].decision,
        Decision::Skipped
    );
    let line = serde_json::to_value(&records[3]).expect("JSON");
    for (key, value) in [
        ("event_type", json!("llm_response")),
        ("request_id", json!("req")),
        ("user_id", json!("u")),
        ("session_id", json!("s")),
        ("user_ip", json!("192.0.2.1")),
        ("user_agent", json!("agent/1.0")),
        ("conversation_id", json!("c")),
        ("turn_number", json!(4)),
        ("conversation_state", json!("mine")),
        ("model_used", json!("m")),
        ("tokens_processed", json!(99)),
        ("processing_time_ms", json!(1.5)),
        ("nested", json!({"list": [1, "two"]})),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
}

#[test]
fn a_prompt_that_does_not_pass_is_as_easy_to_record_as_one_that_does() {
    let bench = Bench::new();
    bench.emit(|| {
        stinger_audit::prompt("x")
            .blocked("injection", "why")
            .log()
            .expect("recorded");
        stinger_audit::prompt("y")
            .rate_limited("61 in a minute")
            .log()
            .expect("recorded");
        stinger_audit::prompt("z")
            .too_long(70_000, 32_000)
            .log()
            .expect("recorded");
    });
    let records = bench.records();
    let filters: Vec<_> = records
        .iter()
        .map(|record| record.blocking().expect("a block").filter_name.as_str())
        .collect();
    assert_eq!(filters, ["injection", "rate_limit", "length"]);
    assert_eq!(records[2].guardrail_decisions[0].other["limit"], 32_000);
}

#[test]
fn plain_fields_of_a_macro_make_up_a_decision_and_a_json_list_several() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(
            target: TARGET,
            event_type = "guardrail_decision",
            filter_name = "pii",
            decision = "BLOCK",
            reason = "email",
            confidence = 0.5,
            rule_triggered = "r1",
            policy = "pii@2",
            phase = "Input",
            latency_ms = 3,
        );
        let several = json!([
            {"filter_name": "a", "decision": "allow", "phase": "output"},
            {"filter_name": "b", "decision": "modify", "score": {"deep": 1}},
        ]);
        info!(target: TARGET, event_type = "guardrail_decision", guardrail_decisions = several.to_string());
        info!(target: TARGET, event_type = "guardrail_decision", guardrail_decisions = "no list");
        info!(target: TARGET, event_type = "timeout", reason = "not a decision");
    });
    let records = bench.records();
    let expected = GuardrailDecision::block("pii")
        .reason("email")
        .confidence(0.5)
        .rule_triggered("r1")
        .policy("pii@2")
        .phase(Phase::Input)
        .latency_ms(3.0);
    assert_eq!(records[0].guardrail_decisions, [expected]);
    assert!(records[0].other.is_empty());
    assert_eq!(records[1].guardrail_decisions.len(), 2);
    assert_eq!(
        records[1].guardrail_decisions[1].other["score"],
        json!({"deep": 1})
    );
    assert_eq!(records[2].other["event.guardrail_decisions"], "no list");
    assert!(problems(&records[2]).contains("no JSON array"));
    assert_eq!(records[3].other["reason"], "not a decision");
}

#[test]
fn an_event_without_an_event_type_is_kept_and_says_so() {
    let bench = Bench::new();
    bench.emit(|| info!(target: TARGET, prompt = "p"));
    let record = bench.one();
    assert_eq!(record.event_type, EventType::Unspecified);
    assert_eq!(record.prompt.as_deref(), Some("p"));
    assert!(problems(&record).contains("without an event_type"));
}

#[test]
fn a_line_has_the_order_in_which_a_record_is_serialised() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    bench.emit(|| {
        let span = tracing::info_span!(
            "s", tenant.id = "t", gen_ai.agent.id = "a", turn_id = "t-1", gen_ai.request.model = "m",
            gen_ai.provider.name = "p", trace_id = "1", span_id = "2",
        );
        let _span = span.entered();
        info!(
            target: TARGET, own = "mine", event_type = "llm_response", response = "of ann@example.com",
            filter_name = "f", decision = "odd", conversation_id = "c", event_id = "e", event_timestamp = "then",
            gen_ai.usage.input_tokens = 3, policy = "f@2",
        );
        stinger_audit::event("e").field("reason", "of its own").log().expect("recorded");
    });
    bench.audit.flush().expect("written");
    let lines = std::fs::read_to_string(bench.path()).expect("readable");
    let records = all_records(&bench.path());
    assert_eq!(lines.lines().count(), records.len());
    assert!(
        records
            .iter()
            .any(|record| !record.problems.is_empty() && !record.redactions.is_empty())
    );
    for (line, record) in lines.lines().zip(&records) {
        if !record.is_about_trail() {
            assert_eq!(serde_json::to_string(record).expect("JSON"), line);
        }
    }
}

#[test]
fn an_application_cannot_speak_for_the_trail() {
    let bench = Bench::new();
    bench.emit(|| {
        let reserved = [
            "trail_closed",
            "trail_gap",
            "turn_blocked",
            "turn_failed",
            "turn_abandoned",
            "turn_withheld",
            "turn_note",
        ];
        for event_type in reserved {
            info!(target: TARGET, event_type);
            stinger_audit::event(event_type).log().expect("recorded");
            stinger_audit::event("e")
                .field("event_type", event_type)
                .log()
                .expect("recorded");
        }
    });
    let records = bench.records();
    for forged in records.chunks(3) {
        let (by_macro, typed) = (forged[0].event_type.as_str(), forged[1].event_type.as_str());
        assert!(by_macro.starts_with("application.t"), "{by_macro}");
        assert_eq!(by_macro, typed);
        for record in &forged[..2] {
            assert!(problems(record).contains("reserved"), "{record:?}");
        }
        assert_eq!(forged[2].event_type.as_str(), "e");
        assert_eq!(
            format!(
                "application.{}",
                forged[2].other["event.event_type"]
                    .as_str()
                    .expect("a text")
            ),
            by_macro
        );
    }
    assert_eq!(records.len(), 21);
}

/// What only the trail or a turn may set.
const RESERVED: [&str; 8] = [
    "seq",
    "timestamp",
    "run_id",
    "outcome",
    "expects",
    "problems",
    "redactions",
    "redaction_counts",
];

#[test]
fn a_reserved_name_is_kept_under_event_whoever_forges_it() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(
            target: TARGET, event_type = "e", turn_id = "mine", turn_number = 4, seq = "forged", timestamp = "forged",
            run_id = "forged", outcome = "forged", expects = "forged", problems = "forged", redactions = "forged",
            redaction_counts = "forged"
        );
        let forge = |mut entry: stinger_audit::Entry<'static>| {
            for name in RESERVED {
                entry = entry.field(name, "forged");
            }
            entry.log().expect("recorded");
        };
        forge(stinger_audit::event("e").field("turn_id", "mine").field("turn_number", 4));
        let mut decision = GuardrailDecision::block("f");
        for name in RESERVED {
            decision = decision.field(name, json!({"forged": true}));
        }
        stinger_audit::guardrail(decision).log().expect("recorded");
        let _span = info_span!(
            "s", turn_id = "mine", turn_number = 4, seq = "forged", timestamp = "forged", run_id = "forged",
            outcome = "forged", expects = "forged", problems = "forged", redactions = "forged",
            redaction_counts = "forged", event_type = "turn_blocked"
        )
        .entered();
        info!(target: TARGET, event_type = "e");
    });
    let lines = application_lines(&bench);
    for line in [&lines[0], &lines[1], &lines[3]] {
        assert_eq!(
            (&line["turn_id"], &line["turn_number"]),
            (&json!("mine"), &json!(4)),
            "{line}"
        );
    }
    for name in RESERVED {
        let kept = format!("event.{name}");
        for line in &lines[..2] {
            assert_eq!(line[&kept], "forged", "{line}");
        }
        assert_eq!(
            lines[2]["guardrail_decisions"][0][name],
            json!({"forged": true})
        );
        assert_eq!(lines[3].get(&kept), None, "a span says nothing of it");
        for line in &lines {
            let is_set = line.get(name).is_some();
            assert_eq!(
                is_set,
                ["seq", "timestamp"].contains(&name),
                "{name}: {line}"
            );
            assert_ne!(line[name], "forged");
        }
    }
}

#[test]
fn no_key_is_the_beginning_of_another_ones_path() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(
            target: TARGET, event_type = "e", event = "login", outcome = "mine", event.kind = "k", user = "u",
            user.id = "u-7", user.name = "n", gen_ai.usage.input_tokens = 3, gen_ai.usage = 4, a.b.c = 1, a = 2, a.b = 3
        );
        let decision = GuardrailDecision::warn("f")
            .field("event", "x")
            .field("reason.code", 7)
            .field("prompt.length", 8)
            .field("decision", "allow");
        stinger_audit::guardrail(decision)
            .field("prompt.length", 9)
            .field("note", 1)
            .field("note", 2)
            .field("note.x", 3)
            .field("a#2", 4)
            .field("a#2", 5)
            .log()
            .expect("recorded");
    });
    let records = bench.records();
    assert_eq!(records[0].user_id.as_deref(), Some("u-7"));
    assert_eq!(records[0].input_tokens, Some(3));
    assert_eq!(
        json!(records[0].other),
        json!({
            "event.event": "login", "event.outcome": "mine", "event.kind": "k", "user": "u", "user#2.name": "n",
            "event.gen_ai.usage": 4, "a.b.c": 1, "a#2": 2, "a.b#2": 3,
        })
    );
    assert_eq!(
        json!(records[1].guardrail_decisions[0].other),
        json!({"event.event": "x", "event.reason.code": 7, "prompt.length": 8, "event.decision": "allow"})
    );
    assert_eq!(
        json!(records[1].other),
        json!({"event.prompt.length": 9, "note": 1, "note#2": 2, "note#3.x": 3, "a#2": 4, "a#3": 5})
    );
}

/// The keys of an object as they come, and those of its decisions.
struct Keys(Vec<Vec<String>>);

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Keys, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut objects = vec![Vec::new()];
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "guardrail_decisions" => {
                            let decisions: Vec<Keys> = map.next_value()?;
                            objects.extend(decisions.into_iter().flat_map(|Keys(keys)| keys));
                        }
                        _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    }
                    objects[0].push(key);
                }
                Ok(Keys(objects))
            }
        }
        from.deserialize_map(Members)
    }
}

#[test]
fn whatever_its_fields_are_called_no_two_keys_of_a_record_collide() {
    const SEGMENTS: [&str; 20] = [
        "event",
        "user",
        "id",
        "gen_ai",
        "usage",
        "input_tokens",
        "user_agent",
        "original",
        "outcome",
        "prompt",
        "reason",
        "decision",
        "a",
        "a#2",
        "a#3",
        "b",
        "",
        "#2",
        "7",
        "guardrail_decisions/0/reason",
    ];
    let mut state = 22_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut name = || {
        let segments: Vec<_> = (0..=random(3))
            .map(|_| SEGMENTS[random(SEGMENTS.len())])
            .collect();
        segments.join(".")
    };
    let bench = Bench::new();
    bench.emit(|| {
        for round in 0..1_000 {
            let mut entry = stinger_audit::event("e");
            let mut decision = GuardrailDecision::warn("f");
            for number in 0..round % 24 {
                let value = match number % 3 {
                    0 => json!("text"),
                    1 => json!(number),
                    _ => json!({"nested": [number]}),
                };
                decision = decision.field(name(), value.clone());
                entry = entry.field(name(), value);
            }
            entry.decision(decision).log().expect("recorded");
        }
        // These differ where no name is read any more.
        let long = "x".repeat(70_000);
        let entry = stinger_audit::event("long")
            .field(format!("{long}1"), 1)
            .field(format!("{long}2"), 2);
        entry.log().expect("recorded");
    });
    bench.audit.flush().expect("written");
    let text = std::fs::read_to_string(bench.path()).expect("the trail");
    let mut decisions = 0;
    for line in text.lines() {
        let Keys(objects) = serde_json::from_str(line).expect("an object");
        decisions += objects.len() - 1;
        for keys in objects {
            for (place, key) in keys.iter().enumerate() {
                for other in &keys[..place] {
                    let collide = key == other
                        || key.starts_with(&format!("{other}."))
                        || other.starts_with(&format!("{key}."));
                    assert!(!collide, "{key} and {other} in {line}");
                }
            }
        }
    }
    assert!(decisions >= 1_000);
    let long = bench.records().pop().expect("the last");
    assert_eq!(long.other.len(), 2);
    assert!(problems(&long).contains("cut"));
}

#[test]
fn strange_values_are_written_as_what_they_are() {
    let bench = Bench::new();
    let long = "a long prompt \u{1f600} ".repeat(60_000);
    bench.emit(|| {
        let bytes: &[u8] = b"ok \xff\xfe end";
        info!(
            target: TARGET,
            event_type = "strange",
            prompt = long.as_str(),
            nul = "a\0b",
            bytes,
            nan = f64::NAN,
            infinite = f64::NEG_INFINITY,
            turn_number = "not a number",
            user_id = 42,
            processing_time_ms = "12.5",
            escape = "\u{1b}[2J\u{202e}\u{85}\u{2028}",
        );
    });
    let record = bench.one();
    assert_eq!(record.prompt.as_deref(), Some(long.as_str()));
    assert_eq!(record.other["nul"], "a\0b");
    assert_eq!(record.other["bytes"], "ok \\xff\\xfe end");
    assert_eq!(record.other["nan"], "NaN");
    assert_eq!(record.other["infinite"], "-Infinity");
    assert_eq!(record.other["turn_number"], "not a number");
    assert_eq!(record.user_id.as_deref(), Some("42"));
    assert_eq!(record.processing_time_ms, Some(12.5));
    assert_eq!(record.other["escape"], "\u{1b}[2J\u{202e}\u{85}\u{2028}");
    assert!(problems(&record).contains("2 bytes of bytes are no UTF-8"));
    assert!(problems(&record).contains("turn_number has not the type"));
    let raw = std::fs::read(bench.path()).expect("the trail");
    let text = String::from_utf8(raw).expect("UTF-8");
    assert!(
        !text.chars().any(|c| c != '\n' && c.is_control()),
        "a bare control character"
    );
    assert!(!text.contains('\u{202e}') && !text.contains('\u{2028}'));
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far so good, ")?;
        panic!("no further");
    }
}

struct Logs;

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(target: TARGET, event_type = "from inside");
        stinger_audit::log_prompt("typed, from inside").expect("recorded");
        f.write_str("logged")
    }
}

struct LogsItself;

impl fmt::Debug for LogsItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(target: TARGET, event_type = "again", value = ?LogsItself);
        f.write_str("done")
    }
}

#[test]
fn a_debug_impl_that_panics_leaves_a_record_that_says_so() {
    let bench = Bench::new();
    bench.emit(|| info!(target: TARGET, event_type = "e", bad = ?Panics, good = "kept"));
    let record = bench.one();
    assert_eq!(
        record.other["bad"],
        "so far so good, [the value panicked while it was formatted]"
    );
    assert_eq!(record.other["good"], "kept");
    assert!(problems(&record).contains("formatting bad panicked"));
}

#[test]
fn a_debug_impl_that_logs_leaves_all_its_records() {
    let bench = Bench::new();
    bench.emit(|| info!(target: TARGET, event_type = "outer", value = ?Logs));
    // Inside a scoped subscriber tracing itself lets no second event through; the typed
    // function is recorded all the same.
    let records = bench.records();
    let types: Vec<_> = records
        .iter()
        .map(|record| record.event_type.as_str())
        .collect();
    assert!(
        types.contains(&"user_prompt") && types.contains(&"outer"),
        "{types:?}"
    );
}

#[test]
fn a_value_that_emits_itself_without_end_comes_to_an_end() {
    let bench = Bench::new();
    bench.emit(|| info!(target: TARGET, event_type = "outer", value = ?LogsItself));
    assert!(!bench.records().is_empty());
}

#[test]
fn redaction_covers_every_text_and_no_id() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let mail = "ann@example.com";
    bench.emit(|| {
        stinger_audit::prompt(mail)
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
        stinger_audit::guardrail(GuardrailDecision::warn("a").reason(mail).field("who", json!([mail])))
            .decision(GuardrailDecision::warn("b").rule_triggered(mail))
            .field("filter_name", "plain")
            .field("reason", mail)
            .log()
            .expect("recorded");
        // Without a filter and a verdict they are fields like others.
        stinger_audit::guardrail(GuardrailDecision::warn("a").reason(mail))
            .field("reason", mail)
            .log()
            .expect("recorded");
        // What a key does not take stands beside it, and what comes second under a number.
        stinger_audit::prompt(mail)
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
    assert!(problems(&records[1]).contains("redactor panicked"));
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
fn the_first_of_two_names_of_a_key_counts_and_the_second_is_kept() {
    let bench = Bench::new();
    bench.emit(|| info!(target: TARGET, event_type = "e", user_id = "first", user.id = "second"));
    let record = bench.one();
    assert_eq!(record.user_id.as_deref(), Some("first"));
    assert_eq!(record.other["user.id"], "second");
}

#[test]
fn no_key_stands_twice_and_the_record_cannot_be_hidden() {
    let bench = Bench::new();
    let mut deep = json!("end");
    for _ in 0..200 {
        deep = json!([deep]);
    }
    bench.emit(|| {
        stinger_audit::event("e")
            .user_id("real")
            .user_id("again")
            .field("user_id", "victim")
            .field("event_type", json!(["x"]))
            .field("note", 1)
            .field("note", 2)
            .field("note", 3)
            .field("deep", deep)
            .decision(GuardrailDecision::block("f").field("decision", "allow"))
            .log()
            .expect("recorded");
    });
    let record = bench.one();
    assert_eq!(record.user_id.as_deref(), Some("real"));
    assert_eq!(record.other["event.user_id"], "again");
    assert_eq!(record.other["event.user_id#2"], "victim");
    assert_eq!(record.other["event.event_type"], json!(["x"]));
    assert_eq!(
        (
            &record.other["note"],
            &record.other["note#2"],
            &record.other["note#3"]
        ),
        (&json!(1), &json!(2), &json!(3))
    );
    assert_eq!(record.guardrail_decisions[0].decision, Decision::Block);
    assert_eq!(
        record.guardrail_decisions[0].other["event.decision"],
        "allow"
    );
    assert!(problems(&record).contains("nested deeper"));
    assert!(record.other["deep"].to_string().contains("end"));
}

#[test]
fn many_keys_that_redact_alike_are_all_kept_and_cost_no_more() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let map: serde_json::Map<_, _> = (0..5_000)
        .map(|number| (format!("user{number}@example.com"), json!(number)))
        .collect();
    let begun = std::time::Instant::now();
    bench.emit(|| {
        stinger_audit::event("e")
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
        stinger_audit::event("e")
            .field("nested", json!({"card": card}))
            .log()
            .expect("recorded");
    });
    let text = serde_json::to_string(&bench.records()).expect("JSON");
    assert!(!text.contains("4111") && !text.contains("ann@"), "{text}");
    assert!(text.contains("\"order\":42"));
}

#[test]
fn what_is_odd_about_an_event_is_kept_and_named() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(target: TARGET, event_type = "guardrail_decision", filter_name = "f", decision = true);
        info!(target: TARGET, event_type = "guardrail_decision", filter_name = "f", decision = 1);
        info!(target: TARGET, event_type = "guardrail_decision", filter_name = "f");
        info!(target: TARGET, event_type = "guardrail_decision");
        info!(target: TARGET, event_type = "e", filter_name = "f", decision = "allow", phase = "middle");
        info!(target: TARGET, event_type = "e", filter_name = "f", decision = "allow", confidence = 1.5);
        info!(target: TARGET, event_type = "e", filter_name = "f", decision = "allow", confidence = f64::NAN);
        info!(target: TARGET, event_type = "e", filter_name = "f", decision = "allow", confidence = 80);
        info!(target: TARGET, event_type = "user_prompt", text = "hello");
        info!(target: TARGET, event_type = 5, prompt = "p");
        let elements = json!([{"filter_name": "a"}, {"filter_name": "b", "decision": true}]);
        info!(target: TARGET, event_type = "e", guardrail_decisions = elements.to_string());
        let unsure = GuardrailDecision::warn("f").confidence(-0.1);
        stinger_audit::guardrail(unsure).log().expect("recorded");
    });
    let records = bench.records();
    let named: Vec<_> = records.iter().map(problems).collect();
    let says = [
        "[\"the decision is none of allow, warn, block, modify, error, skipped\"]",
        "[\"the decision is none of allow, warn, block, modify, error, skipped\"]",
        "[\"a guardrail is named without its decision\"]",
        "[\"the guardrail_decision came without a decision\"]",
        "[\"the phase is none of input, output, tool\"]",
        "[\"the confidence is not from 0 to 1\"]",
        "[\"the confidence is not from 0 to 1\"]",
        "[\"the confidence is not from 0 to 1\"]",
        "[\"the user_prompt came without a prompt\"]",
        "[\"the event_type is no text\"]",
        "[\"a guardrail is named without its decision\",\"the decision is none of allow, warn, block, modify, error, skipped\"]",
        "[\"the confidence is not from 0 to 1\"]",
    ];
    assert_eq!(named, says);
    assert_eq!(records[0].guardrail_decisions[0].decision.as_str(), "true");
    assert_eq!(records[4].guardrail_decisions[0].other["phase"], "middle");
    assert_eq!(records[5].guardrail_decisions[0].confidence, Some(1.5));
    assert_eq!(records[9].other["event.event_type"], 5);

    let bench = Bench::new();
    bench.emit(|| {
        info!(target: TARGET, event_type = "user_prompt", prompt = "");
        for confidence in [0.0, 1.0] {
            info!(target: TARGET, event_type = "e", filter_name = "f", decision = "Allow", phase = "Tool", confidence);
        }
        info!(target: TARGET, event_type = "e", filter_name = "f", decision = "allow", confidence = "1");
        let sure = GuardrailDecision::warn("f").confidence(1.0);
        stinger_audit::guardrail(sure).log().expect("recorded");
    });
    let records = bench.records();
    assert_eq!(records.len(), 5);
    for record in records {
        assert!(record.problems.is_empty(), "{record:?}");
    }
}
