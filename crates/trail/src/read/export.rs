//! Exports of records: JSON, and CSV with the feature `csv`.

use std::io::{self, Write};

use super::{Query, Trail};
use crate::error::{Error, ErrorKind, Result};
use crate::format::json;

#[cfg(feature = "csv")]
mod csv;

#[cfg(feature = "csv")]
pub use csv::{Csv, Rows};

/// What an export wrote.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ExportSummary {
    /// Records written.
    pub records: u64,
    /// Lines that could not be read: any of them might have been selected.
    pub unreadable: Vec<Error>,
}

impl Trail {
    /// Writes the selected records as a JSON array, one record a line.
    ///
    /// # Errors
    ///
    /// The writer fails. Lines that cannot be read are returned, and the rest is written.
    pub fn export_json(&self, query: Query, mut to: impl Write) -> Result<ExportSummary> {
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

/// Calls `write` for each record, and counts.
fn each<T>(
    records: impl IntoIterator<Item = Result<T>>,
    mut write: impl FnMut(&T) -> Result<()>,
) -> Result<ExportSummary> {
    let mut exported = ExportSummary::default();
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
