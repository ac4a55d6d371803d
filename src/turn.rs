//! A turn that cannot be forgotten: from the prompt to its end, whatever that is.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::{Span, info_span};

use crate::audit::Audit;
use crate::error::{Error, ErrorKind, NotReleased, Result};
use crate::format::internal::Key;
use crate::record::{Decision, EventType, GuardrailDecision, Phase, ToolCall};
use crate::write::{self, Entry, RecordContext, event, guardrail, turn_end};

mod builder;
mod guardrail_check;
mod held_response;
mod response_stream;
#[cfg(test)]
mod tests;
mod tool;

pub use builder::TurnBuilder;
pub use guardrail_check::GuardrailCheck;
pub use held_response::HeldResponse;
pub use response_stream::{Chunk, ResponseStream, ToolCallDelta};
pub use tool::PendingToolCall;

/// Where the records of a turn go, and what they all say.
#[derive(Clone)]
struct TurnContext {
    audit: Audit,
    record: RecordContext,
}

impl TurnContext {
    fn bind<'a>(&self, entry: Entry<'a>) -> Entry<'a> {
        entry.in_turn(self.audit.core().cloned(), self.record.clone())
    }
}

/// To the microsecond: more digits would say nothing.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// A new id of a turn or a tool call: a random number of the process and a count. A forked child has a number of its
/// own: it continues the count of its parent, as its siblings do.
fn next_id() -> String {
    static SEED: LazyLock<(RandomState, u32)> =
        LazyLock::new(|| (RandomState::new(), std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = SEED.0.hash_one((SEED.1, write::process()));
    format!("{process:016x}-{count}")
}

/// A turn that has begun: its prompt stands in the trail.
///
/// It ends in one of these ways, each a record: [`release`](Turn::release),
/// [`modify`](Turn::modify), [`block`](Turn::block), [`fail`](Turn::fail), or a stream that was
/// [`sent`](Turn::send). A turn that is dropped without an end, by an early return, a `?`, a
/// panic or a cancelled future, is recorded as `turn_abandoned`.
///
/// What the spans around its beginning say holds for all records of a turn: its end may come on a
/// task that is in no span, as when a client goes away.
///
/// ```no_run
/// # fn model(prompt: &str) -> String { prompt.to_owned() }
/// # fn main() -> Result<(), stinger_audit::Error> {
/// use stinger_audit::record::Decision;
///
/// let audit = stinger_audit::enable()?;
/// let prompt = "What is the capital of France?";
/// let mut turn = audit.turn("c-42").user_id("u-7").expects(["injection", "pii"]).begin(prompt)?;
/// if turn.guardrail("injection").run(|| Ok::<_, String>(Decision::Allow)) == Decision::Block {
///     return turn.block("an attack");
/// }
/// let answer = turn.hold(model(prompt));
/// turn.guardrail("pii").check(&answer, |text| match text.contains('@') {
///     true => Ok(Decision::Warn),
///     false => Ok::<_, String>(Decision::Allow),
/// });
/// println!("{}", turn.release(answer)?);
/// # Ok(()) }
/// ```
///
/// What is held comes out only through the turn:
///
/// ```compile_fail,E0616
/// # fn f(turn: &stinger_audit::turn::Turn) -> String {
/// let answer = turn.hold("Paris.".to_owned());
/// answer.response
/// # }
/// ```
///
/// and a turn that has ended releases nothing:
///
/// ```compile_fail,E0382
/// # fn f(turn: stinger_audit::turn::Turn) -> Result<String, stinger_audit::Error> {
/// let answer = turn.hold("Paris.".to_owned());
/// turn.block("an attack")?;
/// turn.release(answer)
/// # }
/// ```
#[must_use = "a turn that is dropped is recorded as abandoned"]
pub struct Turn {
    context: TurnContext,
    id: String,
    /// What the builder was given.
    known: Vec<(Key, String)>,
    begun: Instant,
    tokens: Option<u64>,
    /// The guardrail that decided to block.
    blocked_by: Option<String>,
    ended: bool,
    /// A response is recorded and, until that is confirmed, not let go.
    holding: bool,
}

impl Turn {
    /// The id that all records of this turn carry as `turn_id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Names the model that answers: `model_used`.
    pub fn model_used(&mut self, model: impl Into<String>) {
        let model = model.into();
        if let Some(core) = self.context.audit.core().filter(|_| !model.is_empty()) {
            core.set_in_turn(&self.context.record, Key::ModelUsed, &model);
        }
    }

    /// Counts tokens, in and out together, for the record of the turn's end.
    pub fn tokens_processed(&mut self, tokens: u64) {
        self.tokens = Some(self.tokens.unwrap_or(0).saturating_add(tokens));
    }

    /// A guardrail of this turn: runs its check, or records what became of it.
    pub fn guardrail(&mut self, filter_name: impl Into<String>) -> GuardrailCheck<'_> {
        GuardrailCheck::new(self, filter_name.into())
    }

    /// An event of this turn: [`log`](Entry::log) records it in the turn's trail, attributed as all records of the turn.
    ///
    /// ```
    /// # fn main() -> Result<(), stinger_audit::Error> {
    /// # let dir = tempfile::tempdir().expect("a directory");
    /// # let audit = stinger_audit::to(dir.path().join("audit.log")).open()?;
    /// let turn = audit.turn("c-42").user_id("u-7").begin("Which trains go to Paris?")?;
    /// turn.event("documents_retrieved").field("count", 3).log()?;
    /// # turn.fail("an example")
    /// # }
    /// ```
    pub fn event<'a>(&self, event_type: impl Into<EventType>) -> Entry<'a> {
        self.context.bind(event(event_type))
    }

    /// A span whose events are of this turn: also those of macros, and of tasks that are
    /// [instrumented](tracing::Instrument) with it. It has `turn_id` and the ids that the builder was given as fields,
    /// which other layers see.
    ///
    /// ```
    /// # fn main() -> Result<(), stinger_audit::Error> {
    /// # let dir = tempfile::tempdir().expect("a directory");
    /// # let audit = stinger_audit::to(dir.path().join("audit.log")).open()?;
    /// let turn = audit.turn("c-42").user_id("u-7").begin("Which trains go to Paris?")?;
    /// turn.span().in_scope(|| {
    ///     tracing::info!(target: stinger_audit::TARGET, event_type = "documents_retrieved", count = 3);
    /// });
    /// # turn.fail("an example")
    /// # }
    /// ```
    pub fn span(&self) -> Span {
        let given = |key| {
            let mut known = self.known.iter();
            known.find_map(|(of, text)| (*of == key).then_some(text.as_str()))
        };
        let span = info_span!(
            "turn",
            turn_id = self.id(),
            conversation_id = given(Key::ConversationId),
            tenant_id = given(Key::TenantId),
            user_id = given(Key::UserId),
            session_id = given(Key::SessionId),
            agent_id = given(Key::AgentId),
            request_id = given(Key::RequestId),
            client_request_id = given(Key::ClientRequestId),
        );
        if let Some(core) = self.context.audit.core() {
            core.attribute_span(&self.context.record, &span);
        }
        span
    }

    /// Takes a response into the turn's keeping.
    pub fn hold<R: AsRef<str>>(&self, response: R) -> HeldResponse<R> {
        HeldResponse {
            response,
            turn_id: self.id.clone(),
            entry: event(EventType::LlmResponse),
        }
    }

    /// Records the response, ends the turn, and lets the response go. Under fail-safe it is on
    /// the medium first. Only a decision to block holds it: a check that came to none (`error`, `skipped`) is the
    /// caller's to decide on.
    ///
    /// # Errors
    ///
    /// A guardrail of this turn decided to block, or the response is another turn's; the turn
    /// ends as blocked then, with a record. Or the trail is closed or, under fail-safe, cannot
    /// be written. The response is not let go.
    pub fn release<R: AsRef<str>>(mut self, held: HeldResponse<R>) -> Result<R> {
        self.record_release(&held)?;
        self.let_go(self.confirm())?;
        Ok(held.response)
    }

    /// [`release`](Turn::release) that waits for the medium without a thread.
    ///
    /// # Errors
    ///
    /// As for `release`.
    pub async fn release_async<R: AsRef<str>>(mut self, held: HeldResponse<R>) -> Result<R> {
        self.record_release(&held)?;
        self.let_go(self.confirm_async().await)?;
        Ok(held.response)
    }

    fn record_release<R: AsRef<str>>(&mut self, held: &HeldResponse<R>) -> Result<()> {
        if held.turn_id != self.id {
            self.end("turn_blocked", |entry| {
                entry.field("reason", "the response is another turn's")
            })?;
            return Err(self.refused(NotReleased::OtherTurn));
        }
        if let Some(by) = self.blocked_by.clone() {
            self.end("turn_blocked", |entry| entry.field("by", by.as_str()))?;
            return Err(self.refused(NotReleased::Blocked(by.to_owned())));
        }
        self.holding = true;
        let entry: Entry<'_> = held.entry.clone();
        let entry = entry.text(Key::Response, held.response.as_ref());
        let recorded = self.log_end(entry.made(Key::Outcome, "released"));
        recorded.inspect_err(|_| self.withhold())
    }

    /// Records a response in place of the model's, which never leaves, and why; ends the turn
    /// and lets the new one go.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn modify<R: AsRef<str>>(mut self, response: R, why: &str) -> Result<R> {
        self.record_change(response.as_ref(), why)?;
        self.let_go(self.confirm())?;
        Ok(response)
    }

    /// [`modify`](Turn::modify) that waits for the medium without a thread.
    ///
    /// # Errors
    ///
    /// As for `modify`.
    pub async fn modify_async<R: AsRef<str>>(mut self, response: R, why: &str) -> Result<R> {
        self.record_change(response.as_ref(), why)?;
        self.let_go(self.confirm_async().await)?;
        Ok(response)
    }

    fn record_change(&mut self, response: &str, why: &str) -> Result<()> {
        let decision = GuardrailDecision::new("turn", Decision::Modify)
            .reason(why)
            .phase(Phase::Output);
        self.holding = true;
        let recorded = self.respond(response, "modified", |entry| entry.decision(decision));
        recorded.inspect_err(|_| self.withhold())
    }

    /// Ends the turn: nothing is answered, and why.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn block(mut self, reason: &str) -> Result<()> {
        self.record_block(reason)?;
        self.confirm()
    }

    /// [`block`](Turn::block) that waits for the medium without a thread.
    ///
    /// # Errors
    ///
    /// As for `block`.
    pub async fn block_async(mut self, reason: &str) -> Result<()> {
        self.record_block(reason)?;
        self.confirm_async().await
    }

    fn record_block(&mut self, reason: &str) -> Result<()> {
        let by = self.blocked_by.take();
        self.end("turn_blocked", |entry| {
            let entry = entry.field("reason", reason);
            match by {
                Some(by) => entry.field("by", by),
                None => entry,
            }
        })
    }

    /// Ends the turn: something went wrong.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn fail(mut self, error: impl fmt::Display) -> Result<()> {
        self.record_failure(error)?;
        self.confirm()
    }

    /// [`fail`](Turn::fail) that waits for the medium without a thread.
    ///
    /// # Errors
    ///
    /// As for `fail`.
    pub async fn fail_async(mut self, error: impl fmt::Display) -> Result<()> {
        self.record_failure(error)?;
        self.confirm_async().await
    }

    fn record_failure(&mut self, error: impl fmt::Display) -> Result<()> {
        let error = error.to_string();
        self.end("turn_failed", |entry| entry.field("error", error))
    }

    /// Passes an answer on in chunks, as an iterator of them, and records what was really sent
    /// before it reports the end. Under fail-safe that record is on the medium by then.
    pub fn send<I>(self, chunks: I) -> ResponseStream<I::IntoIter>
    where
        I: IntoIterator,
        I::Item: Chunk,
    {
        ResponseStream::new(self, chunks.into_iter())
    }

    /// [`send`](Turn::send) for an asynchronous stream.
    #[cfg(feature = "stream")]
    pub fn send_stream<S>(self, chunks: S) -> ResponseStream<S>
    where
        S: futures_core::Stream + Unpin,
        S::Item: Chunk,
    {
        ResponseStream::new(self, chunks)
    }

    /// Records a response as the end of the turn.
    fn respond<'a>(
        &mut self,
        response: &'a str,
        outcome: &'a str,
        also: impl FnOnce(Entry<'a>) -> Entry<'a>,
    ) -> Result<()> {
        let entry = write::response(response).made(Key::Outcome, outcome);
        self.log_end(also(entry))
    }

    fn end<'a>(
        &mut self,
        event_type: &'static str,
        also: impl FnOnce(Entry<'a>) -> Entry<'a>,
    ) -> Result<()> {
        self.log_end(also(turn_end(event_type)))
    }

    fn log_end(&mut self, entry: Entry<'_>) -> Result<()> {
        let mut entry = entry.processing_time_ms(milliseconds(self.begun.elapsed()));
        if let Some(tokens) = self.tokens {
            entry = entry.tokens_processed(tokens);
        }
        // Ended even where the trail refuses: there is nothing more to say.
        self.ended = true;
        self.context.bind(entry).log()
    }

    fn decide(&mut self, decision: GuardrailDecision) -> Result<()> {
        if decision.decision == Decision::Block {
            self.blocked_by.get_or_insert(decision.filter_name.clone());
        }
        self.context.bind(guardrail(decision)).log()
    }

    /// Lets a response go whose record is where it must be.
    fn let_go(&mut self, confirmed: Result<()>) -> Result<()> {
        confirmed.inspect_err(|_| self.withhold())?;
        self.holding = false;
        Ok(())
    }

    /// The trail holds, or may still come to hold, a response that is not let go, and is told so.
    fn withhold(&mut self) {
        self.holding = false;
        // The trail takes it in even where it reports that it cannot be written.
        let _ = self.context.bind(turn_end("turn_withheld")).log();
    }

    /// Under fail-safe, waits until what was recorded is on the medium.
    fn confirm(&self) -> Result<()> {
        match self.context.audit.is_fail_safe() {
            true => self.context.audit.confirm(),
            false => Ok(()),
        }
    }

    async fn confirm_async(&self) -> Result<()> {
        match self.context.audit.is_fail_safe() {
            true => self.context.audit.confirm_async().await,
            false => Ok(()),
        }
    }

    fn refused(&self, reason: NotReleased) -> Error {
        Error::from(ErrorKind::NotReleased {
            turn_id: self.id.clone(),
            reason,
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.holding {
            // Its future was dropped while it waited for the medium.
            self.withhold();
        }
        if !self.ended {
            let panicking = std::thread::panicking();
            // Nobody is left to tell; under fail-safe the next turn returns the error.
            let _ = self.end("turn_abandoned", |entry| {
                entry.field("panicking", panicking)
            });
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
