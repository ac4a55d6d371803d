//! Whatever an event holds, its record is written and nothing breaks.

use std::fmt;

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::record::{Decision, EventType, GuardrailDecision, Phase, Record};
use tracing::field::Empty;
use tracing::{debug, error, event, info, trace, warn};

mod common;
use common::{Bench, all_records};

fn problems(record: &Record) -> String {
    json!(record.problems).to_string()
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
        stinger_audit::emit::response("full")
            .event_id("own-1")
            .event_timestamp("2026-11-23T10:00:00Z")
            .request_id("req")
            .tenant_id("t")
            .user_id("u")
            .session_id("s")
            .user_ip("192.0.2.1")
            .user_agent("agent/1.0")
            .agent_id("planner")
            .conversation_id("c")
            .turn_id("turn")
            .turn_number(4)
            .conversation_state("mine")
            .provider("p")
            .operation("chat")
            .model_requested("m")
            .model_used("m-2")
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
        ("event_id", json!("own-1")),
        ("event_timestamp", json!("2026-11-23T10:00:00Z")),
        ("request_id", json!("req")),
        ("tenant_id", json!("t")),
        ("user_id", json!("u")),
        ("session_id", json!("s")),
        ("user_ip", json!("192.0.2.1")),
        ("user_agent", json!("agent/1.0")),
        ("agent_id", json!("planner")),
        ("conversation_id", json!("c")),
        ("turn_id", json!("turn")),
        ("turn_number", json!(4)),
        ("conversation_state", json!("mine")),
        ("provider", json!("p")),
        ("operation", json!("chat")),
        ("model_requested", json!("m")),
        ("model_used", json!("m-2")),
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
        stinger_audit::emit::prompt("x")
            .blocked("injection", "why")
            .log()
            .expect("recorded");
        stinger_audit::emit::prompt("y")
            .rate_limited("61 in a minute")
            .log()
            .expect("recorded");
        stinger_audit::emit::prompt("z")
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
        stinger_audit::emit::event("e").field("reason", "of its own").log().expect("recorded");
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
fn a_number_that_json_does_not_have_is_the_same_from_a_macro_and_from_a_typed_function() {
    for (number, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        let bench = Bench::new();
        bench.emit(|| {
            info!(target: TARGET, event_type = "e", processing_time_ms = number, score = number);
            let entry = stinger_audit::emit::event("e").processing_time_ms(number);
            let entry = entry.field("score", number).field("small", number as f32);
            entry.log().expect("recorded");
        });
        assert_eq!(bench.records().len(), 2);
        let raw = std::fs::read_to_string(bench.path()).expect("the trail");
        let lines = raw
            .lines()
            .filter(|line| line.contains("\"event_type\":\"e\""));
        let lines: Vec<serde_json::Value> = lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!(line["processing_time_ms"], text);
            assert_eq!(line["score"], text);
        }
        assert_eq!(lines[1]["small"], text);
    }
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
        stinger_audit::emit::guardrail(unsure).log().expect("recorded");
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
        stinger_audit::emit::guardrail(sure).log().expect("recorded");
    });
    let records = bench.records();
    assert_eq!(records.len(), 5);
    for record in records {
        assert!(record.problems.is_empty(), "{record:?}");
    }
}
