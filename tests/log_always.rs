//! With tracing's feature `log-always`, which any crate can switch on, each macro also becomes a record of `log`.

use std::path::Path;

mod common;

/// What the program printed to stdout and stderr, and the types of the records.
fn run(mode: &str) -> (String, String, Vec<String>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let output = common::package::run("log_always", &[Path::new(mode), &path]);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{err}");
    let records = common::all_records(&path).into_iter();
    let types = records.map(|record| record.event_type.to_string());
    (out, err, types.collect())
}

fn count(types: &[String], event_type: &str) -> usize {
    types.iter().filter(|known| *known == event_type).count()
}

#[test]
fn a_macro_that_also_comes_through_log_tracer_is_recorded_once_and_shown_nowhere() {
    let (out, err, types) = run("tracer");
    assert!(out.contains("an ordinary line"), "{out}");
    assert!(!out.contains("raw text"), "{out}");
    assert_eq!(count(&types, "bare"), 3, "{types:?}");
    assert_eq!(count(&types, "user_prompt"), 1, "{types:?}");
    // The macros' twins are no records of their own: only what `log::info!` gave is refused.
    assert!(out.contains("log_refused: 1"), "{out}");
    assert_eq!(count(&types, "trail_log_refused"), 1, "{types:?}");
    assert!(err.contains("refused a record of the crate `log`"), "{err}");
    assert!(out.contains("log_backend: false"), "{out}");
}

#[test]
fn a_log_backend_that_shows_audit_events_is_reported_at_start() {
    let (out, err, types) = run("backend");
    assert!(
        err.contains("a backend of the crate `log` shows audit events"),
        "{err}"
    );
    assert!(err.contains("log-always"), "{err}");
    assert!(out.contains("log_backend: true"), "{out}");
    assert_eq!(count(&types, "trail_log_backend"), 1, "{types:?}");
    let at = |event_type| types.iter().position(|known| known == event_type);
    assert!(at("trail_log_backend") < at("bare"), "{types:?}");
    assert_eq!(count(&types, "bare"), 3, "{types:?}");
    assert!(!out.contains("raw text of a typed prompt"), "{out}");
}
