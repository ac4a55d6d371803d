//! A dry run of other rules over a trail.

use serde_json::json;
use stinger_audit::emit::prompt;
use stinger_audit::read::{Query, RecordChange, Trail};
use stinger_audit::record::GuardrailDecision;
use stinger_audit::redact::{Change, Entity, Keys, Redactor, Rule, Rules};

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
