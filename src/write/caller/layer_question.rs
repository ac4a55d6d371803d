//! The question for an audit layer that nobody can downcast to: a callsite that stands for it, which layers pass on to
//! those that they hold, and what a layer answers.

use std::any::Any;
use std::cell::Cell;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Level, Metadata};

use crate::write::TARGET;

/// How many audit layers this process has made.
pub(super) static LAYERS: AtomicU64 = AtomicU64::new(0);

struct Question;

static QUESTION: Question = Question;
static METADATA: Metadata<'static> = Metadata::new(
    "stinger-audit looks for its layer",
    TARGET,
    // No filter of the application is stricter.
    Level::ERROR,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&QUESTION)),
    Kind::HINT,
);

impl Callsite for Question {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

/// What a layer is known by, without keeping it alive.
pub(super) type WeakLayer = Weak<dyn Any + Send + Sync>;

thread_local! {
    static ANSWERED: Cell<Option<WeakLayer>> = const { Cell::new(None) };
}

/// Whether a callsite is the question.
pub(super) fn is_question(metadata: &Metadata<'_>) -> bool {
    metadata.callsite() == Identifier(&QUESTION)
}

/// Answers the question, if the callsite is that.
pub(super) fn answer(metadata: &Metadata<'_>, layer: impl FnOnce() -> WeakLayer) {
    if is_question(metadata) {
        let _ = ANSWERED.try_with(|answered| answered.set(Some(layer())));
    }
}

/// Asks the layers of a subscriber.
pub(super) fn ask(dispatch: &Dispatch) -> Option<WeakLayer> {
    let _ = ANSWERED.try_with(Cell::take);
    dispatch.register_callsite(&METADATA);
    ANSWERED.try_with(Cell::take).ok().flatten()
}
