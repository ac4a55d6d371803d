//! What a change of rules would do, before it is made.

use super::{Finding, Redactor};

/// Compares what two sets of rules make of a text.
///
/// ```
/// use stinger_audit::redact::{Change, DryRun, Entity, Redactor, Rule, Rules};
///
/// # fn main() -> Result<(), stinger_audit::Error> {
/// let before = Redactor::new(Rules::new(), None);
/// let after = Rules::new().without(Entity::Ip).rule(Rule::new("EMPLOYEE", r"E-\d{6}")?);
/// let after = Redactor::new(after, None);
/// let changes = DryRun::new(&before, &after).text("E-004711 at 192.0.2.7");
/// assert_eq!(changes.len(), 2);
/// assert!(matches!(&changes[0], Change::Hides { value, .. } if value == "E-004711"));
/// assert!(matches!(&changes[1], Change::Exposes { value, .. } if value == "192.0.2.7"));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DryRun<'r> {
    before: &'r Redactor,
    after: &'r Redactor,
}

/// What a change of rules does to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// What was seen would be hidden.
    Hides {
        /// The value's kind.
        kind: String,
        /// The rule that would hide it.
        rule: String,
        /// What would be hidden.
        value: String,
    },
    /// What was hidden would be seen.
    Exposes {
        /// The value's kind.
        kind: String,
        /// The rule that hid it.
        rule: String,
        /// What would be seen. In a trail, where the value is gone, what stands for it.
        value: String,
    },
}

impl<'r> DryRun<'r> {
    /// A comparison of two redactors.
    pub fn new(before: &'r Redactor, after: &'r Redactor) -> DryRun<'r> {
        DryRun { before, after }
    }

    /// What would change in a text that nobody has redacted, in the order of the places.
    pub fn text(&self, text: &str) -> Vec<Change> {
        let (before, after) = (self.before.find(text), self.after.find(text));
        let is_covered = |finding: &&Finding, by: &[Finding]| {
            by.iter()
                .any(|known| known.start <= finding.start && finding.end <= known.end)
        };
        let hidden = after.iter().filter(|finding| !is_covered(finding, &before));
        let hidden = hidden.map(|finding| (finding.start, hides(finding, text)));
        let exposed = before.iter().filter(|finding| !is_covered(finding, &after));
        let exposed = exposed.map(|finding| {
            let exposes = Change::Exposes {
                kind: finding.kind.clone(),
                rule: finding.rule.clone(),
                value: text[finding.start..finding.end].to_owned(),
            };
            (finding.start, exposes)
        });
        let mut changes: Vec<(usize, Change)> = hidden.chain(exposed).collect();
        changes.sort_by_key(|(start, _)| *start);
        changes.into_iter().map(|(_, change)| change).collect()
    }
}

impl Redactor {
    /// What these rules would hide in a text from a trail, which other rules have redacted.
    pub(crate) fn would_hide(&self, text: &str) -> Vec<Change> {
        let findings = self.find(text);
        findings
            .iter()
            .map(|finding| hides(finding, text))
            .collect()
    }
}

fn hides(finding: &Finding, text: &str) -> Change {
    Change::Hides {
        kind: finding.kind.clone(),
        rule: finding.rule.clone(),
        value: text[finding.start..finding.end].to_owned(),
    }
}
