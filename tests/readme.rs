//! The first program is the same text in the README, in the crate's documentation and in
//! the examples.

const README: &str = include_str!("../README.md");
const CRATE: &str = include_str!("../src/lib.rs");
const EXAMPLE: &str = include_str!("../examples/quickstart.rs");

fn first_program(text: &str, fence: &str) -> String {
    let begin = text.find(fence).expect("a program") + fence.len();
    let end = text[begin..].find("```").expect("its end");
    text[begin..begin + end].trim().to_owned()
}

#[test]
fn the_first_program_is_one_text() {
    let readme = first_program(README, "```rust,no_run\n");
    let documentation: String = CRATE
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n")
        .collect();
    assert_eq!(first_program(&documentation, "```no_run\n"), readme);
    let program = EXAMPLE.split_once("\n\n").expect("a head").1;
    assert_eq!(program.trim(), readme);
}

#[test]
fn every_command_of_the_readme_exists() {
    let examples = include_str!("../.ci/run");
    for name in [
        "getting_started",
        "own_subscriber",
        "conversation",
        "replay",
    ] {
        assert!(README.contains(&format!("--example {name}")), "{name}");
        let path = format!("{}/examples/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&path).exists(), "{path}");
    }
    assert!(examples.contains("cargo test") && examples.contains("--example getting_started"));
}
