//! Finds the audit layer of a subscriber, also where nobody can downcast to it.
//!
//! A `reload::Layer` hides the layer that it holds, and so do wrappers that an application writes. They pass on which
//! callsites there are, though. So one callsite stands for the question, and the layer answers when it hears of it.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use tracing::Dispatch;
use tracing_subscriber::Registry;

use super::layer::AuditLayer;
use super::layer_question::{LAYERS, WeakLayer, ask};

/// What a thread was answered last. Some layers keep what they hear of callsites: a subscriber is asked once.
#[derive(Clone)]
struct Answer {
    /// Where the subscriber's registry stands, and how many audit layers there were.
    asked: (usize, u64),
    layer: Option<WeakLayer>,
}

thread_local! {
    static LAST: RefCell<Option<Answer>> = const { RefCell::new(None) };
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
        if let Some(layer) = AuditLayer::of(&answer.layer?) {
            return Some(layer);
        }
    }
    // LIMIT: a layer that was made before this answer, and goes into a later subscriber whose registry stands in the
    // same place, is not found by this thread until another layer is made.
    let layer = ask(dispatch);
    let found = layer.as_ref().and_then(AuditLayer::of);
    let _ = LAST.try_with(|last| last.replace(Some(Answer { asked, layer })));
    found
}
