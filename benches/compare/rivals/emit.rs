//! emit with emit_file's rolling file: the emitting thread formats, and a thread of emit_file
//! writes what has gathered as a batch, which it syncs to the disk.
//!
//! Whom the record is about is emit's ambient context. emit_file cannot wait where its queue of
//! 10,000 records is full: it throws the whole queue away. To lose nothing, the emitting threads
//! flush every 4,000 records, which waits for the disk; only the sustained runs get that far.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use emit::Frame;
use emit::platform::{DefaultClock, DefaultCtxt, DefaultRng};
use emit::runtime::Runtime;
use emit_file::FileSet;

use super::{Candidate, Contender, Role, Texts, about, record};

pub const CANDIDATE: Candidate = Candidate {
    name: "emit",
    what: "emit + emit_file",
    role: Role::Rival,
    open,
};

/// Two threads that flush in turn leave at most twice as many in the queue.
const FLUSH_EVERY: usize = 4_000;
const PATIENCE: Duration = Duration::from_secs(30);

struct Emit {
    runtime: Runtime<FileSet, emit::Empty, DefaultCtxt, DefaultClock, DefaultRng>,
    since_flush: AtomicUsize,
}

fn open(directory: &Path) -> Box<dyn Contender> {
    let files = emit_file::set(directory.join("audit.log"))
        .roll_by_day()
        .spawn();
    let runtime = emit::setup().emit_to(files).init_runtime();
    Box::new(Emit {
        runtime,
        since_flush: AtomicUsize::new(0),
    })
}

impl Emit {
    fn blocking_flush(&self) {
        assert!(self.runtime.blocking_flush(PATIENCE), "emit_file flushes");
    }
}

impl Contender for Emit {
    fn within(&self, work: &mut dyn FnMut()) {
        let request = emit::props! { user_id: about::USER_ID, session_id: about::SESSION_ID };
        let turn = emit::props! {
            conversation_id: about::CONVERSATION_ID,
            request_id: about::REQUEST_ID,
        };
        let context = self.runtime.ctxt();
        Frame::push(context, request).call(|| Frame::push(context, turn).call(work));
    }

    fn emit(&self, texts: &Texts) {
        emit::info!(
            rt: &self.runtime,
            "answered",
            event_type: record::EVENT_TYPE,
            user_ip: record::USER_IP,
            user_agent: record::USER_AGENT,
            prompt: texts.prompt,
            response: texts.response,
            filter_name: record::FILTER_NAME,
            decision: record::DECISION,
            confidence: record::CONFIDENCE,
            processing_time_ms: record::PROCESSING_TIME_MS,
            model_used: record::MODEL_USED,
            tokens_processed: record::TOKENS_PROCESSED,
            turn_number: record::TURN_NUMBER,
        );
        let emitted = self.since_flush.fetch_add(1, Ordering::Relaxed) + 1;
        if emitted.is_multiple_of(FLUSH_EVERY) {
            self.blocking_flush();
        }
    }

    fn flush(&self) {
        self.blocking_flush();
        self.since_flush.store(0, Ordering::Relaxed);
    }

    fn finish(self: Box<Self>) {
        self.blocking_flush();
    }
}
