//! Text that acts on terminals, spreadsheets and browsers.

use std::fs;

use crate::process::{run, stderr, stdout};

/// A text that acts on terminals, spreadsheets and browsers, raw.
const EVIL: &str = "\u{202e}\u{9b}31m\u{200b}=cmd|'/C calc'!A0\u{7f}<script>\u{2028}\u{feff}";
/// What a terminal shows of it, and what JSON and CSV hold of it.
const SHOWN: &str = r"\u{202e}\u{9b}31m\u{200b}=cmd|'/C calc'!A0\u{7f}<script>\u{2028}\u{feff}";
const ESCAPED: &str = r"\u202e\u009b31m\u200b=cmd|'/C calc'!A0\u007f<script>\u2028\ufeff";

/// A trail that somebody else wrote, in which nothing is escaped that JSON does not force to. Only the id of the
/// conversation is written as the trail writes it: `show` looks for those bytes.
fn hostile() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let escaped = "\\u001b[2J\\u0007\\r\\n=1+1";
    let record = |seq: u64, event: &str, rest: &str| {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"{event}\",\
             \"user_id\":\"u{EVIL}\",\"conversation_id\":\"c{ESCAPED}{escaped}\",\"turn_number\":1,\
             \"model_used\":\"{EVIL}\"{rest}}}\n"
        )
    };
    let decision = format!(
        ",\"guardrail_decisions\":[{{\"filter_name\":\"f{EVIL}{escaped}\",\"decision\":\"d{EVIL}\",\"reason\":\"{EVIL}{escaped}\",\"rule_triggered\":\"{EVIL}\"}}]"
    );
    let lines = [
        record(
            0,
            &format!("e{EVIL}"),
            &format!(",\"k{EVIL}\":{{\"x{escaped}\":\"{EVIL}\"}}"),
        ),
        record(
            1,
            "user_prompt",
            &format!(",\"prompt\":\"{EVIL}{escaped}\""),
        ),
        record(2, "guardrail_decision", &decision),
        record(
            3,
            "llm_response",
            &format!(
                ",\"response\":\"{escaped}{EVIL}\",\"redactions\":[{{\"type\":\"{EVIL}\",\"field\":\"{EVIL}\",\"rule\":\"{EVIL}\"}}],\"redaction_counts\":{{\"{EVIL}\":1}}"
            ),
        ),
        format!("foreign \u{1b}[31m{EVIL}\n"),
    ];
    fs::write(dir.path().join("audit.log"), lines.concat()).expect("written");
    dir
}

#[test]
fn hostile_text_is_escaped_in_every_output() {
    let dir = hostile();
    let id = &format!("c{EVIL}\u{1b}[2J\u{7}\r\n=1+1");
    let name = "au\u{9b}31m\u{1b}[2J\ndit\u{202e}.log";
    let shown_name = r"au\u{9b}31m\u{1b}[2J dit\u{202e}.log";
    fs::copy(dir.path().join("audit.log"), dir.path().join(name)).expect("copied");
    for (arguments, code, says) in [
        (&["audit.log"][..], 0, SHOWN),
        (&["query", "audit.log"], 0, SHOWN),
        (
            &["query", "audit.log", "--reverse", "--color", "never"],
            0,
            SHOWN,
        ),
        (&["show", id, "audit.log", "--all"], 0, SHOWN),
        (
            &["show", "nothing\u{1b}[31m", "audit.log"],
            1,
            r"nothing\u{1b}[31m",
        ),
        (&["tail", "audit.log", "--no-follow"], 0, SHOWN),
        (&["stats", "audit.log"], 0, SHOWN),
        (&["check", "audit.log"], 1, "foreign line "),
        (&["export", "audit.log"], 0, ESCAPED),
        (&["export", "audit.log", "--decisions", "rows"], 0, ESCAPED),
        (&["redact", "audit.log", "--dry-run"], 0, SHOWN),
        (&["query", "audit.log", "--json"], 0, ESCAPED),
        (&["show", id, "audit.log", "--json"], 0, ESCAPED),
        (&["tail", "audit.log", "--no-follow", "--json"], 0, ESCAPED),
        (&["stats", "audit.log", "--json"], 0, ESCAPED),
        (&["export", "audit.log", "--format", "json"], 0, ESCAPED),
        (&["export", "audit.log", "--format", "jsonl"], 0, ESCAPED),
        (&[name], 0, shown_name),
        (&["check", name], 1, shown_name),
        (&["query", name], 0, shown_name),
        (&["show", "nothing", name], 1, shown_name),
        (&["export", name, "-o", name], 2, shown_name),
        (&["check", name, name], 2, shown_name),
        (&["query", "--limit", name], 2, r"dit\u{202e}.log"),
        (&["frobnicate", name], 2, r"dit\u{202e}.log"),
        (&["query", "no\u{1b}[31m.log"], 2, r"no\u{1b}[31m.log"),
        (
            &["query", "audit.log", "--decision", "\u{1b}[31m"],
            2,
            r"\u{1b}[31m",
        ),
    ] {
        let output = run(dir.path(), arguments);
        let told = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
        let told = stderr(&output);
        // What a parser of arguments quotes is what was typed.
        let is_quoted = told.contains("try '--help'");
        assert!(
            is_quoted || !told.contains("\ndit"),
            "{arguments:?}: {told}"
        );
        for (stream, text) in [("stdout", stdout(&output)), ("stderr", stderr(&output))] {
            let acting = text.chars().find(|character| {
                (character.is_control() && !matches!(character, '\n' | '\t' | '\r'))
                    || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            });
            assert_eq!(acting, None, "{arguments:?} {stream}: {text}");
            let is_csv = arguments[0] == "export" && !arguments.contains(&"--format");
            let is_csv = is_csv && stream == "stdout";
            assert!(is_csv || !text.contains('\r'), "{arguments:?} {stream}");
        }
    }
    let csv = stdout(&run(dir.path(), &["export", "audit.log"]));
    assert!(
        !csv.contains(",=") && !csv.contains("\"="),
        "no cell begins a formula: {csv}"
    );
    let raw = stdout(&run(dir.path(), &["export", "audit.log", "--csv-raw"]));
    assert!(
        raw.contains("\u{202e}"),
        "for machines every cell is what it is"
    );
}
