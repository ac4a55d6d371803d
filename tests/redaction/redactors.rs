//! Redactors of the application's own.

use stinger_audit::emit::prompt;

use crate::common::Bench;

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
