//! An audit layer that nobody can downcast to, while another trail is the process's first.

use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Registry, reload};

mod common;

use common::Bench;

/// Records by a typed function, a turn and a macro, in a span that attributes them.
fn record(audit: &stinger_audit::Audit) {
    info_span!("request", user_id = "u-7").in_scope(|| {
        stinger_audit::log_prompt("typed").expect("recorded");
        info!(target: stinger_audit::TARGET, event_type = "bare");
        let turn = audit.turn("c-1").begin("of a turn").expect("recorded");
        turn.span()
            .in_scope(|| stinger_audit::log_response("in the turn's span").expect("recorded"));
        turn.fail("enough").expect("recorded");
    });
}

#[test]
fn behind_a_reload_layer_typed_functions_record_in_the_trail_of_the_layer() {
    let first = Bench::new();
    let second = Bench::new();
    let (layer, handle) = reload::Layer::new(Some(second.audit.layer::<Registry>()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        record(&second.audit);
        std::thread::scope(|scope| {
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    stinger_audit::log_response("of another thread").expect("recorded");
                });
            });
        });
        assert!(second.audit.check_event_delivery().is_complete());
    });
    drop(handle);
    assert_eq!(first.records().len(), 0, "{:#?}", first.records());
    let records = second.records();
    assert_eq!(records.len(), 6, "{records:#?}");
    for record in &records[..5] {
        assert_eq!(record.user_id.as_deref(), Some("u-7"), "{record:#?}");
    }
    let in_span = &records[3];
    assert_eq!(in_span.response.as_deref(), Some("in the turn's span"));
    assert_eq!(in_span.turn_id, records[2].turn_id);
}

/// `README.md` and the documentation of `Audit::layer` name these words.
#[test]
#[should_panic(expected = "does not currently support filters")]
fn on_a_finished_fmt_subscriber_the_layer_panics_with_the_words_of_the_troubleshooting() {
    let readme = include_str!("../README.md");
    assert!(
        readme.contains("\n### does not currently support filters\n"),
        "no heading"
    );
    let docs = include_str!("../src/lib.rs");
    assert!(
        docs.contains("//! ## does not currently support filters\n"),
        "no heading"
    );
    let bench = Bench::new();
    let _ = tracing_subscriber::fmt().finish().with(bench.audit.layer());
}
