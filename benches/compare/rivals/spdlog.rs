//! spdlog-rs with its asynchronous sink, JSON formatter and file sink: the emitting thread copies
//! the values, and a thread of the pool formats and writes them.
//!
//! It has no context, so whom the record is about goes along as key-values of the call. A full
//! queue makes the emitting thread wait. The file is buffered and flushed when the bench asks for
//! it, which is its default and cheaper than what the others do, who hand each record to the
//! system: a crash costs spdlog-rs up to 8 KiB of records more. Timestamps are milliseconds.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use spdlog::formatter::JsonFormatter;
use spdlog::sink::{AsyncPoolSink, FileSink, OverflowPolicy};
use spdlog::{Logger, ThreadPool};

use super::{Candidate, Contender, QUEUE, Role, Texts, about, record};

pub const CANDIDATE: Candidate = Candidate {
    name: "spdlog",
    what: "spdlog-rs, async sink",
    role: Role::Rival,
    open,
};

struct Spdlog {
    logger: Logger,
}

fn open(directory: &Path) -> Box<dyn Contender> {
    let file = FileSink::builder()
        .path(directory.join("audit.log"))
        .formatter(JsonFormatter::new())
        .build_arc()
        .expect("the file can be made");
    let pool = ThreadPool::builder()
        .capacity(NonZeroUsize::new(QUEUE).expect("the queue holds something"))
        .build()
        .expect("the thread can be started");
    let sink = AsyncPoolSink::builder()
        .sink(file)
        .thread_pool(Arc::new(pool))
        .overflow_policy(OverflowPolicy::Block)
        .build_arc()
        .expect("the sink is complete");
    let logger = Logger::builder()
        .sink(sink)
        .build()
        .expect("the logger is complete");
    Box::new(Spdlog { logger })
}

impl Contender for Spdlog {
    fn within(&self, work: &mut dyn FnMut()) {
        work();
    }

    fn emit(&self, texts: &Texts) {
        spdlog::info!(logger: self.logger, "answered", kv: {
            user_id = about::USER_ID,
            session_id = about::SESSION_ID,
            conversation_id = about::CONVERSATION_ID,
            request_id = about::REQUEST_ID,
            event_type = record::EVENT_TYPE,
            user_ip = record::USER_IP,
            user_agent = record::USER_AGENT,
            prompt = texts.prompt.as_str(),
            response = texts.response.as_str(),
            filter_name = record::FILTER_NAME,
            decision = record::DECISION,
            confidence = record::CONFIDENCE,
            processing_time_ms = record::PROCESSING_TIME_MS,
            model_used = record::MODEL_USED,
            tokens_processed = record::TOKENS_PROCESSED,
            turn_number = record::TURN_NUMBER,
        });
    }

    fn flush(&self) {
        self.logger.flush();
    }

    /// Dropping the pool ends its thread, once the queue is empty.
    fn finish(self: Box<Self>) {
        drop(self.logger);
    }
}
