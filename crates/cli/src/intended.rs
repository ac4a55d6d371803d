//! What was meant by a call that is none.

use std::ffi::OsString;
use std::path::Path;

/// The right call in place of the commonest wrong ones.
pub(super) fn intended(typed: &[OsString]) -> Option<String> {
    let words: Vec<String> = typed
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let first = words.first()?;
    let rest = || words[1..].join(" ");
    // Words of other tools for the same.
    let command = match first.as_str() {
        "list" | "ls" | "search" | "find" | "grep" | "cat" => "query",
        "follow" | "watch" => "tail",
        "conversation" | "get" => "show",
        "count" | "summary" => "stats",
        "csv" | "json" | "dump" => "export",
        "validate" | "audit" => "verify",
        "proof" | "evidence" => "prove",
        // A filter or a trail without a command.
        _ if first.starts_with("--") && first != "--help" && words.len() > 1 => {
            return Some(format!("stinger-audit query {}", words.join(" ")));
        }
        _ if words.len() > 1 && (first.contains(['.', '/']) || Path::new(first).exists()) => {
            return Some(format!("stinger-audit query {first} {}", rest()));
        }
        _ => return None,
    };
    Some(
        format!("stinger-audit {command} {}", rest())
            .trim_end()
            .to_owned(),
    )
}
