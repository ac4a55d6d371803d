//! The first program is the same text in the README, in the crate's documentation and in
//! the examples.

const README: &str = include_str!("../README.md");
const CRATE: &str = include_str!("../src/lib.rs");
const EXAMPLE: &str = include_str!("../examples/quickstart.rs");

const SERVICE: &str = include_str!("../crates/integration/examples/web_service.rs");

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
fn the_web_service_is_the_program_of_the_readme() {
    let program = SERVICE.split_once("\n\n").expect("a head").1;
    assert!(README.contains(&format!("```rust,no_run\n{program}```")));
}

#[test]
fn every_command_of_the_readme_exists() {
    let ci = include_str!("../.ci/run");
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in [
        "getting_started",
        "own_subscriber",
        "conversation",
        "replay",
    ] {
        assert!(README.contains(&format!("--example {name}")), "{name}");
        assert!(examples.join(name).with_extension("rs").exists(), "{name}");
    }
    assert!(README.contains("cargo run -p gateway"));
    assert!(examples.join("gateway/src/main.rs").exists());
    assert!(ci.contains("cargo test") && ci.contains("--example getting_started"));
}

#[test]
fn every_test_and_every_metric_that_the_readme_names_exists() {
    let mut sources = String::new();
    let root = env!("CARGO_MANIFEST_DIR");
    let mut directories = ["tests", "src", "crates", "examples"]
        .map(|name| format!("{root}/{name}").into())
        .to_vec();
    while let Some(directory) = directories.pop() {
        let directory: std::path::PathBuf = directory;
        for entry in std::fs::read_dir(directory).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources += &std::fs::read_to_string(path).expect("readable");
            }
        }
    }
    let named: Vec<&str> = README
        .split('`')
        .filter(|name| name.len() > 25 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        let stands_in_the_sources = match name.starts_with("stinger_audit_") {
            true => format!("\"{name}\""),
            false => format!("fn {name}("),
        };
        assert!(sources.contains(&stands_in_the_sources), "{name}");
    }
}

/// A path in a document is relative to the repository, or below one of the directories that the document says it leaves
/// out.
#[test]
fn every_path_that_a_document_names_exists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = std::fs::read_dir(root.join("docs/decisions")).expect("readable");
    let pages = pages.map(|page| page.expect("an entry").path());
    let documents = ["README.md", "ARCHITECTURE.md"].map(|name| root.join(name));
    let mut paths = 0;
    for document in documents.into_iter().chain(pages) {
        let text = std::fs::read_to_string(&document).expect("readable");
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        for (link, _) in links {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") {
                let directory = document.parent().expect("a directory");
                assert!(
                    directory.join(path).exists(),
                    "{link} in {}",
                    document.display()
                );
                paths += 1;
            }
        }
        let quoted = text.split('`').skip(1).step_by(2);
        for path in quoted.filter(|quoted| quoted.ends_with(".rs") && !quoted.contains(['*', ' ']))
        {
            let below = ["", "src/write", "src"].map(|directory| root.join(directory).join(path));
            let in_crate = path
                .split_once('/')
                .map(|(name, rest)| root.join("crates").join(name).join("src").join(rest));
            let is_there = below.into_iter().chain(in_crate).any(|path| path.exists());
            assert!(is_there, "{path} in {}", document.display());
            paths += 1;
        }
    }
    assert!(paths > 150, "{paths}");
}
