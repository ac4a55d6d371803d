//! What is measured: records by the macro, by the typed function, and events that are not audited.

use std::path::Path;

use stinger_audit::config::Rotation;
use stinger_audit::record::GuardrailDecision;
use stinger_audit::{Audit, TARGET};
use tracing::{Dispatch, Subscriber, dispatcher, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::callgrind::{Part, per_record};
use crate::table::Figures;

/// So many records may wait for the worker without filling the buffer, at which the calling thread would wait.
const BUFFER: usize = 64 << 20;

pub(super) struct Case {
    pub(super) name: &'static str,
    /// Records so many times.
    pub(super) work: fn(usize),
    /// What is not to be counted of it, where there is something.
    pub(super) besides: Option<fn(usize)>,
}

pub(super) const CASES: &[Case] = &[
    Case::of("plain", |records| {
        emit(records, Trail::PLAIN, &Texts::harmless());
    }),
    Case::of("redacting", |records| {
        emit(records, Trail::REDACTING, &Texts::harmless());
    }),
    Case::of("redacting and sealed", |records| {
        emit(records, Trail::SEALED, &Texts::harmless());
    }),
    Case::of("redacting and sealed, PII", |records| {
        emit(records, Trail::SEALED, &Texts::personal());
    }),
    Case::of("typed function", |records| {
        log(records, Trail::SEALED, &Texts::harmless());
    }),
    Case {
        name: "foreign event",
        work: foreign_beside_trail,
        besides: Some(foreign),
    },
];

impl Case {
    const fn of(name: &'static str, work: fn(usize)) -> Case {
        Case {
            name,
            work,
            besides: None,
        }
    }

    pub(super) fn measure(&self) -> Figures {
        let work = per_record(self, Part::Work);
        match self.besides {
            // A foreign event gives the other threads nothing to do.
            Some(_) => Figures {
                calling: work.calling - per_record(self, Part::Besides).calling,
                behind: None,
            },
            None => Figures {
                calling: work.calling,
                behind: Some(work.behind),
            },
        }
    }
}

struct Trail {
    redacts: bool,
    seals: bool,
}

impl Trail {
    const PLAIN: Trail = Trail {
        redacts: false,
        seals: false,
    };
    const REDACTING: Trail = Trail {
        redacts: true,
        seals: false,
    };
    const SEALED: Trail = Trail {
        redacts: true,
        seals: true,
    };

    fn open(&self, directory: &Path) -> Audit {
        stinger_audit::to(directory.join("audit.log"))
            .redact_pii(self.redacts)
            .sealing(self.seals)
            .rotation(Rotation::NEVER)
            .buffer_capacity(BUFFER)
            .open()
            .expect("the trail opens")
    }
}

/// 500 characters of prompt and 300 of response.
struct Texts {
    prompt: String,
    response: String,
}

const WORDS: &str = "The quick brown fox jumps over the lazy dog, and nobody minds. ";
const PERSONAL: &str =
    "I am jane.doe@example.com, call me at +1 415 555 2671. My card is 4111 1111 1111 1111. ";

impl Texts {
    fn harmless() -> Texts {
        Texts::beginning_with("")
    }

    fn personal() -> Texts {
        Texts::beginning_with(PERSONAL)
    }

    fn beginning_with(words: &str) -> Texts {
        let prompt = words.to_owned() + &WORDS.repeat(8);
        Texts {
            prompt: prompt[..500].to_owned(),
            response: WORDS.repeat(5)[..300].to_owned(),
        }
    }
}

/// Records by the macro, within two spans that say whom the record is about.
fn emit(records: usize, trail: Trail, texts: &Texts) {
    with_trail(records, trail, || {
        info!(
            target: TARGET,
            event_type = "llm_response",
            user_ip = "192.0.2.17",
            user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
            prompt = texts.prompt.as_str(),
            response = texts.response.as_str(),
            filter_name = "prompt_injection",
            decision = "allow",
            confidence = 0.97,
            processing_time_ms = 812.5,
            model_used = "large-model-1",
            tokens_processed = 321_u64,
            turn_number = 3_u64,
        );
    });
}

/// Records the same by the typed function, within the same spans.
fn log(records: usize, trail: Trail, texts: &Texts) {
    with_trail(records, trail, || {
        stinger_audit::emit::prompt(&texts.prompt)
            .user_ip("192.0.2.17")
            .user_agent("Mozilla/5.0 (X11; Linux x86_64)")
            .field("response", texts.response.as_str())
            .decision(GuardrailDecision::allow("prompt_injection").confidence(0.97))
            .processing_time_ms(812.5)
            .model_used("large-model-1")
            .tokens_processed(321)
            .turn_number(3)
            .log()
            .expect("recorded");
    });
}

fn with_trail(records: usize, trail: Trail, mut record: impl FnMut()) {
    let directory = tempfile::tempdir().expect("a directory");
    let audit = trail.open(directory.path());
    let subscriber = tracing_subscriber::registry().with(audit.layer());
    dispatcher::with_default(&Dispatch::new(subscriber), || {
        let _request = info_span!(
            "request",
            user_id = "user-4711",
            session_id = "session-0815"
        )
        .entered();
        let _turn = info_span!(
            "turn",
            conversation_id = "conversation-42",
            request_id = "request-1"
        )
        .entered();
        for _ in 0..records {
            record();
        }
    });
    audit.flush().expect("written");
    audit.close().expect("closed");
}

/// A layer that does nothing: events are enabled for it.
struct Idle;

impl<S: Subscriber> Layer<S> for Idle {}

fn foreign_beside_trail(records: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let audit = Trail::SEALED.open(directory.path());
    let subscriber = tracing_subscriber::registry()
        .with(audit.layer())
        .with(Idle);
    emit_foreign(records, &Dispatch::new(subscriber));
    audit.close().expect("closed");
}

fn foreign(records: usize) {
    emit_foreign(
        records,
        &Dispatch::new(tracing_subscriber::registry().with(Idle)),
    );
}

/// Events of the application's own, which are not the trail's.
fn emit_foreign(records: usize, dispatch: &Dispatch) {
    dispatcher::with_default(dispatch, || {
        for number in 0..records {
            info!(target: "app", number, route = "/v1/chat/completions");
        }
    });
}
