//! Records as CSV.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::LazyLock;

use serde::Serialize;

use super::{ExportSummary, each};
use crate::error::{Error, ErrorKind, Result};
use crate::format::json;
use crate::read::file::RawLine;
use crate::read::line_mapper::LineMapper;
use crate::read::scan::Merge;
use crate::read::{Query, Trail};
use crate::record::key::Key;
use crate::record::{Decision, Field, GuardrailDecision, Outcome, Phase, Record, timestamp_text};

/// The columns of a CSV export: the keys of a record in their order, those of the decision that matters most or of
/// the row in front of `guardrail_decisions`, and the application's own fields as JSON in `other`, which is `None`.
static COLUMNS: LazyLock<Vec<Option<Key>>> = LazyLock::new(|| {
    let mut columns = Vec::new();
    for key in Key::ALL.iter().filter(|key| !key.is_of_decision()) {
        match key {
            Key::Decisions => columns.extend(Key::OF_DECISION.map(Some)),
            Key::Problems => columns.push(None),
            _ => {}
        }
        columns.push(Some(*key));
    }
    columns
});

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
    ) -> Result<ExportSummary> {
        let records = records.into_iter();
        Csv::write_rows(
            records.map(|record| record.map(|record| self.rows(&record))),
            to,
        )
    }

    /// Writes the rows that [`Trail::rows`] has made of records already, below a header.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn write_rows(
        rows: impl Iterator<Item = Result<Vec<u8>>>,
        mut to: impl Write,
    ) -> Result<ExportSummary> {
        let failed = |source: io::Error| {
            Error::from(ErrorKind::Export {
                format: "CSV",
                source,
            })
        };
        let names = COLUMNS.iter().map(|key| key.map_or("other", Key::name));
        let header = names.collect::<Vec<_>>().join(",") + "\r\n";
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
            const WRITTEN: &str =
                "invariant: rows have one length, and memory takes what is written";
            for column in COLUMNS.iter() {
                let cell = self.cell(*column, record, decision);
                csv.write_field(cell.as_bytes()).expect(WRITTEN);
            }
            csv.write_record(None::<&[u8]>).expect(WRITTEN);
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

    fn cell<'r>(
        self,
        column: Option<Key>,
        record: &'r Record,
        decision: Option<&'r GuardrailDecision>,
    ) -> Cow<'r, str> {
        let plain = |text: &'r str| match self.is_raw {
            true => Cow::Borrowed(text),
            false => neutral(text),
        };
        let text = |value: Option<&'r str>| plain(value.unwrap_or(""));
        fn number<T: ToString>(value: Option<T>) -> Cow<'static, str> {
            Cow::Owned(value.map(|number| number.to_string()).unwrap_or_default())
        }
        fn json(value: &(impl Field + Serialize)) -> Cow<'static, str> {
            match value.is_absent() {
                true => Cow::Borrowed(""),
                false => json::safe_text(value).into(),
            }
        }
        match column {
            None if record.other.is_empty() => Cow::Borrowed(""),
            None => json::safe_text(&record.other).into(),
            Some(Key::Seq) => number(Some(record.seq)),
            Some(Key::Timestamp) => timestamp_text(record.timestamp).into(),
            Some(Key::EventType) => plain(record.event_type.as_str()),
            Some(Key::RunId) => text(record.run_id.as_deref()),
            Some(Key::EventId) => text(record.event_id.as_deref()),
            Some(Key::EventTimestamp) => text(record.event_timestamp.as_deref()),
            Some(Key::RequestId) => text(record.request_id.as_deref()),
            Some(Key::ClientRequestId) => text(record.client_request_id.as_deref()),
            Some(Key::TenantId) => text(record.tenant_id.as_deref()),
            Some(Key::UserId) => text(record.user_id.as_deref()),
            Some(Key::SessionId) => text(record.session_id.as_deref()),
            Some(Key::UserIp) => text(record.user_ip.as_deref()),
            Some(Key::UserAgent) => text(record.user_agent.as_deref()),
            Some(Key::AgentId) => text(record.agent_id.as_deref()),
            Some(Key::ConversationId) => text(record.conversation_id.as_deref()),
            Some(Key::TurnId) => text(record.turn_id.as_deref()),
            Some(Key::TurnNumber) => number(record.turn_number),
            Some(Key::TurnNumberUnknown) => number(record.turn_number_unknown),
            Some(Key::ConversationState) => text(record.conversation_state.as_deref()),
            Some(Key::Prompt) => text(record.prompt.as_deref()),
            Some(Key::Response) => text(record.response.as_deref()),
            Some(Key::ToolCalls) => json(&record.tool_calls),
            Some(Key::Attachments) => json(&record.attachments),
            Some(Key::Decisions) => json(&record.guardrail_decisions),
            Some(Key::Outcome) => plain(record.outcome.map_or("", Outcome::as_str)),
            Some(Key::Expects) => json(&record.expects),
            Some(Key::ProcessingTimeMs) => number(record.processing_time_ms),
            Some(Key::Provider) => text(record.provider.as_deref()),
            Some(Key::Operation) => text(record.operation.as_deref()),
            Some(Key::ModelRequested) => text(record.model_requested.as_deref()),
            Some(Key::ModelUsed) => text(record.model_used.as_deref()),
            Some(Key::TokensProcessed) => number(record.tokens_processed),
            Some(Key::InputTokens) => number(record.input_tokens),
            Some(Key::OutputTokens) => number(record.output_tokens),
            Some(Key::TraceId) => text(record.trace_id.as_deref()),
            Some(Key::SpanId) => text(record.span_id.as_deref()),
            Some(Key::FilterName) => plain(decision.map_or("", |found| &found.filter_name)),
            Some(Key::Decision) => plain(decision.map_or("", |found| found.decision.as_str())),
            Some(Key::Reason) => text(decision.and_then(|found| found.reason.as_deref())),
            Some(Key::Confidence) => number(decision.and_then(|found| found.confidence)),
            Some(Key::RuleTriggered) => {
                text(decision.and_then(|found| found.rule_triggered.as_deref()))
            }
            Some(Key::Policy) => text(decision.and_then(|found| found.policy.as_deref())),
            Some(Key::Phase) => plain(
                decision
                    .and_then(|found| found.phase)
                    .map_or("", Phase::as_str),
            ),
            Some(Key::LatencyMs) => number(decision.and_then(|found| found.latency_ms)),
            Some(Key::Problems) => json(&record.problems),
            Some(Key::Redactions) => json(&record.redactions),
            Some(Key::RedactionCounts) => json(&record.redaction_counts),
        }
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

/// The rows of the records that are selected, made where they are read.
#[derive(Debug)]
pub struct Rows(Merge<Csv>);

impl Rows {
    /// How many bytes were read so far, to show progress from another thread.
    pub fn bytes_read(&self) -> std::sync::Arc<std::sync::atomic::AtomicU64> {
        self.0.bytes_read()
    }
}

impl Iterator for Rows {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(|taken| taken.item))
    }
}

impl LineMapper for Csv {
    type Item = Vec<u8>;

    fn item(&self, _line: &RawLine<'_>, record: Record) -> Vec<u8> {
        self.rows(&record)
    }
}

impl Trail {
    /// Writes the selected records as CSV, a row a record; see [`Csv`] for other ways.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn export_csv(&self, query: Query, to: impl Write) -> Result<ExportSummary> {
        Csv::write_rows(self.rows(query, Csv::new()), to)
    }

    /// The rows of the selected records.
    pub fn rows(&self, query: Query, csv: Csv) -> Rows {
        Rows(Merge::new(&self.names, query, csv, self.indexes.as_ref()))
    }

    /// The rows of the selected records among the lines of a reader.
    pub fn rows_of_reader(lines: impl io::Read + Send + 'static, query: Query, csv: Csv) -> Rows {
        Rows(Merge::of_reader(Box::new(lines), query, csv))
    }
}

/// The text, so that no spreadsheet takes it for a formula and no terminal acts on it.
fn neutral(text: &str) -> Cow<'_, str> {
    let text = json::without_controls(text);
    let is_formula = text
        .trim_start_matches(' ')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    match is_formula {
        true => Cow::Owned(format!("'{text}")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_column_in_the_order_of_a_line() {
        for is_of_decision in [true, false] {
            let of = |key: &Key| key.is_of_decision() == is_of_decision;
            let columns = COLUMNS.iter().flatten().copied().filter(of);
            assert!(columns.eq(Key::ALL.iter().copied().filter(of)));
        }
        assert_eq!(COLUMNS.len(), Key::ALL.len() + 1);
    }
}
