//! Records as CSV.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{ExportSummary, each};
use crate::read::file::RawLine;
use crate::read::line_mapper::LineMapper;
use crate::read::scan::Merge;
use crate::read::{Query, Trail};
use crate::record::key::Key;
use crate::record::{Decision, GuardrailDecision, Record};
use crate::trail::error::{Error, ErrorKind, Result};
use crate::trail::json;

/// The columns: the keys of a record in their order, those of the decision that matters most or of the row in front of
/// `guardrail_decisions`, and the application's own fields as JSON in `other`.
static COLUMNS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut columns = Vec::new();
    for key in Key::ALL.iter().filter(|key| !key.is_of_decision()) {
        match key {
            Key::Decisions => columns.extend(Key::OF_DECISION.map(Key::name)),
            Key::Problems => columns.push("other"),
            _ => {}
        }
        columns.push(key.name());
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
        let header = COLUMNS.join(",") + "\r\n";
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
        const WRITTEN: &str = "invariant: rows have one length, and memory takes what is written";
        let mut of_record = known(record, &record.other);
        if !record.other.is_empty() {
            of_record.insert("other".to_owned(), record.other.clone().into());
        }
        let mut put = |decision: Option<&GuardrailDecision>| {
            let of_decision = decision.map(|decision| known(decision, &decision.other));
            let of_decision = of_decision.unwrap_or_default();
            for column in COLUMNS.iter() {
                let value = of_decision.get(*column).or_else(|| of_record.get(*column));
                let cell = value.map(|value| self.cell(value)).unwrap_or_default();
                csv.write_field(cell.as_bytes()).expect(WRITTEN);
            }
            csv.write_record(None::<&[u8]>).expect(WRITTEN);
        };
        match record.guardrail_decisions.as_slice() {
            decisions if self.is_row_a_decision && !decisions.is_empty() => {
                decisions.iter().for_each(|decision| put(Some(decision)));
            }
            decisions => put(decisions.iter().min_by_key(|found| weight(found))),
        }
        csv.into_inner()
            .expect("invariant: memory takes what is written")
    }

    fn cell(self, value: &Value) -> Cow<'_, str> {
        match value {
            Value::String(text) if self.is_raw => Cow::Borrowed(text),
            Value::String(text) => neutral(text),
            value => Cow::Owned(json::safe_text(value)),
        }
    }
}

/// The known keys of a record or a decision with their values.
fn known(object: &impl Serialize, other: &Map<String, Value>) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(object) else {
        unreachable!("invariant: records and decisions are objects of JSON values");
    };
    fields.retain(|name, _| !other.contains_key(name));
    fields
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
        let names_of = |is_of_decision| {
            let keys = Key::ALL.iter();
            let keys = keys.filter(move |key| key.is_of_decision() == is_of_decision);
            keys.map(|key| key.name())
        };
        for is_of_decision in [true, false] {
            let is_one = |column: &&str| names_of(is_of_decision).any(|name| name == *column);
            let columns = COLUMNS.iter().copied().filter(is_one);
            assert!(columns.eq(names_of(is_of_decision)));
        }
        assert_eq!(COLUMNS.len(), Key::ALL.len() + 1);
    }
}
