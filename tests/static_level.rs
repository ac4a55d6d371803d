//! `max_level_*` features compile macros away. The typed functions are not affected, and
//! the probe reports the rest.

use std::path::Path;
use std::process::Command;

mod common;

#[test]
fn levels_that_are_compiled_out_are_reported_and_typed_functions_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = root.join("tests/static_level");
    let build = tempfile::tempdir().expect("a directory");
    // Built from a copy, with the versions that this package was built with.
    for (from, to) in [
        (root.join("Cargo.lock"), "Cargo.lock"),
        (package.join("src/main.rs"), "main.rs"),
    ] {
        std::fs::copy(from, build.path().join(to)).expect("copied");
    }
    let manifest = std::fs::read_to_string(package.join("Cargo.toml"))
        .expect("readable")
        .replace("path = \"../..\"", &format!("path = {root:?}"))
        + "\n[[bin]]\nname = \"static-level\"\npath = \"main.rs\"\n";
    std::fs::write(build.path().join("Cargo.toml"), manifest).expect("written");

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(build.path().join("Cargo.toml"))
        .arg("--")
        .arg(&path)
        // Kept between runs, beside the other things that are built.
        .env("CARGO_TARGET_DIR", root.join("target/static_level"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
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
