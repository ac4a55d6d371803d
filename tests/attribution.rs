//! Records are attributed by the event or by the spans around it.

use stinger_audit::TARGET;
use stinger_audit::record::Record;
use tracing::field::Empty;
use tracing::{Instrument as _, info, info_span, trace_span};
use tracing_subscriber::prelude::*;

mod common;
use common::Bench;

fn user(record: &Record) -> &str {
    record.user_id.as_deref().unwrap_or("nobody")
}

#[test]
fn all_keys_come_from_spans_and_the_nearest_wins() {
    let bench = Bench::new();
    bench.emit(|| {
        let _request = info_span!(
            "request",
            user_id = "outer",
            session_id = "s",
            user_ip = "192.0.2.7",
            user_agent = "agent",
            request_id = "r",
            tenant_id = "t",
            agent_id = "planner",
            turn_id = "turn",
            unrelated = "no attribution"
        )
        .entered();
        let _plain = info_span!("plain").entered();
        let _turn = info_span!(
            "turn",
            user_id = "inner",
            conversation_id = "c",
            turn_number = 3,
            model_used = "m"
        )
        .entered();
        info!(target: TARGET, event_type = "by span");
        info!(target: TARGET, event_type = "by event", user_id = "own");
        stinger_audit::log_prompt("typed").expect("recorded");
    });
    let records = bench.records();
    for record in &records {
        assert_eq!(record.session_id.as_deref(), Some("s"));
        assert_eq!(record.user_ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(record.user_agent.as_deref(), Some("agent"));
        assert_eq!(record.request_id.as_deref(), Some("r"));
        assert_eq!(record.tenant_id.as_deref(), Some("t"));
        assert_eq!(record.agent_id.as_deref(), Some("planner"));
        assert_eq!(record.turn_id.as_deref(), Some("turn"));
        assert_eq!(record.conversation_id.as_deref(), Some("c"));
        assert_eq!(record.turn_number, Some(3));
        assert_eq!(record.model_used.as_deref(), Some("m"));
        assert!(!record.other.contains_key("unrelated"));
    }
    let users: Vec<_> = records.iter().map(user).collect();
    assert_eq!(users, ["inner", "own", "inner"]);
}

#[test]
fn opentelemetry_names_are_understood_on_spans_and_events() {
    let bench = Bench::new();
    bench.emit(|| {
        let _span = info_span!(
            "chat",
            user.id = "u",
            session.id = "s",
            client.address = "192.0.2.1",
            user_agent.original = "a",
            gen_ai.conversation.id = "c",
            gen_ai.agent.id = "planner",
            gen_ai.provider.name = "p",
            gen_ai.operation.name = "chat",
            gen_ai.request.model = "m",
            gen_ai.response.model = "m-2",
            tenant.id = "t",
            turn_id = "turn"
        )
        .entered();
        info!(
            target: TARGET,
            event_type = "llm_response",
            gen_ai.usage.input_tokens = 10,
            gen_ai.usage.output_tokens = 32
        );
    });
    let record = bench.one();
    assert_eq!(user(&record), "u");
    assert_eq!(record.session_id.as_deref(), Some("s"));
    assert_eq!(record.user_ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(record.user_agent.as_deref(), Some("a"));
    assert_eq!(record.conversation_id.as_deref(), Some("c"));
    for (found, value) in [
        (&record.agent_id, "planner"),
        (&record.provider, "p"),
        (&record.operation, "chat"),
        (&record.model_requested, "m"),
        (&record.tenant_id, "t"),
        (&record.turn_id, "turn"),
    ] {
        assert_eq!(found.as_deref(), Some(value));
    }
    assert_eq!(record.model_used.as_deref(), Some("m-2"));
    assert_eq!(record.tokens_processed, Some(42));
    assert_eq!(record.input_tokens, Some(10));
}

#[test]
fn a_late_record_counts_for_later_events_and_for_spans_inside() {
    let bench = Bench::new();
    bench.emit(|| {
        let request = info_span!("request", user_id = Empty, session_id = "s");
        let _entered = request.enter();
        let _inner = info_span!("inner", conversation_id = "c").entered();
        info!(target: TARGET, event_type = "before");
        request.record("user_id", "late");
        info!(target: TARGET, event_type = "after");
        request.record("user_id", "later");
        info!(target: TARGET, event_type = "after again");
    });
    let users: Vec<_> = bench
        .records()
        .iter()
        .map(|record| user(record).to_owned())
        .collect();
    assert_eq!(users, ["nobody", "late", "later"]);
}

#[test]
fn an_explicit_parent_decides_and_a_root_has_none() {
    let bench = Bench::new();
    bench.emit(|| {
        let a = info_span!("a", user_id = "a");
        let _b = info_span!("b", user_id = "b").entered();
        info!(target: TARGET, parent: &a, event_type = "e");
        info!(target: TARGET, parent: None, event_type = "e");
        info!(target: TARGET, event_type = "e");
        // A plain span with a parent elsewhere brings that parent's attribution with it.
        let _plain = info_span!(parent: &a, "plain").entered();
        info!(target: TARGET, event_type = "e");
    });
    let users: Vec<_> = bench
        .records()
        .iter()
        .map(|record| user(record).to_owned())
        .collect();
    // The plain span is nobody's: no layer here wants it, so it does not exist.
    assert_eq!(users, ["a", "nobody", "b", "b"]);
}

#[test]
fn a_plain_span_that_exists_carries_its_parents_attribution_across_threads() {
    let bench = Bench::new();
    let subscriber = tracing_subscriber::registry()
        .with(bench.audit.layer())
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::sink));
    let dispatch = tracing::Dispatch::new(subscriber);
    tracing::dispatcher::with_default(&dispatch, || {
        let request = info_span!("request", user_id = "u");
        let work = request.in_scope(|| info_span!("work"));
        drop(request);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    work.in_scope(|| info!(target: TARGET, event_type = "e"));
                    stinger_audit::log_prompt("outside").expect("recorded");
                });
            });
        });
    });
    let users: Vec<_> = bench
        .records()
        .iter()
        .map(|record| user(record).to_owned())
        .collect();
    assert_eq!(users, ["u", "nobody"]);
}

#[test]
fn spans_may_be_left_in_any_order_and_entered_twice() {
    let bench = Bench::new();
    bench.emit(|| {
        let a = info_span!("a", user_id = "a");
        let b = info_span!("b", user_id = "b");
        let in_a = a.enter();
        let in_b = b.enter();
        drop(in_a);
        stinger_audit::log_prompt("in b").expect("recorded");
        let again = b.enter();
        drop(in_b);
        stinger_audit::log_prompt("still in b").expect("recorded");
        drop(again);
        stinger_audit::log_prompt("in none").expect("recorded");
    });
    let users: Vec<_> = bench
        .records()
        .iter()
        .map(|record| user(record).to_owned())
        .collect();
    assert_eq!(users, ["b", "b", "nobody"]);
}

#[test]
fn a_request_that_ends_leaves_nothing_to_the_next_one() {
    let bench = Bench::new();
    bench.emit(|| {
        for number in 0..1_000 {
            let user = format!("u{number}");
            let span = match number % 2 {
                0 => info_span!("even", user_id = user),
                _ => trace_span!("odd", session_id = user),
            };
            span.in_scope(|| info!(target: TARGET, event_type = "e"));
        }
    });
    for (number, record) in bench.records().iter().enumerate() {
        let id = format!("u{number}");
        let expected = if number % 2 == 0 {
            (Some(&id), None)
        } else {
            (None, Some(&id))
        };
        assert_eq!(
            (record.user_id.as_ref(), record.session_id.as_ref()),
            expected
        );
    }
}

#[test]
fn attribution_follows_async_tasks() {
    let bench = Bench::new();
    let subscriber = tracing_subscriber::registry().with(bench.audit.layer());
    let dispatch = tracing::Dispatch::new(subscriber);
    let with_dispatch = dispatch.clone();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_time()
        .on_thread_start(move || {
            // The runtime's threads end with the runtime; so does their subscriber.
            std::mem::forget(tracing::dispatcher::set_default(&with_dispatch));
        })
        .build()
        .expect("a runtime")
        .block_on(async {
            let tasks: Vec<_> = (0..50)
                .map(|number| {
                    let span = tracing::dispatcher::with_default(&dispatch, || {
                        info_span!("task", user_id = format!("u{number}"))
                    });
                    let task = async move {
                        for step in 0..20 {
                            info!(target: TARGET, event_type = "step", number, step);
                            tokio::time::sleep(std::time::Duration::from_micros(number * 7)).await;
                        }
                    };
                    tokio::spawn(task.instrument(span))
                })
                .collect();
            for task in tasks {
                task.await.expect("no panic");
            }
        });
    let records = bench.records();
    assert_eq!(records.len(), 1_000);
    for record in &records {
        assert_eq!(user(record), format!("u{}", record.other["number"]));
    }
}

#[test]
fn no_callsite_of_the_application_is_switched_on_and_none_hidden() {
    let bench = Bench::new();
    let off = tracing_subscriber::fmt::layer()
        .with_writer(std::io::sink)
        .with_filter(tracing_subscriber::filter::LevelFilter::WARN);
    let subscriber = tracing_subscriber::registry()
        .with(off)
        .with(bench.audit.layer());
    tracing::subscriber::with_default(subscriber, || {
        assert!(!tracing::enabled!(target: "app", tracing::Level::TRACE));
        assert!(!tracing::enabled!(target: "app", tracing::Level::INFO));
        assert!(tracing::enabled!(target: "app", tracing::Level::WARN));
        assert!(trace_span!("plain").is_disabled());
        assert!(!trace_span!("attributed", user_id = 1).is_disabled());
    });
}

#[test]
fn a_builder_says_what_it_is_told_and_an_empty_text_is_nothing() {
    let bench = Bench::new();
    let begin = |text: &str| {
        let turn = bench
            .audit
            .turn("c")
            .tenant_id("first")
            .tenant_id(text)
            .agent_id(text)
            .provider(text)
            .operation(text)
            .model_requested(text)
            .event_id(text)
            .event_timestamp(text)
            .begin("the prompt");
        turn.expect("begun").fail("an example").expect("recorded");
    };
    bench.emit(|| {
        begin("given");
        let _span = info_span!(
            "s",
            tenant_id = "around",
            agent_id = "around",
            provider = "around",
            operation = "around",
            model_requested = "around"
        )
        .entered();
        begin("");
    });
    let records = bench.records();
    for (record, expected) in records.iter().zip(["given", "given", "around", "around"]) {
        let found = [
            &record.tenant_id,
            &record.agent_id,
            &record.provider,
            &record.operation,
            &record.model_requested,
        ];
        assert_eq!(found.map(|text| text.as_deref()), [Some(expected); 5]);
    }
    let of_prompt: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record.event_id.as_deref(),
                record.event_timestamp.as_deref(),
            )
        })
        .collect();
    let given = (Some("given"), Some("given"));
    assert_eq!(of_prompt, [given, (None, None), (None, None), (None, None)]);
}

#[test]
fn what_attributes_records_is_cut_at_512_bytes_and_the_record_says_so() {
    let bench = Bench::new();
    let (long, just) = ("é".repeat(400), "x".repeat(512));
    bench.emit(|| {
        let span = info_span!("request", user_agent = long, session_id = just);
        let _request = span.entered();
        info!(target: TARGET, event_type = "one");
        let typed = stinger_audit::emit::event("two").conversation_id(long.as_str());
        typed.log().expect("recorded");
        let turn = bench
            .audit
            .turn(long.as_str())
            .user_agent("own")
            .begin("three");
        turn.expect("recorded")
            .fail("an example")
            .expect("recorded");
    });
    let records = bench.records();
    let cut = "é".repeat(256);
    let say = |keys: &[&str]| -> Vec<String> {
        let keys = keys.iter();
        keys.map(|key| format!("{key} is longer than 512 bytes and was cut"))
            .collect()
    };
    let expected = [
        (&cut[..], None, say(&["user_agent"])),
        (&cut, Some(&cut), say(&["conversation_id", "user_agent"])),
        ("own", Some(&cut), say(&["conversation_id"])),
        ("own", Some(&cut), say(&["conversation_id"])),
    ];
    assert_eq!(records.len(), expected.len(), "{records:#?}");
    for (record, (agent, conversation, problems)) in records.iter().zip(expected) {
        assert_eq!(record.user_agent.as_deref(), Some(agent));
        assert_eq!(record.conversation_id.as_ref(), conversation);
        assert_eq!(record.session_id.as_deref(), Some(&just[..]));
        assert_eq!(record.problems, problems);
    }
}

#[test]
fn tokens_that_a_span_counts_are_the_responses_and_nobody_elses() {
    let bench = Bench::new();
    let log = |event_type: &str| {
        let event = stinger_audit::emit::event(event_type.to_owned());
        event.log().expect("recorded");
    };
    bench.emit(|| {
        let agent = info_span!("agent", gen_ai.usage.input_tokens = 1_000);
        let _entered = agent.enter();
        let chat = info_span!(
            "chat",
            conversation_id = "c",
            gen_ai.usage.input_tokens = 30,
            gen_ai.usage.output_tokens = Empty
        );
        let _chat = chat.enter();
        stinger_audit::log_prompt("p").expect("recorded");
        chat.record("gen_ai.usage.output_tokens", 12);
        info!(target: TARGET, event_type = "guardrail_decision", filter_name = "f", decision = "allow");
        info!(target: TARGET, event_type = "llm_response", response = "r");
        info!(target: TARGET, event_type = "llm_response", response = "the same, in other words");
        // The next call of the model in the same span.
        chat.record("gen_ai.usage.input_tokens", 5);
        stinger_audit::log_prompt("q").expect("recorded");
        log("llm_response");
    });
    bench.emit(|| {
        let _chat = info_span!("chat", gen_ai.usage.input_tokens = 7).entered();
        let turn = bench.audit.turn("d").begin("p").expect("begun");
        turn.block("an answer that nobody may see")
            .expect("recorded");
    });
    let records = bench.records();
    let counted = records.iter().filter_map(|record| {
        let tokens = record.tokens_processed?;
        Some((record.event_type.to_string(), tokens))
    });
    let expected = [
        ("llm_response", 42),
        ("llm_response", 5),
        ("turn_blocked", 7),
    ];
    let expected = expected.map(|(event_type, tokens)| (event_type.to_owned(), tokens));
    assert_eq!(counted.collect::<Vec<_>>(), expected);
    let trail = stinger_audit::read::Trail::open(bench.path()).expect("a trail");
    assert_eq!(trail.stats(stinger_audit::read::Query::new()).tokens, 54);
}
