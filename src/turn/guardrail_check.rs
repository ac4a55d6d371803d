use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;

use super::{
    Decision, GuardrailDecision, HeldResponse, Instant, Phase, Result, Turn, milliseconds,
};

/// One guardrail of a turn. A check that is dropped without having run is not recorded, and
/// counts as missing where the turn expects it.
#[must_use = "a check runs by run() or check(), or is recorded by record() or skipped()"]
pub struct GuardrailCheck<'t> {
    turn: &'t mut Turn,
    filter_name: String,
    policy: Option<String>,
    /// `None`: the default of the way in which it runs.
    phase: Option<Phase>,
}

impl<'t> GuardrailCheck<'t> {
    pub(super) fn new(turn: &'t mut Turn, filter_name: String) -> GuardrailCheck<'t> {
        GuardrailCheck {
            turn,
            filter_name,
            policy: None,
            phase: None,
        }
    }

    /// Where in the turn it runs. Default: input, and output for [`check`](GuardrailCheck::check).
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// Which policy is in force: `name@version`. A decision that names one itself keeps it.
    pub fn policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = Some(policy.into());
        self
    }

    /// Runs the check and records its verdict and how long it took. An error is recorded as
    /// decision `error`, and so is a panic, which then goes on.
    ///
    /// What cannot be recorded under fail-safe shows at the turn's end.
    pub fn run<D, E>(self, check: impl FnOnce() -> Result<D, E>) -> Decision
    where
        D: Into<GuardrailDecision>,
        E: fmt::Display,
    {
        let mut running = Running::new(self);
        running.is_in_check = true;
        running.finish(decided(check()))
    }

    /// Runs a check on a held response, which it may read and not take.
    pub fn check<R, D, E>(
        mut self,
        held: &HeldResponse<R>,
        check: impl FnOnce(&str) -> Result<D, E>,
    ) -> Decision
    where
        R: AsRef<str>,
        D: Into<GuardrailDecision>,
        E: fmt::Display,
    {
        self.phase.get_or_insert(Phase::Output);
        self.run(|| check(held.response.as_ref()))
    }

    /// [`run`](GuardrailCheck::run) for a future. One that is dropped before it is ready, by a timeout
    /// for instance, is recorded as decision `error`.
    pub async fn run_async<D, E>(self, check: impl Future<Output = Result<D, E>>) -> Decision
    where
        D: Into<GuardrailDecision>,
        E: fmt::Display,
    {
        let mut running = Running::new(self);
        let mut check = pin!(check);
        let decision = poll_fn(|context| {
            running.is_in_check = true;
            let polled = check.as_mut().poll(context).map(decided);
            running.is_in_check = false;
            polled
        });
        let decision = decision.await;
        running.finish(decision)
    }

    /// Records what the guardrail decided elsewhere.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn record(self, decision: impl Into<GuardrailDecision>) -> Result<()> {
        let decision = self.complete(decision.into());
        self.turn.decide(decision)
    }

    /// Records that the guardrail did not run, and why.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn skipped(self, why: &str) -> Result<()> {
        self.record(GuardrailDecision::from(Decision::Skipped).reason(why))
    }

    fn complete(&self, mut decision: GuardrailDecision) -> GuardrailDecision {
        decision.filter_name.clone_from(&self.filter_name);
        decision.policy = decision.policy.or_else(|| self.policy.clone());
        decision
            .phase
            .get_or_insert(self.phase.unwrap_or(Phase::Input));
        decision
    }
}

pub(super) fn decided<D: Into<GuardrailDecision>, E: fmt::Display>(
    verdict: Result<D, E>,
) -> GuardrailDecision {
    verdict.map_or_else(|error| failed(&error.to_string()), Into::into)
}

pub(super) fn failed(why: &str) -> GuardrailDecision {
    GuardrailDecision::from(Decision::Error).reason(why)
}

/// A check that has not ended.
struct Running<'t> {
    check: Option<GuardrailCheck<'t>>,
    begun: Instant,
    /// The check itself runs, or has panicked. A panic beside it, in another future of the task, drops it as well.
    is_in_check: bool,
}

impl<'t> Running<'t> {
    fn new(check: GuardrailCheck<'t>) -> Running<'t> {
        Running {
            check: Some(check),
            begun: Instant::now(),
            is_in_check: false,
        }
    }

    fn finish(mut self, decision: GuardrailDecision) -> Decision {
        let verdict = decision.decision.clone();
        self.record(decision);
        verdict
    }

    fn record(&mut self, decision: GuardrailDecision) {
        if let Some(check) = self.check.take() {
            // An error of the trail comes again at the turn's end, which cannot be missed.
            let _ = check.record(decision.latency_ms(milliseconds(self.begun.elapsed())));
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.record(failed(match self.is_in_check {
            true => "the check panicked",
            false => {
                "the check was dropped before it was ready: it timed out, or the turn was cancelled"
            }
        }));
    }
}
