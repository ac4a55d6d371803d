//! Names and event types of an application: what is reserved is kept elsewhere, and no two keys collide.

use std::fmt;

use serde_json::json;
use stinger_audit::TARGET;
use stinger_audit::record::{Decision, GuardrailDecision};
use tracing::{info, info_span};

mod common;
use common::Bench;

/// The application's lines as JSON: every key, whatever the library makes of it.
fn application_lines(bench: &Bench) -> Vec<serde_json::Value> {
    bench.audit.flush().expect("written");
    let mut lines = common::lines_of(&bench.path());
    lines.retain(|line| {
        !line["event_type"]
            .as_str()
            .is_some_and(|name| name.starts_with("trail_"))
    });
    lines
}

#[test]
fn an_application_cannot_speak_for_the_trail() {
    let bench = Bench::new();
    bench.emit(|| {
        let reserved = [
            "trail_closed",
            "trail_gap",
            "turn_blocked",
            "turn_failed",
            "turn_abandoned",
            "turn_withheld",
            "turn_note",
        ];
        for event_type in reserved {
            info!(target: TARGET, event_type);
            stinger_audit::emit::event(event_type)
                .log()
                .expect("recorded");
            stinger_audit::emit::event("e")
                .field("event_type", event_type)
                .log()
                .expect("recorded");
        }
    });
    let records = bench.records();
    for forged in records.chunks(3) {
        let (by_macro, typed) = (forged[0].event_type.as_str(), forged[1].event_type.as_str());
        assert!(by_macro.starts_with("application.t"), "{by_macro}");
        assert_eq!(by_macro, typed);
        for record in &forged[..2] {
            assert!(record.problems.concat().contains("reserved"), "{record:?}");
        }
        assert_eq!(forged[2].event_type.as_str(), "e");
        assert_eq!(
            format!(
                "application.{}",
                forged[2].other["event.event_type"]
                    .as_str()
                    .expect("a text")
            ),
            by_macro
        );
    }
    assert_eq!(records.len(), 21);
}

/// What only the trail or a turn may set.
const RESERVED: [&str; 8] = [
    "seq",
    "timestamp",
    "run_id",
    "outcome",
    "expects",
    "problems",
    "redactions",
    "redaction_counts",
];

#[test]
fn a_reserved_name_is_kept_under_event_whoever_forges_it() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(
            target: TARGET, event_type = "e", turn_id = "mine", turn_number = 4, seq = "forged", timestamp = "forged",
            run_id = "forged", outcome = "forged", expects = "forged", problems = "forged", redactions = "forged",
            redaction_counts = "forged"
        );
        let forge = |mut entry: stinger_audit::emit::Entry<'static>| {
            for name in RESERVED {
                entry = entry.field(name, "forged");
            }
            entry.log().expect("recorded");
        };
        forge(stinger_audit::emit::event("e").field("turn_id", "mine").field("turn_number", 4));
        let mut decision = GuardrailDecision::block("f");
        for name in RESERVED {
            decision = decision.field(name, json!({"forged": true}));
        }
        stinger_audit::emit::guardrail(decision).log().expect("recorded");
        let _span = info_span!(
            "s", turn_id = "mine", turn_number = 4, seq = "forged", timestamp = "forged", run_id = "forged",
            outcome = "forged", expects = "forged", problems = "forged", redactions = "forged",
            redaction_counts = "forged", event_type = "turn_blocked"
        )
        .entered();
        info!(target: TARGET, event_type = "e");
    });
    let lines = application_lines(&bench);
    for line in [&lines[0], &lines[1], &lines[3]] {
        assert_eq!(
            (&line["turn_id"], &line["turn_number"]),
            (&json!("mine"), &json!(4)),
            "{line}"
        );
    }
    for name in RESERVED {
        let kept = format!("event.{name}");
        for line in &lines[..2] {
            assert_eq!(line[&kept], "forged", "{line}");
        }
        assert_eq!(
            lines[2]["guardrail_decisions"][0][name],
            json!({"forged": true})
        );
        assert_eq!(lines[3].get(&kept), None, "a span says nothing of it");
        for line in &lines {
            let is_set = line.get(name).is_some();
            assert_eq!(
                is_set,
                ["seq", "timestamp"].contains(&name),
                "{name}: {line}"
            );
            assert_ne!(line[name], "forged");
        }
    }
}

#[test]
fn no_key_is_the_beginning_of_another_ones_path() {
    let bench = Bench::new();
    bench.emit(|| {
        info!(
            target: TARGET, event_type = "e", event = "login", outcome = "mine", event.kind = "k", user = "u",
            user.id = "u-7", user.name = "n", gen_ai.usage.input_tokens = 3, gen_ai.usage = 4, a.b.c = 1, a = 2, a.b = 3
        );
        let decision = GuardrailDecision::warn("f")
            .field("event", "x")
            .field("reason.code", 7)
            .field("prompt.length", 8)
            .field("decision", "allow");
        stinger_audit::emit::guardrail(decision)
            .field("prompt.length", 9)
            .field("note", 1)
            .field("note", 2)
            .field("note.x", 3)
            .field("a#2", 4)
            .field("a#2", 5)
            .log()
            .expect("recorded");
    });
    let records = bench.records();
    assert_eq!(records[0].user_id.as_deref(), Some("u-7"));
    assert_eq!(records[0].input_tokens, Some(3));
    assert_eq!(
        json!(records[0].other),
        json!({
            "event.event": "login", "event.outcome": "mine", "event.kind": "k", "user": "u", "user#2.name": "n",
            "event.gen_ai.usage": 4, "a.b.c": 1, "a#2": 2, "a.b#2": 3,
        })
    );
    assert_eq!(
        json!(records[1].guardrail_decisions[0].other),
        json!({"event.event": "x", "event.reason.code": 7, "prompt.length": 8, "event.decision": "allow"})
    );
    assert_eq!(
        json!(records[1].other),
        json!({"event.prompt.length": 9, "note": 1, "note#2": 2, "note#3.x": 3, "a#2": 4, "a#3": 5})
    );
}

/// The keys of an object as they come, and those of its decisions.
struct Keys(Vec<Vec<String>>);

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Keys, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut objects = vec![Vec::new()];
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "guardrail_decisions" => {
                            let decisions: Vec<Keys> = map.next_value()?;
                            objects.extend(decisions.into_iter().flat_map(|Keys(keys)| keys));
                        }
                        _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    }
                    objects[0].push(key);
                }
                Ok(Keys(objects))
            }
        }
        from.deserialize_map(Members)
    }
}

#[test]
fn whatever_its_fields_are_called_no_two_keys_of_a_record_collide() {
    const SEGMENTS: [&str; 20] = [
        "event",
        "user",
        "id",
        "gen_ai",
        "usage",
        "input_tokens",
        "user_agent",
        "original",
        "outcome",
        "prompt",
        "reason",
        "decision",
        "a",
        "a#2",
        "a#3",
        "b",
        "",
        "#2",
        "7",
        "guardrail_decisions/0/reason",
    ];
    let mut state = 22_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut name = || {
        let segments: Vec<_> = (0..=random(3))
            .map(|_| SEGMENTS[random(SEGMENTS.len())])
            .collect();
        segments.join(".")
    };
    let bench = Bench::new();
    bench.emit(|| {
        for round in 0..1_000 {
            let mut entry = stinger_audit::emit::event("e");
            let mut decision = GuardrailDecision::warn("f");
            for number in 0..round % 24 {
                let value = match number % 3 {
                    0 => json!("text"),
                    1 => json!(number),
                    _ => json!({"nested": [number]}),
                };
                decision = decision.field(name(), value.clone());
                entry = entry.field(name(), value);
            }
            entry.decision(decision).log().expect("recorded");
        }
        // These differ where no name is read any more.
        let long = "x".repeat(70_000);
        let entry = stinger_audit::emit::event("long")
            .field(format!("{long}1"), 1)
            .field(format!("{long}2"), 2);
        entry.log().expect("recorded");
    });
    bench.audit.flush().expect("written");
    let text = std::fs::read_to_string(bench.path()).expect("the trail");
    let mut decisions = 0;
    for line in text.lines() {
        let Keys(objects) = serde_json::from_str(line).expect("an object");
        decisions += objects.len() - 1;
        for keys in objects {
            for (place, key) in keys.iter().enumerate() {
                for other in &keys[..place] {
                    let collide = key == other
                        || key.starts_with(&format!("{other}."))
                        || other.starts_with(&format!("{key}."));
                    assert!(!collide, "{key} and {other} in {line}");
                }
            }
        }
    }
    assert!(decisions >= 1_000);
    let long = bench.records().pop().expect("the last");
    assert_eq!(long.other.len(), 2);
    assert!(long.problems.concat().contains("cut"));
}

#[test]
fn the_first_of_two_names_of_a_key_counts_and_the_second_is_kept() {
    let bench = Bench::new();
    bench.emit(|| info!(target: TARGET, event_type = "e", user_id = "first", user.id = "second"));
    let record = bench.one();
    assert_eq!(record.user_id.as_deref(), Some("first"));
    assert_eq!(record.other["user.id"], "second");
}

#[test]
fn no_key_stands_twice_and_the_record_cannot_be_hidden() {
    let bench = Bench::new();
    let mut deep = json!("end");
    for _ in 0..200 {
        deep = json!([deep]);
    }
    bench.emit(|| {
        stinger_audit::emit::event("e")
            .user_id("real")
            .user_id("again")
            .field("user_id", "victim")
            .field("event_type", json!(["x"]))
            .field("note", 1)
            .field("note", 2)
            .field("note", 3)
            .field("deep", deep)
            .decision(GuardrailDecision::block("f").field("decision", "allow"))
            .log()
            .expect("recorded");
    });
    let record = bench.one();
    assert_eq!(record.user_id.as_deref(), Some("real"));
    assert_eq!(record.other["event.user_id"], "again");
    assert_eq!(record.other["event.user_id#2"], "victim");
    assert_eq!(record.other["event.event_type"], json!(["x"]));
    assert_eq!(
        (
            &record.other["note"],
            &record.other["note#2"],
            &record.other["note#3"]
        ),
        (&json!(1), &json!(2), &json!(3))
    );
    assert_eq!(record.guardrail_decisions[0].decision, Decision::Block);
    assert_eq!(
        record.guardrail_decisions[0].other["event.decision"],
        "allow"
    );
    assert!(record.problems.concat().contains("nested deeper"));
    assert!(record.other["deep"].to_string().contains("end"));
}
