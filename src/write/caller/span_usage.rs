use std::sync::Arc;

use tracing::{Span, dispatcher};

use super::attribution::Scope;
use super::layer::AuditLayer;

/// Sees whether a span attributes any record.
pub(crate) struct SpanUsage(Arc<Scope>);

impl SpanUsage {
    /// `None`: the thread's subscriber has no audit layer, or the span is switched off.
    pub(crate) fn new(span: &Span) -> Option<SpanUsage> {
        span.in_scope(|| {
            dispatcher::get_default(|dispatch| {
                let (_, scope) = dispatch.downcast_ref::<AuditLayer>()?.here()?;
                scope.map(SpanUsage)
            })
        })
    }

    pub(crate) fn has_records(&self) -> bool {
        self.0.has_records()
    }
}
