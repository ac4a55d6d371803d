//! What a change of rules would do, before it is made.

use super::Redactor;
use super::redactor::Place;

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
        let (before, after) = (self.before.places(text), self.after.places(text));
        let is_covered = |place: &Place, by: &[Place]| {
            by.iter()
                .any(|known| known.start <= place.start && place.end <= known.end)
        };
        let mut changes: Vec<(usize, Change)> = Vec::new();
        for place in after.iter().filter(|place| !is_covered(place, &before)) {
            changes.push((place.start, self.after.hides(place, text)));
        }
        for place in before.iter().filter(|place| !is_covered(place, &after)) {
            let Change::Hides { kind, rule, value } = self.before.hides(place, text) else {
                continue;
            };
            changes.push((place.start, Change::Exposes { kind, rule, value }));
        }
        changes.sort_by_key(|(start, _)| *start);
        changes.into_iter().map(|(_, change)| change).collect()
    }
}

impl Redactor {
    /// What these rules would hide in a text from a trail, which other rules have redacted.
    pub(crate) fn would_hide(&self, text: &str) -> Vec<Change> {
        let places = self.places(text);
        places.iter().map(|place| self.hides(place, text)).collect()
    }

    fn hides(&self, place: &Place, text: &str) -> Change {
        Change::Hides {
            kind: self.kind(place.rule).to_owned(),
            rule: self.name(place.rule).to_owned(),
            value: text[place.start..place.end].to_owned(),
        }
    }
}
