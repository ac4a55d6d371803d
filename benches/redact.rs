//! How well redaction finds what it should and leaves what it should, and what it costs.
//!
//! `cargo bench --bench redact -- EVAL.jsonl` scores the labelled texts of a file: a JSON object a
//! line with `text`, `class`, `tier`, `scope` (the kinds that are labelled in it) and `spans`
//! (`start` and `end` in bytes, `entity`, and `opt` where masking is neither asked for nor wrong).
//! `--misses KIND` lists what was missed of a kind and what was taken for it. Without a file only the
//! speed is measured, beside the same rules as one multi-pattern `regex_automata::meta`.

use stinger_audit::redact::{Keys, Redactor, Rules};

#[path = "redact/score.rs"]
mod score;
#[path = "redact/speed.rs"]
mod speed;

fn main() {
    let mut eval = None;
    let mut misses = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo says it to every bench.
            "--bench" => {}
            "--misses" => misses.extend(arguments.next()),
            _ => eval = Some(argument),
        }
    }
    let redactor = Redactor::new(Rules::new(), Some(Keys::from_secret("k1", &[7; 32])));
    match &eval {
        Some(path) => score::table(&redactor, path, &misses),
        None => println!("no labelled texts: name a file of them to score, with --\n"),
    }
    if misses.is_empty() {
        speed::table(&redactor);
    }
}
