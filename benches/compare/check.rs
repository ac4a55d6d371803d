//! Whether a contender writes what all are compared on: one JSON line with every value of the
//! record and of those it is about.

use std::fs;

use serde_json::Value;

use crate::rivals::{Candidate, Texts, about, record};
use crate::trail::Trail;

pub fn writes_the_record(candidate: &Candidate, texts: &Texts) {
    let line = only_line(candidate, texts);
    let json: Value = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("{}: {error} in {line}", candidate.name));
    let mut found = Vec::new();
    collect(&json, &mut found);
    for expected in expected(texts) {
        assert!(
            found.contains(&expected),
            "{}: {expected} is missing in {line}",
            candidate.name
        );
    }
}

/// The one record of the bench in a fresh trail.
fn only_line(candidate: &Candidate, texts: &Texts) -> String {
    let directory = tempfile::tempdir().expect("a directory for the check");
    let contender = (candidate.open)(directory.path());
    contender.within(&mut || contender.emit(texts));
    contender.flush();
    contender.finish();
    let mut trail = Trail::of(candidate.name, directory.path());
    trail.wait_for(1);
    let file = trail.file().expect("a record is in it");
    let lines = fs::read_to_string(file).expect("the trail is text");
    lines
        .lines()
        .find(|line| line.contains(record::EVENT_TYPE))
        .expect("the record was counted")
        .to_owned()
}

fn expected(texts: &Texts) -> Vec<Value> {
    vec![
        about::USER_ID.into(),
        about::SESSION_ID.into(),
        about::CONVERSATION_ID.into(),
        about::REQUEST_ID.into(),
        record::EVENT_TYPE.into(),
        record::USER_IP.into(),
        record::USER_AGENT.into(),
        texts.prompt.as_str().into(),
        texts.response.as_str().into(),
        record::FILTER_NAME.into(),
        record::DECISION.into(),
        record::CONFIDENCE.into(),
        record::PROCESSING_TIME_MS.into(),
        record::MODEL_USED.into(),
        record::TOKENS_PROCESSED.into(),
        record::TURN_NUMBER.into(),
    ]
}

/// All strings and numbers, however deep.
fn collect(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        leaf => found.push(leaf.clone()),
    }
}
