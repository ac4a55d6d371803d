//! A turn is recorded from its prompt to its end, whatever that is.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::task::{Context, Waker};
use std::time::Duration;

use stinger_audit::error::ErrorKind;
use stinger_audit::read::{Outcome, Trail, Turn as Read};
use stinger_audit::record::{Decision, GuardrailDecision, Phase};
use stinger_audit::turn::{GuardrailCheck, Turn};

mod common;
use common::Bench;

type Checked = Result<Decision, String>;

fn begin(bench: &Bench) -> Turn {
    bench
        .audit
        .turn("c")
        .user_id("u")
        .session_id("s")
        .user_ip("192.0.2.1")
        .request_id("r")
        .model_requested("m")
        .expects(["injection", "pii"])
        .begin("the prompt")
        .expect("begun")
}

fn read(path: &Path) -> Vec<Read> {
    Trail::open(path).expect("a trail").conversation("c").turns
}

fn only(bench: &Bench) -> Read {
    bench.audit.flush().expect("written");
    let mut turns = read(&bench.path());
    assert_eq!(turns.len(), 1, "{turns:#?}");
    turns.remove(0)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn a_released_turn_has_its_prompt_its_decisions_and_its_response() {
    let bench = Bench::new();
    let mut turn = begin(&bench);
    assert_eq!(
        turn.guardrail("injection")
            .run(|| Checked::Ok(Decision::Allow)),
        Decision::Allow
    );
    let answer = turn.hold("the answer".to_owned());
    let verdict = turn.guardrail("pii").check(&answer, |text| {
        assert_eq!(text, "the answer");
        Ok::<_, String>(
            GuardrailDecision::from(Decision::Warn)
                .reason("why")
                .confidence(0.5),
        )
    });
    assert_eq!(verdict, Decision::Warn);
    turn.tokens_processed(7);
    turn.tokens_processed(3);
    assert_eq!(turn.release(answer).expect("released"), "the answer");

    let turn = only(&bench);
    assert!(
        turn.completeness().is_complete(),
        "{:?}",
        turn.completeness()
    );
    assert_eq!(turn.outcome(), Some(Outcome::Released));
    for record in &turn.records {
        assert_eq!(record.user_id.as_deref(), Some("u"));
        assert_eq!(record.user_ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(record.model_requested.as_deref(), Some("m"));
    }
    let end = turn.response().expect("a response");
    assert_eq!(end.tokens_processed, Some(10));
    assert!(end.processing_time_ms.is_some());
    let decisions: Vec<_> = turn.decisions().collect();
    assert_eq!(
        (decisions[0].phase, decisions[1].phase),
        (Some(Phase::Input), Some(Phase::Output))
    );
    assert!(
        decisions
            .iter()
            .all(|decision| decision.latency_ms.is_some())
    );
}

#[test]
fn every_other_end_is_a_record_of_its_kind() {
    let bench = Bench::new();
    begin(&bench).block("an attack").expect("recorded");
    begin(&bench).fail("the model is down").expect("recorded");
    assert_eq!(
        begin(&bench).modify("instead", "pii").expect("recorded"),
        "instead"
    );
    drop(begin(&bench));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _turn = begin(&bench);
        panic!("as it should");
    }));
    assert!(panicked.is_err());
    bench.audit.flush().expect("written");
    let turns = read(&bench.path());
    let outcomes: Vec<_> = turns.iter().filter_map(Read::outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Blocked,
            Outcome::Failed,
            Outcome::Modified,
            Outcome::Abandoned,
            Outcome::Abandoned
        ]
    );
    assert_eq!(turns[0].records[1].other["reason"], "an attack");
    assert_eq!(turns[1].records[1].other["error"], "the model is down");
    assert_eq!(
        turns[2]
            .response()
            .and_then(|record| record.response.as_deref()),
        Some("instead")
    );
    assert_eq!(turns[4].records[1].other["panicking"], true);
    assert!(!turns[3].completeness().is_complete());
    assert_eq!(turns[2].completeness().missing, ["injection", "pii"]);
}

#[test]
fn what_a_guardrail_blocked_is_not_released() {
    let bench = Bench::new();
    let mut turn = begin(&bench);
    assert_eq!(
        turn.guardrail("pii").run(|| Checked::Ok(Decision::Block)),
        Decision::Block
    );
    let answer = turn.hold("the answer");
    let error = turn.release(answer).expect_err("blocked");
    assert!(
        matches!(error.kind(), ErrorKind::NotReleased { .. }),
        "{error}"
    );
    let turn = only(&bench);
    assert_eq!(turn.outcome(), Some(Outcome::Blocked));
    assert!(turn.response().is_none());
}

#[test]
fn a_response_of_another_turn_is_not_released() {
    let bench = Bench::new();
    let (one, two) = (begin(&bench), begin(&bench));
    let answer = two.hold("for two".to_owned());
    let error = one.release(answer).expect_err("not its own");
    assert!(error.to_string().contains("another turn's"), "{error}");
    two.fail("no answer").expect("recorded");
    let outcomes = || {
        read(&bench.path())
            .iter()
            .filter_map(Read::outcome)
            .collect::<Vec<_>>()
    };
    bench.audit.flush().expect("written");
    assert_eq!(outcomes(), [Outcome::Blocked, Outcome::Failed]);
    let blocked = &read(&bench.path())[0].records[1];
    assert_eq!(blocked.other["reason"], "the response is another turn's");
}

#[test]
fn a_check_that_fails_panics_is_skipped_or_dropped_is_recorded_as_that() {
    let bench = Bench::new();
    let mut turn = begin(&bench);
    let failed = turn.guardrail("a").run(|| Err::<Decision, _>("no model"));
    assert_eq!(failed, Decision::Error);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        turn.guardrail("b").run(|| -> Checked { panic!("a bug") });
    }));
    assert!(panicked.is_err(), "the panic goes on");
    turn.guardrail("c").skipped("no budget").expect("recorded");
    {
        let mut never = std::pin::pin!(
            turn.guardrail("d")
                .run_async(std::future::pending::<Checked>())
        );
        let mut context = Context::from_waker(Waker::noop());
        assert!(never.as_mut().poll(&mut context).is_pending());
    }
    turn.fail("enough").expect("recorded");
    let turn = only(&bench);
    let said: Vec<_> = turn
        .decisions()
        .map(|found| (found.filter_name.as_str(), found.decision.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("a", "error"),
            ("b", "error"),
            ("c", "skipped"),
            ("d", "error")
        ]
    );
    let reasons: Vec<_> = turn
        .decisions()
        .filter_map(|found| found.reason.as_deref())
        .collect();
    assert_eq!(
        reasons[..3],
        ["no model", "the check panicked", "no budget"]
    );
    assert!(reasons[3].contains("dropped before it was ready"));
}

#[test]
fn a_panic_of_a_check_is_recorded_and_goes_on() {
    let bench = Bench::new();
    let mut turn = begin(&bench);
    let answer = turn.hold("the answer");
    let checks: [&dyn Fn(&mut Turn) -> Decision; 3] = [
        &|turn| {
            turn.guardrail("sync")
                .run(|| -> Checked { panic!("a bug") })
        },
        &|turn| {
            let check = async || -> Checked { panic!("a bug") };
            block_on(turn.guardrail("async").run_async(check()))
        },
        &|turn| {
            let check = |_: &str| -> Checked { panic!("a bug") };
            turn.guardrail("held").check(&answer, check)
        },
    ];
    for check in checks {
        let panicked = catch_unwind(AssertUnwindSafe(|| check(&mut turn)));
        let panic = panicked.expect_err("the panic goes on");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug"));
    }
    turn.fail("enough").expect("recorded");
    let turn = only(&bench);
    let said: Vec<_> = turn
        .decisions()
        .map(|found| {
            let name = found.filter_name.as_str();
            (name, found.decision.as_str(), found.reason.as_deref())
        })
        .collect();
    let why = Some("the check panicked");
    let expected = ["sync", "async", "held"].map(|name| (name, "error", why));
    assert_eq!(said, expected);
}

#[test]
fn a_decision_has_the_phase_of_its_verdict_else_of_its_check() {
    fn given(turn: &mut Turn, phase: Phase) -> GuardrailCheck<'_> {
        turn.guardrail("given").phase(phase)
    }
    let allow = |_: &str| Ok::<_, String>(GuardrailDecision::from(Decision::Allow));
    let tool = |text: &str| allow(text).map(|decision| decision.phase(Phase::Tool));
    let bench = Bench::new();
    let mut turn = begin(&bench);
    let answer = turn.hold("the answer");
    turn.guardrail("run").run(|| allow(""));
    block_on(turn.guardrail("async").run_async(async { allow("") }));
    turn.guardrail("held").check(&answer, allow);
    turn.guardrail("run").run(|| tool(""));
    block_on(turn.guardrail("async").run_async(async { tool("") }));
    turn.guardrail("held").check(&answer, tool);
    given(&mut turn, Phase::Output).run(|| allow(""));
    block_on(given(&mut turn, Phase::Output).run_async(async { allow("") }));
    given(&mut turn, Phase::Input).check(&answer, allow);
    given(&mut turn, Phase::Tool)
        .skipped("no budget")
        .expect("recorded");
    given(&mut turn, Phase::Output).run(|| tool(""));
    turn.fail("enough").expect("recorded");
    let turn = only(&bench);
    let phases: Vec<_> = turn
        .decisions()
        .map(|found| (found.filter_name.as_str(), found.phase))
        .collect();
    let expected = [
        ("run", Phase::Input),
        ("async", Phase::Input),
        ("held", Phase::Output),
        ("run", Phase::Tool),
        ("async", Phase::Tool),
        ("held", Phase::Tool),
        ("given", Phase::Output),
        ("given", Phase::Output),
        ("given", Phase::Input),
        ("given", Phase::Tool),
        ("given", Phase::Tool),
    ];
    assert_eq!(phases, expected.map(|(name, phase)| (name, Some(phase))));
}

#[test]
fn an_answer_in_pieces_is_recorded_as_it_was_sent() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let chunks = ["mail ann@exam", "ple.com", " for more", " and more"];
    let whole: Vec<_> = begin(&bench).send(chunks).collect();
    assert_eq!(whole, chunks, "the user gets what the model said");

    let mut cut = begin(&bench).send(chunks);
    assert_eq!(cut.by_ref().take(2).count(), 2);
    drop(cut);

    let mut stopped = begin(&bench).send(chunks);
    stopped.next();
    assert_eq!(stopped.so_far(), "mail ann@exam");
    stopped.stop("pii", "an address").expect("recorded");

    bench.audit.flush().expect("written");
    let turns = read(&bench.path());
    let ends: Vec<_> = turns
        .iter()
        .map(|turn| {
            let record = turn.response().expect("a response");
            (
                turn.outcome().expect("an end"),
                untagged(record.response.as_deref().unwrap_or_default()),
                record.other["chunks"].as_u64().unwrap_or(0),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            (
                Outcome::Released,
                "mail [EMAIL] for more and more".to_owned(),
                4
            ),
            (Outcome::Cut, "mail [EMAIL]".to_owned(), 2),
            (Outcome::Stopped, "mail ann@exam".to_owned(), 1),
        ]
    );
    assert_eq!(
        turns[2].blocking().map(|by| by.filter_name.as_str()),
        Some("pii")
    );
}

#[test]
fn without_a_runtime_and_with_one_under_fail_safe_the_answer_is_on_the_medium_first() {
    let bench = Bench::with(|builder| builder.redact_pii(false).fail_safe(true));
    let synced = || bench.audit.status().records.synced;
    let turn = begin(&bench);
    assert!(
        synced() >= 2,
        "the prompt is durable before the model is asked"
    );
    let answer = turn.hold("a".to_owned());
    turn.release(answer).expect("released");
    assert!(synced() >= 3);
    block_on(async {
        let mut turn = bench
            .audit
            .turn("c")
            .begin_async("async")
            .await
            .expect("begun");
        let slow = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Checked::Ok(Decision::Allow)
        };
        let timed = tokio::time::timeout(
            Duration::from_millis(5),
            turn.guardrail("slow").run_async(slow),
        );
        assert!(timed.await.is_err());
        turn.guardrail("quick")
            .run_async(async { Checked::Ok(Decision::Allow) })
            .await;
        let answer = turn.hold("b".to_owned());
        turn.release_async(answer).await.expect("released");
    });
    assert!(synced() >= 7, "{}", synced());
    let turns = read(&bench.path());
    let decisions: Vec<_> = turns[1]
        .decisions()
        .map(|found| found.decision.as_str())
        .collect();
    assert_eq!(decisions, ["error", "allow"]);
}

#[test]
fn a_turn_keeps_what_surrounded_its_beginning() {
    let bench = Bench::new();
    let (dropped, failed) = bench.emit(|| {
        let span = tracing::info_span!("request", user_id = "u-7", user_ip = "192.0.2.9");
        span.in_scope(|| {
            let begin = || bench.audit.turn("c").begin("the prompt").expect("begun");
            (begin(), begin())
        })
    });
    let elsewhere = std::thread::spawn(move || drop(dropped));
    elsewhere.join().expect("no panic");
    bench.emit(|| {
        let _other = tracing::info_span!("another's", user_id = "u-8").entered();
        failed.fail("too late").expect("recorded");
    });
    let records = bench.records();
    assert_eq!(records.len(), 4);
    for record in records {
        assert_eq!(record.user_id.as_deref(), Some("u-7"), "{record:?}");
        assert_eq!(record.user_ip.as_deref(), Some("192.0.2.9"), "{record:?}");
    }
}

#[test]
fn an_empty_id_is_none_and_the_spans_around_are_asked() {
    let bench = Bench::new();
    bench.emit(|| {
        let span = tracing::info_span!("request", user_id = "u-7", conversation_id = "c");
        let turn = || {
            bench
                .audit
                .turn("")
                .user_id("")
                .session_id("")
                .model_requested("")
        };
        span.in_scope(|| drop(turn().begin("the prompt").expect("begun")));
        drop(turn().begin("the prompt").expect("begun"));
    });
    let records = bench.records();
    assert_eq!(records.len(), 4);
    for (number, record) in records.iter().enumerate() {
        let said = (number < 2).then_some(("u-7", "c"));
        assert_eq!(record.user_id.as_deref(), said.map(|(user, _)| user));
        assert_eq!(record.conversation_id.as_deref(), said.map(|(_, c)| c));
        assert_eq!(
            (&record.session_id, &record.model_requested),
            (&None, &None)
        );
    }
}

#[test]
fn ends_without_a_thread_are_the_same_ends_and_durable() {
    let bench = Bench::with(|builder| builder.redact_pii(false).fail_safe(true));
    let ended = |count: usize| {
        // Not flushed: under fail-safe it is on the medium already.
        let turns = read(&bench.path());
        assert_eq!(turns.len(), count);
        let end = turns[count - 1].records.last().expect("an end").seq;
        assert!(bench.audit.status().records.synced > end);
    };
    block_on(async {
        begin(&bench)
            .block_async("an attack")
            .await
            .expect("recorded");
        ended(1);
        begin(&bench)
            .fail_async("no model")
            .await
            .expect("recorded");
        ended(2);
        let instead = begin(&bench).modify_async("instead", "pii").await;
        assert_eq!(instead.expect("recorded"), "instead");
        ended(3);
    });
    let turns = read(&bench.path());
    let outcomes: Vec<_> = turns.iter().filter_map(Read::outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Blocked, Outcome::Failed, Outcome::Modified]
    );
    assert_eq!(turns[0].records[1].other["reason"], "an attack");
    assert_eq!(turns[1].records[1].other["error"], "no model");
    let response = turns[2].response().expect("a response");
    assert_eq!(response.response.as_deref(), Some("instead"));
    assert_eq!(response.guardrail_decisions[0].decision, Decision::Modify);
}

/// A text with a placeholder of a random key shortened to its kind.
fn untagged(text: &str) -> String {
    match text.split_once("[EMAIL:k1:") {
        Some((before, rest)) => format!("{before}[EMAIL]{}", &rest[13..]),
        None => text.to_owned(),
    }
}
