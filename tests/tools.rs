//! What happens inside a turn is the turn's: its events, its tool calls, and what its span holds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::read::Trail;
use stinger_audit::record::{Decision, GuardrailDecision, Phase, Record, ToolCall};
use stinger_audit::turn::Turn;
use tracing::{Instrument as _, info, info_span};

mod common;
use common::Bench;

type Checked = Result<Decision, String>;

fn begin(bench: &Bench) -> Turn {
    let turn = bench.audit.turn("c").user_id("ann").begin("the prompt");
    turn.expect("begun")
}

/// The records of the only turn of the conversation.
fn only(bench: &Bench) -> Vec<Record> {
    bench.audit.flush().expect("written");
    let trail = Trail::open(bench.path()).expect("a trail");
    let mut turns = trail.conversation("c").turns;
    assert_eq!(turns.len(), 1, "{turns:#?}");
    turns.remove(0).records
}

fn types(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.event_type.as_str())
        .collect()
}

#[test]
fn what_happens_in_a_turn_is_attributed_to_it_and_not_to_the_users_around() {
    let bench = Bench::new();
    let in_request = bench.emit(|| {
        let _request = info_span!("request", session_id = "s", user_id = "somebody").entered();
        begin(&bench)
    });
    // On another thread, in the span of another user's request.
    bench.emit(|| {
        let _other = info_span!(
            "request",
            user_id = "eve",
            session_id = "eve's",
            conversation_id = "eve's"
        )
        .entered();
        in_request
            .event("documents_retrieved")
            .field("count", 3)
            .log()
            .expect("recorded");
        in_request
            .tool_call("search", "trains")
            .expect("recorded")
            .result("none")
            .expect("recorded");
        bench
            .audit
            .log(in_request.event("by the handle"))
            .expect("recorded");
        let span = in_request.span();
        span.in_scope(|| {
            info!(target: TARGET, event_type = "by a macro");
            stinger_audit::emit::event("by a function")
                .log()
                .expect("recorded");
            info_span!("inner", agent_id = "planner")
                .in_scope(|| info!(target: TARGET, event_type = "deeper"));
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let task = async {
                tokio::task::yield_now().await;
                info!(target: TARGET, event_type = "in a task");
            };
            tokio::spawn(task.instrument(span)).await.expect("it ends");
        });
        stinger_audit::emit::event("eve's own")
            .log()
            .expect("recorded");
        in_request.fail("no trains").expect("recorded");
    });
    let records = only(&bench);
    let expected = [
        "user_prompt",
        "documents_retrieved",
        "tool_call",
        "tool_result",
        "by the handle",
        "by a macro",
        "by a function",
        "deeper",
        "in a task",
        "turn_failed",
    ];
    assert_eq!(types(&records), expected);
    let turn_id = records[0].turn_id.clone();
    assert!(turn_id.is_some());
    for record in &records {
        assert_eq!(record.turn_id, turn_id, "{record:?}");
        assert_eq!(record.user_id.as_deref(), Some("ann"), "{record:?}");
        assert_eq!(
            record.session_id.as_deref(),
            Some("s"),
            "that of where it began"
        );
        assert_eq!(record.turn_number, Some(1));
        assert!(
            record.other.keys().all(|key| !key.starts_with("event.")),
            "{record:?}"
        );
    }
    assert_eq!(records[7].agent_id.as_deref(), Some("planner"));
    let all = bench.records();
    let own = all
        .iter()
        .find(|record| record.event_type.as_str() == "eve's own");
    let own = own.expect("recorded");
    assert_eq!((own.user_id.as_deref(), &own.turn_id), (Some("eve"), &None));
}

#[test]
fn what_a_span_of_a_turn_is_given_later_is_not_the_turns() {
    let bench = Bench::new();
    bench.emit(|| {
        let turn = begin(&bench);
        let span = turn.span();
        span.record("user_id", "impersonated");
        span.in_scope(|| info!(target: TARGET, event_type = "inside"));
        turn.fail("an error").expect("recorded");
    });
    let users: Vec<_> = only(&bench)
        .into_iter()
        .filter_map(|record| record.user_id)
        .collect();
    assert_eq!(users, ["ann", "impersonated", "ann"]);
}

#[test]
fn a_span_of_a_turn_attributes_by_its_fields_in_another_trail() {
    let (bench, other) = (Bench::new(), Bench::new());
    let turn = bench
        .audit
        .turn("c")
        .tenant_id("t")
        .user_id("ann")
        .session_id("s")
        .request_id("r")
        .agent_id("planner")
        .begin("the prompt")
        .expect("begun");
    other.emit(|| {
        turn.span()
            .in_scope(|| info!(target: TARGET, event_type = "e"))
    });
    let record = other.one();
    assert_eq!(record.turn_id.as_deref(), Some(turn.id()));
    let found = [
        &record.conversation_id,
        &record.tenant_id,
        &record.user_id,
        &record.session_id,
        &record.request_id,
        &record.agent_id,
    ];
    assert_eq!(
        found.map(|id| id.as_deref()),
        ["c", "t", "ann", "s", "r", "planner"].map(Some)
    );
    turn.fail("an error").expect("recorded");
}

#[test]
fn a_turn_works_under_a_subscriber_that_has_no_audit_layer() {
    let bench = Bench::new();
    let plain = tracing_subscriber::registry();
    tracing::subscriber::with_default(plain, || {
        let turn = begin(&bench);
        turn.span()
            .in_scope(|| turn.event("inside").log().expect("recorded"));
        turn.fail("an error").expect("recorded");
    });
    assert_eq!(
        types(&only(&bench)),
        ["user_prompt", "inside", "turn_failed"]
    );
}

#[test]
fn an_application_cannot_end_a_turn_by_an_event_of_it() {
    let bench = Bench::new();
    let turn = begin(&bench);
    turn.event("turn_blocked")
        .field("outcome", "released")
        .log()
        .expect("recorded");
    bench.audit.flush().expect("written");
    let trail = Trail::open(bench.path()).expect("a trail");
    assert_eq!(trail.conversation("c").turns[0].outcome(), None);
    turn.block("an attack").expect("recorded");
    let records = only(&bench);
    assert_eq!(
        types(&records),
        ["user_prompt", "application.turn_blocked", "turn_blocked"]
    );
    assert_eq!(records[1].other["event.outcome"], "released");
}

#[test]
fn a_tool_call_is_recorded_before_it_is_made_and_then_its_outcome_whatever_that_is() {
    let bench = Bench::new();
    let mut turn = begin(&bench);
    let call = turn
        .tool_call_with_id("call-1", "search", json!({"to": "Paris"}))
        .expect("recorded");
    let before = only(&bench);
    assert_eq!(
        before[1].tool_calls,
        [ToolCall::new("search")
            .id("call-1")
            .arguments(json!({"to": "Paris"}))]
    );
    let check = turn
        .guardrail("tool_policy")
        .phase(Phase::Tool)
        .policy("tools@3");
    assert_eq!(check.run(|| Checked::Ok(Decision::Allow)), Decision::Allow);
    call.result(json!([{"train": 9713}])).expect("recorded");

    let failed = turn.tool_call("book", "{\"seat\":1}").expect("recorded");
    let own_id = failed.id().to_owned();
    failed
        .error(std::io::Error::other("sold out"))
        .expect("recorded");
    drop(turn.tool_call("forget", json!(null)).expect("recorded"));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _call = turn.tool_call("crash", [1, 2]).expect("recorded");
        panic!("as it should");
    }));
    assert!(panicked.is_err());
    let late = turn.tool_call("late", ()).expect("recorded");
    turn.fail("no answer").expect("recorded");
    std::thread::spawn(move || late.result("at last"))
        .join()
        .expect("it ends")
        .expect("recorded");

    let records = only(&bench);
    assert_eq!(
        types(&records),
        [
            "user_prompt",
            "tool_call",
            "guardrail_decision",
            "tool_result",
            "tool_call",
            "tool_result",
            "tool_call",
            "tool_result",
            "tool_call",
            "tool_result",
            "tool_call",
            "turn_failed",
            "tool_result",
        ]
    );
    let decision = &records[2].guardrail_decisions[0];
    assert_eq!(
        (decision.phase, decision.policy.as_deref()),
        (Some(Phase::Tool), Some("tools@3"))
    );
    let calls: Vec<&ToolCall> = records
        .iter()
        .flat_map(|record| &record.tool_calls)
        .collect();
    assert_eq!(
        *calls[1],
        ToolCall::new("search")
            .id("call-1")
            .result(json!([{"train": 9713}]))
    );
    assert!(records[3].processing_time_ms.is_some());
    assert_eq!(
        *calls[2],
        ToolCall::new("book").id(&own_id).arguments("{\"seat\":1}")
    );
    assert_eq!(
        *calls[3],
        ToolCall::new("book").id(&own_id).error("sold out")
    );
    for (pair, outcome) in [(4, "without a result"), (6, "by a panic")] {
        assert_eq!(calls[pair].id, calls[pair + 1].id);
        let error = calls[pair + 1].error.as_deref().expect("an error");
        assert!(error.contains(outcome), "{error}");
    }
    assert_eq!(calls[6].arguments, Some(json!([1, 2])));
    assert_eq!(calls[9].result, Some(json!("at last")));
    let mut ids: Vec<_> = calls.iter().filter_map(|call| call.id.as_deref()).collect();
    assert_eq!(ids.len(), 10);
    ids.dedup();
    assert_eq!(ids.len(), 5, "each call has its own");
}

#[test]
fn what_a_tool_is_given_and_returns_is_redacted_also_in_map_keys() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let mail = "ann@example.com";
    let turn = begin(&bench);
    let id = "call_4111111111111111";
    let call = turn
        .tool_call_with_id(id, "send", json!({"to": [mail], mail: {"a/b": mail}}))
        .expect("recorded");
    call.result(format!("sent to {mail}")).expect("recorded");
    turn.tool_call(mail, mail)
        .expect("recorded")
        .error(mail)
        .expect("recorded");
    turn.fail("an example").expect("recorded");
    let text = std::fs::read_to_string(bench.path()).expect("the trail");
    assert!(!text.contains(mail), "{text}");
    let records = only(&bench);
    assert_eq!(
        records[1].tool_calls[0].id.as_deref(),
        Some(id),
        "ids link records"
    );
    for (record, count) in [
        (&records[1], 3),
        (&records[2], 1),
        (&records[3], 2),
        (&records[4], 2),
    ] {
        assert_eq!(record.redactions.len(), count, "{record:?}");
        let whole = serde_json::to_value(record).expect("JSON");
        for redaction in &record.redactions {
            let at = whole.pointer(&format!("/{}", redaction.field));
            let at = at.unwrap_or_else(|| panic!("{} is nothing in {whole:#}", redaction.field));
            assert!(at.to_string().contains("[EMAIL:"), "{at}");
        }
    }
}

#[test]
fn a_line_has_tool_calls_and_attachments_in_the_order_in_which_they_are_serialised() {
    let bench = Bench::new();
    let mut call = ToolCall::new("n")
        .id("i")
        .arguments("a")
        .result("r")
        .error("e");
    call.other.insert("own".to_owned(), json!({"x": 1}));
    bench.emit(|| {
        let entry = stinger_audit::emit::event("tool_call")
            .tool_call(call.clone())
            .tool_call(ToolCall::new("second"));
        entry
            .attachment("image/png", b"abc")
            .attachment("text/plain", "")
            .log()
            .expect("recorded");
    });
    let record = bench.one();
    assert_eq!(record.tool_calls, [call, ToolCall::new("second")]);
    let text = std::fs::read_to_string(bench.path()).expect("the trail");
    let line = text
        .lines()
        .find(|line| line.contains("\"tool_call\""))
        .expect("the line");
    assert_eq!(line, serde_json::to_string(&record).expect("JSON"));
    let kinds: Vec<_> = record
        .attachments
        .iter()
        .map(|attachment| {
            (
                attachment.kind.as_str(),
                attachment.bytes,
                attachment.sha256.as_str(),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            (
                "image/png",
                Some(3),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            ),
            (
                "text/plain",
                Some(0),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            ),
        ]
    );
}

#[test]
fn a_hash_is_not_taken_for_a_secret_and_the_content_is_not_recorded() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let turn = bench
        .audit
        .turn("c")
        .attachment("text/plain", b"the content")
        .begin("see attached")
        .expect("begun");
    turn.fail("an example").expect("recorded");
    let records = only(&bench);
    assert_eq!(records[0].attachments[0].sha256.len(), 64);
    assert!(records[0].redactions.is_empty());
    assert!(records[1].attachments.is_empty());
    let text = std::fs::read_to_string(bench.path()).expect("the trail");
    assert!(!text.contains("the content"));
}

#[test]
fn a_check_names_the_policy_in_force_unless_the_decision_does() {
    let bench = Bench::new();
    let mut turn = begin(&bench);
    turn.guardrail("a")
        .policy("pii@3")
        .run(|| Checked::Ok(Decision::Allow));
    let own = GuardrailDecision::from(Decision::Warn).policy("own@1");
    turn.guardrail("b")
        .policy("pii@3")
        .record(own)
        .expect("recorded");
    turn.guardrail("c")
        .policy("pii@3")
        .skipped("no budget")
        .expect("recorded");
    turn.guardrail("d").skipped("no budget").expect("recorded");
    turn.fail("an example").expect("recorded");
    let records = only(&bench);
    let policies = records
        .iter()
        .flat_map(|record| &record.guardrail_decisions);
    let policies: Vec<_> = policies
        .map(|decision| decision.policy.as_deref())
        .collect();
    assert_eq!(
        policies,
        [Some("pii@3"), Some("own@1"), Some("pii@3"), None]
    );
}
