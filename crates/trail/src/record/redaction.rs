use super::object::object;

object! {
    /// A value that was replaced in a text of a record: an element of its key `redactions`.
    ///
    /// A text that looks like a placeholder and is not in that list was typed by somebody.
    #[derive(Default)]
    Redaction
    {
        /// What it was, such as `EMAIL`.
        kind "type": String;
        /// The field, and the keys and places in it with `/` between: `prompt`,
        /// `guardrail_decisions/0/reason`, `arguments/to/1`.
        field "field": String;
        /// Where what stands for it begins, in bytes of the redacted text. `None`: a redactor of the
        /// application's own took it out, and knows where.
        start "start": Option<usize>;
        /// Where that ends.
        end "end": Option<usize>;
        /// The id of the key and the tag, where the value is tagged: `k1:9GZ4M2QX7R1B`.
        tag "tag": Option<String>;
        /// The rule that found it.
        rule "rule": String;
    }
}
