//! Replays conversations through a small guardrail pipeline, audits every step, then reads
//! the trail back and prints a summary and one whole conversation.
//!
//! `cargo run --example replay -- CONVERSATIONS.jsonl [--show ID] [--keep DIRECTORY]`
//!
//! Each line of the file is one conversation:
//! `{"conversation_id": "c-1", "model": null, "turns": [{"prompt": "…", "response": null}]}`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use serde::Deserialize;
use stinger_audit::emit::Entry;
use stinger_audit::read::{Conversation, Trail};
use stinger_audit::record::{Decision, GuardrailDecision, Phase, Record};
use stinger_audit::redact::{Redactor, Rules};
use tracing::info_span;

const USAGE: &str = "usage: replay CONVERSATIONS.jsonl [--show ID] [--keep DIRECTORY]";

#[derive(Deserialize)]
struct Input {
    conversation_id: String,
    model: Option<String>,
    turns: Vec<InputTurn>,
}

#[derive(Deserialize)]
struct InputTurn {
    prompt: String,
    response: Option<String>,
}

struct Arguments {
    file: PathBuf,
    show: Option<String>,
    directory: PathBuf,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| replay(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, Box<dyn std::error::Error>> {
    let mut file = None;
    let mut show = None;
    let mut directory = None;
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--show" => show = Some(given.next().ok_or(USAGE)?),
            "--keep" => directory = Some(PathBuf::from(given.next().ok_or(USAGE)?)),
            path if file.is_none() && !path.starts_with('-') => file = Some(path.into()),
            other => return Err(format!("{other:?} is not understood\n{USAGE}").into()),
        }
    }
    let own = || std::env::temp_dir().join(format!("stinger-audit-{}", std::process::id()));
    Ok(Arguments {
        file: file.ok_or(USAGE)?,
        show,
        directory: directory.unwrap_or_else(own),
    })
}

fn replay(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let name = arguments.file.display();
    let file =
        File::open(&arguments.file).map_err(|error| format!("couldn't read {name}: {error}"))?;
    let path = arguments.directory.join("audit.log");
    let audit = stinger_audit::to(&path).redact_pii(true).enable()?;
    let pipeline = Pipeline {
        pii: Redactor::new(Rules::new(), None),
    };

    let begun = Instant::now();
    let mut replayed = 0;
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let conversation: Input = serde_json::from_str(&line?)
            .map_err(|error| format!("{name}, line {}: no conversation: {error}", number + 1))?;
        pipeline.run(&conversation)?;
        replayed += 1;
    }
    audit.flush()?;
    println!(
        "replayed {replayed} conversations in {:.0?} into {}\n",
        begun.elapsed(),
        path.display()
    );

    let trail = Trail::open(&path)?;
    let mut summary = Summary::default();
    for record in trail.records() {
        summary.add(&record?);
    }
    summary.print();
    if let Some(id) = arguments.show.as_ref().or(summary.to_show.as_ref()) {
        println!();
        print(&trail.conversation(id));
    }
    Ok(())
}

/// Three guardrails: length and prompt injection on the way in, PII both ways.
struct Pipeline {
    pii: Redactor,
}

const LONGEST: usize = 6_000;

/// Words of an attack, each with its rule's name. Two of them are enough.
const INJECTIONS: [(&str, &str); 10] = [
    ("ignore-previous", "ignore"),
    ("ignore-previous", "disregard"),
    ("no-rules", "no restrictions"),
    ("no-rules", "without any restrictions"),
    ("no-rules", "do not refuse"),
    ("persona", "you are going to pretend"),
    ("persona", "from now on"),
    ("persona", "jailbreak"),
    ("persona", "stay in character"),
    ("system-prompt", "previous instructions"),
];

impl Pipeline {
    fn run(&self, conversation: &Input) -> stinger_audit::error::Result<()> {
        let user = format!("user-{}", conversation.conversation_id.len());
        let id = conversation.conversation_id.as_str();
        let _conversation =
            info_span!("conversation", conversation_id = id, user_id = user).entered();
        for (number, turn) in conversation.turns.iter().enumerate() {
            let model = conversation.model.as_deref().unwrap_or("unknown");
            let turn_number = number as u64 + 1;
            let _turn = info_span!("turn", turn_number, model_used = model).entered();
            self.turn(turn)?;
        }
        Ok(())
    }

    fn turn(&self, turn: &InputTurn) -> stinger_audit::error::Result<()> {
        let length = turn.prompt.chars().count();
        if length > LONGEST {
            return stinger_audit::emit::prompt(&turn.prompt)
                .too_long(length, LONGEST)
                .log();
        }
        stinger_audit::log_prompt(&turn.prompt)?;
        let injection = timed(Phase::Input, || injection(&turn.prompt));
        let blocked = injection.decision == Decision::Block;
        let mut decisions: Entry<'_> = stinger_audit::emit::guardrail(injection);
        if !blocked {
            decisions = decisions.decision(timed(Phase::Input, || self.pii(&turn.prompt)));
        }
        decisions.log()?;
        match &turn.response {
            Some(response) if !blocked => stinger_audit::emit::response(response)
                .decision(timed(Phase::Output, || self.pii(response)))
                .log(),
            _ => Ok(()),
        }
    }

    fn pii(&self, text: &str) -> GuardrailDecision {
        match self.pii.find(text).first() {
            None => GuardrailDecision::allow("pii"),
            Some(found) => GuardrailDecision::warn("pii")
                .reason("holds personal data")
                .rule_triggered(found.rule.as_str()),
        }
    }
}

fn injection(prompt: &str) -> GuardrailDecision {
    let prompt = prompt.to_lowercase();
    let found: Vec<_> = INJECTIONS
        .iter()
        .filter(|(_, words)| prompt.contains(words))
        .collect();
    let confidence = 1.0 - 0.5_f64.powi(found.len() as i32);
    match found.as_slice() {
        [] => GuardrailDecision::allow("prompt_injection").confidence(0.9),
        [(rule, _)] => GuardrailDecision::warn("prompt_injection")
            .rule_triggered(*rule)
            .confidence(confidence),
        [(rule, _), ..] => GuardrailDecision::block("prompt_injection")
            .rule_triggered(*rule)
            .reason(format!("{} signs of an attack", found.len()))
            .confidence(confidence),
    }
}

fn timed(phase: Phase, decide: impl FnOnce() -> GuardrailDecision) -> GuardrailDecision {
    let begun = Instant::now();
    let decision = decide();
    decision
        .phase(phase)
        .latency_ms(begun.elapsed().as_secs_f64() * 1_000.0)
}

#[derive(Default)]
struct Summary {
    records: u64,
    events: BTreeMap<String, u64>,
    decisions: BTreeMap<(String, String), u64>,
    /// A blocked conversation, to be shown whole.
    to_show: Option<String>,
}

impl Summary {
    fn add(&mut self, record: &Record) {
        self.records += 1;
        *self
            .events
            .entry(record.event_type.to_string())
            .or_default() += 1;
        for decision in &record.guardrail_decisions {
            let key = (decision.filter_name.clone(), decision.decision.to_string());
            *self.decisions.entry(key).or_default() += 1;
        }
        if self.to_show.is_none() && record.blocking().is_some() {
            self.to_show.clone_from(&record.conversation_id);
        }
    }

    fn print(&self) {
        println!("{:>6} records", self.records);
        for (event, count) in &self.events {
            println!("{count:>6} {event}");
        }
        println!("\n{:<18} {:<8} {:>6}", "guardrail", "decision", "count");
        for ((filter, decision), count) in &self.decisions {
            println!("{filter:<18} {decision:<8} {count:>6}");
        }
    }
}

fn print(conversation: &Conversation) {
    println!("conversation {}", conversation.conversation_id);
    for turn in &conversation.turns {
        println!("\n  turn {}", turn.number.unwrap_or_default());
        for record in &turn.records {
            for (who, text) in [("user", &record.prompt), ("model", &record.response)] {
                if let Some(text) = text {
                    println!("  {who:>9}  {}", shown(text));
                }
            }
            for decision in &record.guardrail_decisions {
                let why = decision
                    .reason
                    .as_deref()
                    .or(decision.rule_triggered.as_deref());
                println!(
                    "  {:>9}  {} {}",
                    decision.decision,
                    decision.filter_name,
                    shown(why.unwrap_or(""))
                );
            }
        }
        for missing in turn.missing() {
            println!("  {:>9}  {missing:?}", "missing");
        }
    }
}

/// A text of the trail is attacker-written: it is escaped before a terminal sees it, and
/// here cut to a line or two.
fn shown(text: &str) -> String {
    let begin: String = text.chars().take(160).collect();
    let more = if begin.len() < text.len() { "…" } else { "" };
    begin.escape_debug().to_string() + more
}
