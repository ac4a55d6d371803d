//! Events that ask whether events of their level reach a layer.

use std::cell::Cell;
use std::fmt;

use tracing::{Level, Metadata};

use crate::write::TARGET;

thread_local! {
    /// The trail whose layer answered last.
    static ANSWERED: Cell<Option<u64>> = const { Cell::new(None) };
    /// Whether somebody formatted the last event.
    static SHOWN: Cell<bool> = const { Cell::new(false) };
}

/// Only the events of [`lowest_level`] and [`is_shown_beside`] come from this module.
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

/// A value that takes note when somebody formats it.
struct Bait;

impl fmt::Debug for Bait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = SHOWN.try_with(|shown| shown.set(true));
        f.write_str("what shows this also shows the texts of audit events")
    }
}

/// Whether something beside tracing shows an event that the layer of a trail takes away.
///
/// An ERROR is what most backends show. The layer hides it from all others, and does not look at its fields.
pub(super) fn is_shown_beside(trail: u64) -> bool {
    let _ = ANSWERED.try_with(|answered| answered.set(None));
    let _ = SHOWN.try_with(|shown| shown.set(false));
    tracing::error!(target: TARGET, check = ?Bait, "stinger-audit looks whether a log backend shows audit events");
    let is_answered = ANSWERED.try_with(Cell::get).ok().flatten() == Some(trail);
    is_answered && SHOWN.try_with(Cell::get).unwrap_or(false)
}
