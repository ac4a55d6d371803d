//! The command, run as a process: this program is the command where it is asked to be.
//!
//! `tests/cli/trail` is a trail with something of everything, `tests/cli/*.txt` is what the command
//! prints of it. `STINGER_TEST_BLESS=1` writes these files anew; read the difference.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stinger_audit::read::{Query, Trail};

#[path = "common/harness.rs"]
mod harness;

const ROLE: &str = "STINGER_TEST_IS_THE_COMMAND";

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        return stinger_audit::cli::run(std::env::args_os());
    }
    harness::run(harness::named![
        what_is_printed_is_what_the_files_say,
        json_is_the_line_byte_for_byte_and_the_library_selects_the_same,
        what_ends_how_is_told_by_the_exit_code,
        mistakes_are_answered_with_what_to_do,
        hostile_text_acts_in_no_output,
        a_reader_that_goes_away_is_no_trouble,
        standard_input_may_hold_other_lines,
        an_export_gets_its_name_when_it_is_complete,
        tail_misses_and_doubles_nothing_while_files_roll,
        the_newest_come_first_without_reading_the_rest,
        the_faults_of_other_queries_are_not_ours,
        a_known_value_is_found_by_its_tag,
        links_devices_and_long_lines_are_no_trouble,
        a_large_trail_gets_indexes_and_no_other_answers,
        every_record_of_a_turn_is_shown,
        a_filter_hides_turns_and_says_so,
        a_file_that_cannot_be_read_is_trouble,
        an_export_replaces_nothing_that_it_was_not_told_to,
        an_export_is_written_into_a_pipe,
        what_is_gone_from_the_end_is_found,
        times_are_those_of_the_zone_that_is_asked_for,
        what_the_trail_does_not_know_is_told_with_what_it_knows,
        tail_ends_where_it_was_asked_to,
        what_is_no_trail_is_told_what_it_is,
        a_terminal_gets_colours_and_nothing_that_acts_on_it,
    ])
}

/// The command in a directory, with nothing of this environment that changes what it prints.
fn command(directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .current_dir(directory)
        .env(ROLE, "1")
        .env_remove("STINGER_AUDIT_DESTINATION")
        .env("NO_COLOR", "1")
        // Nothing may be kept for this user.
        .env("XDG_CACHE_HOME", directory.join("no-cache"))
        .stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory)
        .args(arguments)
        .output()
        .expect("it runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli")
}

fn golden() -> PathBuf {
    files().join("trail")
}

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

fn json_is_the_line_byte_for_byte_and_the_library_selects_the_same() {
    let trail = Trail::open(golden().join("audit.log")).expect("a trail");
    let lines: Vec<String> = ["10", "11"]
        .iter()
        .map(|hour| golden().join(format!("audit.2026-11-24-{hour}.log")))
        .flat_map(|path| {
            fs::read_to_string(path)
                .expect("readable")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let since = "2026-11-24T10:27:00Z".parse().expect("a time");
    let until = "2026-11-24T11:06:30Z".parse().expect("a time");
    for (arguments, query) in [
        (&[][..], Query::new()),
        (&["--user", "u-8"], Query::new().user_id("u-8")),
        (
            &["--user", "u-7", "--user", "u-8"],
            Query::new().user_id("u-7").user_id("u-8"),
        ),
        (
            &["--conversation", "c-42", "--decision", "BLOCK"],
            Query::new().conversation_id("c-42").decision("block"),
        ),
        (
            &["--filter", "prompt_injection", "--decision", "warn"],
            Query::new()
                .filter_name("prompt_injection")
                .decision("warn"),
        ),
        (
            &["--event", "llm_response", "--model", "small-1"],
            Query::new()
                .event_type("llm_response")
                .model_used("small-1"),
        ),
        (&["--text", "ÜBER"], Query::new().text("über")),
        (
            &["--tag", "[EMAIL:k1:9GZ4M2QX7R1B]"],
            Query::new().tag("EMAIL:k1:9GZ4M2QX7R1B"),
        ),
        (
            &["--tag", "k1:9gz4m2qx7r1b"],
            Query::new().tag("[EMAIL:k1:9GZ4M2QX7R1B]"),
        ),
        (
            &["--tag", "PHONE:k1:9GZ4M2QX7R1B"],
            Query::new().tag("PHONE:k1:9GZ4M2QX7R1B"),
        ),
        (
            &[
                "--since",
                "2026-11-24T10:27:00Z",
                "--until",
                "2026-11-24 11:06:30",
            ],
            Query::new().since(since).until(until),
        ),
        (&["--session", "nobody"], Query::new().session_id("nobody")),
    ] {
        let expected: Vec<u64> = trail
            .query(query)
            .flatten()
            .map(|record| record.seq)
            .collect();
        let output = run(
            &golden(),
            &[&["query", "audit.log", "--json"], arguments].concat(),
        );
        let printed = stdout(&output);
        let found: Vec<u64> = printed
            .lines()
            .map(|line| {
                assert!(lines.iter().any(|known| known == line), "{line}");
                let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
                record["seq"].as_u64().expect("a seq")
            })
            .collect();
        assert_eq!(found, expected, "{arguments:?}");
        let reversed = run(
            &golden(),
            &[&["query", "audit.log", "--json", "--reverse"], arguments].concat(),
        );
        let mut reversed: Vec<String> = stdout(&reversed).lines().map(str::to_owned).collect();
        reversed.reverse();
        assert_eq!(
            reversed,
            printed.lines().collect::<Vec<_>>(),
            "{arguments:?}"
        );
    }
}

fn what_ends_how_is_told_by_the_exit_code() {
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

fn mistakes_are_answered_with_what_to_do() {
    for (arguments, says) in [
        (&["query"][..], "there is no trail ./audit.log"),
        (&["query", "missing.log"], "no file in . has that name"),
        (
            &["query", "audit.log", "--decision", "blocked"],
            "there are allow, warn, block",
        ),
        (&["query", "audit.log", "--since", "3h"], "-3h"),
        (&["query", "audit.log", "--last", "yesterday"], "90s"),
        (
            &["query", "audit.log", "--last", "99999999999d"],
            "longer than time is",
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
        (&["redact", "audit.log"], "never changed; with --dry-run"),
        (&["query", "-", "--reverse"], "standard input has no end"),
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

fn hostile_text_acts_in_no_output() {
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

fn a_reader_that_goes_away_is_no_trouble() {
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

fn piped(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(directory)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("written");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn standard_input_may_hold_other_lines() {
    let trail = fs::read(golden().join("audit.2026-11-24-10.log")).expect("readable");
    let mixed = [
        &b"starting up\n"[..],
        &trail,
        b"\n{\"level\":\"info\"}\nbye",
    ]
    .concat();
    let output = piped(
        &golden(),
        &["query", "-", "--user", "u-8", "--json"],
        &mixed,
    );
    assert_eq!(stdout(&output).lines().count(), 2);
    assert!(
        stderr(&output).contains("3 other lines were passed over"),
        "{}",
        stderr(&output)
    );
    let output = piped(&golden(), &["show", "c-42", "-"], &mixed);
    assert!(stdout(&output).contains("turns 3 to 4 are missing"));
    let output = piped(
        &golden(),
        &["redact", "-", "--dry-run", "--rules", "../rules.toml"],
        b"see E-4711\nand 10.1.2.3\n",
    );
    let printed = stdout(&output);
    assert!(
        printed.contains("hides    line 1 STAFF (STAFF): E-4711"),
        "{printed}"
    );
    assert!(
        printed.contains("EXPOSES  line 2 IP (ip): 10.1.2.3"),
        "{printed}"
    );
}

fn an_export_gets_its_name_when_it_is_complete() {
    let dir = tempfile::tempdir().expect("a directory");
    let target = dir.path().join("audit.json");
    let to = target.to_str().expect("UTF-8");
    let output = run(
        &golden(),
        &[
            "export",
            "audit.log",
            "--format",
            "json",
            "--user",
            "u-8",
            "-o",
            to,
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let exported: serde_json::Value =
        serde_json::from_slice(&fs::read(&target).expect("there")).expect("JSON");
    assert_eq!(exported["summary"]["records"], 5);
    assert_eq!(exported["summary"]["unreadable"], 2);
    assert_eq!(exported["export"]["filters"][0], "user=u-8");
    assert_eq!(exported["records"].as_array().map(Vec::len), Some(5));
    let output = run(
        &golden(),
        &[
            "export",
            "audit.log",
            "-o",
            dir.path().join("no/such/x.csv").to_str().expect("UTF-8"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    let names: Vec<_> = fs::read_dir(dir.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["audit.json"], "no half of an export is left");
}

/// Somebody writes as fast as he can and begins a new file every 40 lines.
fn tail_misses_and_doubles_nothing_while_files_roll() {
    const LINES: u64 = 8_000;
    let dir = tempfile::tempdir().expect("a directory");
    let file = |number: u64| {
        dir.path().join(format!(
            "audit.2026-11-24-{:02}-{:02}.log",
            number / 60,
            number % 60
        ))
    };
    let line = |seq: u64| {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\",\"pad\":\"{}\"}}\n",
            "x".repeat((seq % 97) as usize)
        )
    };
    fs::write(file(0), line(0)).expect("written");
    let mut child = command(dir.path())
        .args(["tail", "audit.log", "--json", "-n", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut out = child.stdout.take().expect("a pipe");
    let (sender, read) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut block = vec![0; 64 << 10];
        while let Ok(count @ 1..) = out.read(&mut block) {
            let _ = sender.send(block[..count].to_vec());
        }
    });
    let mut bytes = read
        .recv_timeout(Duration::from_secs(10))
        .expect("the first line");
    for seq in 1..LINES {
        let mut open = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file(seq / 40))
            .expect("open");
        // In two writes, so that the reader sees halves.
        let line = line(seq);
        let (head, rest) = line.split_at(line.len() / 2);
        open.write_all(head.as_bytes()).expect("written");
        open.write_all(rest.as_bytes()).expect("written");
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while bytes.iter().filter(|byte| **byte == b'\n').count() < LINES as usize
        && Instant::now() < deadline
    {
        if let Ok(more) = read.recv_timeout(Duration::from_millis(100)) {
            bytes.extend(more);
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let seqs: Vec<u64> = text
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).expect("a whole line");
            record["seq"].as_u64().expect("a seq")
        })
        .collect();
    assert_eq!(seqs, (0..LINES).collect::<Vec<_>>());
}

fn the_newest_come_first_without_reading_the_rest() {
    let output = run(
        &golden(),
        &["query", "audit.log", "--reverse", "--limit", "2", "--json"],
    );
    let printed = stdout(&output);
    assert!(
        printed.starts_with("{\"seq\":22,") && printed.contains("\n{\"seq\":21,"),
        "{printed}"
    );
    // A line longer than a block, and one that is not ended.
    let dir = tempfile::tempdir().expect("a directory");
    let line = |seq: u64, pad: usize| {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\",\"pad\":\"{}\"}}\n",
            "x".repeat(pad)
        )
    };
    let text = [line(0, 10), line(1, 2 << 20), line(2, 10)].concat() + line(3, 5).trim_end();
    fs::write(dir.path().join("audit.log"), text).expect("written");
    let printed = stdout(&run(
        dir.path(),
        &["query", "audit.log", "--reverse", "--json"],
    ));
    let seqs: Vec<&str> = printed.lines().map(|line| &line[..8]).collect();
    assert_eq!(
        seqs,
        ["{\"seq\":2", "{\"seq\":1", "{\"seq\":0"],
        "what is being written has no end yet"
    );
}

fn the_faults_of_other_queries_are_not_ours() {
    // Start and end both count.
    let output = run(
        &golden(),
        &[
            "query",
            "audit.log",
            "--json",
            "--since",
            "2026-11-24T10:27:30Z",
            "--until",
            "2026-11-24T10:28:00Z",
        ],
    );
    assert_eq!(stdout(&output).lines().count(), 3);
    // A bad line does not empty the result, and is told.
    assert!(
        stderr(&output).contains("line 15, byte"),
        "{}",
        stderr(&output)
    );
    // No text is cut, and no formula gets through.
    let csv = stdout(&run(
        &golden(),
        &["export", "audit.log", "--conversation", "c-42"],
    ));
    assert!(csv.contains("on an ordinary day in spring?"), "{csv}");
    assert!(csv.contains("'=cmd|' /C calc'!A0"), "{csv}");
    // Blocked prompts are there.
    let blocked = stdout(&run(
        &golden(),
        &["query", "audit.log", "--decision", "block", "--json"],
    ));
    assert_eq!(blocked.lines().count(), 2);
}

fn a_known_value_is_found_by_its_tag() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
        .redact_pii(true)
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::prompt("I am Ann@Example.com").user_id("u-7"))
        .expect("recorded");
    audit
        .log(stinger_audit::prompt("I am nobody"))
        .expect("recorded");
    audit.close().expect("closed");
    let tags = stdout(&run(dir.path(), &["tag", "ann@example.com", "audit.log"]));
    let tag = tags.lines().next().expect("a tag");
    assert!(tag.starts_with("[EMAIL:k1:"), "{tags}");
    let found = stdout(&run(
        dir.path(),
        &["query", "audit.log", "--tag", tag, "--json"],
    ));
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.contains("\"user_id\":\"u-7\""));
}

fn links_devices_and_long_lines_are_no_trouble() {
    let dir = tempfile::tempdir().expect("a directory");
    let long = format!(
        "{{\"seq\":0,\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"user_prompt\",\"conversation_id\":\"c\",\"prompt\":\"{}\"}}\n",
        "x ".repeat(4 << 20)
    );
    fs::write(dir.path().join("audit.2026-11-24.log"), long).expect("written");
    let output = run(dir.path(), &["check", "audit.log"]);
    assert!(stdout(&output).contains("1 records"), "{}", stdout(&output));
    let shown = stdout(&run(
        dir.path(),
        &["query", "audit.log", "--limit", "1", "--json"],
    ));
    assert_eq!(
        shown.len(),
        fs::metadata(dir.path().join("audit.2026-11-24.log"))
            .expect("there")
            .len() as usize
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("zero.log")).expect("linked");
        let output = run(dir.path(), &["query", "zero.log"]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "a device is no file of a trail: {}",
            stderr(&output)
        );
    }
}

fn a_large_trail_gets_indexes_and_no_other_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let cache = directory.join("cache");
    let prompt = "a".repeat(8_000);
    for file in 0..4 {
        let mut lines = String::new();
        for number in 0..1_500 {
            let seq = file * 1_500 + number;
            let (second, minute, hour) = (seq % 60, seq / 60 % 60, seq / 3_600);
            lines += &format!(
                "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T{hour:02}:{minute:02}:{second:02}Z\",\
                 \"event_type\":\"user_prompt\",\"user_id\":\"u-{}\",\"conversation_id\":\"c-{}\",\
                 \"prompt\":\"{prompt}\"}}\n",
                seq / 40,
                seq / 20,
            );
        }
        let path = directory.join(format!("audit.2026-11-24-{file:02}.log"));
        fs::write(path, lines).expect("written");
    }
    let run = |arguments: &[&str]| {
        let mut command = command(directory);
        command.env("XDG_CACHE_HOME", &cache).args(arguments);
        command.output().expect("it runs")
    };
    let index = || cache.join("stinger-audit").exists();
    // Nothing that reads everything makes one.
    assert!(run(&["query", "--json"]).status.success());
    assert!(run(&["check"]).stdout.ends_with(b"\n"));
    assert!(!index());
    for arguments in [
        &["query", "--json", "--user", "u-30"][..],
        &["query", "--json", "--conversation", "c-299"],
        &["query", "--json", "--since", "2026-11-24T01:39:00Z"],
        &["query", "--json", "--user", "u-3"],
        &["query", "--json", "--user", "nobody"],
        &["show", "c-150"],
        &["stats", "--json"],
        &["stats", "--since", "2026-11-24T01:00:00Z"],
        &["export", "--user", "u-31"],
    ] {
        let scanned = run(&[arguments, &["--no-index"]].concat());
        for _ in 0..2 {
            let indexed = run(arguments);
            assert!(indexed.stdout == scanned.stdout, "{arguments:?}");
            assert_eq!(indexed.status, scanned.status, "{arguments:?}");
            assert_eq!(stderr(&indexed), stderr(&scanned), "{arguments:?}");
        }
    }
    let made = stdout(&run(&["index"]));
    assert!(made.starts_with("3 files, 0 new: 36."), "{made}");
    fs::remove_dir_all(&cache).expect("removed");
    let made = stdout(&run(&["index"]));
    assert!(made.starts_with("3 files, 3 new: 36."), "{made}");
    // Where none can be kept the files are read.
    fs::remove_dir_all(&cache).expect("removed");
    fs::write(&cache, "a file").expect("written");
    let found = run(&["query", "--json", "--conversation", "c-299"]);
    assert_eq!(stdout(&found).lines().count(), 20);
    assert!(stderr(&found).contains("the files are read without indexes"));
    assert_eq!(run(&["index"]).status.code(), Some(2));
}

/// A trail in one file, of these lines.
fn trail_of(lines: &[String]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("audit.log"), lines.concat()).expect("written");
    dir
}

fn line(seq: u64, event: &str, rest: &str) -> String {
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:{:02}Z\",\"event_type\":\"{event}\"{rest}}}\n",
        seq % 60
    )
}

fn every_record_of_a_turn_is_shown() {
    for key in [
        "\"conversation_id\":\"c-1\",\"turn_number\":1",
        "\"conversation_id\":\"c-1\",\"turn_number\":1,\"turn_id\":\"t-1\"",
        "\"conversation_id\":\"c-1\"",
    ] {
        let said = |seq, event: &str, what: &str| line(seq, event, &format!(",{key},{what}"));
        let dir = trail_of(&[
            said(0, "user_prompt", "\"prompt\":\"one\""),
            said(
                1,
                "guardrail_decision",
                "\"guardrail_decisions\":[{\"filter_name\":\"pii\",\"decision\":\"allow\"}]",
            ),
            said(2, "llm_response", "\"response\":\"two\""),
            said(3, "user_prompt", "\"prompt\":\"three\""),
            said(4, "llm_response", "\"response\":\"four\""),
            said(4, "llm_response", "\"response\":\"five\""),
            said(5, "turn_note", "\"note\":\"six\""),
        ]);
        let shown = stdout(&run(dir.path(), &["show", "c-1", "audit.log"]));
        let places = [
            "one",
            "1 passed: pii",
            "two",
            "three",
            "four",
            "#4 again",
            "five",
            "six",
        ]
        .map(|text| (shown.find(text), text));
        assert!(
            places.is_sorted() && places.iter().all(|(place, _)| place.is_some()),
            "{places:?} {shown}"
        );
        assert!(
            shown.contains("prompt    2 of 2  #3  10:00:03.000Z"),
            "{shown}"
        );
        assert!(shown.contains("response  3 of 3  #4"), "{shown}");
        let trail = Trail::open(dir.path().join("audit.log")).expect("a trail");
        let conversation = trail.conversation("c-1");
        let texts = |records: Vec<&stinger_audit::record::Record>| -> Vec<String> {
            let text = |record: &stinger_audit::record::Record| {
                record.prompt.clone().or(record.response.clone())
            };
            records.into_iter().filter_map(text).collect()
        };
        let [turn] = conversation.turns.as_slice() else {
            panic!("{:?}", conversation.turns);
        };
        assert_eq!(texts(turn.prompts().collect()), ["one", "three"]);
        assert_eq!(texts(turn.responses().collect()), ["two", "four", "five"]);
        assert_eq!(turn.records.len(), 7);
    }
}

fn a_filter_hides_turns_and_says_so() {
    let shown = run(
        &golden(),
        &["show", "c-42", "audit.log", "--filter", "confidential"],
    );
    let (out, err) = (stdout(&shown), stderr(&shown));
    assert!(
        out.contains("turns 1 to 2: left out by the filters (7 records)"),
        "{out}"
    );
    assert!(out.contains("turns 3 to 4 are missing"), "{out}");
    assert!(
        out.contains("=cmd|' /C calc'!A0") && !out.contains("none is recorded"),
        "a turn is shown whole: {out}"
    );
    assert!(err.contains("the filters leave out 2 of 3 turns"), "{err}");
    let lines = stdout(&run(
        &golden(),
        &[
            "show",
            "c-42",
            "audit.log",
            "--filter",
            "confidential",
            "--json",
        ],
    ));
    assert_eq!(lines.lines().count(), 4, "{lines}");
    let nothing = run(&golden(), &["show", "c-42", "audit.log", "--user", "u-8"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("leave out 3 of 3 turns"));
    assert_eq!(stdout(&nothing), "");
}

/// The command as a user whom the mode of a file keeps out, also where this is root.
#[cfg(unix)]
fn unprivileged(directory: &Path, program: &Path, arguments: &[&str]) -> Output {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .env(ROLE, "1")
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", directory.join("no-cache"))
        .stdin(Stdio::null())
        .args(arguments);
    if fs::metadata("/proc/self")
        .is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0)
    {
        command.uid(65_534);
    }
    command.output().expect("it runs")
}

fn a_file_that_cannot_be_read_is_trouble() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permitted");
        };
        mode(dir.path(), 0o755);
        let program = dir.path().join("command");
        fs::copy(std::env::current_exe().expect("a path"), &program).expect("copied");
        mode(&program, 0o755);
        for hour in 10..13 {
            let rest = ",\"conversation_id\":\"c-1\",\"turn_number\":1,\"prompt\":\"x\"";
            let path = dir.path().join(format!("audit.2026-11-24-{hour}.log"));
            fs::write(&path, line(hour - 10, "user_prompt", rest)).expect("written");
            mode(&path, 0o644);
        }
        for closed in 10..13 {
            let path = dir.path().join(format!("audit.2026-11-24-{closed}.log"));
            mode(&path, 0);
            for arguments in [
                &["query", "audit.log"][..],
                &["query", "audit.log", "--reverse"],
                &["query", "audit.log", "--user", "nobody"],
                &["show", "c-1", "audit.log"],
                &["show", "c-2", "audit.log"],
                &["stats", "audit.log"],
                &["export", "audit.log"],
                &["export", "audit.log", "--format", "jsonl"],
                &["tail", "audit.log", "--no-follow", "-n", "1"],
                &["check", "audit.log"],
            ] {
                let output = unprivileged(dir.path(), &program, arguments);
                let told = stdout(&output) + &stderr(&output);
                assert_eq!(
                    output.status.code(),
                    Some(2),
                    "{closed} {arguments:?}: {told}"
                );
                for says in ["Permission denied", "run this as the user"] {
                    assert!(told.contains(says), "{arguments:?}: {told}");
                }
                let is_empty = told.contains("nobody") || arguments.contains(&"c-2");
                let has_rest = told.contains("10:00:0") || told.contains("2 records");
                assert!(
                    is_empty || has_rest || arguments.contains(&"nobody"),
                    "{told}"
                );
            }
            mode(&path, 0o644);
        }
    }
}

fn an_export_replaces_nothing_that_it_was_not_told_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let logs = dir.path().join("logs");
    let audit = stinger_audit::to(logs.join("audit.log"))
        .rotation(stinger_audit::Rotation::DAILY)
        .redact_pii(true)
        .open()
        .expect("a trail");
    audit
        .log(stinger_audit::prompt("I am ann@example.com"))
        .expect("recorded");
    audit.close().expect("closed");
    let names = || -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&logs)
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    };
    let content = || -> Vec<Vec<u8>> {
        let read = |name: &String| fs::read(logs.join(name)).expect("readable");
        names().iter().map(read).collect()
    };
    let before = (names(), content());
    for beside in [".lock", ".sealkey", ".checkpoint"] {
        let name = format!("audit.log{beside}");
        assert!(before.0.contains(&name), "{name} {before:?}");
    }
    let link = dir.path().join("link.csv");
    let mut targets: Vec<String> = before.0.iter().map(|name| format!("logs/{name}")).collect();
    targets.extend(
        [
            "logs/audit.2031-01-01.log",
            "logs/audit.log.journal",
            "logs/../logs/audit.log.journal.1",
            "logs/audit.log.replaced-1",
            "elsewhere/redaction.keys",
            "elsewhere/audit.log.sealkey",
            "no-cache/stinger-audit/index",
        ]
        .map(str::to_owned),
    );
    fs::create_dir(dir.path().join("elsewhere")).expect("made");
    fs::create_dir_all(dir.path().join("no-cache/stinger-audit")).expect("made");
    #[cfg(unix)]
    {
        let dated = before.0.iter().find(|name| name.starts_with("audit.2"));
        let dated = logs.join(dated.expect("a file"));
        std::os::unix::fs::symlink(&dated, &link).expect("linked");
        targets.push("link.csv".to_owned());
    }
    for target in &targets {
        let output = run(
            dir.path(),
            &["export", "logs/audit.log", "--force", "-o", target],
        );
        let told = stderr(&output);
        assert!(
            told.contains("belongs to an audit trail"),
            "{target}: {told}"
        );
        assert_eq!(output.status.code(), Some(2), "{target}");
    }
    // Of a stream it is not known which trail it is of.
    let output = run(
        dir.path(),
        &["export", "-", "--force", "-o", "logs/audit.log"],
    );
    assert!(stderr(&output).contains("belongs to an audit trail"));
    let other = dir.path().join("other.csv");
    fs::write(&other, "mine").expect("written");
    let refused = run(dir.path(), &["export", "logs/audit.log", "-o", "other.csv"]);
    assert!(
        stderr(&refused).contains("it exists"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(fs::read(&other).expect("readable"), b"mine");
    let forced = run(
        dir.path(),
        &["export", "logs/audit.log", "-o", "other.csv", "--force"],
    );
    assert_eq!(forced.status.code(), Some(0), "{}", stderr(&forced));
    assert!(fs::read(&other).expect("readable").starts_with(b"seq,"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&other).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let dashed = run(dir.path(), &["export", "logs/audit.log", "-o", "-"]);
    assert!(stdout(&dashed).starts_with("seq,"));
    assert!(!dir.path().join("-").exists());
    assert!(
        (names(), content()) == before,
        "nothing of the trail changed"
    );
}

fn an_export_is_written_into_a_pipe() {
    #[cfg(unix)]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let pipe = dir.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|made| made.success()), "a pipe");
        let reader = {
            let pipe = pipe.clone();
            thread::spawn(move || fs::read(pipe).expect("readable"))
        };
        let target = pipe.to_str().expect("UTF-8");
        let output = run(&golden(), &["export", "audit.log", "-o", target]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        use std::os::unix::fs::FileTypeExt as _;
        let found = fs::symlink_metadata(&pipe).expect("there").file_type();
        assert!(found.is_fifo(), "nothing took its place");
        assert!(reader.join().expect("read").starts_with(b"seq,"));
        let output = run(&golden(), &["export", "audit.log", "-o", "/dev/null"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let found = fs::metadata("/dev/null").expect("there").file_type();
        assert!(found.is_char_device());
    }
}

/// A trail of some records that its writer has ended, in one file.
fn ended(directory: &Path) -> Vec<u8> {
    let audit = stinger_audit::to(directory.join("audit.log"))
        .rotation(stinger_audit::Rotation::NEVER)
        .redact_pii(false)
        .open()
        .expect("a trail");
    for prompt in ["one", "two", "three"] {
        let prompt = stinger_audit::prompt(prompt);
        audit.log(prompt).expect("recorded");
    }
    audit.close().expect("closed");
    fs::read(directory.join("audit.log")).expect("readable")
}

fn what_is_gone_from_the_end_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = ended(dir.path());
    let file = dir.path().join("audit.log");
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let check = |code: i32, says: &[&str]| {
        let output = run(dir.path(), &["check", "audit.log"]);
        let told = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        for says in says {
            assert!(told.contains(says), "{says}: {told}");
        }
    };
    let overview = || {
        let output = run(dir.path(), &["audit.log"]);
        stdout(&output) + &stderr(&output)
    };
    check(0, &["complete: nothing is missing"]);
    assert!(overview().contains("complete: nothing is missing"));
    // Its last byte, half of its last line, its last lines, all of them.
    fs::write(&file, &whole[..whole.len() - 1]).expect("written");
    check(
        1,
        &[
            "torn line",
            "its last line has no line feed",
            "NOT complete: 1 finding",
        ],
    );
    assert!(overview().contains("NOT complete: 1 finding, see `stinger-audit check audit.log`"));
    fs::write(&file, &whole[..whole.len() - 20]).expect("written");
    check(
        1,
        &["torn line", "the last line has no end", "line 7, byte"],
    );
    for left in [0, 1, 3] {
        fs::write(&file, lines[..left].concat()).expect("written");
        let last = lines.len() - 1;
        let gone = format!("{} records are gone: the checkpoint", last + 1 - left);
        let gone = if left + 1 == last + 1 {
            "1 record is gone".to_owned()
        } else {
            gone
        };
        check(1, &["cut", &gone]);
        assert!(overview().contains("NOT complete"), "{}", overview());
    }
    // The files themselves.
    fs::remove_file(&file).expect("removed");
    let gone = format!("{} records are gone", lines.len());
    check(
        1,
        &[
            "cut",
            &gone,
            "the trail has no file",
            "NOT complete: 1 finding",
        ],
    );
    let asked = run(dir.path(), &["query", "audit.log"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(stderr(&asked).contains(&gone), "{}", stderr(&asked));
    assert!(overview().contains(&gone));
    fs::remove_file(dir.path().join("audit.log.checkpoint")).expect("removed");
    fs::write(dir.path().join("audit.log.journal"), "x").expect("written");
    check(
        1,
        &[
            "the files of the trail are gone",
            "audit.log.journal is left",
        ],
    );
    fs::remove_file(dir.path().join("audit.log.journal")).expect("removed");
    check(2, &["there is no audit trail"]);
    // A checkpoint that is none.
    fs::write(&file, &whole).expect("written");
    fs::write(dir.path().join("audit.log.checkpoint"), "5\n").expect("written");
    check(1, &["is not the checkpoint that was signed"]);
    // A stream has no writer that could go on.
    let output = piped(dir.path(), &["check", "-"], &whole);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = piped(dir.path(), &["check", "-"], &whole[..whole.len() - 20]);
    assert!(stdout(&output).contains("the last line has no end"));
    let mixed = [b"starting\n", whole.as_slice()].concat();
    let output = piped(dir.path(), &["check", "-"], &mixed);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stderr(&output).contains("1 other lines were passed over"));
}

fn times_are_those_of_the_zone_that_is_asked_for() {
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

fn what_the_trail_does_not_know_is_told_with_what_it_knows() {
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
                "the trail has no user u-1, but u-10, u-11",
            ),
            (
                ["--user", "x"],
                "no record matches; the trail has no user x\n",
            ),
            (
                ["--session", "s-1"],
                "the trail has no session s-1, but s-10, s-11",
            ),
            (
                ["--event", "user_promt"],
                "the trail has no event user_promt, but user_prompt",
            ),
            (
                ["--event", "zzz"],
                "the trail has no event zzz, but user_prompt",
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

fn tail_ends_where_it_was_asked_to() {
    let trail = fs::read(golden().join("audit.2026-11-24-10.log")).expect("readable");
    let printed = |arguments: &[&str]| {
        let output = piped(&golden(), arguments, &trail);
        stdout(&output).lines().count()
    };
    assert_eq!(printed(&["tail", "-n", "2", "-"]), 2);
    assert_eq!(printed(&["tail", "-n", "0", "-"]), 0);
    assert_eq!(printed(&["tail", "--no-follow", "-"]), 10);
    assert_eq!(printed(&["tail", "-"]), 14, "all as they come");
    let output = piped(&golden(), &["tail", "-n", "1", "-", "--json"], &trail);
    assert!(stdout(&output).starts_with("{\"seq\":13,"));
    let begun = Instant::now();
    let until = [
        "tail",
        "audit.log",
        "-n",
        "100",
        "--until",
        "2026-11-24T10:16:00Z",
    ];
    let output = run(&golden(), &until);
    assert_eq!(stdout(&output).lines().count(), 5, "{}", stdout(&output));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

fn what_is_no_trail_is_told_what_it_is() {
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
            ("audit.2026-11-24.log.gz", "it is compressed; unpack it"),
            ("program", "it is binary, and a trail is text"),
            ("notes.txt", "no line of it is a record of a trail"),
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

/// Under a terminal of its own, where `script` is installed.
#[cfg(unix)]
fn on_a_terminal(directory: &Path, variables: &[(&str, &str)], arguments: &str) -> Option<String> {
    let mut script = Command::new("script");
    let program = std::env::current_exe().expect("a path");
    let line = format!("{} {arguments}", program.display());
    script
        .current_dir(directory)
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env(ROLE, "1")
        .env("XDG_CACHE_HOME", directory.join("no-cache"))
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    script.envs(variables.iter().copied());
    let output = script.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn a_terminal_gets_colours_and_nothing_that_acts_on_it() {
    #[cfg(unix)]
    {
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
            eprintln!("not tried: there is no `script` here");
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
