//! Beside OpenTelemetry: the ids of the active span in each record, and its names for things.

use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use stinger_audit::TARGET;
use stinger_audit::record::Record;
use tracing::{Span, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::prelude::*;

#[path = "../../../tests/common/mod.rs"]
mod common;
use common::Bench;

/// Runs `emit` under the audit layer and OpenTelemetry's, in both orders.
fn traced(emit: impl Fn(&Bench), check: impl Fn(Vec<Record>)) {
    for audit_first in [true, false] {
        let bench = Bench::new();
        let provider = SdkTracerProvider::builder().build();
        let tracer = provider.tracer("test");
        match audit_first {
            true => {
                let subscriber = tracing_subscriber::registry().with(bench.audit.layer());
                tracing::subscriber::with_default(
                    subscriber.with(tracing_opentelemetry::layer().with_tracer(tracer)),
                    || emit(&bench),
                );
            }
            false => {
                let subscriber = tracing_subscriber::registry()
                    .with(tracing_opentelemetry::layer().with_tracer(tracer));
                let subscriber = subscriber.with(bench.audit.layer());
                tracing::subscriber::with_default(subscriber, || emit(&bench));
            }
        }
        check(bench.records());
    }
}

/// The ids of a span, as OpenTelemetry writes them.
fn ids(span: &Span) -> [String; 2] {
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    assert!(ids.is_valid());
    [ids.trace_id().to_string(), ids.span_id().to_string()]
}

fn ids_in(record: &Record) -> [Option<&str>; 2] {
    [&record.trace_id, &record.span_id].map(|id| id.as_deref())
}

#[test]
fn a_record_carries_the_ids_of_the_span_that_it_lies_in() {
    let seen = std::cell::RefCell::new(Vec::new());
    traced(
        |_| {
            let outer = info_span!("request", user_id = "u-7");
            let _outer = outer.clone().entered();
            info!(target: TARGET, event_type = "in the outer");
            let inner = info_span!("model call");
            inner.in_scope(|| {
                info!(target: TARGET, event_type = "in the inner");
                stinger_audit::log_prompt("typed").expect("recorded");
            });
            assert_eq!(ids(&outer)[0], ids(&inner)[0], "one trace");
            *seen.borrow_mut() = vec![ids(&outer), ids(&inner), ids(&inner)];
        },
        |records| {
            assert_eq!(records.len(), 3);
            for (record, ids) in records.iter().zip(seen.borrow().iter()) {
                assert_eq!(ids_in(record), ids.each_ref().map(|id| Some(id.as_str())));
                assert_eq!(record.user_id.as_deref(), Some("u-7"));
            }
        },
    );
}

#[test]
fn all_records_of_a_turn_are_in_the_trace_that_it_began_in() {
    let seen = std::cell::RefCell::new([String::new(), String::new()]);
    traced(
        |bench| {
            let span = info_span!("request");
            let turn = span.in_scope(|| {
                *seen.borrow_mut() = ids(&span);
                let mut turn = bench.audit.turn("c").begin("the prompt").expect("begun");
                turn.guardrail("g").skipped("why").expect("recorded");
                turn
            });
            // As when a client goes away: in no span, and on another thread.
            let dropped = std::thread::spawn(move || drop(turn));
            dropped.join().expect("no panic");
        },
        |records| {
            assert_eq!(records.len(), 3);
            let ids = seen.borrow();
            for record in &records {
                assert_eq!(ids_in(record), ids.each_ref().map(|id| Some(id.as_str())));
            }
            assert_eq!(records[2].event_type.as_str(), "turn_abandoned");
        },
    );
}

#[test]
fn without_an_active_span_there_are_no_ids() {
    traced(
        |_| {
            info!(target: TARGET, event_type = "e");
            stinger_audit::log_prompt("typed").expect("recorded");
        },
        |records| {
            assert_eq!(records.len(), 2);
            for record in &records {
                assert_eq!(ids_in(record), [None, None]);
            }
        },
    );
}

#[test]
fn ids_that_an_event_or_its_span_names_win() {
    traced(
        |_| {
            let _active = info_span!("active").entered();
            info!(target: TARGET, event_type = "e", trace_id = "the event's");
            let named = info_span!("named", trace_id = "the span's", span_id = "s");
            named.in_scope(|| info!(target: TARGET, event_type = "e"));
        },
        |records| {
            assert_eq!(ids_in(&records[0]), [Some("the event's"), None]);
            assert_eq!(ids_in(&records[1]), [Some("the span's"), Some("s")]);
        },
    );
}

#[test]
fn the_names_of_generative_ai_are_understood() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(
            target: TARGET,
            event_type = "llm_call",
            gen_ai.conversation.id = "c",
            gen_ai.request.model = "m",
            gen_ai.usage.input_tokens = 30,
            gen_ai.usage.output_tokens = 12,
            gen_ai.prompt = "the prompt",
            gen_ai.completion = "the answer",
        );
        let span = info_span!(
            "chat",
            gen_ai.conversation.id = "c",
            gen_ai.request.model = "m",
            gen_ai.usage.input_tokens = 30,
            gen_ai.usage.output_tokens = 12,
            gen_ai.prompt = "a span attributes and says nothing",
        );
        span.in_scope(|| info!(target: TARGET, event_type = "llm_response"));
    });
    let records = bench.records();
    for record in &records {
        assert_eq!(record.conversation_id.as_deref(), Some("c"));
        // The model that was asked need not be the one that answers.
        assert_eq!(record.model_requested.as_deref(), Some("m"));
        assert_eq!(record.model_used, None);
        assert_eq!(record.tokens_processed, Some(42));
        assert_eq!(
            (record.input_tokens, record.output_tokens),
            (Some(30), Some(12))
        );
    }
    assert_eq!(records[0].prompt.as_deref(), Some("the prompt"));
    assert_eq!(records[0].response.as_deref(), Some("the answer"));
    assert_eq!(records[1].prompt, None);
}
