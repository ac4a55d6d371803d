//! Ids and tenants: what becomes of each, and rules that cannot apply.

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::emit::event;
use stinger_audit::record::{Decision, GuardrailDecision, ToolCall};
use stinger_audit::redact::{FieldPolicy, IdentifierPolicy, Keys, Rules};
use tracing::{info, info_span};

use crate::common::{Bench, lines_of};

const IDS: [&str; 10] = [
    "event_id",
    "request_id",
    "client_request_id",
    "tenant_id",
    "user_id",
    "session_id",
    "user_ip",
    "agent_id",
    "conversation_id",
    "turn_id",
];

fn with_rules(rules: Rules) -> Bench {
    Bench::with(|builder| {
        builder
            .redact_pii(true)
            .redaction(rules)
            .redaction_keyring(Keys::from_secret("v1", &[5; 32]))
    })
}

/// What opening a trail with these rules says is wrong.
fn refusal(rules: Rules) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let builder = stinger_audit::to(dir.path().join("audit.log"));
    let error = builder.redact_pii(true).redaction(rules).open();
    format!("{:?}", error.expect_err("a rule cannot apply"))
}

#[test]
fn every_id_is_kept_tagged_or_withheld_as_its_rule_says() {
    const RAW: &str = "raw.id.0815";
    for name in IDS {
        let rules_and_policies = [
            (
                Rules::new().id(name, IdentifierPolicy::Keep),
                IdentifierPolicy::Keep,
            ),
            (
                Rules::new().field(name, FieldPolicy::Keep),
                IdentifierPolicy::Keep,
            ),
            (
                Rules::new().id(name, IdentifierPolicy::Tag),
                IdentifierPolicy::Tag,
            ),
            (
                Rules::new().id(name, IdentifierPolicy::Withhold),
                IdentifierPolicy::Withhold,
            ),
            (
                Rules::new().field(name, FieldPolicy::Withhold),
                IdentifierPolicy::Withhold,
            ),
        ];
        for (rules, policy) in rules_and_policies {
            let bench = with_rules(rules);
            let log =
                |entry: stinger_audit::emit::Entry<'_>| bench.audit.log(entry).expect("recorded");
            log(event("once").field(name, RAW));
            // The second value stands beside the key, and a list is no id.
            log(event("twice").field(name, RAW).field(name, RAW));
            log(event("list").field(name, json!([RAW, { "a": RAW }])));
            bench.audit.flush().expect("written");
            let lines = lines_of(&bench.path());
            let once = lines
                .iter()
                .find(|line| line["event_type"] == "once")
                .expect("a record");
            let text = std::fs::read_to_string(bench.path()).expect("readable");
            match policy {
                IdentifierPolicy::Keep => assert_eq!(once[name], RAW),
                IdentifierPolicy::Tag => {
                    let tag = once[name].as_str().expect("a tag");
                    assert!(
                        tag.starts_with('[') && tag.contains(":v1:"),
                        "{name}: {tag}"
                    );
                    let tags = Keys::from_secret("v1", &[5; 32]).tags(RAW);
                    assert!(
                        name == "user_ip" || tags.iter().any(|known| known == tag),
                        "{name}: {tag}"
                    );
                    assert!(!text.contains(RAW), "{name}: {text}");
                }
                _ => {
                    assert!(once.get(name).is_none(), "{name}: {once}");
                    assert!(!text.contains(RAW), "{name}: {text}");
                }
            }
        }
    }
}

#[test]
fn a_session_id_is_tagged_and_a_client_s_request_id_searched_without_any_rule() {
    let bench = with_rules(Rules::new());
    bench.emit(|| {
        for session in ["ZZ1exampleSession0001", "ZZ1exampleSession0001", "another"] {
            info_span!(
                "request",
                session_id = session,
                client_request_id = "ann@example.com"
            )
            .in_scope(|| info!(target: TARGET, event_type = "bare", user_id = "u-7"));
        }
    });
    let records = bench.records();
    let sessions: Vec<_> = records
        .iter()
        .map(|record| record.session_id.clone().expect("a tag"))
        .collect();
    assert!(sessions[0].starts_with("[SESSION:v1:"), "{sessions:?}");
    assert_eq!(sessions[0], sessions[1]);
    assert_ne!(sessions[0], sessions[2]);
    let client = records[0].client_request_id.as_deref().expect("an id");
    assert!(client.starts_with("[EMAIL:v1:"), "{client}");
    assert_eq!(records[0].user_id.as_deref(), Some("u-7"));
    let text = std::fs::read_to_string(bench.path()).expect("readable");
    assert!(
        !text.contains("ZZ1example") && !text.contains("ann@"),
        "{text}"
    );
}

#[test]
fn a_rule_that_cannot_apply_is_an_error() {
    let tag = IdentifierPolicy::Tag;
    for (rules, says) in [
        (Rules::new().id("session", tag), "it is no id"),
        (
            Rules::new().field("user_id", FieldPolicy::Redact),
            "not searched",
        ),
        (
            Rules::new().field("turn_number", FieldPolicy::Withhold),
            "no rule for a field",
        ),
        (
            Rules::new().field("model_used", FieldPolicy::Keep),
            "no rule for a field",
        ),
        (
            Rules::new().field("session.id", FieldPolicy::Withhold),
            "another name of an id",
        ),
        (
            Rules::new().field("seq", FieldPolicy::Withhold),
            "no rule for a field",
        ),
        (
            Rules::new().field("guardrail_decisions", FieldPolicy::Withhold),
            "no rule for a field",
        ),
        (
            Rules::new().replacement("NOBODY", Default::default()),
            "no kind of that name",
        ),
        (
            Rules::new().tenant("", FieldPolicy::Withhold),
            "it is empty",
        ),
        (
            Rules::new().tenant("acme", FieldPolicy::Keep),
            "can be withheld",
        ),
        (
            Rules::new()
                .tenant("acme", FieldPolicy::Withhold)
                .id("tenant_id", IdentifierPolicy::Withhold),
            "cannot be found",
        ),
    ] {
        let error = refusal(rules);
        assert!(error.contains(says), "{error}");
    }
    let builder = stinger_audit::to("stdout").redact_pii(true);
    let without_keys = builder
        .redaction(Rules::new().id("conversation_id", tag))
        .open();
    let error = format!("{:?}", without_keys.expect_err("one tag for all"));
    assert!(error.contains("set redaction_keys"), "{error}");
}

#[test]
fn a_rule_for_a_field_of_the_record_applies_or_is_an_error() {
    const RAW: &str = "raw words 0815";
    let names = [
        "prompt",
        "response",
        "user_agent",
        "reason",
        "rule_triggered",
        "conversation_state",
        "client_request_id",
        "provider",
        "operation",
        "model_requested",
        "model_used",
        "event_type",
        "event_timestamp",
        "filter_name",
        "decision",
        "policy",
        "phase",
        "trace_id",
        "span_id",
        "outcome",
        "expects",
        "problems",
        "run_id",
        "gen_ai.prompt",
        "gen_ai.system",
        "user.id",
        "client.address",
        "of_the_application",
    ];
    let mut refused = 0;
    for name in IDS.into_iter().chain(names) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let rules = Rules::new().field(name, FieldPolicy::Withhold);
        let Ok(audit) = stinger_audit::to(&path)
            .redact_pii(true)
            .redaction(rules)
            .open()
        else {
            refused += 1;
            continue;
        };
        audit.log(event("any").field(name, RAW)).expect("recorded");
        audit.close().expect("closed");
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(
            text.contains("\"any\"") && !text.contains(RAW),
            "{name}: {text}"
        );
    }
    assert_eq!(refused, 19);
}

#[test]
fn one_customers_texts_are_withheld_and_the_decisions_stay() {
    let by_code = Rules::new().tenant("acme", FieldPolicy::Withhold);
    let rules = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(rules.path(), "[tenants]\nacme = \"withhold\"\n").expect("written");
    let by_file = Rules::from_file(rules.path()).expect("rules");
    let tagged = by_code.clone().id("tenant_id", IdentifierPolicy::Tag);
    for rules in [by_code, by_file, tagged] {
        let bench = with_rules(rules);
        bench.emit(|| {
            for tenant in ["acme", "other"] {
                let agent = format!("secret words of {tenant} as an agent");
                let words = |what: &str| format!("secret words of {tenant} in {what}");
                // The tenant stands behind the text, in a span, in a late value of a span, and in a turn.
                info!(target: TARGET, event_type = "bare", prompt = words("a macro"), tenant_id = tenant, score = 7);
                event("typed").field("own", words("a field")).field("tenant.id", tenant).log().expect("recorded");
                let span = info_span!("request", tenant_id = tracing::field::Empty, user_agent = agent);
                span.in_scope(|| {
                    span.record("tenant_id", tenant);
                    let call = ToolCall::new("search").id("call-1").arguments(json!({ "q": words("a call") }));
                    event("call").tool_call(call.result(words("a result"))).log().expect("recorded");
                    let decision = GuardrailDecision::block("pii").reason(words("a reason")).confidence(0.9);
                    stinger_audit::log_guardrail_decision(decision).expect("recorded");
                    stinger_audit::log_response(&words("a response")).expect("recorded");
                });
                let mut turn = bench.audit.turn("c-1").tenant_id(tenant).begin(&words("a prompt")).expect("recorded");
                let verdict = turn.guardrail("injection").run(|| Ok::<_, String>(Decision::Allow));
                assert_eq!(verdict, Decision::Allow);
                let held = turn.hold(words("an answer"));
                turn.release(held).expect("released");
            }
        });
        let records = bench.records();
        assert_eq!(records.len(), 16, "{records:#?}");
        let text = std::fs::read_to_string(bench.path()).expect("readable");
        assert!(!text.contains("secret words of acme"), "{text}");
        assert_eq!(text.matches("secret words of other").count(), 11, "{text}");
        let (acme, other) = records.split_at(8);
        for (withheld, kept) in acme.iter().zip(other) {
            assert_eq!(withheld.event_type, kept.event_type);
            let decisions = |record: &stinger_audit::record::Record| -> Vec<_> {
                let decisions = record.guardrail_decisions.iter();
                decisions
                    .map(|found| {
                        (
                            found.filter_name.clone(),
                            found.decision.clone(),
                            found.confidence,
                        )
                    })
                    .collect()
            };
            assert_eq!(decisions(withheld), decisions(kept));
            assert_eq!(withheld.outcome, kept.outcome);
            assert_eq!(withheld.redactions.len(), 0);
        }
        assert_eq!(acme[0].prompt.as_deref(), Some("[withheld]"));
        assert_eq!(acme[0].other["score"], 7);
        assert_eq!(acme[2].user_agent.as_deref(), Some("[withheld]"));
        assert_eq!(acme[2].tool_calls[0].id.as_deref(), Some("call-1"));
        assert_eq!(
            acme[3].guardrail_decisions[0].reason.as_deref(),
            Some("[withheld]")
        );
        assert_eq!(acme[7].response.as_deref(), Some("[withheld]"));
    }
}
