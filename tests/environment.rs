//! What the environment decides, one process for each combination.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use stinger_audit::Builder;
use stinger_audit::config::{Retention, Rotation};
use stinger_audit::read::Trail;
use stinger_audit::redact::{Keys, Rules};
use tempfile::TempDir;

mod common;

/// The child: switches the trail on as an application would, and says what came of it.
#[test]
fn child() {
    let Ok(how) = std::env::var("STINGER_TEST_CHILD") else {
        return;
    };
    let builder = match how.as_str() {
        "unredacted" => stinger_audit::builder().redact_pii(false),
        "everything set" => everything_set(),
        "to" => stinger_audit::to(std::env::var("STINGER_TEST_TO").expect("set").as_str()),
        _ => stinger_audit::builder(),
    };
    match builder.enable() {
        Ok(audit) => {
            stinger_audit::log_prompt("mail ann@example.com").expect("recorded");
            audit.flush().expect("written");
            let status = serde_json::to_string(&audit.status()).expect("JSON");
            eprintln!("\nSTATUS {status}");
        }
        Err(error) => eprintln!("\nERROR {error:?}"),
    }
}

fn everything_set() -> Builder {
    stinger_audit::to(["logs/audit.log", "stdout"])
        .redact_pii(true)
        .custom_redactor(|text: &str| text.replace("ann@", "bob@"))
        .redaction(Rules::new())
        .redaction_keyring(Keys::from_secret("k7", &[7; 32]))
        .sealing(true)
        .seal_keys("keys")
        .fail_safe(true)
        .rotation(Rotation::HOURLY)
        .retention(Retention::days(90).and_files(1000))
        .buffer_capacity(128 << 10)
        .enqueue_timeout(std::time::Duration::from_secs(2))
        .heartbeat_interval(std::time::Duration::from_secs(30))
        .low_disk_threshold(0)
}

struct Child {
    dir: TempDir,
    command: Command,
}

struct Said {
    dir: TempDir,
    stdout: String,
    status: Value,
    error: String,
}

fn prepare(how: &str, variables: &[(&str, &str)]) -> Child {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("STINGER_TEST_CHILD", how)
        .envs(variables.iter().copied())
        .current_dir(dir.path());
    Child { dir, command }
}

fn run(how: &str, variables: &[(&str, &str)]) -> Said {
    let Child { dir, mut command } = prepare(how, variables);
    said(dir, &command.output().expect("it runs"))
}

fn said(dir: TempDir, output: &Output) -> Said {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let behind = |mark: &str| {
        let line = stderr.lines().find_map(|line| line.strip_prefix(mark));
        line.unwrap_or_default().to_owned()
    };
    let status = serde_json::from_str(&behind("STATUS ")).unwrap_or(Value::Null);
    let error = behind("ERROR ");
    assert!(
        status.is_object() == error.is_empty(),
        "neither status nor error: {stdout}\n{stderr}"
    );
    Said {
        dir,
        stdout,
        status,
        error,
    }
}

impl Said {
    fn prompt_in_file(&self) -> Option<String> {
        let trail = Trail::open(self.dir.path().join("audit.log")).ok()?;
        trail
            .records()
            .filter_map(Result::ok)
            .find_map(|record| record.prompt)
    }
    fn types_in_file(&self) -> Vec<String> {
        Trail::open(self.dir.path().join("audit.log"))
            .map(|trail| {
                trail
                    .records()
                    .filter_map(Result::ok)
                    .map(|r| r.event_type.to_string())
                    // They come when they are due.
                    .filter(|event_type| event_type != "trail_sealed")
                    .collect()
            })
            .unwrap_or_default()
    }
}

#[test]
fn development_writes_json_to_a_pipe_unredacted() {
    for variables in [
        // The others count only outside of containers, and these tests may run in one.
        [("STINGER_ENV", "development")],
        [("STINGER_ENV", "Dev")],
        [("STINGER_ENV", "LOCAL")],
    ] {
        let said = run("", &variables);
        assert_eq!(
            said.status["config"]["environment"], "development",
            "{variables:?}"
        );
        assert_eq!(said.status["destination"], "stdout");
        assert!(
            said.stdout.contains(r#""prompt":"mail ann@example.com""#),
            "{}",
            said.stdout
        );
        assert!(said.types_in_file().is_empty());
    }
}

#[test]
fn production_writes_to_a_file_redacted() {
    for variables in [
        &[("STINGER_ENV", "production")][..],
        &[("ENVIRONMENT", "PROD")],
        &[("APP_ENV", "staging")],
        &[("PROD", "true")],
        &[("PROD", "true"), ("DEBUG", "true")],
        &[("STINGER_ENV", "dev"), ("ENVIRONMENT", "production")],
        &[("PROD", "1"), ("DOCKER", "1")],
    ] {
        let said = run("", variables);
        assert_eq!(
            said.status["config"]["environment"], "production",
            "{variables:?}"
        );
        assert_eq!(said.status["destination"], "./audit.log");
        assert_eq!(
            untagged(said.prompt_in_file()).as_deref(),
            Some("mail [EMAIL]"),
            "{variables:?}"
        );
        assert!(!said.stdout.contains("\"prompt\""));
        let types = said.types_in_file();
        assert_eq!(types.first().map(String::as_str), Some("trail_opened"));
        assert_eq!(types.last().map(String::as_str), Some("trail_closed"));
    }
}

#[test]
fn a_container_writes_to_stdout_redacted() {
    for variables in [
        &[("STINGER_ENV", "docker")][..],
        &[("DOCKER", "true")],
        &[("DOCKER", "true"), ("DEBUG", "1")],
        &[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("DEBUG", "true")],
        &[
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("ENVIRONMENT", "development"),
        ],
    ] {
        let said = run("", variables);
        assert_eq!(
            said.status["config"]["environment"], "container",
            "{variables:?}"
        );
        assert!(
            said.stdout.contains(r#""prompt":"mail [EMAIL]""#),
            "{}",
            said.stdout
        );
    }
}

#[test]
fn no_signal_is_production_unless_the_machine_shows_a_container() {
    let said = run("", &[]);
    let traces = ["/.dockerenv", "/run/.containerenv"];
    match traces.iter().find(|trace| Path::new(trace).exists()) {
        Some(trace) => {
            println!(
                "this machine is a container ({trace}); that nothing at all counts as production is shown in the unit tests"
            );
            assert_eq!(said.status["config"]["environment"], "container");
        }
        None => {
            assert_eq!(said.status["config"]["environment"], "production");
            let said = run("", &[("KUBERNETES_SERVICE_HOST", "192.0.2.1")]);
            assert_eq!(said.status["config"]["environment"], "container");
        }
    }
}

#[test]
fn variables_override_the_code_in_development() {
    let dev = ("STINGER_ENV", "dev");
    let said = run(
        "",
        &[
            dev,
            ("STINGER_AUDIT_DESTINATION", "audit.log,stdout"),
            ("STINGER_AUDIT_REDACT_PII", "true"),
        ],
    );
    let prompt = said.prompt_in_file();
    assert_eq!(untagged(prompt.clone()).as_deref(), Some("mail [EMAIL]"));
    assert!(
        said.stdout.contains(&prompt.unwrap_or_default()),
        "and a copy on stdout"
    );
    let said = run("", &[dev, ("STINGER_AUDIT_FAIL_SAFE", "yes")]);
    assert_eq!(said.status["config"]["fail_safe"], true);
    let said = run("", &[dev, ("STINGER_AUDIT_ENABLED", "false")]);
    assert_eq!(said.status["enabled"], false);
    assert!(!said.stdout.contains("\"seq\""), "{}", said.stdout);
}

#[test]
fn in_production_an_attempt_to_switch_off_is_an_error_and_a_record() {
    for (name, value) in [
        ("STINGER_AUDIT_ENABLED", "false"),
        ("STINGER_AUDIT_REDACT_PII", "false"),
        ("STINGER_AUDIT_DESTINATION", "/dev/null"),
        ("STINGER_AUDIT_DESTINATION", ""),
    ] {
        let said = run("", &[("STINGER_ENV", "production"), (name, value)]);
        assert!(
            said.error.contains(name) && said.error.contains("refused"),
            "{name}: {}",
            said.error
        );
        assert!(said.error.contains("STINGER_ENV=development"));
        let types = said.types_in_file();
        assert_eq!(types, REFUSED, "{name}={value}");
    }
}

const REFUSED: [&str; 3] = ["trail_opened", "trail_refused", "trail_closed"];

#[test]
fn a_refusal_is_recorded_where_the_destination_of_the_code_is_impossible() {
    let variables = [
        ("STINGER_ENV", "production"),
        ("STINGER_TEST_TO", "/dev/null"),
        ("STINGER_AUDIT_ENABLED", "false"),
    ];
    let said = run("to", &variables);
    assert!(
        said.error.contains("STINGER_AUDIT_ENABLED") && said.error.contains("refused"),
        "{}",
        said.error
    );
    assert_eq!(said.types_in_file(), REFUSED);
}

#[cfg(unix)]
#[test]
fn a_stdout_that_keeps_nothing_is_refused_only_where_a_variable_names_it() {
    let with_null = |how: &str, variables: &[(&str, &str)]| {
        let Child { dir, mut command } = prepare(how, variables);
        command.env("STINGER_ENV", "production");
        let null = std::fs::File::create("/dev/null").expect("opened");
        let child = command.stdout(null).stderr(std::process::Stdio::piped());
        let output = child.spawn().expect("it runs").wait_with_output();
        said(dir, &output.expect("it ends"))
    };
    let by_variable = with_null("", &[("STINGER_AUDIT_DESTINATION", "stdout")]);
    assert!(
        by_variable.error.contains("refused") && by_variable.error.contains("keeps nothing"),
        "{}",
        by_variable.error
    );
    assert_eq!(by_variable.types_in_file(), REFUSED);
    let by_code = with_null("to", &[("STINGER_TEST_TO", "stdout")]);
    assert!(
        !by_code.error.contains("refused") && by_code.error.contains("keeps nothing"),
        "{}",
        by_code.error
    );
    assert!(by_code.types_in_file().is_empty());
}

#[test]
fn trail_opened_says_all_settings() {
    let variables = [("STINGER_ENV", "production")];
    let Child { dir, mut command } = prepare("everything set", &variables);
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let pid = child.id();
    let said = said(dir, &child.wait_with_output().expect("it ends"));
    let path = said.dir.path().join("logs/audit.log");
    let mut opened = common::lines_of(&path).swap_remove(0);
    let timestamp = opened["timestamp"].take();
    let hostname = opened["hostname"].take();
    let run_id = opened["run_id"].take();
    let identity = said.status["identity"].as_str().expect("an identity");
    assert_eq!(
        opened,
        json!({
            "seq": 0,
            "timestamp": null,
            "event_type": "trail_opened",
            "format": 1,
            "version": env!("CARGO_PKG_VERSION"),
            "environment": "production",
            "environment_reason": "STINGER_ENV=production",
            "destination": "logs/audit.log",
            "copies": ["stdout"],
            "redact_pii": true,
            "custom_redactor": true,
            "redaction_key": "k7",
            "fail_safe": true,
            "identity": identity,
            "rotation": "hourly",
            "retention": "90 days, 1000 files",
            "hostname": null,
            "pid": pid,
            "run_id": null,
        })
    );
    let timestamp = timestamp.as_str().expect("a time");
    assert!(chrono::DateTime::parse_from_rfc3339(timestamp).is_ok());
    let run_id = run_id.as_str().expect("an id");
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(run_id.len() == 16 && run_id.bytes().all(is_hex), "{run_id}");
    let uname = Command::new("uname").arg("-n").output().expect("it runs");
    assert_eq!(
        hostname.as_str().map(str::as_bytes),
        Some(uname.stdout.trim_ascii())
    );
    for (name, expected) in [("rotation", "hourly"), ("retention", "90 days, 1000 files")] {
        assert_eq!(said.status["config"][name], expected);
    }
    assert!(said.dir.path().join("keys/audit.log.sealkey").exists());
    assert!(!said.dir.path().join("logs/redaction.keys").exists());
    let prompt = said.stdout.lines().find(|line| line.contains("\"prompt\""));
    assert!(prompt.is_some_and(|line| line.contains("mail [EMAIL:k7:")));
}

#[test]
fn in_production_a_destination_that_is_a_mistake_is_an_error_that_names_it_and_no_refusal() {
    for (value, names, says) in [
        (
            "/proc/nowhere/audit.log",
            "/proc/nowhere",
            "create it, or choose another path",
        ),
        (
            "audit.log,/proc/nowhere/b.log",
            "/proc/nowhere",
            "create it, or choose another path",
        ),
        ("audit.log,~/b.log", "\"~/b.log\"", "write the whole path"),
        ("audit.log,/dev/null", "\"/dev/null\"", "name a file"),
    ] {
        let variables = [
            ("STINGER_ENV", "production"),
            ("STINGER_AUDIT_DESTINATION", value),
        ];
        let said = run("", &variables);
        for part in [names, says] {
            assert!(said.error.contains(part), "{value}: {}", said.error);
        }
        assert!(!said.error.contains("STINGER_ENV"), "{}", said.error);
        assert!(said.types_in_file().is_empty(), "{value}");
    }
}

#[test]
fn in_production_code_may_turn_redaction_off_and_that_stands_in_the_trail() {
    let said = run("unredacted", &[("STINGER_ENV", "production")]);
    assert_eq!(
        said.prompt_in_file().as_deref(),
        Some("mail ann@example.com")
    );
    let trail = Trail::open(said.dir.path().join("audit.log")).expect("a trail");
    let opened = trail.records().next().expect("a record").expect("readable");
    assert_eq!(opened.other["redact_pii"], false);
    assert_eq!(opened.other["environment_reason"], "STINGER_ENV=production");
}

#[test]
fn a_bad_setting_is_one_clear_error() {
    for (to, says) in [
        ("/dev/null", "it keeps nothing"),
        (".", "it is a directory"),
        ("", "it is empty"),
        ("/proc/nowhere/audit.log", "couldn't create the directory"),
        ("kafka://broker", "the scheme \"kafka\" is unknown"),
    ] {
        let said = run(
            "to",
            &[("STINGER_ENV", "production"), ("STINGER_TEST_TO", to)],
        );
        assert!(said.error.contains(says), "{to:?}: {}", said.error);
    }
    let said = run(
        "",
        &[
            ("STINGER_ENV", "dev"),
            ("STINGER_AUDIT_REDACT_PII", "perhaps"),
        ],
    );
    assert!(said.error.contains("write true or false"), "{}", said.error);
}

#[test]
fn on_a_terminal_in_development_a_record_is_a_readable_line() {
    let Child { dir, command } = prepare("", &[]);
    let program = command.get_program().to_string_lossy().into_owned();
    let line = format!("'{program}' --exact child --nocapture --test-threads=1");
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .envs([
            ("STINGER_TEST_CHILD", ""),
            ("STINGER_ENV", "dev"),
            ("PATH", "/usr/bin:/bin"),
        ])
        .current_dir(dir.path())
        .output();
    let Ok(output) = output else {
        return common::skip("script (util-linux) is not installed, so there is no terminal");
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("PROMPT") && shown.contains("\"mail ann@example.com\""),
        "{shown}"
    );
    assert!(
        shown.contains("\u{1b}[36m") && !shown.contains("{\"seq\""),
        "{shown}"
    );
}

/// A text with its placeholders of a random key shortened to their kinds.
fn untagged(text: Option<String>) -> Option<String> {
    let text = text?;
    let (before, tagged) = text.split_once("[EMAIL:k1:")?;
    let (tag, after) = tagged.split_once(']')?;
    assert_eq!(tag.len(), 12, "{text}");
    Some(format!("{before}[EMAIL]{after}"))
}
