//! What is printed, and what a terminal or a closed pipe changes in it.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use crate::fixtures::{files, golden, line, trail_of};
use crate::process::{command, run, stderr, stdout};
use crate::skip::skip;

#[test]
fn what_is_printed_is_what_the_files_say() {
    for (name, arguments) in [
        ("overview", &["audit.log"][..]),
        ("query", &["query", "audit.log"]),
        (
            "query-blocked",
            &[
                "query",
                "audit.log",
                "--decision",
                "block",
                "--user",
                "u-7",
                "--reverse",
            ],
        ),
        ("show", &["show", "c-42", "audit.log"]),
        ("show-all", &["show", "c-43", "audit.log", "--all"]),
        ("tail", &["tail", "audit.log", "-n", "3", "--no-follow"]),
        ("stats", &["stats", "audit.log"]),
        ("check", &["check", "audit.log"]),
        ("export", &["export", "audit.log", "--conversation", "c-42"]),
        (
            "export-rows",
            &[
                "export",
                "audit.log",
                "--conversation",
                "c-42",
                "--decisions",
                "rows",
            ],
        ),
        (
            "redact",
            &[
                "redact",
                "audit.log",
                "--dry-run",
                "--rules",
                "../rules.toml",
            ],
        ),
        ("help", &["query", "--help"]),
    ] {
        let output = run(&golden(), arguments);
        let printed = format!(
            "$ stinger-audit {}\n{}{}",
            arguments.join(" "),
            stdout(&output),
            stderr(&output)
        );
        let path = files().join(format!("{name}.txt"));
        if std::env::var_os("STINGER_TEST_BLESS").is_some() {
            fs::write(&path, &printed).expect("written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(printed, expected, "{}", path.display());
    }
}

#[test]
fn a_reader_that_stops_reading_is_not_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let line = |seq: u64| {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\",\"user_id\":\"u\"}}\n"
        )
    };
    fs::write(
        dir.path().join("audit.log"),
        (0..50_000).map(line).collect::<String>(),
    )
    .expect("written");
    for arguments in [
        &["query", "audit.log"][..],
        &["query", "audit.log", "--json"],
        &["export", "audit.log"],
        &["export", "audit.log", "--format", "json"],
        &["export", "audit.log", "--format", "jsonl"],
    ] {
        let mut child = command(dir.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut some = [0; 100];
        child
            .stdout
            .take()
            .expect("a pipe")
            .read_exact(&mut some)
            .expect("readable");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            (output.status.code(), stderr(&output)),
            (Some(0), String::new()),
            "{arguments:?}"
        );
    }
}

#[test]
fn local_shows_and_reads_times_in_the_local_zone() {
    let local = |arguments: &[&str]| {
        let mut command = command(&golden());
        let output = command.env("TZ", "IST-5:30").args(arguments).output();
        stdout(&output.expect("it runs"))
    };
    let since = ["--since", "2026-11-24 16:37", "--until", "2026-11-24 16:38"];
    let found = local(&[&["query", "audit.log", "--local"][..], &since].concat());
    assert_eq!(found.lines().count(), 2, "{found}");
    assert!(
        found.starts_with("2026-11-24 16:37:00.000+05:30  #20 "),
        "{found}"
    );
    assert_eq!(local(&[&["query", "audit.log"][..], &since].concat()), "");
    let shown = local(&["show", "c-42", "audit.log", "--local"]);
    assert!(shown.contains("turn 1  15:45:00.170+05:30  "), "{shown}");
    let counted = local(&["stats", "audit.log", "--local"]);
    assert!(counted.contains("  2026-11-24 15:30+05:30 "), "{counted}");
}

#[test]
fn a_terminal_gets_colors_and_escaped_text() {
    #[cfg(unix)]
    {
        use crate::process::on_a_terminal;
        let lines: Vec<String> = (0..3)
            .map(|seq| {
                line(
                    seq,
                    "user_prompt",
                    ",\"user_id\":\"u-7\",\"prompt\":\"\u{9b}31m\"",
                )
            })
            .collect();
        let dir = trail_of(&lines);
        let Some(shown) = on_a_terminal(dir.path(), &[], "query audit.log") else {
            skip("`script` is not installed");
            return;
        };
        let rows = |shown: &str| shown.matches("user_prompt").count();
        let is_coloured = |shown: &str| shown.contains('\u{1b}');
        assert_eq!(rows(&shown), 3, "{shown}");
        assert!(is_coloured(&shown) && !shown.contains('\u{9b}'), "{shown}");
        for (variables, arguments) in [
            (&[("TERM", "dumb")][..], "query audit.log"),
            (&[("NO_COLOR", "1")], "query audit.log"),
            (&[], "query audit.log | cat"),
            (&[], "query audit.log --color never"),
        ] {
            let shown = on_a_terminal(dir.path(), variables, arguments).expect("it runs");
            assert_eq!(rows(&shown), 3, "{variables:?} {arguments}");
            assert!(!is_coloured(&shown), "{variables:?} {arguments}");
        }
        let piped = "query audit.log --color always | cat";
        let shown = on_a_terminal(dir.path(), &[], piped).expect("it runs");
        assert!(is_coloured(&shown) && rows(&shown) == 3, "{shown}");
        for arguments in [
            "query audit.log --json --limit 3",
            "export audit.log --csv-raw --limit 3",
            "export audit.log --format jsonl --limit 3",
        ] {
            let shown = on_a_terminal(dir.path(), &[], arguments).expect("it runs");
            assert_eq!(rows(&shown), 3, "{arguments}: {shown}");
            assert!(!shown.contains('\u{9b}'), "{arguments}: {shown}");
        }
    }
}
