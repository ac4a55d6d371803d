use std::sync::Arc;

use tracing::{Span, dispatcher};

use super::attribution::Scope;
use super::layer::Recorder;

/// Counts the records that a span attributes.
pub(crate) struct Watched(Arc<Scope>);

impl Watched {
    /// `None`: the thread's subscriber has no audit layer, or the span is switched off.
    pub(crate) fn new(span: &Span) -> Option<Watched> {
        span.in_scope(|| {
            dispatcher::get_default(|dispatch| {
                let (_, scope) = dispatch.downcast_ref::<Recorder>()?.here()?;
                scope.map(Watched)
            })
        })
    }

    pub(crate) fn records(&self) -> u64 {
        self.0.records()
    }
}
