//! Finds the audit layer of a subscriber, also where nobody can downcast to it.
//!
//! A `reload::Layer` hides the layer that it holds, and so do wrappers that an application writes. They pass on which
//! callsites there are, though. So one callsite stands for the question, and the layer answers when it hears of it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Level, Metadata};
use tracing_subscriber::Registry;

use super::layer::{AuditLayer, WeakLayer};
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

/// What a thread was answered last. Some layers keep what they hear of callsites: a subscriber is asked once.
#[derive(Clone)]
struct Answer {
    /// Where the subscriber's registry stands, and how many audit layers there were.
    asked: (usize, u64),
    layer: Option<WeakLayer>,
}

thread_local! {
    static ANSWERED: Cell<Option<WeakLayer>> = const { Cell::new(None) };
    static LAST: RefCell<Option<Answer>> = const { RefCell::new(None) };
}

/// Whether a callsite is the question.
pub(super) fn is_question(metadata: &Metadata<'_>) -> bool {
    metadata.callsite() == Identifier(&QUESTION)
}

/// Answers the question, if the callsite is that.
pub(super) fn answer(metadata: &Metadata<'_>, layer: &AuditLayer) {
    if is_question(metadata) {
        let _ = ANSWERED.try_with(|answered| answered.set(Some(Arc::downgrade(&layer.trail))));
    }
}

/// Calls `use_it` with the audit layer of a subscriber. `None`: it has none.
#[inline]
pub(crate) fn with_layer<R>(
    dispatch: &Dispatch,
    use_it: impl FnOnce(&AuditLayer) -> R,
) -> Option<R> {
    match dispatch.downcast_ref::<AuditLayer>() {
        Some(layer) => Some(use_it(layer)),
        None => hidden(dispatch).map(|layer| use_it(&layer)),
    }
}

/// The layer of a subscriber that cannot be downcast to it.
#[cold]
fn hidden(dispatch: &Dispatch) -> Option<AuditLayer> {
    let registry = std::ptr::from_ref(dispatch.downcast_ref::<Registry>()?).addr();
    let asked = (registry, LAYERS.load(Ordering::Relaxed));
    let last = LAST.try_with(|last| last.borrow().clone());
    if let Some(answer) = last.ok()?.filter(|answer| answer.asked == asked) {
        // `None`: it was asked, and has none.
        if let Some(trail) = answer.layer?.upgrade() {
            return Some(AuditLayer { trail });
        }
    }
    // LIMIT: a layer that was made before this answer, and goes into a later subscriber whose registry stands in the
    // same place, is not found by this thread until another layer is made.
    let _ = ANSWERED.try_with(Cell::take);
    dispatch.register_callsite(&METADATA);
    let layer = ANSWERED.try_with(Cell::take).ok().flatten();
    let found = layer.as_ref().and_then(WeakLayer::upgrade);
    let _ = LAST.try_with(|last| last.replace(Some(Answer { asked, layer })));
    found.map(|trail| AuditLayer { trail })
}
