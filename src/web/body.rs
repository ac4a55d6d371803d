use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tracing::Span;

use super::End;

pin_project! {
    /// The body of a response, which is part of its request: it is polled and dropped in the request's span. The request
    /// ends with it.
    pub struct ResponseBody<B> {
        // `None`: the body has ended, or the request was refused.
        #[pin]
        body: Option<B>,
        span: Span,
        end: Option<End>,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // If the client has gone away, the body may record what it has sent so far.
            let _entered = this.span.enter();
            this.body.set(None);
        }
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn new(body: Option<B>, span: Span, end: Option<End>) -> ResponseBody<B> {
        ResponseBody { body, span, end }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let entered = this.span.enter();
        let polled = body.poll_frame(context);
        if let Poll::Ready(None) = polled {
            this.body.set(None);
            drop(entered);
            this.end.take();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
