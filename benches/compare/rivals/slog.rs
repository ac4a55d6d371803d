//! slog with slog-async and slog-json: the emitting thread copies the values, and a thread of
//! slog-async formats and writes them, each line with one `write(2)`.
//!
//! Whom the record is about is context of the logger (`o!`), which slog shares instead of copying
//! it. The file is not rolled: slog-json has no such thing. The timestamp is that of the writing
//! thread. A full queue makes the emitting thread wait (`OverflowStrategy::Block`).

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use slog::{Drain as _, Logger, o};
use slog_async::{AsyncGuard, OverflowStrategy};

use super::{Candidate, Contender, QUEUE, Role, Texts, about, record};

pub const CANDIDATE: Candidate = Candidate {
    name: "slog",
    what: "slog + slog-async + slog-json",
    role: Role::Rival,
    open,
};

struct Slog {
    logger: Logger,
    guard: AsyncGuard,
}

fn open(directory: &Path) -> Box<dyn Contender> {
    let file = File::create(directory.join("audit.log")).expect("the file can be made");
    // Unbuffered, slog-json would hand each token of the JSON to the system.
    let json = slog_json::Json::new(BufWriter::new(file))
        .add_default_keys()
        .set_flush(true)
        .build();
    let (drain, guard) = slog_async::Async::new(json.fuse())
        .chan_size(QUEUE)
        .overflow_strategy(OverflowStrategy::Block)
        .build_with_guard();
    let request = Logger::root(
        drain.fuse(),
        o!("user_id" => about::USER_ID, "session_id" => about::SESSION_ID),
    );
    let logger = request.new(o!(
        "conversation_id" => about::CONVERSATION_ID,
        "request_id" => about::REQUEST_ID,
    ));
    Box::new(Slog { logger, guard })
}

impl Contender for Slog {
    fn within(&self, work: &mut dyn FnMut()) {
        work();
    }

    fn emit(&self, texts: &Texts) {
        slog::info!(self.logger, "answered";
            "event_type" => record::EVENT_TYPE,
            "user_ip" => record::USER_IP,
            "user_agent" => record::USER_AGENT,
            "prompt" => texts.prompt.as_str(),
            "response" => texts.response.as_str(),
            "filter_name" => record::FILTER_NAME,
            "decision" => record::DECISION,
            "confidence" => record::CONFIDENCE,
            "processing_time_ms" => record::PROCESSING_TIME_MS,
            "model_used" => record::MODEL_USED,
            "tokens_processed" => record::TOKENS_PROCESSED,
            "turn_number" => record::TURN_NUMBER,
        );
    }

    fn finish(self: Box<Self>) {
        drop(self.guard);
    }
}
