use std::borrow::Cow;
use std::io::{self, Write};

use super::{Query, Trail};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Decision, GuardrailDecision, Record, timestamp_text};
use crate::trail::json;

/// What an export wrote.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exported {
    /// Records written.
    pub records: u64,
    /// Lines that could not be read: any of them might have been selected.
    pub unreadable: Vec<Error>,
}

/// The columns of a CSV export: the keys of a record, those of the decision that matters most or of
/// the row, and the rest as JSON in `other`.
const COLUMNS: [&str; 25] = [
    "seq",
    "timestamp",
    "event_type",
    "request_id",
    "user_id",
    "session_id",
    "user_ip",
    "user_agent",
    "conversation_id",
    "turn_number",
    "conversation_state",
    "prompt",
    "response",
    "filter_name",
    "decision",
    "reason",
    "confidence",
    "rule_triggered",
    "phase",
    "latency_ms",
    "guardrail_decisions",
    "processing_time_ms",
    "model_used",
    "tokens_processed",
    "other",
];

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
        let failed = |error: io::Error| {
            Error::from(ErrorKind::Export {
                format: "CSV",
                source: error,
            })
        };
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(64 << 10)
            .from_writer(to);
        csv.write_record(COLUMNS)
            .map_err(|error| failed(cause(error)))?;
        let mut put = |record: &Record, decision: Option<&GuardrailDecision>| {
            let cells = self.cells(record, decision);
            csv.write_record(cells.iter().map(|cell| cell.as_bytes()))
                .map_err(|error| failed(cause(error)))
        };
        let exported = each(records, |record| {
            match record.guardrail_decisions.as_slice() {
                [] => put(record, None),
                decisions if self.is_row_a_decision => decisions
                    .iter()
                    .try_for_each(|decision| put(record, Some(decision))),
                decisions => put(record, decisions.iter().min_by_key(|found| weight(found))),
            }
        })?;
        csv.flush().map_err(failed)?;
        Ok(exported)
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
        let decisions = match record.guardrail_decisions.is_empty() {
            true => String::new(),
            false => json::safe_text(&record.guardrail_decisions),
        };
        let other = match record.other.is_empty() {
            true => String::new(),
            false => json::safe_text(&record.other),
        };
        let none = || Cow::Borrowed("");
        [
            number(Some(record.seq)),
            timestamp_text(record.timestamp).into(),
            plain(record.event_type.as_str()),
            text(&record.request_id),
            text(&record.user_id),
            text(&record.session_id),
            text(&record.user_ip),
            text(&record.user_agent),
            text(&record.conversation_id),
            number(record.turn_number),
            text(&record.conversation_state),
            text(&record.prompt),
            text(&record.response),
            decision.map_or_else(none, |found| plain(&found.filter_name)),
            decision.map_or_else(none, |found| plain(found.decision.as_str())),
            decision.map_or_else(none, |found| text(&found.reason)),
            number(decision.and_then(|found| found.confidence)),
            decision.map_or_else(none, |found| text(&found.rule_triggered)),
            decision
                .and_then(|found| found.phase)
                .map_or_else(none, |phase| phase.as_str().into()),
            number(decision.and_then(|found| found.latency_ms)),
            decisions.into(),
            number(record.processing_time_ms),
            text(&record.model_used),
            number(record.tokens_processed),
            other.into(),
        ]
    }
}

/// What the writer said.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
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
fn each(
    records: impl IntoIterator<Item = Result<Record>>,
    mut write: impl FnMut(&Record) -> Result<()>,
) -> Result<Exported> {
    let mut exported = Exported {
        records: 0,
        unreadable: Vec::new(),
    };
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

impl Trail {
    /// Writes the selected records as CSV, a row a record; see [`Csv`] for other ways.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn export_csv(&self, query: Query, to: impl Write) -> Result<Exported> {
        Csv::new().write(self.query(query), to)
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
