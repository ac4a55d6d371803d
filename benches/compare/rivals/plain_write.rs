//! No library at all: the emitting thread builds the JSON with serde_json and hands each record to
//! the system with one `write(2)`, on a file that is never rolled.
//!
//! Whom the record is about is passed along by the caller. The timestamp is a plain number of
//! microseconds, which is cheaper than the others' text.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use super::{Candidate, Contender, Role, Texts, about, record};

pub const CANDIDATE: Candidate = Candidate {
    name: "write",
    what: "serde_json + write(2)",
    role: Role::Rival,
    open,
};

struct PlainWrite {
    file: File,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp_us: u128,
    user_id: &'a str,
    session_id: &'a str,
    conversation_id: &'a str,
    request_id: &'a str,
    event_type: &'a str,
    user_ip: &'a str,
    user_agent: &'a str,
    prompt: &'a str,
    response: &'a str,
    filter_name: &'a str,
    decision: &'a str,
    confidence: f64,
    processing_time_ms: f64,
    model_used: &'a str,
    tokens_processed: u64,
    turn_number: u64,
}

fn open(directory: &Path) -> Box<dyn Contender> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join("audit.log"))
        .expect("the file can be made");
    Box::new(PlainWrite { file })
}

impl<'a> Line<'a> {
    fn now(texts: &'a Texts) -> Line<'a> {
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed();
        Line {
            timestamp_us: since_epoch.expect("the clock is set").as_micros(),
            user_id: about::USER_ID,
            session_id: about::SESSION_ID,
            conversation_id: about::CONVERSATION_ID,
            request_id: about::REQUEST_ID,
            event_type: record::EVENT_TYPE,
            user_ip: record::USER_IP,
            user_agent: record::USER_AGENT,
            prompt: &texts.prompt,
            response: &texts.response,
            filter_name: record::FILTER_NAME,
            decision: record::DECISION,
            confidence: record::CONFIDENCE,
            processing_time_ms: record::PROCESSING_TIME_MS,
            model_used: record::MODEL_USED,
            tokens_processed: record::TOKENS_PROCESSED,
            turn_number: record::TURN_NUMBER,
        }
    }
}

impl Contender for PlainWrite {
    fn within(&self, work: &mut dyn FnMut()) {
        work();
    }

    fn emit(&self, texts: &Texts) {
        let mut line = serde_json::to_vec(&Line::now(texts)).expect("the record is JSON");
        line.push(b'\n');
        (&self.file).write_all(&line).expect("the disk has room");
    }

    fn finish(self: Box<Self>) {}
}
