//! Redaction from the event to the file: nothing that was planted is anywhere, and what stands in
//! its place serves an investigation.
//!
//! `STINGER_TEST_CONVERSATIONS` and `STINGER_TEST_PII` name files of real conversations and of
//! labelled texts, a JSON object a line, to plant the one in the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use stinger_audit::read::{Query, RecordChange, Trail};
use stinger_audit::record::{GuardrailDecision, Record};
use stinger_audit::redact::{
    Change, Entity, Form, Identifier, Keys, Redactor, Rule, Rules, Treatment,
};
use stinger_audit::{TARGET, event, prompt};
use tracing::field::Empty;
use tracing::{debug, info, info_span};
use tracing_subscriber::prelude::*;

mod common;
use common::{Bench, records};

/// Texts with values in them, and the values.
const PLANTED: [(&str, &str); 32] = [
    ("mail ann.lee@example.com today", "ann.lee@example.com"),
    ("mail %40: bob%40example.org ok", "bob%40example.org"),
    ("{\"to\": \"cy\\u0040example.net\"}", "cy\\u0040example.net"),
    ("call +1 212 555 0187", "+1 212 555 0187"),
    ("Fax:\\n(212) 555-0188\\n", "(212) 555-0188"),
    ("电话号码13011112222", "13011112222"),
    ("SSN 536-90-4399", "536-90-4399"),
    ("536 90 4397", "536 90 4397"),
    (
        "SSN: ５３６\u{200b}-９０-４３９８",
        "５３６\u{200b}-９０-４３９８",
    ),
    ("card 4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("card 5105-1051-0510-5100", "5105-1051-0510-5100"),
    (
        "to DE89 3704 0044 0532 0130 00",
        "DE89 3704 0044 0532 0130 00",
    ),
    ("from 203.0.113.77:8080", "203.0.113.77"),
    ("from [2001:db8::8a2e:370:7334]", "2001:db8::8a2e:370:7334"),
    ("mac 0a:21:c4:75:5a:df", "0a:21:c4:75:5a:df"),
    ("mac 1e6a.fe71.a32c", "1e6a.fe71.a32c"),
    (
        "pay 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    ),
    (
        "pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    ),
    (
        "pay 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ),
    // The case of the digits is not the checksum of EIP-55.
    (
        "pay 0x5aaEB6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "0x5aaEB6053F3E94C9b9A09f33669435E7Ef1BeAeD",
    ),
    (
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAmk\n-----END PRIVATE KEY-----",
        "MC4CAQAwBQYDK2VwBCIEIAmk",
    ),
    (
        "{\"key\": \"-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIKmk\\n\"}",
        "MC4CAQAwBQYDK2VwBCIEIKmk",
    ),
    ("postgres://app:s3cr3tPw@db.example.com/x", "s3cr3tPw"),
    (
        "OPENAI sk-proj-AroYwiWVCHTEnt8SHRkthfoeHfg3OKWAYoxuRdb26j1Z5dkEbr7aMEWE",
        "AroYwiWVCHTEnt8SHRkthfoeHfg3OKWAYoxuRdb26j1Z5dkEbr7aMEWE",
    ),
    (
        "gh ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "16C7e42F292c6912E7710c838347Ae178B4a",
    ),
    (
        "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",
        "jOebVyvrQEgbvtKUTypEsPXHhcPOzHQmmK",
    ),
    ("password = \"Tr0ub4dor&3\"", "Tr0ub4dor&3"),
    ("api_key: a1b2c3d4e5f6g7h8", "a1b2c3d4e5f6g7h8"),
    ("curl -u root:hunter22 https://example.com", "hunter22"),
    (
        "key 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",
        "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v2W3x4Y5z6",
    ),
    ("AWS AKIAIOSFODNN7EXAMPL2 here", "IOSFODNN7EXAMPL2"),
];

/// What to emit, and what must not be found afterwards.
struct Plants {
    texts: Vec<String>,
    values: BTreeSet<String>,
    carriers: Vec<String>,
}

impl Plants {
    fn ours() -> Plants {
        Plants {
            texts: PLANTED.iter().map(|(text, _)| (*text).to_owned()).collect(),
            values: PLANTED
                .iter()
                .map(|(_, value)| (*value).to_owned())
                .collect(),
            carriers: vec!["What is this?".to_owned()],
        }
    }

    /// The labelled texts of which the rules find all that is labelled: what they miss is the
    /// bench's to count. The others are counted here.
    fn given(conversations: &str, labelled: &str) -> Plants {
        let lines = |path: &str| -> Vec<Value> {
            let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let parse = |line| serde_json::from_str(line).expect("a JSON object a line");
            text.lines().map(parse).collect()
        };
        let redactor = Redactor::new(Rules::new(), None);
        let mut plants = Plants {
            texts: Vec::new(),
            values: BTreeSet::new(),
            carriers: Vec::new(),
        };
        let mut left_out = 0;
        for case in lines(labelled) {
            let text = case["text"].as_str().expect("a text").to_owned();
            let spans = case["spans"].as_array().expect("spans").iter();
            let values: Vec<String> = spans
                .filter(|span| span["opt"] != true)
                .filter(|span| Entity::of(span["entity"].as_str().unwrap_or_default()).is_some())
                .map(|span| {
                    let place = |key: &str| span[key].as_u64().expect("a place") as usize;
                    text[place("start")..place("end")].to_owned()
                })
                .collect();
            let redacted = redactor.redact(&text).text;
            match values.iter().any(|value| redacted.contains(value)) {
                true => left_out += 1,
                // Shorter ones are in everything.
                false => plants
                    .values
                    .extend(values.into_iter().filter(|value| value.len() > 6)),
            }
            plants.texts.push(text);
        }
        for conversation in lines(conversations) {
            for turn in conversation["turns"].as_array().into_iter().flatten() {
                plants
                    .carriers
                    .extend(turn["prompt"].as_str().map(str::to_owned));
            }
        }
        // What is missed in one text may be labelled in another.
        let all: String = plants
            .texts
            .iter()
            .chain(&plants.carriers)
            .map(|text| redactor.redact(text).text.into_owned() + "\n")
            .collect();
        let before = plants.values.len();
        plants.values.retain(|value| !all.contains(value));
        println!(
            "{} labelled texts, {left_out} with something that the rules miss; {} values, {} of them seen in other texts",
            plants.texts.len(),
            before,
            before - plants.values.len()
        );
        plants
    }

    fn from_environment() -> Plants {
        let variable = |name| std::env::var(name).ok();
        match (
            variable("STINGER_TEST_CONVERSATIONS"),
            variable("STINGER_TEST_PII"),
        ) {
            (Some(conversations), Some(labelled)) => Plants::given(&conversations, &labelled),
            _ => Plants::ours(),
        }
    }
}

const ROLE: &str = "STINGER_REDACTION_TRAIL";

/// Plants everything everywhere, beside a log that shows what it gets, and ends without closing.
fn child(trail: &str) {
    let plants = Plants::from_environment();
    let audit = stinger_audit::to(trail)
        .redact_pii(true)
        .open()
        .expect("a trail");
    tracing_subscriber::registry()
        .with(audit.layer())
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .init();
    for (number, text) in plants.texts.iter().enumerate() {
        let carrier = &plants.carriers[number % plants.carriers.len()];
        let planted = format!("{carrier}\n\n{text}\n\n{carrier}");
        debug!("a line of the log");
        // The log shows its spans with their fields: no line of it is written in this one.
        let _span = info_span!("request", user_id = "u-7", user_agent = text.as_str()).entered();
        prompt(&planted)
            .decision(GuardrailDecision::warn("pii").reason(text).rule_triggered(text).field("seen", text.as_str()))
            .field("note", text.as_str())
            .field("arguments", json!({ "to": [text, { text.as_str(): text }], "inside": json!({ "text": text }).to_string() }))
            .log()
            .expect("recorded");
        stinger_audit::log_response(&planted).expect("recorded");
        info!(target: TARGET, event_type = "tool_call", result = %planted, debugged = ?text, bytes = text.as_bytes());
        let mut turn = audit.turn("c").user("u-7").begin(&planted).expect("begun");
        turn.guardrail("broken")
            .run(|| Err::<GuardrailDecision, _>(text.clone()));
        turn.fail(text).expect("ended");
    }
    audit.flush().expect("written");
    // What is emitted last stays in the journal.
    for text in &plants.texts {
        prompt(text).log().expect("recorded");
    }
    std::process::abort();
}

#[test]
fn nothing_that_was_planted_is_anywhere() {
    if let Ok(trail) = std::env::var(ROLE) {
        return child(&trail);
    }
    let plants = Plants::from_environment();
    let dir = tempfile::tempdir().expect("a directory");
    let trail = dir.path().join("audit.log");
    let ended = Command::new(std::env::current_exe().expect("a path"))
        .args([
            "nothing_that_was_planted_is_anywhere",
            "--exact",
            "--nocapture",
        ])
        .env(ROLE, &trail)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(!ended.status.success(), "it aborts");
    let mut places = vec![
        ("stdout".to_owned(), ended.stdout),
        ("stderr".to_owned(), ended.stderr),
    ];
    for entry in fs::read_dir(dir.path()).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_file() && !path.is_symlink() {
            let bytes = fs::read(&path).expect("readable");
            places.push((path.display().to_string(), bytes));
        }
    }
    assert!(
        places.iter().any(|(name, _)| name.ends_with(".journal")),
        "the journal is there"
    );
    let log = String::from_utf8_lossy(&places[1].1).into_owned();
    assert!(!log.contains("panicked"), "{log}");
    for (name, bytes) in &places {
        for value in &plants.values {
            let found = memchr::memmem::find(bytes, value.as_bytes());
            // As the trail spells it: escapes are escaped.
            let spelled = serde_json::to_string(value).expect("JSON");
            let spelled = memchr::memmem::find(bytes, spelled.trim_matches('"').as_bytes());
            assert_eq!(found.or(spelled), None, "{value:?} is in {name}");
        }
    }
    // What the journal held is in the trail of the next process, as redacted.
    stinger_audit::to(&trail)
        .open()
        .expect("recovered")
        .close()
        .expect("closed");
    let read = records(&trail);
    assert_eq!(read.len(), plants.texts.len() * 7);
    let told: usize = read.iter().map(|record| record.redactions.len()).sum();
    assert!(
        told >= plants.values.len() * 10,
        "{told} redactions are told"
    );
}

#[test]
fn a_placeholder_that_somebody_types_is_marked_and_told() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let typed = "my address is [EMAIL:k1:9GZ4M2QX7R1B], [USER], [Not one], [EMAIL";
    bench.audit.log(prompt(typed)).expect("recorded");
    let record = bench.one();
    assert_eq!(
        record.prompt.as_deref(),
        Some("my address is [typed:EMAIL:k1:9GZ4M2QX7R1B], [typed:USER], [Not one], [EMAIL")
    );
    assert!(record.redactions.is_empty());
    let problems = record.problems.join("; ");
    assert!(problems.contains("typed a placeholder"), "{problems}");
}

/// The fields that a record tells redactions of, and its problems.
fn told(record: &Record) -> (Vec<String>, String) {
    let redactions = record.redactions.iter();
    (
        redactions.map(|told| told.field.clone()).collect(),
        record.problems.join("; "),
    )
}

#[test]
fn what_is_told_of_a_span_belongs_to_the_values_that_a_record_takes_from_it() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    bench.emit(|| {
        let log = || prompt("hello").log().expect("recorded");
        let request = info_span!(
            "request",
            user_agent = "mail bob@example.com",
            turn_number = "ann@example.com",
            model_used = Empty
        );
        let _request = request.enter();
        log();
        // What took the place of a value tells nothing of it.
        request.record("model_used", "of bob@example.com");
        request.record("user_agent", "curl/8");
        log();
        request.record("turn_number", 3);
        request.record("user_agent", "typed [USER]");
        log();
        request.record("user_agent", "curl/9");
        prompt("hello")
            .turn_number(4)
            .user_agent("from bob@example.com")
            .log()
            .expect("recorded");
        log();
    });
    let told: Vec<_> = bench.records().iter().map(told).collect();
    let of = |fields: &[&str]| fields.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told[0].0, of(&["user_agent", "turn_number"]));
    assert!(
        told[0].1.contains("turn_number has not the type"),
        "{told:?}"
    );
    assert_eq!(told[1].0, of(&["turn_number"]));
    assert_eq!(told[2].0, of(&[]));
    assert!(
        told[2]
            .1
            .contains("a placeholder of the redaction into user_agent"),
        "{told:?}"
    );
    assert_eq!(told[3], (of(&["user_agent"]), String::new()));
    assert_eq!(told[4], (of(&[]), String::new()));
}

#[test]
fn one_person_has_one_tag_in_all_records_and_processes_until_the_key_rotates() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let keys = dir.path().join("redaction.keys");
    let run = || {
        let audit = stinger_audit::to(&path)
            .redact_pii(true)
            .open()
            .expect("a trail");
        let entry = prompt("Ann@Example.com or +1 (212) 555-0187, that is 212.555.0187");
        audit.log(entry).expect("recorded");
        audit.close().expect("closed");
    };
    run();
    run();
    Keys::rotate(&keys).expect("rotated");
    run();
    let prompts: Vec<String> = records(&path)
        .into_iter()
        .filter_map(|record| record.prompt)
        .collect();
    assert_eq!(prompts[0], prompts[1]);
    assert_ne!(prompts[1], prompts[2]);
    let known = Keys::read(&keys).expect("keys").tags("ann@example.com");
    let of_ann: Vec<_> = known
        .iter()
        .filter(|tag| tag.starts_with("[EMAIL"))
        .collect();
    assert!(
        prompts[0].contains(of_ann[0]) && prompts[2].contains(of_ann[1]),
        "{prompts:?} {known:?}"
    );
    let phones: BTreeSet<&str> = prompts[0]
        .match_indices("[PHONE:")
        .map(|(at, _)| &prompts[0][at..at + 23])
        .collect();
    assert_eq!(
        phones.len(),
        1,
        "two spellings of one number: {}",
        prompts[0]
    );
    let opened: Vec<Value> = Trail::open(&path)
        .expect("a trail")
        .query(Query::new().event_type("trail_opened"))
        .map(|record| record.expect("readable").other["redaction_key"].clone())
        .collect();
    assert_eq!(opened, ["k1", "k1", "k2"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&keys).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn users_and_fields_are_treated_as_the_rules_say() {
    let keys = Keys::from_secret("v1", &[5; 32]);
    let expected = keys.tags("192.0.2.7");
    let rules = Rules::new()
        .user_ip(Identifier::Tag)
        .user_id(Identifier::Drop)
        .field("ticket", Treatment::Keep)
        .field("tool_output", Treatment::Withhold)
        .form(Entity::CreditCard, Form::Mask)
        .form(Entity::Phone, Form::Remove)
        .form("STAFF", Form::Type)
        .rule(Rule::new("STAFF", r"E-\d{4}").expect("a rule"))
        .allow(["Support@example.com"]);
    let bench = Bench::with(|builder| {
        builder
            .redact_pii(true)
            .redaction(rules)
            .redaction_keys_given(keys)
    });
    bench.emit(|| {
        let _span = info_span!("request", user_id = "u-7", user_ip = "192.0.2.7").entered();
        let text = "E-4711 paid with 4111 1111 1111 1111, call +1 212 555 0187 or support@example.com from 192.0.2.7";
        prompt(text)
            .field("ticket", "ann@example.com")
            .field("tool_output", json!({ "a": ["ann@example.com"] }))
            .log()
            .expect("recorded");
    });
    let record = bench.one();
    assert_eq!(record.user_id, None);
    let address = record.user_ip.clone().expect("an address");
    assert!(expected.contains(&address), "{address} {expected:?}");
    assert_eq!(
        record.prompt.as_deref(),
        Some(format!("[STAFF] paid with [CREDIT_CARD:VISA 1111], call  or support@example.com from {address}").as_str())
    );
    assert_eq!(record.other["ticket"], "ann@example.com");
    assert_eq!(record.other["tool_output"], "[withheld]");
    assert_eq!(
        json!(record.redaction_counts),
        json!({ "STAFF": 1, "CREDIT_CARD": 1, "PHONE": 1, "IP": 1 })
    );
    let removed = record
        .redactions
        .iter()
        .find(|told| told.kind == "PHONE")
        .expect("told");
    assert_eq!(removed.start, removed.end);
}

#[test]
fn a_field_may_say_what_its_value_is() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let arguments = json!({
        "api_key": "aB3dE5gH7jK9mN1pQ3rS", "Authorization": "Bearer aB3dE5gH7jK9mN1pQ3rS",
        "phone": ["5551234567"], "ssn": "536904399", "ssn_number": 536_904_399_u64, "count": 1234567,
        "max_tokens": 1024, "token_type": "bearer1234567890", "note": "5551234567",
    });
    bench.emit(|| {
        event("tool_call")
            .field("arguments", arguments)
            .field("password", "Abcd1234 and 'more'")
            .field("ann@example.com", "a name")
            .decision(GuardrailDecision::warn("pii").field("password", "Abcd1234!x"))
            .log()
            .expect("recorded");
        info!(target: TARGET, event_type = "e", password = "Abcd1234!x", card = 4_111_111_111_111_111.0_f64,
              phase = "ask bob@example.com");
    });
    let text = serde_json::to_string(&bench.records()).expect("JSON");
    for value in [
        "aB3dE5gH",
        "536904399",
        "Abcd1234",
        "more'",
        "ann@example",
        "bob@example",
        "4111111",
    ] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    for kept in [
        "\"count\":1234567",
        "\"max_tokens\":1024",
        "bearer1234567890",
        "\"note\":\"5551234567\"",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(
        text.matches("5551234567").count(),
        1,
        "the phone number is gone, the note is kept: {text}"
    );
}

#[test]
fn a_treatment_holds_for_every_name_and_type_of_a_field() {
    let rules = Rules::new()
        .field("prompt", Treatment::Withhold)
        .field("a/b", Treatment::Withhold)
        .field("salary", Treatment::Withhold);
    let bench = Bench::with(|builder| builder.redact_pii(true).redaction(rules));
    bench.emit(|| {
        info!(target: TARGET, event_type = "e", prompt = "first", gen_ai.prompt = "second", a = "kept");
        event("e")
            .field("a/b", "third")
            .field("a/b", "fourth")
            .field("salary", 123_456)
            .field("salary", json!([123_456]))
            .log()
            .expect("recorded");
    });
    let text = serde_json::to_string(&bench.records()).expect("JSON");
    for value in ["first", "second", "third", "fourth", "123456"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    assert!(text.contains("\"a\":\"kept\""), "{text}");
}

#[test]
fn nothing_hides_behind_what_looks_like_a_placeholder() {
    let redactor = Redactor::new(Rules::new(), Some(Keys::from_secret("k1", &[7; 32])));
    for typed in [
        "[4111111111111111:a:0123456789AB]",
        "[X:4111111111111111:0123456789AB]",
        "[AKIAQYLPMN5HFIQR7XYZ:a:0123456789AB]",
        "[EMAIL:k1:(212) 555-0187",
        "[SSN: 536904399]",
        "[TEL] +1 212 555 0187",
    ] {
        let redacted = redactor.redact(typed);
        assert!(
            !redacted.redactions.is_empty(),
            "{typed} stays: {}",
            redacted.text
        );
        assert_eq!(redactor.redact_again(&redacted.text).text, redacted.text);
    }
    let login = redactor
        .redact("curl -u ann:hunter2xyz https://x.com:8443/")
        .text
        .into_owned();
    assert!(
        !login.contains("hunter") && !login.contains("]]"),
        "{login}"
    );
    assert_eq!(redactor.redact_again(&login).text, login);
}

#[test]
fn guardrail_names_verdicts_and_numbers_are_never_touched() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    let name = "ann@example.com";
    bench
        .audit
        .log(
            event("guardrail_decision")
                .conversation_id(name)
                .session_id(name)
                .request_id(name)
                .decision(
                    GuardrailDecision::block(name)
                        .confidence(0.411_111_111_111)
                        .latency_ms(4_111_111_111_111.0),
                ),
        )
        .expect("recorded");
    let record = bench.one();
    assert_eq!(record.guardrail_decisions[0].filter_name, name);
    assert_eq!(
        record.guardrail_decisions[0].confidence,
        Some(0.411_111_111_111)
    );
    assert_eq!(
        record.guardrail_decisions[0].latency_ms,
        Some(4_111_111_111_111.0)
    );
    assert_eq!(record.conversation_id.as_deref(), Some(name));
    assert!(record.redactions.is_empty());
}

#[test]
fn a_slow_redactor_is_measured_and_named() {
    let bench = Bench::with(|builder| {
        builder
            .redact_pii(true)
            .named_redactor("lookup", |text: &str| {
                if text.contains("slow") {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                text.to_owned()
            })
            .custom_redactor(str::to_owned)
    });
    for text in ["a slow one", "a quick one"] {
        bench.audit.log(prompt(text)).expect("recorded");
    }
    let status = bench.audit.status().custom_redactors;
    let names: Vec<_> = status
        .iter()
        .map(|one| (one.name.as_str(), one.calls, one.slow))
        .collect();
    assert_eq!(names, [("lookup", 2, 1), ("custom_redactor 2", 2, 0)]);
    assert!(status[0].longest_us >= 20_000.0 && status[0].mean_us >= 10_000.0);
}

#[test]
fn a_dry_run_over_a_trail_shows_what_a_change_would_hide_and_expose() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(true)
        .open()
        .expect("a trail");
    audit
        .log(
            prompt("E-4711 at 192.0.2.7, mail help@example.com")
                .decision(GuardrailDecision::warn("pii").reason("E-4712 is staff"))
                .field("nested", json!({ "who": ["E-4713"] })),
        )
        .expect("recorded");
    audit.close().expect("closed");
    let keys = Keys::read(dir.path().join("redaction.keys")).expect("keys");
    let after = Rules::new()
        .without(Entity::Ip)
        .allow(["help@example.com"])
        .rule(Rule::new("STAFF", r"E-\d{4}").expect("a rule"));
    let after = Redactor::new(after, Some(keys));
    let trail = Trail::open(&path).expect("a trail");
    let changes: Vec<RecordChange> = trail
        .dry_run(Query::new(), &after)
        .collect::<Result<_, _>>()
        .expect("readable");
    let hidden: Vec<_> = changes
        .iter()
        .filter_map(|change| match &change.change {
            Change::Hides { value, .. } => Some((change.field.as_str(), value.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(
        hidden,
        [
            ("prompt", "E-4711"),
            ("guardrail_decisions/0/reason", "E-4712"),
            ("nested/who/0", "E-4713")
        ]
    );
    let exposed: Vec<_> = changes
        .iter()
        .filter_map(|change| match &change.change {
            Change::Exposes { kind, .. } => {
                Some((change.field.as_str(), kind.as_str(), change.seq))
            }
            _ => None,
        })
        .collect();
    let mut prompts = trail.query(Query::new().event_type("user_prompt"));
    let seq = prompts.next().expect("a prompt").expect("a record").seq;
    assert_eq!(exposed, [("prompt", "IP", seq), ("prompt", "EMAIL", seq)]);
    // The rules that wrote it change nothing.
    let same = Redactor::new(Rules::new(), None);
    assert_eq!(trail.dry_run(Query::new(), &same).count(), 0);
}

#[test]
fn keys_that_cannot_be_used_are_an_error_at_start() {
    let dir = tempfile::tempdir().expect("a directory");
    // A trail for each: a process that another test starts holds the locks of this one until it is the other program.
    let trails = std::cell::Cell::new(0);
    let open = |keys: &Path| {
        trails.set(trails.get() + 1);
        let path = dir.path().join(format!("audit-{}.log", trails.get()));
        stinger_audit::to(path)
            .redact_pii(true)
            .redaction_keys(keys)
            .open()
    };
    let keys = dir.path().join("the.keys");
    fs::write(&keys, "nonsense\n").expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).expect("set");
        let error = open(&keys).expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("set");
    }
    let error = open(&keys).expect_err("refused").to_string();
    assert!(error.contains("line 1 is no key"), "{error}");
    let error = open(&keys.join("keys")).expect_err("refused").to_string();
    assert!(error.contains("couldn't create the directory"), "{error}");
    for fresh in ["fresh.keys", "no/such/directory/keys"] {
        open(&dir.path().join(fresh))
            .expect("made")
            .close()
            .expect("closed");
        assert!(dir.path().join(fresh).is_file());
    }
}
