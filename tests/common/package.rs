//! Packages that a test builds for itself, because a feature of a dependency would change every other test.

use std::path::Path;
use std::process::{Command, Output};

/// Builds the package `tests/NAME` and runs it.
pub fn run(name: &str, arguments: &[&Path]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = root.join("tests").join(name);
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
        + &format!("\n[[bin]]\nname = {name:?}\npath = \"main.rs\"\n");
    std::fs::write(build.path().join("Cargo.toml"), manifest).expect("written");
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(build.path().join("Cargo.toml"))
        .arg("--")
        .args(arguments)
        // Kept between runs, beside the other things that are built.
        .env("CARGO_TARGET_DIR", root.join("target").join(name))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs")
}
