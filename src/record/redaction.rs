use serde::{Deserialize, Serialize};

/// A value that was replaced in a text of a record: an element of its key `redactions`.
///
/// A text that looks like a placeholder and is not in that list was typed by somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Redaction {
    /// What it was, such as `EMAIL`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The field, and the keys and places in it with `/` between: `prompt`,
    /// `guardrail_decisions/0/reason`, `arguments/to/1`.
    pub field: String,
    /// Where what stands for it begins, in bytes of the redacted text. `None`: a redactor of the
    /// application's own took it out, and knows where.
    pub start: Option<usize>,
    /// Where that ends.
    pub end: Option<usize>,
    /// The id of the key and the tag, where the value is tagged: `k1:9GZ4M2QX7R1B`.
    pub tag: Option<String>,
    /// The rule that found it.
    pub rule: String,
}
