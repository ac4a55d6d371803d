//! Answers in chunks, as an iterator and as a stream: what left is what is recorded, and the end
//! comes behind its record.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::stream::{self, StreamExt as _};
use stinger_audit::error::ErrorKind;
use stinger_audit::read::{Outcome, Trail, Turn as Read};
use stinger_audit::record::{Decision, GuardrailDecision, Phase};
use stinger_audit::turn::Turn;

#[path = "../../../tests/common/mod.rs"]
mod common;
use common::Bench;

type Chunk = Result<&'static str, &'static str>;
type Verdict = Result<Decision, &'static str>;

fn fail_safe() -> Bench {
    Bench::with(|builder| builder.redact_pii(false).fail_safe(true))
}

fn begin(bench: &Bench) -> Turn {
    let turn = bench.audit.turn("c").expects(["guard"]);
    turn.begin("the prompt").expect("begun")
}

fn only(bench: &Bench) -> Read {
    let trail = Trail::open(bench.path()).expect("a trail");
    let mut turns = trail.conversation("c").turns;
    assert_eq!(turns.len(), 1, "{turns:#?}");
    turns.remove(0)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// What came out of an answer.
struct Got {
    chunks: Vec<Chunk>,
    stopped_by: Option<GuardrailDecision>,
    turn: Read,
}

impl Got {
    fn text(&self) -> &str {
        let record = self.turn.response().expect("a response");
        record.response.as_deref().unwrap_or_default()
    }

    /// The state that the record of the end gives the conversation.
    fn state(&self) -> Option<&str> {
        self.turn.records.last()?.conversation_state.as_deref()
    }

    /// What the record of the end says of the guardrail.
    fn decision(&self) -> &GuardrailDecision {
        let record = self.turn.response().expect("a response");
        assert_eq!(record.guardrail_decisions.len(), 1, "{record:?}");
        &record.guardrail_decisions[0]
    }
}

/// Sends the chunks through a guardrail, as an iterator and as a stream, under fail-safe: when the
/// end comes, its record is on the medium.
fn sent(
    chunks: &[Chunk],
    guard: impl Fn(&str) -> Verdict + Clone + Send + 'static,
    check: impl Fn(Got),
) {
    for is_stream in [false, true] {
        let bench = fail_safe();
        let (turn, chunks) = (begin(&bench), chunks.to_vec());
        let (chunks, stopped_by, recorded) = match is_stream {
            false => {
                let mut sent = turn.send(chunks).guarded("guard", guard.clone());
                let chunks: Vec<_> = sent.by_ref().collect();
                assert!(sent.next().is_none(), "it stays ended");
                (chunks, sent.stopped_by().cloned(), sent.recorded())
            }
            true => block_on(async {
                let sent = turn.send_stream(stream::iter(chunks));
                let mut sent = sent.guarded("guard", guard.clone());
                let chunks: Vec<_> = sent.by_ref().collect().await;
                assert!(sent.next().await.is_none(), "it stays ended");
                (chunks, sent.stopped_by().cloned(), sent.recorded())
            }),
        };
        recorded.expect("recorded");
        let turn = only(&bench);
        let end = turn.records.last().expect("records").seq;
        assert!(
            bench.audit.status().records.synced > end,
            "is_stream: {is_stream}"
        );
        check(Got {
            chunks,
            stopped_by,
            turn,
        });
    }
}

#[test]
fn an_answer_that_ends_by_itself_is_released_with_the_last_decision_of_its_guardrail() {
    let chunks = [Ok("one "), Ok("two "), Ok("three")];
    let guard = |text: &str| match text.ends_with("three") {
        true => Verdict::Ok(Decision::Warn),
        false => Ok(Decision::Allow),
    };
    sent(&chunks, guard, |got| {
        assert_eq!(got.chunks, chunks);
        assert!(got.stopped_by.is_none());
        assert_eq!(got.turn.outcome(), Some(Outcome::Released));
        assert_eq!(got.state(), Some("answered"));
        assert!(got.turn.completeness().is_complete());
        assert_eq!(got.text(), "one two three");
        let decision = got.decision();
        assert_eq!(
            (decision.decision.as_str(), decision.phase),
            ("warn", Some(Phase::Output))
        );
        assert!(decision.latency_ms.is_some());
    });
}

#[test]
fn a_guardrail_stops_an_answer_in_front_of_the_piece_that_it_blocks() {
    let chunks = [Ok("the code is "), Ok("swordfish"), Ok(", keep it")];
    let guard = |text: &str| match text.contains("swordfish") {
        true => Verdict::Ok(Decision::Block),
        false => Ok(Decision::Allow),
    };
    sent(&chunks, guard, |got| {
        assert_eq!(got.chunks, chunks[..1]);
        let stopped_by = got.stopped_by.as_ref().expect("stopped");
        assert_eq!(stopped_by.filter_name, "guard");
        assert_eq!(got.turn.outcome(), Some(Outcome::Stopped));
        assert_eq!(got.state(), Some("blocked"));
        assert!(got.turn.completeness().is_complete());
        assert_eq!(got.text(), "the code is ");
        assert_eq!(got.decision(), stopped_by);
        assert_eq!(got.decision().decision, Decision::Block);
    });
}

#[test]
fn a_guardrail_that_fails_or_panics_stops_the_answer_too() {
    let chunks = [Ok("one "), Ok("two")];
    let fails = |text: &str| match text.contains("two") {
        true => Verdict::Err("no classifier"),
        false => Ok(Decision::Allow),
    };
    let panics = |text: &str| {
        assert!(!text.contains("two"), "a bug");
        Verdict::Ok(Decision::Allow)
    };
    let check = |why: &'static str| {
        move |got: Got| {
            assert_eq!(got.chunks, chunks[..1]);
            assert_eq!(got.turn.outcome(), Some(Outcome::Stopped));
            assert_eq!(got.state(), Some("blocked"));
            assert_eq!(got.text(), "one ");
            assert_eq!(got.decision().decision, Decision::Error);
            assert_eq!(got.decision().reason.as_deref(), Some(why));
        }
    };
    sent(&chunks, fails, check("no classifier"));
    sent(&chunks, panics, check("the check panicked"));
}

#[test]
fn where_the_model_fails_what_was_sent_before_is_recorded() {
    let chunks = [Ok("one "), Err("overloaded"), Ok("never taken")];
    let guard = |_: &str| Verdict::Ok(Decision::Allow);
    sent(&chunks, guard, |got| {
        assert_eq!(got.chunks, chunks[..2]);
        assert_eq!(got.turn.outcome(), Some(Outcome::Failed));
        assert_eq!(got.state(), Some("failed"));
        assert_eq!(got.text(), "one ");
        let record = got.turn.response().expect("a response");
        assert_eq!(record.other["error"], "overloaded");
        assert_eq!(got.decision().decision, Decision::Allow);
    });
}

#[test]
fn every_guardrail_has_its_last_decision_in_the_record() {
    let bench = fail_safe();
    let allow = |_: &str| Verdict::Ok(Decision::Allow);
    let block = |text: &str| match text.len() > 4 {
        true => Verdict::Ok(Decision::Block),
        false => Ok(Decision::Allow),
    };
    let sent = begin(&bench).send(["four", "more"]);
    let sent = sent.guarded("first", allow).guarded("second", block);
    assert_eq!(sent.guarded("third", allow).collect::<Vec<_>>(), ["four"]);
    let turn = only(&bench);
    let said: Vec<_> = turn
        .decisions()
        .map(|decision| (decision.filter_name.as_str(), decision.decision.as_str()))
        .collect();
    // The third was asked about what was sent, and not any more.
    assert_eq!(
        said,
        [("first", "allow"), ("third", "allow"), ("second", "block")]
    );
}

#[test]
fn an_answer_that_is_dropped_is_cut_behind_what_was_sent() {
    let chunks = ["one ", "two ", "three"];
    let bench = fail_safe();
    let mut sent = begin(&bench).send(chunks);
    assert_eq!(sent.next(), Some("one "));
    drop(sent);
    bench.audit.flush().expect("written");
    assert_eq!(only(&bench).outcome(), Some(Outcome::Cut));

    let bench = fail_safe();
    let mut sent = begin(&bench).send_stream(stream::iter(chunks));
    assert_eq!(block_on(sent.next()), Some("one "));
    // Where a task ends is another thread's business.
    let dropped = std::thread::spawn(move || drop(sent));
    dropped.join().expect("no panic");
    bench.audit.flush().expect("written");
    let turn = only(&bench);
    assert_eq!(turn.outcome(), Some(Outcome::Cut));
    let end = turn.response().expect("a response");
    assert_eq!(end.response.as_deref(), Some("one "));
    assert_eq!(end.other["chunks"], 1);
}

#[test]
fn pieces_that_panic_leave_a_cut_answer() {
    let bench = fail_safe();
    let chunks = (0..3).map(|number| match number {
        2 => panic!("a bug in the model"),
        _ => "chunk ",
    });
    let mut sent = begin(&bench).send(chunks);
    let panicked = catch_unwind(AssertUnwindSafe(|| sent.by_ref().count()));
    assert!(panicked.is_err(), "the panic goes on");
    drop(sent);
    bench.audit.flush().expect("written");
    let turn = only(&bench);
    assert_eq!(turn.outcome(), Some(Outcome::Cut));
    let end = turn.response().expect("a response");
    assert_eq!(end.response.as_deref(), Some("chunk chunk "));
}

#[test]
fn an_end_that_the_trail_does_not_take_is_reported() {
    for is_stream in [false, true] {
        let bench = fail_safe();
        let turn = begin(&bench);
        let chunks = ["one ", "two"];
        let recorded = match is_stream {
            false => {
                let mut sent = turn.send(chunks);
                assert_eq!(sent.next(), Some("one "));
                bench.audit.close().expect("closed");
                assert_eq!(sent.by_ref().count(), 1);
                assert!(sent.recorded().is_err(), "however often it is asked");
                sent.recorded()
            }
            true => block_on(async {
                let mut sent = turn.send_stream(stream::iter(chunks));
                assert_eq!(sent.next().await, Some("one "));
                bench.audit.close().expect("closed");
                assert_eq!(sent.by_ref().count().await, 1);
                sent.recorded()
            }),
        };
        let error = recorded.expect_err("closed");
        assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
        assert_eq!(only(&bench).outcome(), None, "is_stream: {is_stream}");
    }
}
