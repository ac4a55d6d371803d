//! The elements of `guardrail_decisions`.

use super::{FieldWriter, NO_VERDICT, Owner};
use crate::format::internal::Key;
use crate::record::GuardrailDecision;
use crate::write::journal::frame::{Name, Value};

impl FieldWriter<'_> {
    /// Adds one element of `guardrail_decisions`.
    pub(crate) fn decision(&mut self, decision: &GuardrailDecision) {
        let mut fields = FieldWriter {
            owner: Owner::Decision,
            names: self.names.take(),
            ..FieldWriter::new(self.redactors, Vec::new(), self.withhold)
        };
        for (name, text) in [
            ("filter_name", Some(decision.filter_name.as_str())),
            ("decision", Some(decision.decision.as_str())),
            ("reason", decision.reason.as_deref()),
            ("rule_triggered", decision.rule_triggered.as_deref()),
            ("policy", decision.policy.as_deref()),
            ("phase", decision.phase.map(|phase| phase.as_str())),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                fields.field(name, Value::Str(text));
            }
        }
        for (name, number) in [
            ("confidence", decision.confidence),
            ("latency_ms", decision.latency_ms),
        ] {
            if let Some(number) = number {
                fields.field(name, Value::F64(number));
            }
        }
        for (name, value) in &decision.other {
            fields.json_field(name, value);
        }
        if !fields.has(Key::Decision) {
            fields.problem(NO_VERDICT);
        }
        if let Some(annotations) = fields.take_annotations() {
            let place = self.decisions;
            self.annotations().append(&annotations, Some(place));
        }
        self.names = fields.names.take();
        self.decisions += 1;
        self.push(Name::Key(Key::Decisions), Value::Group(&fields.out));
    }

    /// `guardrail_decisions` as a bare macro gives it: JSON in a string.
    pub(super) fn decisions_in_text(&mut self, text: &str) {
        match serde_json::from_str::<Vec<GuardrailDecision>>(text) {
            Ok(decisions) => decisions
                .iter()
                .for_each(|decision| self.decision(decision)),
            Err(_) => {
                self.other(Key::Decisions.name(), Value::Str(text));
                self.problem("guardrail_decisions is no JSON array of decisions");
            }
        }
    }
}
