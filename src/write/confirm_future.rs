//! Waiting, without a thread, until a record is on the medium.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::worker::progress::Watermark;
use super::{Core, lock};
use crate::error::Result;

/// Everything that was recorded before, on the medium. Needs no particular runtime: the
/// trail's own thread wakes the task.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Confirm {
    core: Option<Arc<Core>>,
    target: Watermark,
    failures: u64,
}

impl Confirm {
    pub(crate) fn new(core: Option<Arc<Core>>) -> Confirm {
        let (target, failures) = core.as_ref().map_or_else(Default::default, |core| {
            (core.watermark(), lock(&core.progress).failures)
        });
        Confirm {
            core,
            target,
            failures,
        }
    }
}

impl Future for Confirm {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(core) = &self.core else {
            return Poll::Ready(Ok(()));
        };
        {
            let mut progress = lock(&core.progress);
            let synced = progress.synced;
            if let Some(outcome) = core.outcome(&progress, synced, self.target, self.failures) {
                return Poll::Ready(outcome);
            }
            if !progress
                .wakers
                .iter()
                .any(|waker| waker.will_wake(context.waker()))
            {
                progress.wakers.push(context.waker().clone());
            }
        }
        core.requests.sync.store(true, Ordering::SeqCst);
        core.parking.unpark();
        Poll::Pending
    }
}

impl std::fmt::Debug for Confirm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Confirm")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
