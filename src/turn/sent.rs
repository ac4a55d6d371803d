use super::{Decision, GuardrailDecision, Phase, Result, Turn};

/// An answer on its way in pieces, as an iterator of them. The trail gets what was really sent,
/// whole and in order, when it ends: by itself, by [`stop`](Sent::stop), or by being dropped,
/// when the client has gone.
#[must_use = "pieces are sent by taking them"]
pub struct Sent<I> {
    pieces: I,
    /// The turn, until its end is recorded, and what was sent of its answer.
    turn: Option<Turn>,
    text: String,
    count: u64,
}

impl<I> Sent<I> {
    pub(super) fn new(turn: Turn, pieces: I) -> Sent<I> {
        Sent {
            pieces,
            turn: Some(turn),
            text: String::new(),
            count: 0,
        }
    }

    /// What was sent so far, for a guardrail that looks at it.
    pub fn so_far(&self) -> &str {
        &self.text
    }

    /// Stops the answer because a guardrail says so: records what was sent before, the
    /// guardrail and the reason.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn stop(mut self, filter_name: &str, reason: &str) -> Result<()> {
        let decision = GuardrailDecision::new(filter_name, Decision::Block)
            .reason(reason)
            .phase(Phase::Output);
        self.end("stopped", Some(decision))
    }

    /// Records the end, once.
    fn end(&mut self, outcome: &str, decision: Option<GuardrailDecision>) -> Result<()> {
        let Some(mut turn) = self.turn.take() else {
            return Ok(());
        };
        let (text, count) = (std::mem::take(&mut self.text), self.count);
        turn.respond(&text, outcome, |entry| {
            let entry = entry.field("pieces", count).field("sent_bytes", text.len());
            match decision {
                Some(decision) => entry.decision(decision),
                None => entry,
            }
        })
    }
}

impl<I> Iterator for Sent<I>
where
    I: Iterator,
    I::Item: AsRef<str>,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.turn.as_ref()?;
        match self.pieces.next() {
            Some(piece) => {
                self.text.push_str(piece.as_ref());
                self.count += 1;
                Some(piece)
            }
            None => {
                // The user has it all; under fail-safe the next turn is told.
                let _ = self.end("released", None);
                None
            }
        }
    }
}

#[cfg(feature = "stream")]
impl<S> futures_core::Stream for Sent<S>
where
    S: futures_core::Stream + Unpin,
    S::Item: AsRef<str>,
{
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        use std::task::Poll;
        if self.turn.is_none() {
            return Poll::Ready(None);
        }
        match std::pin::Pin::new(&mut self.pieces).poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(piece)) => {
                self.text.push_str(piece.as_ref());
                self.count += 1;
                Poll::Ready(Some(piece))
            }
            Poll::Ready(None) => {
                let _ = self.end("released", None);
                Poll::Ready(None)
            }
        }
    }
}

impl<I> Drop for Sent<I> {
    fn drop(&mut self) {
        let _ = self.end("cut", None);
    }
}

impl<I> std::fmt::Debug for Sent<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
