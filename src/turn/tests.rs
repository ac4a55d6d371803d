//! Turns under fail-safe over a destination that fails when it is told to.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use super::Turn;
use crate::audit::Audit;
use crate::config::BuilderConfig;
use crate::error::{ErrorKind, Result};
use crate::read;
use crate::record::Outcome;
use crate::write::tests::{Disk, trail};

fn fail_safe(disk: &Disk) -> Audit {
    let config = BuilderConfig {
        fail_safe: Some(true),
        ..BuilderConfig::default()
    };
    Audit::on(trail(disk, config))
}

/// The only turn of a trail, which is closed.
fn only(disk: &Disk, audit: &Audit) -> read::Turn {
    audit.close().expect("closed");
    let mut records = disk.records();
    records.retain(|record| !record.is_about_trail());
    read::Turn::of(records)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn what_cannot_be_confirmed_is_not_let_go_and_the_trail_says_so() {
    let endings: [fn(Turn) -> Result<String>; 4] = [
        |turn| {
            let held = turn.hold("the answer".to_owned());
            turn.release(held)
        },
        |turn| {
            let held = turn.hold("the answer".to_owned());
            wait(turn.release_async(held))
        },
        |turn| turn.modify("the answer", "why").map(str::to_owned),
        |turn| wait(turn.modify_async("the answer", "why")).map(str::to_owned),
    ];
    for ending in endings {
        let disk = Disk::default();
        let audit = fail_safe(&disk);
        let turn = audit.turn("c").begin("the prompt").expect("begun");
        // The record is written, and not synced.
        disk.unsyncable.store(true, Ordering::SeqCst);
        let error = ending(turn).expect_err("not confirmed");
        assert!(
            matches!(error.kind(), ErrorKind::Unwritable { .. }),
            "{error}"
        );
        disk.unsyncable.store(false, Ordering::SeqCst);
        let turn = only(&disk, &audit);
        let types: Vec<_> = turn.records.iter().map(|r| r.event_type.as_str()).collect();
        assert_eq!(types, ["user_prompt", "llm_response", "turn_withheld"]);
        assert_eq!(turn.outcome(), Some(Outcome::Withheld));
    }
}

#[test]
fn a_check_says_that_it_panicked_only_if_it_did_and_not_another_future_of_its_task() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let beside = async {
        tokio::task::yield_now().await;
        panic!("another future");
    };
    type Verdict = std::result::Result<crate::record::Decision, String>;
    type BoxedCheck = std::pin::Pin<Box<dyn Future<Output = Verdict>>>;
    let pending = std::future::pending::<Verdict>();
    let panicking = async { panic!("the check") };
    let cases: [(_, BoxedCheck); 2] = [
        (
            "the check was dropped before it was ready",
            Box::pin(pending),
        ),
        ("the check panicked", Box::pin(panicking)),
    ];
    let mut beside = Some(beside);
    for (expected, check) in cases {
        let disk = Disk::default();
        let audit = fail_safe(&disk);
        let mut turn = audit.turn("c").begin("the prompt").expect("begun");
        let beside = beside.take();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            wait(async {
                let check = turn.guardrail("filter").run_async(check);
                match beside {
                    Some(beside) => drop(tokio::join!(check, beside)),
                    None => drop(check.await),
                }
            });
        }));
        assert!(ended.is_err(), "it panicked");
        drop(turn);
        let turn = only(&disk, &audit);
        let decision = turn
            .records
            .iter()
            .find_map(|record| record.guardrail_decisions.first());
        let reason = decision.and_then(|decision| decision.reason.as_deref());
        assert!(
            reason.is_some_and(|reason| reason.starts_with(expected)),
            "{reason:?}"
        );
    }
}

#[test]
fn what_is_recorded_while_the_trail_is_down_is_not_let_go_either() {
    let disk = Disk::default();
    let audit = fail_safe(&disk);
    let turn = audit.turn("c").begin("the prompt").expect("begun");
    disk.broken.store(true, Ordering::SeqCst);
    // Whether it is told already depends on how fast the worker is.
    let _ = audit.log(crate::emit::event("e"));
    audit.flush().expect_err("it cannot be written");
    let held = turn.hold("the answer");
    assert!(turn.release(held).is_err());
    disk.broken.store(false, Ordering::SeqCst);
    assert_eq!(only(&disk, &audit).outcome(), Some(Outcome::Withheld));
}

#[test]
fn a_release_that_nobody_waits_for_any_more_is_withheld() {
    let disk = Disk::default();
    let audit = fail_safe(&disk);
    let turn = audit.turn("c").begin("the prompt").expect("begun");
    // The medium is slower than one poll.
    disk.slow.store(100, Ordering::SeqCst);
    let held = turn.hold("the answer");
    {
        let mut releasing = std::pin::pin!(turn.release_async(held));
        let mut context = Context::from_waker(Waker::noop());
        assert!(releasing.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(only(&disk, &audit).outcome(), Some(Outcome::Withheld));
}

/// Sends an answer in two chunks, after which the medium refuses, and says whether the answer was recorded.
fn assert_not_reported(send: impl FnOnce(&Disk, Turn) -> Result<()>) {
    let disk = Disk::default();
    let audit = fail_safe(&disk);
    let turn = audit.turn("c").begin("the prompt").expect("begun");
    let error = send(&disk, turn).expect_err("not confirmed");
    assert!(
        matches!(error.kind(), ErrorKind::Unwritable { .. }),
        "{error}"
    );
    disk.unsyncable.store(false, Ordering::SeqCst);
    // The chunks have left: what the trail says of them is true.
    let turn = only(&disk, &audit);
    assert_eq!(turn.outcome(), Some(Outcome::Released));
}

#[test]
fn an_answer_in_chunks_whose_record_fails_on_its_way_is_not_reported_as_recorded() {
    assert_not_reported(|disk, turn| {
        let mut sent = turn.send(["one ", "two"]);
        assert_eq!(sent.by_ref().take(2).count(), 2);
        disk.unsyncable.store(true, Ordering::SeqCst);
        assert_eq!(sent.next(), None);
        sent.recorded()
    });
}

#[cfg(feature = "stream")]
#[test]
fn a_stream_whose_record_fails_on_its_way_is_not_reported_as_recorded() {
    use futures_util::stream::{self, StreamExt as _};

    assert_not_reported(|disk, turn| {
        wait(async {
            let mut sent = turn.send_stream(stream::iter(["one ", "two"]));
            assert_eq!(sent.by_ref().take(2).count().await, 2);
            disk.unsyncable.store(true, Ordering::SeqCst);
            assert_eq!(sent.next().await, None);
            sent.recorded()
        })
    });
}

#[test]
fn a_turn_whose_prompt_cannot_be_confirmed_is_abandoned() {
    let beginnings: [fn(&Audit) -> Result<Turn>; 2] = [
        |audit| audit.turn("c").begin("the prompt"),
        |audit| wait(audit.turn("c").begin_async("the prompt")),
    ];
    for begin in beginnings {
        for has_tripped in [false, true] {
            let disk = Disk::default();
            let audit = fail_safe(&disk);
            audit.confirm().expect("on the medium");
            disk.unsyncable.store(true, Ordering::SeqCst);
            if has_tripped {
                let _ = audit.log(crate::emit::event("e"));
                audit.confirm().expect_err("it trips");
            }
            let error = begin(&audit).expect_err("not confirmed");
            assert!(!error.is_loss(), "{error}");
            assert!(error.to_string().contains("do not record it again"));
            disk.unsyncable.store(false, Ordering::SeqCst);
            let turn = only(&disk, &audit);
            let types = turn.records.iter().map(|record| record.event_type.as_str());
            let types: Vec<_> = types.filter(|event_type| *event_type != "e").collect();
            assert_eq!(types, ["user_prompt", "turn_abandoned"]);
        }
    }
}
