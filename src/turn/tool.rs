use std::fmt;
use std::time::Instant;

use serde::Serialize;

use super::{Turn, TurnContext, milliseconds, next_id};
use crate::error::{Error, Result};
use crate::record::ToolCall;
use crate::write::event;

/// A call of a tool whose outcome is not recorded yet. One that is dropped is recorded as failed.
///
/// It may outlive the turn, and may be taken to another task.
#[must_use = "a call that is dropped without a result is recorded as failed"]
pub struct PendingToolCall {
    context: TurnContext,
    id: String,
    name: String,
    begun: Instant,
    ended: bool,
}

impl Turn {
    /// Records that the model calls a tool, in a record `tool_call` of this turn. Its arguments are a text or anything that is
    /// JSON; strings and map keys in them are redacted.
    ///
    /// The outcome is recorded through what this returns, in a record `tool_result` with the same id. A guardrail may
    /// decide before, in [`Phase::Tool`](crate::record::Phase::Tool). Under fail-safe the call is not yet on the medium when this returns;
    /// [`Audit::confirm`](crate::Audit::confirm) waits for it.
    ///
    /// ```
    /// # use stinger_audit::record::{Decision, Phase};
    /// # fn search(arguments: &serde_json::Value) -> Result<String, String> { Ok("TGV 9713".into()) }
    /// # fn main() -> Result<(), stinger_audit::Error> {
    /// # let dir = tempfile::tempdir().expect("a directory");
    /// # let audit = stinger_audit::to(dir.path().join("audit.log")).open()?;
    /// let mut turn = audit.turn("c-42").user_id("u-7").begin("Which trains go to Paris?")?;
    /// let arguments = serde_json::json!({ "to": "Paris" });
    /// let call = turn.tool_call("search_trains", &arguments)?;
    /// let check = turn.guardrail("tool_policy").phase(Phase::Tool).policy("tools@3");
    /// if check.run(|| Ok::<_, String>(Decision::Allow)) == Decision::Block {
    ///     call.error("the guardrail tool_policy blocked it")?;
    ///     return turn.block("a tool that is not allowed");
    /// }
    /// match search(&arguments) {
    ///     Ok(trains) => call.result(&trains)?,
    ///     Err(error) => call.error(error)?,
    /// }
    /// # turn.fail("an example")
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written. The call may be in the trail all the same, as failed.
    pub fn tool_call(
        &self,
        name: impl Into<String>,
        arguments: impl Serialize,
    ) -> Result<PendingToolCall> {
        self.tool_call_with_id(next_id(), name, arguments)
    }

    /// [`tool_call`](Turn::tool_call) under the id that the model gave the call.
    ///
    /// # Errors
    ///
    /// As for `tool_call`.
    pub fn tool_call_with_id(
        &self,
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Serialize,
    ) -> Result<PendingToolCall> {
        let (id, name) = (id.into(), name.into());
        let call = ToolCall::new(&name).id(&id).arguments(arguments);
        let recorded = self.event("tool_call").tool_call(call).log();
        let pending = PendingToolCall {
            context: self.context.clone(),
            id,
            name,
            begun: Instant::now(),
            ended: recorded.as_ref().is_err_and(Error::is_loss),
        };
        recorded.map(|()| pending)
    }
}

impl PendingToolCall {
    /// The id of the call in the trail.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Records what the tool returned, a text or anything that is JSON, and how long it took.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn result(mut self, result: impl Serialize) -> Result<()> {
        self.end(|call| call.result(result))
    }

    /// Records why the call failed, or was not made, and how long it took.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn error(mut self, error: impl fmt::Display) -> Result<()> {
        self.end(|call| call.error(error))
    }

    fn end(&mut self, outcome: impl FnOnce(ToolCall) -> ToolCall) -> Result<()> {
        self.ended = true;
        let call = outcome(ToolCall::new(&self.name).id(&self.id));
        let entry = event("tool_result")
            .tool_call(call)
            .processing_time_ms(milliseconds(self.begun.elapsed()));
        self.context.bind(entry).log()
    }
}

impl Drop for PendingToolCall {
    fn drop(&mut self) {
        if !self.ended {
            let why = match std::thread::panicking() {
                true => "the call was dropped by a panic",
                false => "the call was dropped without a result",
            };
            // Nobody is left to tell; under fail-safe the turn's end returns the error.
            let _ = self.end(|call| call.error(why));
        }
    }
}

impl fmt::Debug for PendingToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingToolCall")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
