//! The layer: takes the audit events and nothing else, and lets nobody else have them.
//!
//! An audit event is recorded in `event_enabled`, which then answers `false`: that hides it
//! from every other layer of the subscriber, whatever their filters (the privacy wall).
//! The answers to `callsite_enabled` are what keeps that from harming anybody:
//!
//! - audit events: *always*. No filter is asked again, and ours never says no, so that no
//!   other callsite can leave our mark at "disabled" and swallow the next audit event.
//! - spans with attribution fields: *sometimes*. Another layer's filter may still hold the
//!   mark "disabled" of an audit event that was taken away; being asked anew resets it.
//! - everything else: *never*, so that no callsite of the application is switched on. Only
//!   under `enable()`, where nobody else could want them, plain spans are *sometimes* too.
//!
//! LIMIT: where a value of a span's attribution field emits an audit event by a bare macro while
//! the span is made, the mark of that event is still set when the other layers are told of the
//! span, and one whose filter refuses audit events does not hear of it. The typed functions
//! leave no mark.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::field::Visit;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::attribution::{self, LayerId, RecordContext, Scope, Spans};
use super::delivery_check;
use super::from_log::{self, LogRecord};
use super::layer_question::{self, LAYERS, WeakLayer};
use super::span_values::SpanValues;
use crate::write::registry::current_of_process;
use crate::write::{Core, TARGET};

/// The layer of a trail. Without a trail it takes the events away and drops them, which
/// is what development asked for when it switched the trail off.
pub(crate) struct AuditLayer {
    trail: Arc<Option<Listener>>,
}

struct Listener {
    core: Arc<Core>,
    id: LayerId,
    spans: Spans,
}

/// The filter of the layer.
pub(crate) struct AuditFilter {
    /// Spans without attribution exist too, at `INFO` and above. They carry the attribution
    /// of the span they were made in to other tasks and threads.
    plain_spans: bool,
}

/// The layer of a trail. `alone`: no other layer decides which spans there are.
pub(crate) fn filtered<S>(
    core: Option<Arc<Core>>,
    alone: bool,
) -> Filtered<AuditLayer, AuditFilter, S> {
    let trail = core.map(|core| Listener {
        id: LayerId {
            layer: LAYERS.fetch_add(1, Ordering::Relaxed),
            trail: core.id,
        },
        spans: Spans::default(),
        core,
    });
    let trail = Arc::new(trail);
    Filtered::new(AuditLayer { trail }, AuditFilter { plain_spans: alone })
}

impl AuditLayer {
    /// The layer, for those that must not keep it alive.
    fn weak(&self) -> WeakLayer {
        Arc::<Option<Listener>>::downgrade(&self.trail) as WeakLayer
    }

    /// The layer behind [`weak`](AuditLayer::weak), if it still exists.
    pub(super) fn of(weak: &WeakLayer) -> Option<AuditLayer> {
        let trail = weak.upgrade()?.downcast().ok()?;
        Some(AuditLayer { trail })
    }

    /// The trail that the thread speaks to through this layer, and where it stands in it.
    pub(crate) fn here(&self) -> Option<(Arc<Core>, Option<Arc<Scope>>)> {
        let trail = self.listener()?;
        let scope = attribution::current(|id| id == trail.id);
        Some((trail.core(), scope))
    }

    /// Has a span say what a turn of this trail says, wherever it was made.
    pub(crate) fn adopt(&self, span: &Id, core: &Core, turn: &RecordContext) {
        let listener = self.listener();
        if let Some(trail) = listener.filter(|trail| trail.core().id == core.id) {
            // Values of its own, so that what it is given later is not the turn's.
            let own = Some(SpanValues::default());
            trail.spans.insert(span, turn.scope.clone(), own);
        }
    }

    #[inline]
    fn listener(&self) -> Option<&Listener> {
        self.trail.as_ref().as_ref()
    }

    fn take<S>(&self, event: &Event<'_>, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(trail) = self.listener() else {
            return;
        };
        let of_process;
        let core = match trail.core.is_forked() {
            false => &trail.core,
            true => {
                of_process = trail.core();
                &of_process
            }
        };
        if delivery_check::answer(event.metadata(), core.id) {
            return;
        }
        let scope = trail.scope(event.is_contextual(), event.parent(), ctx);
        // A macro has nobody to give an error to; the loss is counted.
        let _ = core.record(scope, |fields| {
            fields.begin_event(event.metadata());
            fields.find_tenant(|visit| event.record(visit));
            event.record(fields);
        });
    }
}

impl Listener {
    /// The trail that the layer feeds: its own or, in a forked child, the one that the child has opened.
    fn core(&self) -> Arc<Core> {
        let of_process = || current_of_process().filter(|_| self.core.is_forked());
        of_process().unwrap_or_else(|| self.core.clone())
    }

    /// The scope around an event or a new span.
    fn scope<S>(
        &self,
        is_contextual: bool,
        parent: Option<&Id>,
        ctx: &Context<'_, S>,
    ) -> Option<Arc<Scope>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if is_contextual {
            return attribution::current(|id| id == self.id);
        }
        let parent = parent?;
        self.spans.get(parent).or_else(|| {
            ctx.span_scope(parent)?
                .find_map(|span| self.spans.get(&span.id()))
        })
    }

    fn values(&self, record: impl FnOnce(&mut dyn Visit)) -> SpanValues {
        attribution::values(&self.core.config.redactors, record)
    }
}

impl<S> Layer<S> for AuditLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn event_enabled(&self, event: &Event<'_>, ctx: Context<'_, S>) -> bool {
        if event.metadata().target() == TARGET {
            self.take(event, &ctx);
            return false;
        }
        let Some(record) = LogRecord::of(event) else {
            return true;
        };
        if let Some(trail) = self.listener() {
            record.refuse(&trail.core());
        }
        false
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        layer_question::answer(metadata, || self.weak());
        Interest::always()
    }

    /// Reached only through a subscriber that asks nobody whether an event is enabled.
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            self.take(event, &ctx);
        }
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(trail) = self.listener() else {
            return;
        };
        let parent = trail.scope(attrs.is_contextual(), attrs.parent(), &ctx);
        let own = attribution::attributes(attrs.fields())
            .then(|| trail.values(|visit| attrs.record(visit)));
        trail.spans.insert(id, parent, own);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(trail) = self.listener() else {
            return;
        };
        // Spans without attribution fields share a scope that is not theirs to change.
        if ctx
            .metadata(id)
            .is_some_and(|metadata| attribution::attributes(metadata.fields()))
        {
            trail
                .spans
                .set(id, trail.values(|visit| values.record(visit)));
        }
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if let Some(trail) = self.listener() {
            attribution::enter(trail.id, id, trail.spans.get(id));
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if let Some(trail) = self.listener() {
            attribution::exit(trail.id, id);
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(trail) = self.listener() {
            trail.spans.remove(&id);
        }
    }
}

impl<S> Filter<S> for AuditFilter {
    /// Always true: a "no" would leave a mark behind, see the head of this file.
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && metadata.target() == TARGET {
            from_log::note_macro(metadata);
            Interest::always()
        } else if layer_question::is_question(metadata)
            || metadata.is_span()
                && (attribution::attributes(metadata.fields())
                    || self.plain_spans && *metadata.level() <= Level::INFO)
        {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }
}
