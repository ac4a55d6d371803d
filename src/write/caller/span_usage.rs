use std::sync::Arc;

use tracing::{Span, dispatcher};

use super::attribution::Scope;
use super::find_layer::with_layer;
use super::layer::AuditLayer;
use crate::format::internal::Key;
use crate::write::Core;

/// Sees whether a span attributes any record.
pub(crate) struct SpanUsage {
    core: Arc<Core>,
    scope: Arc<Scope>,
}

impl SpanUsage {
    /// `None`: the thread's subscriber has no audit layer, or the span is switched off.
    pub(crate) fn new(span: &Span) -> Option<SpanUsage> {
        span.in_scope(|| {
            dispatcher::get_default(|dispatch| {
                let (core, scope) = with_layer(dispatch, AuditLayer::here)??;
                scope.map(|scope| SpanUsage { core, scope })
            })
        })
    }

    pub(crate) fn has_records(&self) -> bool {
        self.scope.has_records()
    }

    /// Sets a value of the span, and has each record that takes it say what is wrong with it.
    pub(crate) fn set_doubtful(&self, key: Key, text: &str, problems: Vec<String>) {
        let redactors = &self.core.config.redactors;
        self.scope.set_doubtful(redactors, key, text, problems);
    }
}
