//! logforth with its asynchronous appender, daily file and JSON layout: the emitting thread copies
//! the values, and a thread of the appender formats and writes them, each line with one `write(2)`.
//!
//! Whom the record is about stands in its thread-local diagnostic context, which is copied with
//! each record; it holds strings only, as here. The records are built directly: logforth has no
//! macros of its own, and `log`'s would want the one global logger. A full queue makes the
//! emitting thread wait.

use std::path::Path;

use logforth::append::asynchronous::AsyncBuilder;
use logforth::append::file::FileBuilder;
use logforth::core::Logger;
use logforth::diagnostic::ThreadLocalDiagnostic;
use logforth::kv::{Key, Value};
use logforth::layout::JsonLayout;
use logforth::record::{Level, Record};

use super::{Candidate, Contender, QUEUE, Role, Texts, about, record};

pub const CANDIDATE: Candidate = Candidate {
    name: "logforth",
    what: "logforth, async append",
    role: Role::Rival,
    open,
};

const CONTEXT: [(&str, &str); 4] = [
    ("user_id", about::USER_ID),
    ("session_id", about::SESSION_ID),
    ("conversation_id", about::CONVERSATION_ID),
    ("request_id", about::REQUEST_ID),
];

struct Logforth {
    logger: Logger,
}

fn open(directory: &Path) -> Box<dyn Contender> {
    let file = FileBuilder::new(directory, "audit")
        .filename_suffix("log")
        .rollover_daily()
        .layout(JsonLayout::default())
        .build()
        .expect("the file can be made");
    let append = AsyncBuilder::new("logforth")
        .buffered_lines_limit(Some(QUEUE))
        .overflow_block()
        .append(file)
        .build();
    let logger = logforth::core::builder()
        .dispatch(|dispatch| {
            dispatch
                .diagnostic(ThreadLocalDiagnostic::default())
                .append(append)
        })
        .build();
    Box::new(Logforth { logger })
}

impl Contender for Logforth {
    fn within(&self, work: &mut dyn FnMut()) {
        for (key, value) in CONTEXT {
            ThreadLocalDiagnostic::insert(key, value);
        }
        work();
        for (key, _) in CONTEXT {
            ThreadLocalDiagnostic::remove(key);
        }
    }

    fn emit(&self, texts: &Texts) {
        let fields = [
            (
                Key::new("event_type"),
                Value::static_str(record::EVENT_TYPE),
            ),
            (Key::new("user_ip"), Value::static_str(record::USER_IP)),
            (
                Key::new("user_agent"),
                Value::static_str(record::USER_AGENT),
            ),
            (Key::new("prompt"), Value::str(&texts.prompt)),
            (Key::new("response"), Value::str(&texts.response)),
            (
                Key::new("filter_name"),
                Value::static_str(record::FILTER_NAME),
            ),
            (Key::new("decision"), Value::static_str(record::DECISION)),
            (Key::new("confidence"), Value::f64(record::CONFIDENCE)),
            (
                Key::new("processing_time_ms"),
                Value::f64(record::PROCESSING_TIME_MS),
            ),
            (
                Key::new("model_used"),
                Value::static_str(record::MODEL_USED),
            ),
            (
                Key::new("tokens_processed"),
                Value::u64(record::TOKENS_PROCESSED),
            ),
            (Key::new("turn_number"), Value::u64(record::TURN_NUMBER)),
        ];
        let record = Record::builder()
            .level(Level::Info)
            .target_static(module_path!())
            .file_static(file!())
            .line(Some(line!()))
            .payload(format_args!("answered"))
            .key_values(fields.as_slice())
            .build();
        self.logger.log(&record);
    }

    /// Dropping the appender ends its thread, once the queue is empty.
    fn finish(self: Box<Self>) {
        drop(self.logger);
    }
}
