use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::file::RawLine;
use super::scan::{Make, Merge};
use super::{Query, Trail};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Decision, GuardrailDecision, Record, timestamp_text};
use crate::trail::json;

/// What an export wrote.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Exported {
    /// Records written.
    pub records: u64,
    /// Lines that could not be read: any of them might have been selected.
    pub unreadable: Vec<Error>,
}

/// The columns of a CSV export: the keys of a record, those of the decision that matters most or of
/// the row, and the application's own fields as JSON in `other`.
const COLUMNS: [&str; 46] = [
    "seq",
    "timestamp",
    "event_type",
    "run_id",
    "event_id",
    "event_timestamp",
    "request_id",
    "tenant_id",
    "user_id",
    "session_id",
    "user_ip",
    "user_agent",
    "agent_id",
    "conversation_id",
    "turn_id",
    "turn_number",
    "conversation_state",
    "prompt",
    "response",
    "tool_calls",
    "attachments",
    "filter_name",
    "decision",
    "reason",
    "confidence",
    "rule_triggered",
    "policy",
    "phase",
    "latency_ms",
    "guardrail_decisions",
    "outcome",
    "expects",
    "processing_time_ms",
    "provider",
    "operation",
    "model_requested",
    "model_used",
    "tokens_processed",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "trace_id",
    "span_id",
    "other",
    "problems",
    "redactions",
    "redaction_counts",
];

/// Room for what a row holds beside prompt and response.
const ROW: usize = 512;

/// How records become CSV (RFC 4180). Default: a row a record, safe for spreadsheets.
///
/// No text is cut. A cell that a spreadsheet would take for a formula gets a `'` in
/// front: cells that begin with `=`, `+`, `-`, `@`, a tab or a carriage return, spaces before
/// them or not. Control and bidirectional characters but for tab and line ends stand as `\\uNNNN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Csv {
    is_row_a_decision: bool,
    is_raw: bool,
}

impl Csv {
    /// A row a record, safe for spreadsheets.
    pub fn new() -> Csv {
        Csv::default()
    }

    /// A row for each decision of a record, and one for a record without any. Else a record has
    /// one row, and the decision that matters most stands in it: one that blocks, else one that
    /// failed, changed or warned.
    pub fn row_a_decision(mut self) -> Csv {
        self.is_row_a_decision = true;
        self
    }

    /// For machines: every cell is the text as it is.
    pub fn raw(mut self) -> Csv {
        self.is_raw = true;
        self
    }

    /// Writes records as CSV: a header, then the rows.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn write(
        self,
        records: impl IntoIterator<Item = Result<Record>>,
        to: impl Write,
    ) -> Result<Exported> {
        let records = records.into_iter();
        Csv::write_rows(
            records.map(|record| record.map(|record| self.rows(&record))),
            to,
        )
    }

    /// The same with the rows of each record made already.
    pub(crate) fn write_rows(
        rows: impl Iterator<Item = Result<Vec<u8>>>,
        mut to: impl Write,
    ) -> Result<Exported> {
        let failed = |source: io::Error| {
            Error::from(ErrorKind::Export {
                format: "CSV",
                source,
            })
        };
        let mut header = COLUMNS.join(",");
        header.push_str("\r\n");
        to.write_all(header.as_bytes()).map_err(failed)?;
        let exported = each(rows, |rows| to.write_all(rows).map_err(failed))?;
        to.flush().map_err(failed)?;
        Ok(exported)
    }

    /// The rows of a record, each with its line end.
    fn rows(self, record: &Record) -> Vec<u8> {
        let texts = [&record.prompt, &record.response];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(ROW + texts)
            .from_writer(Vec::new());
        let mut put = |decision: Option<&GuardrailDecision>| {
            let cells = self.cells(record, decision);
            csv.write_record(cells.iter().map(|cell| cell.as_bytes()))
                .expect("invariant: rows have one length, and memory takes what is written");
        };
        match record.guardrail_decisions.as_slice() {
            [] => put(None),
            decisions if self.is_row_a_decision => {
                decisions.iter().for_each(|decision| put(Some(decision)));
            }
            decisions => put(decisions.iter().min_by_key(|found| weight(found))),
        }
        csv.into_inner()
            .expect("invariant: memory takes what is written")
    }

    fn cells<'r>(
        self,
        record: &'r Record,
        decision: Option<&'r GuardrailDecision>,
    ) -> [Cow<'r, str>; COLUMNS.len()] {
        let plain = |text: &'r str| match self.is_raw {
            true => Cow::Borrowed(text),
            false => neutral(text),
        };
        let text = |value: &'r Option<String>| plain(value.as_deref().unwrap_or(""));
        fn number<T: ToString>(value: Option<T>) -> Cow<'static, str> {
            Cow::Owned(value.map(|number| number.to_string()).unwrap_or_default())
        }
        fn json(is_empty: bool, value: &impl Serialize) -> Cow<'static, str> {
            match is_empty {
                true => Cow::Borrowed(""),
                false => json::safe_text(value).into(),
            }
        }
        let none = || Cow::Borrowed("");
        [
            number(Some(record.seq)),
            timestamp_text(record.timestamp).into(),
            plain(record.event_type.as_str()),
            text(&record.run_id),
            text(&record.event_id),
            text(&record.event_timestamp),
            text(&record.request_id),
            text(&record.tenant_id),
            text(&record.user_id),
            text(&record.session_id),
            text(&record.user_ip),
            text(&record.user_agent),
            text(&record.agent_id),
            text(&record.conversation_id),
            text(&record.turn_id),
            number(record.turn_number),
            text(&record.conversation_state),
            text(&record.prompt),
            text(&record.response),
            json(record.tool_calls.is_empty(), &record.tool_calls),
            json(record.attachments.is_empty(), &record.attachments),
            decision.map_or_else(none, |found| plain(&found.filter_name)),
            decision.map_or_else(none, |found| plain(found.decision.as_str())),
            decision.map_or_else(none, |found| text(&found.reason)),
            number(decision.and_then(|found| found.confidence)),
            decision.map_or_else(none, |found| text(&found.rule_triggered)),
            decision.map_or_else(none, |found| text(&found.policy)),
            decision
                .and_then(|found| found.phase)
                .map_or_else(none, |phase| phase.as_str().into()),
            number(decision.and_then(|found| found.latency_ms)),
            json(
                record.guardrail_decisions.is_empty(),
                &record.guardrail_decisions,
            ),
            record
                .outcome
                .map_or_else(none, |outcome| outcome.as_str().into()),
            json(record.expects.is_empty(), &record.expects),
            number(record.processing_time_ms),
            text(&record.provider),
            text(&record.operation),
            text(&record.model_requested),
            text(&record.model_used),
            number(record.tokens_processed),
            number(record.input_tokens),
            number(record.output_tokens),
            text(&record.trace_id),
            text(&record.span_id),
            json(record.other.is_empty(), &record.other),
            json(record.problems.is_empty(), &record.problems),
            json(record.redactions.is_empty(), &record.redactions),
            json(record.redaction_counts.is_empty(), &record.redaction_counts),
        ]
    }
}

/// How much a decision matters: the less the more.
fn weight(decision: &GuardrailDecision) -> u8 {
    match decision.decision {
        Decision::Block => 0,
        Decision::Error => 1,
        Decision::Modify => 2,
        Decision::Warn => 3,
        Decision::Other(_) => 4,
        Decision::Skipped => 5,
        Decision::Allow => 6,
    }
}

/// Calls `write` for each record, and counts.
fn each<T>(
    records: impl IntoIterator<Item = Result<T>>,
    mut write: impl FnMut(&T) -> Result<()>,
) -> Result<Exported> {
    let mut exported = Exported::default();
    for record in records {
        match record {
            Ok(record) => {
                write(&record)?;
                exported.records += 1;
            }
            Err(error) => exported.unreadable.push(error),
        }
    }
    Ok(exported)
}

/// The rows of the records that are selected, made where they are read.
#[derive(Debug)]
pub(crate) struct Rows(Merge<Csv>);

#[cfg(feature = "cli")]
impl Rows {
    pub(crate) fn bytes_read(&self) -> std::sync::Arc<std::sync::atomic::AtomicU64> {
        self.0.bytes_read()
    }
}

impl Iterator for Rows {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(|taken| taken.item))
    }
}

impl Make for Csv {
    type Item = Vec<u8>;

    fn make(&self, _line: &RawLine<'_>, record: Record) -> Vec<u8> {
        self.rows(&record)
    }
}

impl Trail {
    /// Writes the selected records as CSV, a row a record; see [`Csv`] for other ways.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn export_csv(&self, query: Query, to: impl Write) -> Result<Exported> {
        Csv::write_rows(self.rows(query, Csv::new()), to)
    }

    /// The rows of the selected records.
    pub(crate) fn rows(&self, query: Query, csv: Csv) -> Rows {
        Rows(Merge::new(&self.names, query, csv, self.indexes.as_ref()))
    }

    /// The rows of the selected records among the lines of a reader.
    #[cfg(feature = "cli")]
    pub(crate) fn rows_of_reader(
        lines: impl io::Read + Send + 'static,
        query: Query,
        csv: Csv,
    ) -> Rows {
        Rows(Merge::of_reader(Box::new(lines), query, csv))
    }

    /// Writes the selected records as a JSON array, one record a line.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn export_json(&self, query: Query, mut to: impl Write) -> Result<Exported> {
        let failed = |error: io::Error| {
            Error::from(ErrorKind::Export {
                format: "JSON",
                source: error,
            })
        };
        let mut separator = "[\n";
        let exported = each(self.query(query), |record| {
            to.write_all(separator.as_bytes())
                .and_then(|()| json::write_safely(&mut to, record))
                .map_err(failed)?;
            separator = ",\n";
            Ok(())
        })?;
        let end = if exported.records == 0 {
            "[]\n"
        } else {
            "\n]\n"
        };
        to.write_all(end.as_bytes())
            .and_then(|()| to.flush())
            .map_err(failed)?;
        Ok(exported)
    }
}

/// The text, so that no spreadsheet takes it for a formula and no terminal acts on it.
fn neutral(text: &str) -> Cow<'_, str> {
    let text = json::without_controls(text);
    if text
        .trim_start_matches(' ')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
    {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Key;

    #[test]
    fn every_key_has_a_column_in_the_order_of_a_line() {
        let columns = |is_of_decision: bool| {
            let known = COLUMNS.iter().filter_map(|name| Key::of(name));
            known.filter(move |key| key.is_of_decision() == is_of_decision)
        };
        for is_of_decision in [true, false] {
            let keys = Key::ALL.iter().copied();
            let keys = keys.filter(|key| key.is_of_decision() == is_of_decision);
            assert!(columns(is_of_decision).eq(keys));
        }
        assert_eq!(COLUMNS.len(), Key::ALL.len() + 1);
    }
}
