//! `max_level_*` features compile macros away. The typed functions are not affected, and
//! the probe reports the rest.

mod common;

#[test]
fn levels_that_are_compiled_out_are_reported_and_typed_functions_recorded() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let output = common::package::run("static_level", &[&path]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("below ERROR do not reach the trail"),
        "{said}"
    );
    let types: Vec<_> = common::all_records(&path)
        .into_iter()
        .map(|record| record.event_type.to_string())
        .filter(|event_type| event_type != "trail_sealed")
        .collect();
    assert_eq!(
        types,
        [
            "trail_opened",
            "bare error",
            "typed",
            "trail_events_filtered",
            "trail_closed"
        ]
    );
}
