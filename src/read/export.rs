use std::borrow::Cow;
use std::io::{self, Write};

use super::{Query, Trail};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Record, timestamp_text};
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

/// The columns of a CSV export: the keys of a record, the rest as JSON in `other`.
const COLUMNS: [&str; 18] = [
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
    "guardrail_decisions",
    "processing_time_ms",
    "model_used",
    "tokens_processed",
    "other",
];

impl Trail {
    /// Writes the selected records as CSV (RFC 4180): a header, then one row a record.
    ///
    /// No text is cut. A cell that a spreadsheet would take for a formula gets a `'` in
    /// front: cells that begin with `=`, `+`, `-`, `@`, a tab or a carriage return, spaces before
    /// them or not. Control and bidirectional characters but for tab and line ends stand as `\\uNNNN`.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn export_csv(&self, query: Query, to: impl Write) -> Result<Exported> {
        let failed = |error: io::Error| {
            Error::from(ErrorKind::Export {
                format: "CSV",
                source: error,
            })
        };
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(to);
        csv.write_record(COLUMNS)
            .map_err(|error| failed(error.into()))?;
        let exported = self.export(query, |record| {
            csv.write_record(cells(record).iter().map(|cell| cell.as_bytes()))
                .map_err(|error| failed(error.into()))
        })?;
        csv.flush().map_err(failed)?;
        Ok(exported)
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
        let exported = self.export(query, |record| {
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

    fn export(
        &self,
        query: Query,
        mut write: impl FnMut(&Record) -> Result<()>,
    ) -> Result<Exported> {
        let mut exported = Exported {
            records: 0,
            unreadable: Vec::new(),
        };
        for record in self.query(query) {
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
}

fn cells(record: &Record) -> [Cow<'_, str>; COLUMNS.len()] {
    fn text(value: &Option<String>) -> Cow<'_, str> {
        neutral(value.as_deref().unwrap_or(""))
    }
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
    [
        number(Some(record.seq)),
        timestamp_text(record.timestamp).into(),
        neutral(record.event_type.as_str()),
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
        decisions.into(),
        number(record.processing_time_ms),
        text(&record.model_used),
        number(record.tokens_processed),
        other.into(),
    ]
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
