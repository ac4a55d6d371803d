use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{take, take_string};

/// A guardrail's verdict.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Decision {
    /// `allow`: nothing found.
    Allow,
    /// `warn`: something found, the turn goes on.
    Warn,
    /// `block`: the turn stops here.
    Block,
    /// `modify`: the text was changed and the turn goes on.
    Modify,
    /// `error`: the guardrail failed.
    Error,
    /// `skipped`: the guardrail did not run.
    Skipped,
    /// A word that is none of these, as the application wrote it.
    Other(String),
}

impl Decision {
    /// The word, as it stands in the line.
    pub fn as_str(&self) -> &str {
        match self {
            Decision::Allow => "allow",
            Decision::Warn => "warn",
            Decision::Block => "block",
            Decision::Modify => "modify",
            Decision::Error => "error",
            Decision::Skipped => "skipped",
            Decision::Other(word) => word,
        }
    }
}

impl Decision {
    /// Whether a word is one of the six, as it stands in the line.
    pub(crate) fn is_word(word: &str) -> bool {
        matches!(
            word,
            "allow" | "warn" | "block" | "modify" | "error" | "skipped"
        )
    }

    /// The one of the six that a word names, in any case.
    #[inline]
    pub(crate) fn known(word: &str) -> Option<&'static Decision> {
        static KNOWN: [Decision; 6] = [
            Decision::Allow,
            Decision::Warn,
            Decision::Block,
            Decision::Modify,
            Decision::Error,
            Decision::Skipped,
        ];
        let is_it = |decision: &&Decision| decision.as_str().eq_ignore_ascii_case(word);
        KNOWN.iter().find(is_it)
    }
}

impl From<&str> for Decision {
    /// Reads the word in any case; a word that is none of the six is kept.
    fn from(word: &str) -> Self {
        match Decision::known(word) {
            Some(known) => known.clone(),
            None => Decision::Other(word.to_owned()),
        }
    }
}

impl From<String> for Decision {
    fn from(word: String) -> Self {
        Decision::from(word.as_str())
    }
}

impl From<Decision> for String {
    fn from(decision: Decision) -> Self {
        decision.as_str().to_owned()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where in the turn a guardrail ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// On the prompt, before the model was asked.
    Input,
    /// On the response, before the user saw it.
    Output,
    /// On a tool call or its result.
    Tool,
}

impl Phase {
    /// The word, as it stands in the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Input => "input",
            Phase::Output => "output",
            Phase::Tool => "tool",
        }
    }

    fn parse(word: &str) -> Option<Phase> {
        [Phase::Input, Phase::Output, Phase::Tool]
            .into_iter()
            .find(|phase| phase.as_str() == word)
    }
}

/// What one guardrail decided, and why.
///
/// ```
/// use stinger_audit::record::{GuardrailDecision, Phase};
///
/// let decision = GuardrailDecision::block("prompt_injection")
///     .reason("asks to ignore the system prompt")
///     .rule_triggered("ignore-previous")
///     .confidence(0.97)
///     .phase(Phase::Input)
///     .latency_ms(1.8);
/// assert_eq!(decision.decision.as_str(), "block");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use = "a decision is recorded by log_guardrail_decision, or as part of an entry"]
#[non_exhaustive]
pub struct GuardrailDecision {
    /// The guardrail. Empty where the event did not name one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter_name: String,
    /// The verdict. `Other("")` where the event did not give one.
    pub decision: Decision,
    /// Why, in words; redacted like any other text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How sure the guardrail was, from 0 to 1; what is not is kept, and stands in the record's `problems`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The rule that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_triggered: Option<String>,
    /// Which policy was in force: `name@version`. Not redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Where in the turn it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Any other key of the decision, and any of the above whose value has not
    /// the type it should have.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl GuardrailDecision {
    /// A decision by the guardrail `filter_name`.
    pub fn new(filter_name: impl Into<String>, decision: Decision) -> Self {
        GuardrailDecision {
            filter_name: filter_name.into(),
            decision,
            reason: None,
            confidence: None,
            rule_triggered: None,
            policy: None,
            phase: None,
            latency_ms: None,
            other: Map::new(),
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

impl<'de> Deserialize<'de> for GuardrailDecision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        Ok(GuardrailDecision {
            filter_name: take_string(&mut map, "filter_name").unwrap_or_default(),
            decision: take_string(&mut map, "decision").unwrap_or_default().into(),
            reason: take_string(&mut map, "reason"),
            confidence: take(&mut map, "confidence", Value::as_f64),
            rule_triggered: take_string(&mut map, "rule_triggered"),
            policy: take_string(&mut map, "policy"),
            phase: take(&mut map, "phase", |value| Phase::parse(value.as_str()?)),
            latency_ms: take(&mut map, "latency_ms", Value::as_f64),
            other: map,
        })
    }
}
