//! Redaction takes no memory for a text in which it finds nothing.

use stinger_audit::redact::{Keys, Redactor, Rules};

#[test]
fn clean_text_is_redacted_without_an_allocation() {
    let redactor = Redactor::new(Rules::new(), Some(Keys::from_secret("k1", &[7; 32])));
    let clean = "The quick brown fox jumps over 12 lazy dogs: “größer”, 3.14 = π, [a], 日本 – ok. ";
    let text = clean.repeat(20);
    assert!(redactor.redact(&text).redactions.is_empty());
    let info = allocation_counter::measure(|| {
        for _ in 0..100 {
            let redacted = redactor.redact(&text);
            assert!(matches!(redacted.text, std::borrow::Cow::Borrowed(_)));
        }
    });
    // A dash that may separate digits makes a copy of the text.
    let plain = text.replace('–', "-");
    let without = allocation_counter::measure(|| {
        for _ in 0..100 {
            assert!(redactor.redact(&plain).redactions.is_empty());
        }
    });
    assert_eq!(without.count_total, 0, "no allocation");
    assert!(info.count_total <= 100 * 4, "{}", info.count_total);
}
