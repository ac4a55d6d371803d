//! Does an ordinary `event!` delivery the trail from here?
//!
//! A bare macro vanishes where a filter of the application's says no before the layer is
//! asked. The probe emits events the way the application does, at each level, and sees
//! which of them the layer answers; a thread asks again every few seconds.

use std::cell::Cell;

use tracing::subscriber::NoSubscriber;
use tracing::{Level, Metadata, dispatcher};

use super::layer::Recorder;
use crate::record::system::{EventsDelivered, EventsFiltered};
use crate::write::{Core, TARGET, lock, say};

thread_local! {
    /// The trail that answered last.
    static ANSWERED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The part of the probe that `answer` recognises: no other crate has this module.
const MODULE: &str = module_path!();

/// Answers a probe. `false`: the event is none.
#[inline]
pub(crate) fn answer(metadata: &Metadata<'_>, trail: u64) -> bool {
    if metadata.module_path() != Some(MODULE) {
        return false;
    }
    let _ = ANSWERED.try_with(|answered| answered.set(Some(trail)));
    true
}

/// Which bare `event!` macros delivery the trail from the thread that asked.
///
/// The typed functions, such as [`log_prompt`](crate::log_prompt), always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDelivery {
    /// The most verbose level that reaches the trail. `None`: no event does.
    pub lowest: Option<Level>,
}

impl EventDelivery {
    /// Whether events at `INFO` and above delivery the trail.
    pub fn is_complete(&self) -> bool {
        self.lowest >= Some(Level::INFO)
    }
}

/// Probes from this thread, with the subscriber that it speaks to.
///
/// An event that does not arrive may be shown by a log of the application's, where ERROR is somebody's alarm. So
/// INFO is asked first, and ERROR only where nothing else came through to a layer that is there.
fn probe(trail: u64) -> EventDelivery {
    macro_rules! reaches {
        ($level:expr) => {{
            let _ = ANSWERED.try_with(|answered| answered.set(None));
            tracing::event!(
                target: TARGET,
                $level,
                "stinger-audit looks whether audit events of this level delivery the trail; one that is shown here does not"
            );
            ANSWERED.try_with(Cell::get).ok().flatten() == Some(trail)
        }};
    }
    let has_layer =
        || dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Recorder>().is_some());
    let lowest = if reaches!(Level::INFO) {
        Some(if !reaches!(Level::DEBUG) {
            Level::INFO
        } else if !reaches!(Level::TRACE) {
            Level::DEBUG
        } else {
            Level::TRACE
        })
    } else if reaches!(Level::WARN) {
        Some(Level::WARN)
    } else if has_layer() && reaches!(Level::ERROR) {
        Some(Level::ERROR)
    } else {
        None
    };
    EventDelivery { lowest }
}

/// Probes the global subscriber, from a thread that has none of its own.
pub(crate) fn look(core: &Core) {
    // Without a global subscriber there are only scoped ones, which are not seen from here.
    if !dispatcher::get_default(|dispatch| dispatch.is::<NoSubscriber>()) {
        core.note_event_delivery(probe(core.id));
    }
}

impl Core {
    /// Takes note of what a probe found. A change is said once, and is a record.
    fn note_event_delivery(&self, delivery: EventDelivery) {
        let events_filtered = (!delivery.is_complete()).then(|| {
            let missing = match delivery.lowest {
                None => "no audit event of a bare macro reaches the trail".to_owned(),
                Some(lowest) => format!("audit events of bare macros below {lowest} do not delivery the trail"),
            };
            format!(
                "{missing}: a global filter (RUST_LOG, EnvFilter, a max_level feature) drops them, \
                 or the layer is not part of the global subscriber or stands behind a filter of its own, and then their \
                 texts stand in the application's log, in clear; the typed functions are recorded all the same, \
                 without what filtered spans say"
            )
        });
        let mut noted = lock(&self.events_filtered);
        if noted.is_some() == events_filtered.is_some() {
            return;
        }
        noted.clone_from(&events_filtered);
        drop(noted);
        match &events_filtered {
            Some(why) => {
                say(&format!("{}: {why}", self.name));
                self.queue_system_record(EventsFiltered {
                    reason: why.clone(),
                });
            }
            None => {
                say(&format!(
                    "{}: audit events delivery the trail again",
                    self.name
                ));
                self.queue_system_record(EventsDelivered {});
            }
        }
    }

    /// Probes from the calling thread.
    pub(crate) fn check_event_delivery(&self) -> EventDelivery {
        let delivery = probe(self.id);
        self.note_event_delivery(delivery);
        delivery
    }
}
