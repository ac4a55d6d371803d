//! Masked recall, precision and over-redaction on labelled texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use stinger_audit::redact::{Entity, Finding, Redactor};

#[derive(Deserialize)]
struct Case {
    id: String,
    tier: String,
    class: String,
    text: String,
    spans: Vec<Span>,
    scope: Vec<String>,
    source: String,
}

#[derive(Deserialize)]
struct Span {
    start: usize,
    end: usize,
    entity: String,
    #[serde(default)]
    opt: Option<bool>,
}

/// Of one kind of value.
#[derive(Default)]
struct Kind {
    gold: u32,
    masked: u32,
    right: u32,
    wrong: u32,
}

/// Of one class of texts in which nothing should be found, or little.
#[derive(Default)]
struct Class {
    texts: u32,
    touched: u32,
    findings: u32,
}

/// Scores the texts of a file and prints the table.
pub fn table(redactor: &Redactor, path: &str, misses: &[String]) {
    let file = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let cases: Vec<Case> = file
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{path}: {error}")))
        .collect();
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    for case in &cases {
        let is_one_rules_own = case
            .scope
            .first()
            .is_some_and(|scope| scope.starts_with("SECRET:"));
        if case.tier == "core" && !is_one_rules_own {
            score(
                case,
                &redactor.find(&case.text),
                &mut kinds,
                &mut classes,
                misses,
            );
        }
    }
    println!("{} texts of {path}\n", cases.len());
    println!(
        "{:<14} {:>6} {:>9} {:>9} {:>11}",
        "", "gold", "masked %", "findings", "precision %"
    );
    for entity in Entity::ALL {
        let Some(kind) = kinds.get(entity.as_str()) else {
            continue;
        };
        println!(
            "{:<14} {:>6} {:>9.1} {:>9} {:>11.1}",
            entity.as_str(),
            kind.gold,
            percent(kind.masked, kind.gold),
            kind.right + kind.wrong,
            percent(kind.right, kind.right + kind.wrong),
        );
    }
    println!(
        "\n{:<14} {:>6} {:>9} {:>9} {:>9}",
        "over-redaction", "texts", "touched", "%", "findings"
    );
    for (name, class) in &classes {
        println!(
            "{name:<14} {:>6} {:>9} {:>9.2} {:>9}",
            class.texts,
            class.touched,
            percent(class.touched, class.texts),
            class.findings,
        );
    }
    println!();
}

fn percent(part: u32, whole: u32) -> f64 {
    100.0 * f64::from(part) / f64::from(whole.max(1))
}

fn score<'c>(
    case: &'c Case,
    findings: &[Finding],
    kinds: &mut BTreeMap<&'c str, Kind>,
    classes: &mut BTreeMap<&'c str, Class>,
    misses: &[String],
) {
    let is_shown = |kind: &str| misses.iter().any(|shown| shown == kind);
    for span in case.spans.iter().filter(|span| span.opt != Some(true)) {
        if Entity::of(&span.entity).is_none() {
            continue;
        }
        let kind = kinds.entry(&span.entity).or_default();
        kind.gold += 1;
        // Masked: every letter and digit of it is covered.
        let is_masked = case.text[span.start..span.end]
            .char_indices()
            .filter(|(_, character)| character.is_alphanumeric())
            .all(|(at, _)| {
                let at = span.start + at;
                findings
                    .iter()
                    .any(|found| found.start <= at && at < found.end)
            });
        kind.masked += u32::from(is_masked);
        if !is_masked && is_shown(&span.entity) {
            println!(
                "missed {} {} {:?}",
                case.id,
                case.source,
                around(&case.text, span.start, span.end)
            );
        }
    }
    let mut wrong = 0;
    for found in findings {
        if !case.scope.contains(&found.kind) {
            continue;
        }
        // Right: it shares at least half of the shorter of the two with something labelled.
        let is_right = case.spans.iter().any(|span| {
            let shared = span
                .end
                .min(found.end)
                .saturating_sub(span.start.max(found.start));
            let shorter = (found.end - found.start).min(span.end - span.start);
            shared > 0 && 2 * shared >= shorter
        });
        let Some(entity) = Entity::of(&found.kind) else {
            continue;
        };
        let kind = kinds.entry(entity.as_str()).or_default();
        match is_right {
            true => kind.right += 1,
            false => {
                kind.wrong += 1;
                wrong += 1;
                if is_shown(&found.kind) {
                    println!(
                        "wrong  {} {} {} {:?}",
                        case.id,
                        case.source,
                        found.rule,
                        around(&case.text, found.start, found.end)
                    );
                }
            }
        }
    }
    if case.class.starts_with("neg-") || case.class == "log" {
        let class = classes.entry(&case.class).or_default();
        class.texts += 1;
        class.touched += u32::from(wrong > 0);
        class.findings += wrong;
    }
}

fn around(text: &str, start: usize, end: usize) -> String {
    let boundary = |at: &usize| text.is_char_boundary(*at);
    let begin = (0..=start.saturating_sub(30))
        .rev()
        .find(boundary)
        .unwrap_or(0);
    let stop = (end + 12..text.len()).find(boundary).unwrap_or(text.len());
    format!(
        "{}⟦{}⟧{}",
        &text[begin..start],
        &text[start..end],
        &text[end..stop]
    )
}
