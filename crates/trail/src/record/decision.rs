use serde_json::Value;

use super::object::{object, open_words, words};

open_words! {
    /// A guardrail's verdict. It is read in any case.
    Decision {
        /// `allow`: nothing found.
        Allow "allow",
        /// `warn`: something found, the turn goes on.
        Warn "warn",
        /// `block`: the turn stops here.
        Block "block",
        /// `modify`: the text was changed and the turn goes on.
        Modify "modify",
        /// `error`: the guardrail failed.
        Error "error",
        /// `skipped`: the guardrail did not run.
        Skipped "skipped",
    }
    /// A word that is none of these, as the application wrote it.
    other, compared by str::eq_ignore_ascii_case
}

impl Default for Decision {
    fn default() -> Self {
        Decision::Other(String::new())
    }
}

words! {
    /// Where in the turn a guardrail ran.
    Phase {
        /// On the prompt, before the model was asked.
        Input "input",
        /// On the response, before the user saw it.
        Output "output",
        /// On a tool call or its result.
        Tool "tool",
    }
}

object! {
    /// What one guardrail decided, and why.
    ///
    /// ```
    /// use stinger_audit_trail::record::{GuardrailDecision, Phase};
    ///
    /// let decision = GuardrailDecision::block("prompt_injection")
    ///     .reason("asks to ignore the system prompt")
    ///     .rule_triggered("ignore-previous")
    ///     .policy("injection@4")
    ///     .confidence(0.97)
    ///     .phase(Phase::Input)
    ///     .latency_ms(1.8);
    /// assert_eq!(decision.decision.as_str(), "block");
    /// ```
    #[derive(Default)]
    #[must_use = "a decision is recorded by log_guardrail_decision, or as part of an entry"]
    GuardrailDecision
    {
        /// The guardrail. Empty where the event did not name one.
        filter_name "filter_name": String;
        /// The verdict. `Other("")` where the event did not give one.
        decision "decision": Decision;
        /// Why, in words; redacted like any other text.
        reason "reason": Option<String>;
        /// How sure the guardrail was, from 0 to 1; what is not is kept, and stands in the record's `problems`.
        confidence "confidence": Option<f64>;
        /// The rule that matched.
        rule_triggered "rule_triggered": Option<String>;
        /// Which policy was in force: `name@version`. Not redacted.
        policy "policy": Option<String>;
        /// Where in the turn it ran.
        phase "phase": Option<Phase>;
        /// How long it took, in milliseconds.
        latency_ms "latency_ms": Option<f64>;
    }
}

impl GuardrailDecision {
    /// A decision by the guardrail `filter_name`.
    pub fn new(filter_name: impl Into<String>, decision: Decision) -> Self {
        GuardrailDecision {
            filter_name: filter_name.into(),
            decision,
            ..GuardrailDecision::default()
        }
    }

    /// The guardrail found nothing.
    pub fn allow(filter_name: impl Into<String>) -> Self {
        Self::new(filter_name, Decision::Allow)
    }

    /// The guardrail found something and let the turn go on.
    pub fn warn(filter_name: impl Into<String>) -> Self {
        Self::new(filter_name, Decision::Warn)
    }

    /// The guardrail stopped the turn.
    pub fn block(filter_name: impl Into<String>) -> Self {
        Self::new(filter_name, Decision::Block)
    }

    /// The guardrail changed the text.
    pub fn modify(filter_name: impl Into<String>) -> Self {
        Self::new(filter_name, Decision::Modify)
    }

    /// The guardrail failed.
    pub fn error(filter_name: impl Into<String>) -> Self {
        Self::new(filter_name, Decision::Error)
    }

    /// The guardrail did not run.
    pub fn skipped(filter_name: impl Into<String>) -> Self {
        Self::new(filter_name, Decision::Skipped)
    }

    /// Says why.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Says how sure the guardrail was, usually 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// Names the rule that matched.
    pub fn rule_triggered(mut self, rule: impl Into<String>) -> Self {
        self.rule_triggered = Some(rule.into());
        self
    }

    /// Names the policy that was in force, as `name@version`.
    pub fn policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = Some(policy.into());
        self
    }

    /// Says where in the turn the guardrail ran.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// Says how long the guardrail took, in milliseconds.
    pub fn latency_ms(mut self, latency_ms: f64) -> Self {
        self.latency_ms = Some(latency_ms);
        self
    }

    /// Adds a key of the application's own.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }
}

impl From<Decision> for GuardrailDecision {
    /// A decision of a guardrail that is not named yet.
    fn from(decision: Decision) -> Self {
        GuardrailDecision::new("", decision)
    }
}
