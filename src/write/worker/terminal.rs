//! A record as a developer sees it on the terminal: one line, with colour where it means
//! something. The text is shown with the trail's escapes, so that it cannot act.

use std::fmt::Write as _;

use serde_json::Value;

use crate::format::internal::json;
use crate::record::system::{Opened, Sealed};
use crate::record::{Decision, EventType, GuardrailDecision, Record};

/// Longer texts are cut here; the count of what is not shown stands behind them.
const SHOWN: usize = 300;

pub(crate) fn pretty(lines: &[u8]) -> String {
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|value| value != "dumb");
    let mut out = String::new();
    for line in lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice::<Record>(line) {
            // They are for verifiers.
            Ok(record) if record.event_type.as_str() == Sealed::EVENT_TYPE => continue,
            Ok(record) => one(&mut out, &record, colour),
            Err(_) => out.push_str(&String::from_utf8_lossy(line)),
        }
        out.push('\n');
    }
    out
}

/// What a developer is shown of `trail_opened`.
const OPENED: [&str; 4] = [
    "destination",
    "environment",
    "environment_reason",
    "redact_pii",
];

const DIM: &str = "2";
const RED: &str = "1;31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

fn one(out: &mut String, record: &Record, colour: bool) {
    let paint = |out: &mut String, code: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = match colour {
            true => write!(out, "\x1b[{code}m{text}\x1b[0m"),
            false => write!(out, "{text}"),
        };
    };
    paint(
        out,
        DIM,
        &record.timestamp.format("%H:%M:%S%.3f").to_string(),
    );
    out.push(' ');
    let (name, code) = match &record.event_type {
        EventType::UserPrompt => ("PROMPT", CYAN),
        EventType::LlmResponse => ("RESPONSE", CYAN),
        EventType::GuardrailDecision => ("GUARDRAIL", CYAN),
        other => (other.as_str(), DIM),
    };
    paint(out, code, &format!("{:<9}", plain(name)));
    if let Some(conversation) = &record.conversation_id {
        let turn = record
            .turn_number
            .map(|turn| format!("#{turn}"))
            .unwrap_or_default();
        let _ = write!(out, " {}{turn}", plain(conversation));
    }
    for (key, value) in [
        ("tenant", &record.tenant_id),
        ("user", &record.user_id),
        ("session", &record.session_id),
        ("request", &record.request_id),
        ("client_request", &record.client_request_id),
        ("ip", &record.user_ip),
        ("agent", &record.agent_id),
        ("model", &record.model_used),
    ] {
        if let Some(value) = value {
            paint(out, DIM, &format!(" {key}="));
            out.push_str(&plain(value));
        }
    }
    for decision in &record.guardrail_decisions {
        out.push(' ');
        verdict(out, decision, &paint);
    }
    for text in [&record.prompt, &record.response].into_iter().flatten() {
        let _ = write!(out, " \"{}\"", plain(text));
    }
    let is_shown = |key: &str| match record.event_type.as_str() {
        // The rest of the settings are as the code has them.
        Opened::EVENT_TYPE => OPENED.contains(&key),
        _ => true,
    };
    let details = record.details();
    for (key, value) in details.iter().filter(|(key, _)| is_shown(key)) {
        paint(out, DIM, &format!(" {}=", plain(key)));
        match value {
            Value::String(text) => out.push_str(&plain(text)),
            value => out.push_str(&plain(&value.to_string())),
        }
    }
}

fn verdict(
    out: &mut String,
    decision: &GuardrailDecision,
    paint: &impl Fn(&mut String, &str, &str),
) {
    let code = match decision.decision {
        Decision::Allow => GREEN,
        Decision::Block | Decision::Error => RED,
        Decision::Skipped => DIM,
        _ => YELLOW,
    };
    let word = plain(decision.decision.as_str()).to_uppercase();
    paint(
        out,
        code,
        &format!("{word} {}", plain(&decision.filter_name)),
    );
    if let Some(confidence) = decision.confidence {
        let _ = write!(out, " {confidence}");
    }
    if let Some(rule) = &decision.rule_triggered {
        let _ = write!(out, " [{}]", plain(rule));
    }
    if let Some(reason) = &decision.reason {
        let _ = write!(out, " ({})", plain(reason));
    }
}

/// The text with the trail's escapes, and not too long for a screen.
fn plain(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(SHOWN)
        .map_or(text.len(), |(at, _)| at);
    let mut out = Vec::new();
    json::push_string(&mut out, &text[..end]);
    let mut shown = String::from_utf8_lossy(&out[1..out.len() - 1]).replace("\\\"", "\"");
    if end < text.len() {
        let _ = write!(shown, "… (+{} bytes)", text.len() - end);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_does_not_act_and_long_text_is_cut() {
        let prompt = format!("\u{1b}[2J\u{202e}{}", "x".repeat(1000));
        let line = serde_json::json!({
            "seq": 1, "timestamp": "2026-11-23T10:00:00Z", "event_type": "user_prompt",
            "prompt": prompt, "\u{9b}31m": "\u{7}",
            "guardrail_decisions": [{"filter_name": "f\u{1b}", "decision": "block"}],
        });
        let mut shown = String::new();
        one(
            &mut shown,
            &serde_json::from_value(line).expect("a record"),
            false,
        );
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert!(!shown.contains('\u{202e}'));
        assert!(
            shown.contains("BLOCK f\\u001b") && shown.contains("(+"),
            "{shown}"
        );
    }
}
