//! Fields of records and spans: which are redacted, and how.

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::emit::{event, prompt};
use stinger_audit::record::{GuardrailDecision, Record};
use stinger_audit::redact::{
    Entity, FieldPolicy, IdentifierPolicy, Keys, Replacement, Rule, Rules,
};
use tracing::field::Empty;
use tracing::{info, info_span};

use crate::common::Bench;

/// The fields that a record tells redactions of, and its problems.
fn told(record: &Record) -> (Vec<String>, String) {
    let redactions = record.redactions.iter();
    (
        redactions.map(|told| told.field.clone()).collect(),
        record.problems.join("; "),
    )
}

#[test]
fn what_is_told_of_a_span_belongs_to_the_values_that_a_record_takes_from_it() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    bench.emit(|| {
        let log = || prompt("hello").log().expect("recorded");
        let request = info_span!(
            "request",
            user_agent = "mail bob@example.com",
            turn_number = "ann@example.com",
            model_used = Empty
        );
        let _request = request.enter();
        log();
        // What took the place of a value tells nothing of it.
        request.record("model_used", "of bob@example.com");
        request.record("user_agent", "curl/8");
        log();
        request.record("turn_number", 3);
        request.record("user_agent", "typed [USER]");
        log();
        request.record("user_agent", "curl/9");
        prompt("hello")
            .turn_number(4)
            .user_agent("from bob@example.com")
            .log()
            .expect("recorded");
        log();
    });
    let told: Vec<_> = bench.records().iter().map(told).collect();
    let of = |fields: &[&str]| fields.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told[0].0, of(&["user_agent", "turn_number"]));
    assert!(
        told[0].1.contains("turn_number has not the type"),
        "{told:?}"
    );
    assert_eq!(told[1].0, of(&["turn_number"]));
    assert_eq!(told[2].0, of(&[]));
    assert!(
        told[2]
            .1
            .contains("a placeholder of the redaction into user_agent"),
        "{told:?}"
    );
    assert_eq!(told[3], (of(&["user_agent"]), String::new()));
    assert_eq!(told[4], (of(&[]), String::new()));
}

#[test]
fn users_and_fields_are_treated_as_the_rules_say() {
    let keys = Keys::from_secret("v1", &[5; 32]);
    let expected = keys.tags("192.0.2.7");
    let rules = Rules::new()
        .user_ip(IdentifierPolicy::Tag)
        .user_id(IdentifierPolicy::Withhold)
        .field("ticket", FieldPolicy::Keep)
        .field("tool_output", FieldPolicy::Withhold)
        .replacement(Entity::CreditCard, Replacement::Mask)
        .replacement(Entity::Phone, Replacement::Remove)
        .replacement("STAFF", Replacement::Type)
        .rule(Rule::new("STAFF", r"E-\d{4}").expect("a rule"))
        .allow(["Support@example.com"]);
    let bench = Bench::with(|builder| {
        builder
            .redact_pii(true)
            .redaction(rules)
            .redaction_keyring(keys)
    });
    bench.emit(|| {
        let _span = info_span!("request", user_id = "u-7", user_ip = "192.0.2.7").entered();
        let text = "E-4711 paid with 4111 1111 1111 1111, call +1 212 555 0187 or support@example.com from 192.0.2.7";
        prompt(text)
            .field("ticket", "ann@example.com")
            .field("tool_output", json!({ "a": ["ann@example.com"] }))
            .log()
            .expect("recorded");
    });
    let record = bench.one();
    assert_eq!(record.user_id, None);
    let address = record.user_ip.clone().expect("an address");
    assert!(expected.contains(&address), "{address} {expected:?}");
    assert_eq!(
        record.prompt.as_deref(),
        Some(format!("[STAFF] paid with [CREDIT_CARD:VISA 1111], call  or support@example.com from {address}").as_str())
    );
    assert_eq!(record.other["ticket"], "ann@example.com");
    assert_eq!(record.other["tool_output"], "[withheld]");
    assert_eq!(
        json!(record.redaction_counts),
        json!({ "STAFF": 1, "CREDIT_CARD": 1, "PHONE": 1, "IP": 1 })
    );
    let removed = record
        .redactions
        .iter()
        .find(|told| told.kind == "PHONE")
        .expect("told");
    assert_eq!(removed.start, removed.end);
}

#[test]
fn a_field_may_say_what_its_value_is() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let arguments = json!({
        "api_key": "aB3dE5gH7jK9mN1pQ3rS", "Authorization": "Bearer aB3dE5gH7jK9mN1pQ3rS",
        "phone": ["5551234567"], "ssn": "536904399", "ssn_number": 536_904_399_u64, "count": 1234567,
        "max_tokens": 1024, "token_type": "bearer1234567890", "note": "5551234567",
    });
    bench.emit(|| {
        event("tool_call")
            .field("arguments", arguments)
            .field("password", "Abcd1234 and 'more'")
            .field("ann@example.com", "a name")
            .decision(GuardrailDecision::warn("pii").field("password", "Abcd1234!x"))
            .log()
            .expect("recorded");
        info!(target: TARGET, event_type = "e", password = "Abcd1234!x", card = 4_111_111_111_111_111.0_f64,
              phase = "ask bob@example.com");
    });
    let text = serde_json::to_string(&bench.records()).expect("JSON");
    for value in [
        "aB3dE5gH",
        "536904399",
        "Abcd1234",
        "more'",
        "ann@example",
        "bob@example",
        "4111111",
    ] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    for kept in [
        "\"count\":1234567",
        "\"max_tokens\":1024",
        "bearer1234567890",
        "\"note\":\"5551234567\"",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(
        text.matches("5551234567").count(),
        1,
        "the phone number is gone, the note is kept: {text}"
    );
}

#[test]
fn a_treatment_holds_for_every_name_and_type_of_a_field() {
    let rules = Rules::new()
        .field("prompt", FieldPolicy::Withhold)
        .field("a/b", FieldPolicy::Withhold)
        .field("salary", FieldPolicy::Withhold);
    let bench = Bench::with(|builder| builder.redact_pii(true).redaction(rules));
    bench.emit(|| {
        info!(target: TARGET, event_type = "e", prompt = "first", gen_ai.prompt = "second", a = "kept");
        event("e")
            .field("a/b", "third")
            .field("a/b", "fourth")
            .field("salary", 123_456)
            .field("salary", json!([123_456]))
            .log()
            .expect("recorded");
    });
    let text = serde_json::to_string(&bench.records()).expect("JSON");
    for value in ["first", "second", "third", "fourth", "123456"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    assert!(text.contains("\"a\":\"kept\""), "{text}");
}

#[test]
fn guardrail_names_verdicts_and_numbers_are_never_touched() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let name = "ann@example.com";
    bench
        .audit
        .log(
            event("guardrail_decision")
                .conversation_id(name)
                .session_id(name)
                .request_id(name)
                .decision(
                    GuardrailDecision::block(name)
                        .confidence(0.411_111_111_111)
                        .latency_ms(4_111_111_111_111.0),
                ),
        )
        .expect("recorded");
    let record = bench.one();
    assert_eq!(record.guardrail_decisions[0].filter_name, name);
    assert_eq!(
        record.guardrail_decisions[0].confidence,
        Some(0.411_111_111_111)
    );
    assert_eq!(
        record.guardrail_decisions[0].latency_ms,
        Some(4_111_111_111_111.0)
    );
    assert_eq!(record.conversation_id.as_deref(), Some(name));
    assert!(record.redactions.is_empty());
}
