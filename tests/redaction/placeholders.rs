//! Placeholders: those of the redaction, and those that somebody types.

use stinger_audit::emit::prompt;
use stinger_audit::redact::{Keys, Redactor, Rules};

use crate::common::Bench;

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
