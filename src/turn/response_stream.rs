use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::guardrail_check::{decided, failed};
use super::{Decision, GuardrailDecision, Phase, ToolCall, Turn, milliseconds};
use crate::error::{Error, ErrorKind, Result};

/// A chunk of an answer: a text, or the failure of whoever makes the chunks.
pub trait Chunk {
    /// The text, or the failure in words.
    ///
    /// # Errors
    ///
    /// This is no chunk but the reason for which none follows.
    fn text(&self) -> Result<&str, String>;

    /// The parts of tool calls in the chunk. None by default.
    fn tool_calls(&self) -> Vec<ToolCallDelta<'_>> {
        Vec::new()
    }
}

/// A part of a tool call in a chunk, as a model's API streams them: `id` and `name` come once, the arguments in pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolCallDelta<'c> {
    /// Which call of the answer it is a part of.
    pub index: usize,
    /// The id that the model gave the call.
    pub id: Option<&'c str>,
    /// The tool.
    pub name: Option<&'c str>,
    /// The next piece of the arguments, which are JSON.
    pub arguments: &'c str,
}

/// A tool call, as far as it was sent.
#[derive(Default)]
struct SentCall {
    id: Option<String>,
    name: String,
    arguments: String,
}

macro_rules! texts {
    ($($type:ty)*) => {
        $(impl Chunk for $type {
            fn text(&self) -> Result<&str, String> {
                Ok(self)
            }
        })*
    };
}

texts! { &str String Box<str> Arc<str> Cow<'_, str> }

impl<P: Chunk, E: fmt::Display> Chunk for Result<P, E> {
    fn text(&self) -> Result<&str, String> {
        match self {
            Ok(chunk) => chunk.text(),
            Err(error) => Err(error.to_string()),
        }
    }

    fn tool_calls(&self) -> Vec<ToolCallDelta<'_>> {
        self.as_ref().map(Chunk::tool_calls).unwrap_or_default()
    }
}

/// An answer on its way in chunks, as an iterator of them or, with the feature `stream`, a `Stream`.
///
/// The trail gets what was really sent, whole and in order, when the answer ends: by itself,
/// by a guardrail that is [`guarded`](ResponseStream::guarded), by [`stop`](ResponseStream::stop), by a chunk that is an
/// error, or by being dropped, when the client has gone. `None` comes behind that record, and
/// under fail-safe when it is on the medium, or cannot be: ask [`recorded`](ResponseStream::recorded) before you
/// tell the client that the answer is complete.
///
/// LIMIT: a process that is killed in the middle of an answer leaves a turn without an end; the
/// chunks that were sent of it are not in the trail.
#[must_use = "chunks are sent by taking them"]
pub struct ResponseStream<I> {
    chunks: I,
    /// The turn, until its end is recorded.
    turn: Option<Turn>,
    /// What was sent.
    text: String,
    /// By index, which the model chooses.
    calls: BTreeMap<usize, SentCall>,
    count: u64,
    guards: Vec<Guard>,
    stopped_by: Option<GuardrailDecision>,
    /// Why the end is not in the trail.
    unrecorded: Option<Error>,
    #[cfg(feature = "stream")]
    confirming: Option<crate::write::Confirm>,
}

/// A guardrail that looks at every chunk before it is sent.
struct Guard {
    check: Box<dyn FnMut(&str) -> GuardrailDecision + Send>,
    /// What it decided last.
    decision: Option<GuardrailDecision>,
    /// How long it took, over all chunks.
    took: Duration,
}

impl<I> ResponseStream<I> {
    pub(super) fn new(turn: Turn, chunks: I) -> ResponseStream<I> {
        ResponseStream {
            chunks,
            turn: Some(turn),
            text: String::new(),
            calls: BTreeMap::new(),
            count: 0,
            guards: Vec::new(),
            stopped_by: None,
            unrecorded: None,
            #[cfg(feature = "stream")]
            confirming: None,
        }
    }

    /// Adds a guardrail that is given the answer so far with each further chunk at its end,
    /// before that chunk is sent. With a part of a tool call it is given the arguments of that call so far. Its last
    /// decision stands in the record of the end.
    ///
    /// Where it decides to block, or fails or panics, the chunk is not sent and the answer ends.
    pub fn guarded<D, E>(
        mut self,
        filter_name: impl Into<String>,
        mut check: impl FnMut(&str) -> Result<D, E> + Send + 'static,
    ) -> Self
    where
        D: Into<GuardrailDecision>,
        E: fmt::Display,
    {
        let filter_name = filter_name.into();
        let check = move |text: &str| {
            let verdict = catch_unwind(AssertUnwindSafe(|| decided(check(text))));
            let mut decision = verdict.unwrap_or_else(|_| failed("the check panicked"));
            decision.filter_name.clone_from(&filter_name);
            decision.phase.get_or_insert(Phase::Output);
            decision
        };
        self.guards.push(Guard {
            check: Box::new(check),
            decision: None,
            took: Duration::ZERO,
        });
        self
    }

    /// What was sent so far.
    pub fn so_far(&self) -> &str {
        &self.text
    }

    /// The decision that stopped the answer, if one did.
    pub fn stopped_by(&self) -> Option<&GuardrailDecision> {
        self.stopped_by.as_ref()
    }

    /// Whether the end of the answer, where it has come, stands in the trail.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written. The client must not be
    /// told that the answer is complete.
    pub fn recorded(&self) -> Result<()> {
        Err(Error::from(
            match self.unrecorded.as_ref().map(Error::kind) {
                None => return Ok(()),
                Some(ErrorKind::Unwritable { trail, lost }) => ErrorKind::Unwritable {
                    trail: trail.clone(),
                    lost: *lost,
                },
                Some(ErrorKind::Forked) => ErrorKind::Forked,
                Some(_) => ErrorKind::Closed,
            },
        ))
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
        self.stopped_by = Some(decision);
        self.end("stopped", None);
        self.recorded()
    }

    /// Counts a chunk as sent and returns true, unless a guardrail stops the answer before it.
    fn count_sent(&mut self, chunk: &str, parts: &[ToolCallDelta<'_>]) -> bool {
        let sent = self.text.len();
        self.text.push_str(chunk);
        let mut texts = Vec::new();
        if !chunk.is_empty() || parts.is_empty() {
            texts.push(Cow::Borrowed(self.text.as_str()));
        }
        let is_guarded = !self.guards.is_empty();
        for (place, part) in parts.iter().enumerate().filter(|_| is_guarded) {
            let known = self.calls.get(&part.index);
            let known = known.map_or("", |call| &call.arguments);
            let same = |earlier: &&ToolCallDelta<'_>| earlier.index == part.index;
            let in_chunk = parts[..=place].iter().filter(same);
            let arguments = in_chunk.map(|part| part.arguments).collect::<String>();
            texts.push(Cow::Owned(format!("{known}{arguments}")));
        }
        for guard in &mut self.guards {
            let begun = Instant::now();
            let mut stopped = None;
            for text in &texts {
                let decision = (guard.check)(text);
                let stops = matches!(decision.decision, Decision::Block | Decision::Error);
                guard.decision = Some(decision);
                if stops {
                    stopped = guard.decision.take();
                    break;
                }
            }
            guard.took += begun.elapsed();
            let took = milliseconds(guard.took);
            if let Some(decision) = stopped {
                self.stopped_by = Some(decision.latency_ms(took));
                self.text.truncate(sent);
                return false;
            }
            guard.decision = guard
                .decision
                .take()
                .map(|decision| decision.latency_ms(took));
        }
        for part in parts {
            let call = self.calls.entry(part.index).or_default();
            call.id = call.id.take().or(part.id.map(str::to_owned));
            if call.name.is_empty() {
                part.name.unwrap_or_default().clone_into(&mut call.name);
            }
            call.arguments.push_str(part.arguments);
        }
        self.count += 1;
        true
    }

    /// Records the end, once.
    fn end(&mut self, outcome: &str, error: Option<String>) {
        let Some(mut turn) = self.turn.take() else {
            return;
        };
        let decided = self
            .guards
            .iter_mut()
            .filter_map(|guard| guard.decision.take());
        let decisions: Vec<_> = decided.chain(self.stopped_by.clone()).collect();
        let calls = std::mem::take(&mut self.calls).into_values();
        let recorded = turn.respond(&self.text, outcome, |mut entry| {
            for call in calls {
                let mut sent = ToolCall::new(call.name).arguments_json(&call.arguments);
                sent.id = call.id;
                entry = entry.tool_call(sent);
            }
            let mut entry = entry
                .field("chunks", self.count)
                .field("sent_bytes", self.text.len());
            for decision in decisions {
                entry = entry.decision(decision);
            }
            match error {
                Some(error) => entry.field("error", error),
                None => entry,
            }
        });
        self.unrecorded = recorded.err();
        #[cfg(feature = "stream")]
        if self.unrecorded.is_none() && turn.context.audit.is_fail_safe() {
            self.confirming = Some(turn.context.audit.confirm_async());
        }
    }

    /// Takes what the chunks gave, and ends the answer where none may follow.
    fn pass<P: Chunk>(&mut self, next: Option<P>) -> Option<P> {
        let Some(chunk) = next else {
            self.end("released", None);
            return None;
        };
        match chunk.text() {
            Ok(text) if self.count_sent(text, &chunk.tool_calls()) => Some(chunk),
            Ok(_) => {
                self.end("stopped", None);
                None
            }
            Err(error) => {
                self.end("failed", Some(error));
                Some(chunk)
            }
        }
    }
}

impl<I> Iterator for ResponseStream<I>
where
    I: Iterator,
    I::Item: Chunk,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let audit = self.turn.as_ref()?.context.audit.clone();
        let next = self.chunks.next();
        let passed = self.pass(next);
        if self.turn.is_none() && self.unrecorded.is_none() && audit.is_fail_safe() {
            self.unrecorded = audit.confirm().err();
        }
        passed
    }
}

#[cfg(feature = "stream")]
impl<S> futures_core::Stream for ResponseStream<S>
where
    S: futures_core::Stream + Unpin,
    S::Item: Chunk,
{
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        use std::future::Future as _;
        use std::pin::Pin;
        use std::task::{Poll, ready};
        if self.turn.is_some() {
            let next = ready!(Pin::new(&mut self.chunks).poll_next(context));
            if let Some(chunk) = self.pass(next) {
                return Poll::Ready(Some(chunk));
            }
        }
        if let Some(confirming) = &mut self.confirming {
            let confirmed = ready!(Pin::new(confirming).poll(context));
            self.confirming = None;
            self.unrecorded = confirmed.err();
        }
        Poll::Ready(None)
    }
}

impl<I> Drop for ResponseStream<I> {
    fn drop(&mut self) {
        self.end("cut", None);
    }
}

impl<I> fmt::Debug for ResponseStream<I> {
    /// Without the text: this is printed where debug output goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
