//! Whether events of ordinary `event!` macros reach the trail.
//!
//! An event of a bare macro vanishes if a filter of the application says no before the layer is asked. The check emits
//! events as the application does, at several levels, and sees which of them the layer answers. A thread checks
//! every few seconds.

use tracing::subscriber::NoSubscriber;
use tracing::{Level, dispatcher};

use super::delivery_check;
use super::find_layer::with_layer;
use crate::record::system::{EventsDelivered, EventsFiltered, LogBackend};
use crate::write::{Core, lock};

/// Which bare `event!` macros reach the trail from the thread that asked.
///
/// The typed functions, such as [`log_prompt`](crate::log_prompt), always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDelivery {
    /// The most verbose level that reaches the trail. `None`: no event does.
    pub lowest: Option<Level>,
}

impl EventDelivery {
    /// Whether events at `INFO` and above reach the trail.
    pub fn is_complete(&self) -> bool {
        self.lowest >= Some(Level::INFO)
    }
}

impl Core {
    /// Takes note of what a check found. A change is said once, and is a record.
    fn note_event_delivery(&self, delivery: EventDelivery) {
        let events_filtered = (!delivery.is_complete()).then(|| {
            let missing = match delivery.lowest {
                None => "no audit event of a bare macro reaches the trail".to_owned(),
                Some(lowest) => format!("audit events of bare macros below {lowest} do not reach the trail"),
            };
            format!(
                "{missing}: a global filter (RUST_LOG, EnvFilter, a max_level feature) drops them, or the layer has a \
                 filter of its own or is not part of the global subscriber. In the latter two cases their texts are in \
                 the application's log, in clear. The typed functions are recorded in any case, without what filtered \
                 spans say"
            )
        });
        let mut noted = lock(&self.faults.events_filtered);
        if noted.is_some() == events_filtered.is_some() {
            return;
        }
        noted.clone_from(&events_filtered);
        drop(noted);
        match &events_filtered {
            Some(why) => {
                self.warn(why);
                self.queue_system_record(EventsFiltered {
                    reason: why.clone(),
                });
            }
            None => {
                self.warn("audit events reach the trail again");
                self.queue_system_record(EventsDelivered {});
            }
        }
    }

    /// Checks from the calling thread, with the subscriber that it speaks to.
    pub(crate) fn check_event_delivery(&self) -> EventDelivery {
        let has_layer =
            || dispatcher::get_default(|dispatch| with_layer(dispatch, |_| ()).is_some());
        let delivery = EventDelivery {
            lowest: delivery_check::lowest_level(self.id, has_layer),
        };
        self.note_event_delivery(delivery);
        if delivery.is_complete() {
            self.check_log_backend();
        }
        delivery
    }

    /// Checks whether a backend of the crate `log` shows what macros say, of which no layer knows. That is noted once.
    pub(crate) fn check_log_backend(&self) {
        if !delivery_check::is_shown_beside(self.id) {
            return;
        }
        let reason = "a backend of the crate `log` shows audit events of bare macros, texts and all: a crate has switched \
                      on the feature log-always of tracing (`cargo tree -e features -i tracing` names it). Switch it off, \
                      or have the backend ignore the target stinger::audit. The typed functions are not affected";
        if lock(&self.faults.log_backend)
            .replace(reason.to_owned())
            .is_none()
        {
            self.warn(reason);
            self.queue_system_record(LogBackend {
                reason: reason.to_owned(),
            });
        }
    }

    /// Checks from the calling thread, if its subscriber has an audit layer.
    pub(crate) fn check_log_backend_here(&self) {
        if dispatcher::get_default(|dispatch| with_layer(dispatch, |_| ()).is_some()) {
            self.check_log_backend();
        }
    }

    /// Checks the global subscriber, from a thread that has none of its own.
    pub(crate) fn check_global_event_delivery(&self) {
        // Without a global subscriber there are only scoped ones, which are not seen from here.
        if !dispatcher::get_default(|dispatch| dispatch.is::<NoSubscriber>()) {
            self.check_event_delivery();
        }
    }
}
