//! `redact --dry-run`.

use std::fs;

use serde_json::json;
use stinger_audit::emit::prompt;
use stinger_audit::record::GuardrailDecision;

use crate::process::{run, stderr, stdout};

#[test]
fn a_dry_run_shows_what_a_change_of_the_rules_would_hide_and_expose() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = stinger_audit::to(dir.path().join("audit.log"))
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
    let before = fs::read(dir.path().join("audit.log")).expect("a trail");
    let rules = "off = [\"IP\"]\nallow = [\"help@example.com\"]\n\
                 [[rule]]\nname = \"STAFF\"\nregex = 'E-\\d{4}'\n";
    fs::write(dir.path().join("rules.toml"), rules).expect("written");
    let dry_run = ["redact", "audit.log", "--dry-run"];
    let output = run(
        dir.path(),
        &[&dry_run[..], &["--rules", "rules.toml"]].concat(),
    );
    let printed = stdout(&output);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 5, "{printed}");
    // The seq of the prompt; records of the trail itself are in front of it.
    let seq = lines[0].split(' ').find(|word| word.starts_with('#'));
    let seq = seq.expect("a seq");
    assert_eq!(
        lines[..3],
        [
            format!("hides    {seq} prompt STAFF (STAFF): E-4711"),
            format!("hides    {seq} guardrail_decisions/0/reason STAFF (STAFF): E-4712"),
            format!("hides    {seq} nested/who/0 STAFF (STAFF): E-4713"),
        ]
    );
    for (line, kind) in [
        (lines[3], "IP (ip): [IP:k1:"),
        (lines[4], "EMAIL (email): [EMAIL:k1:"),
    ] {
        let exposed = format!("EXPOSES  {seq} prompt {kind}");
        assert!(line.starts_with(&exposed), "{printed}");
    }
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("3 would be hidden, 2 exposed"));
    // The rules that wrote it change nothing, and nothing was written.
    let output = run(dir.path(), &dry_run);
    assert_eq!(
        (stdout(&output), output.status.code()),
        (String::new(), Some(1))
    );
    let after = fs::read(dir.path().join("audit.log")).expect("a trail");
    assert!(before == after);
}
