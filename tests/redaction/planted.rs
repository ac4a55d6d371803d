//! Values planted everywhere are nowhere afterwards.
//!
//! `STINGER_TEST_CONVERSATIONS` and `STINGER_TEST_PII` name files of real conversations and of
//! labelled texts, a JSON object a line, to plant the one in the other.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use stinger_audit::TARGET;
use stinger_audit::emit::prompt;
use stinger_audit::record::GuardrailDecision;
use stinger_audit::redact::{Entity, Redactor, Rules};
use tracing::{debug, info, info_span};
use tracing_subscriber::prelude::*;

use crate::common::records;

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
        let mut turn = audit
            .turn("c")
            .user_id("u-7")
            .begin(&planted)
            .expect("begun");
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
            "planted::nothing_that_was_planted_is_anywhere",
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
