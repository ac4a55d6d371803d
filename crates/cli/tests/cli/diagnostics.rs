//! Exit codes, and what the command says to do about a mistake.

use std::fs;

use crate::fixtures::{golden, line, trail_of};
use crate::process::{command, run, stderr, stdout};

#[test]
fn the_exit_code_says_how_a_command_ended() {
    for (arguments, code) in [
        (&["query", "audit.log", "--user", "u-7"][..], 0),
        (&["query", "audit.log", "--user", "nobody"], 1),
        (&["query", "audit.log", "--user", "u-"], 1),
        (&["show", "c-42", "audit.log"], 0),
        (&["show", "nothing", "audit.log"], 1),
        (&["show", "c-4", "audit.log"], 2),
        (&["stats", "audit.log", "--user", "nobody"], 1),
        (&["check", "audit.log"], 1),
        (&["export", "audit.log", "--user", "nobody"], 1),
        (&["query", "missing.log"], 2),
        (&["query", "audit.log", "--since", "someday"], 2),
        (&["query", "--no-such-option"], 2),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["completions", "bash"], 0),
        (&["man"], 0),
        (&["audit.log"], 0),
        (&[], 0),
    ] {
        let output = run(&golden(), arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    // The variable of the writer names the trail, as for the writer.
    let output = command(&golden())
        .env("STINGER_AUDIT_DESTINATION", "stdout, audit.log")
        .args(["query", "--user", "u-8", "--json"])
        .output()
        .expect("it runs");
    assert_eq!(stdout(&output).lines().count(), 5);
}

#[test]
fn an_error_says_what_to_do() {
    for (arguments, says) in [
        (&["query"][..], "there is no trail ./audit.log"),
        (&["query", "missing.log"], "no file in . has that name"),
        (
            &["query", "audit.log", "--decision", "blocked"],
            "write one of allow, warn, block",
        ),
        (&["query", "audit.log", "--since", "3h"], "-3h"),
        (&["query", "audit.log", "--last", "yesterday"], "90s"),
        (
            &["query", "audit.log", "--last", "99999999999d"],
            "too long; leave it out",
        ),
        (
            &["show", "c-4", "audit.log"],
            "2 conversations begin with c-4: c-42, c-43",
        ),
        (&["show", "c-9", "audit.log"], "has no conversation c-9"),
        (
            &["audit.log", "--user", "u-7"],
            "Did you mean:  stinger-audit query audit.log --user u-7",
        ),
        (
            &["--user", "u-7"],
            "Did you mean:  stinger-audit query --user u-7",
        ),
        (&["ls"], "Did you mean:  stinger-audit query"),
        (
            &["search", "audit.log", "--text", "x"],
            "Did you mean:  stinger-audit query audit.log --text x",
        ),
        (&["frobnicate"], "--help lists the commands"),
        (
            &["redact", "audit.log"],
            "no command changes it; add --dry-run",
        ),
        (
            &["query", "-", "--reverse"],
            "standard input cannot be read backwards",
        ),
        (
            &["export", "audit.log", "--output", "."],
            "it is a directory",
        ),
        (&["tag", "ann@example.com", "audit.log"], "redaction.keys"),
        (
            &["show", "c-42", "audit.log", "--conversation", "c-43"],
            "show takes one conversation: c-42",
        ),
    ] {
        let directory = match arguments[0] == "query" && arguments.len() == 1 {
            true => std::env::temp_dir(),
            false => golden(),
        };
        let output = run(&directory, arguments);
        assert!(
            stderr(&output).contains(says),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn an_unknown_name_is_answered_with_similar_names_of_the_trail() {
    let users = [10, 11, 2].map(|user| {
        let rest = format!(",\"user_id\":\"u-{user}\",\"session_id\":\"s-{user}\"");
        line(user, "user_prompt", &rest)
    });
    let dir = trail_of(&users);
    for command in [
        &["query"][..],
        &["tail", "--no-follow"],
        &["stats"],
        &["export"],
    ] {
        for (filter, says) in [
            (
                ["--user", "u-1"],
                "the trail has no user u-1; it has u-10, u-11",
            ),
            (
                ["--user", "x"],
                "no record matches; the trail has no user x\n",
            ),
            (
                ["--session", "s-1"],
                "the trail has no session s-1; it has s-10, s-11",
            ),
            (
                ["--event", "user_promt"],
                "the trail has no event user_promt; it has user_prompt",
            ),
            (
                ["--event", "zzz"],
                "the trail has no event zzz; it has user_prompt",
            ),
            (["--since", "now"], "no record matches\n"),
        ] {
            let output = run(dir.path(), &[command, &["audit.log"], &filter].concat());
            let told = stderr(&output);
            assert!(told.contains(says), "{command:?} {filter:?}: {told}");
            assert_eq!(told.lines().count(), 1, "{told}");
            assert_eq!(output.status.code(), Some(1), "{command:?} {filter:?}");
        }
    }
    let found = run(
        dir.path(),
        &["query", "audit.log", "--user", "u-1", "--user", "u-2"],
    );
    assert_eq!(stdout(&found).lines().count(), 1, "ids are exact");
    for filter in [
        &["--user", ""][..],
        &["--filter", ""],
        &["--text", ""],
        &["--tag", "ann@example.com"],
        &["--tag", "k1"],
        &["--tag", "[EMAIL]"],
    ] {
        let output = run(dir.path(), &[&["query", "audit.log"], filter].concat());
        assert_eq!(output.status.code(), Some(2), "{filter:?}");
    }
}

#[test]
fn a_file_that_is_no_trail_is_called_what_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let write =
        |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).expect("written");
    write("audit.2026-11-24.log.gz", b"\x1f\x8b\x08\0\0\0");
    write("program", b"\x7fELF\0\0\0\0");
    write("notes.txt", b"one\ntwo\n{\"level\":\"info\"}\n");
    write("begun.log", b"{\"seq\":0,\"time");
    write("empty.log", b"");
    for command in ["query", "check", "stats", "verify", "export"] {
        for (file, says) in [
            ("audit.2026-11-24.log.gz", "is compressed; unpack it"),
            ("program", "is binary, and a trail is text"),
            ("notes.txt", "no line of notes.txt is a record of a trail"),
        ] {
            let output = run(dir.path(), &[command, file]);
            assert!(
                stderr(&output).contains(says),
                "{command} {file}: {}",
                stderr(&output)
            );
            assert_eq!(output.status.code(), Some(2), "{command} {file}");
        }
    }
    let begun = run(dir.path(), &["check", "begun.log"]);
    assert!(
        stdout(&begun).contains("the last line has no end"),
        "{}",
        stdout(&begun)
    );
    for arguments in [&["check", "empty.log"][..], &["check", "-"]] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(!stdout(&output).contains("complete"), "{}", stdout(&output));
    }
    for day in 1..4 {
        write(
            &format!("audit.2026-11-0{day}.log"),
            line(day, "e", "").as_bytes(),
        );
    }
    let files: Vec<String> = (1..4)
        .map(|day| format!("audit.2026-11-0{day}.log"))
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    for command in [&["check"][..], &["query", "--user", "u"], &["show", "c-1"]] {
        let output = run(dir.path(), &[command, &files].concat());
        assert_eq!(output.status.code(), Some(2));
        let told = stderr(&output);
        assert!(
            told.contains("one trail is read at a time") && told.ends_with("such as ./audit.log\n"),
            "{command:?}: {told}"
        );
    }
}
