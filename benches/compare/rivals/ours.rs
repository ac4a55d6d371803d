//! stinger-audit as a layer: redacting nothing and unsealed, which is what the others do; redacting;
//! and redacting and sealed, which is its default in production.
//!
//! It writes records of its own into the trail, which the bench does not count.

use std::path::Path;

use stinger_audit::Audit;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Candidate, Contender, Role, Texts, tracing_event};

pub const PLAIN: Candidate = Candidate {
    name: "ours",
    what: "stinger-audit",
    role: Role::Ours { suffix: "" },
    open: |directory| open(directory, false, false),
};

pub const REDACTED: Candidate = Candidate {
    name: "ours_redacted",
    what: "stinger-audit, redacting",
    role: Role::Ours {
        suffix: "_redacted",
    },
    open: |directory| open(directory, true, false),
};

pub const REDACTED_SEALED: Candidate = Candidate {
    name: "ours_redacted_sealed",
    what: "stinger-audit, redacting and sealed",
    role: Role::Ours {
        suffix: "_redacted_sealed",
    },
    open: |directory| open(directory, true, true),
};

struct Ours {
    audit: Audit,
    dispatch: Dispatch,
}

fn open(directory: &Path, redact: bool, seal: bool) -> Box<dyn Contender> {
    let audit = stinger_audit::to(directory.join("audit.log"))
        .redact_pii(redact)
        .sealing(seal)
        .open()
        .expect("the trail opens");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(audit.layer()));
    Box::new(Ours { audit, dispatch })
}

impl Contender for Ours {
    fn within(&self, work: &mut dyn FnMut()) {
        tracing_event::in_spans(&self.dispatch, work);
    }

    fn emit(&self, texts: &Texts) {
        tracing_event::emit(texts);
    }

    fn finish(self: Box<Self>) {
        self.audit.close().expect("the trail closes");
    }
}
