//! Events that ask whether events of their level reach a layer.

use std::cell::Cell;

use tracing::{Level, Metadata};

use crate::write::TARGET;

thread_local! {
    /// The trail whose layer answered last.
    static ANSWERED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Only the events of [`lowest_level`] come from this module.
const MODULE: &str = module_path!();

/// Answers a check. `false`: the event is none.
#[inline]
pub(super) fn answer(metadata: &Metadata<'_>, trail: u64) -> bool {
    if metadata.module_path() != Some(MODULE) {
        return false;
    }
    let _ = ANSWERED.try_with(|answered| answered.set(Some(trail)));
    true
}

/// The most verbose level whose events reach the layer of a trail from this thread.
///
/// An event that does not arrive may show up in a log of the application, where ERROR may raise an alarm. So
/// ERROR is asked only if nothing else arrived and there is a layer.
pub(super) fn lowest_level(trail: u64, has_layer: impl FnOnce() -> bool) -> Option<Level> {
    macro_rules! reaches {
        ($level:ident) => {{
            let _ = ANSWERED.try_with(|answered| answered.set(None));
            tracing::event!(
                target: TARGET,
                Level::$level,
                "stinger-audit looks whether audit events of this level reach the trail; one that is shown here does not"
            );
            (ANSWERED.try_with(Cell::get).ok().flatten() == Some(trail)).then_some(Level::$level)
        }};
    }
    match reaches!(INFO) {
        Some(info) => {
            let debug = reaches!(DEBUG);
            debug.and_then(|_| reaches!(TRACE)).or(debug).or(Some(info))
        }
        None => reaches!(WARN).or_else(|| has_layer().then(|| reaches!(ERROR)).flatten()),
    }
}
