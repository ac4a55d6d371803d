//! `export`: the records that match, for another program or an auditor.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;

use super::args::{Decisions, ExportArguments, Format};
use super::source::{Input, Unreadable};
use super::{Done, Ended, Trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::read::{Csv, Exported, Line, Query};
use crate::record::timestamp_text;
use crate::trail::hostname;

pub(super) fn run(arguments: &ExportArguments) -> Done {
    let input = Input::open(&arguments.source)?;
    let query = arguments.filters.query()?;
    let exported = match &arguments.output {
        None => {
            let mut out = BufWriter::with_capacity(256 << 10, io::stdout());
            let exported = write(arguments, &input, query, &mut out)?;
            out.flush()?;
            exported
        }
        Some(path) => {
            let draft = Draft::begin(path)?;
            let mut out = BufWriter::with_capacity(256 << 10, &draft.file);
            let exported = write(arguments, &input, query, &mut out)?;
            out.flush()
                .map_err(|error| Error::io("write", &draft.path, error))?;
            drop(out);
            draft.complete(path)?;
            exported
        }
    };
    let mut unreadable = Unreadable::of(&input);
    exported
        .unreadable
        .iter()
        .for_each(|error| unreadable.tell(error));
    if let Some(path) = &arguments.output {
        eprintln!(
            "stinger-audit: {} records in {}",
            exported.records,
            path.display()
        );
    }
    unreadable.finish()?;
    Ok(match exported.records {
        0 => Ended::Nothing,
        _ => Ended::Found,
    })
}

fn write(
    arguments: &ExportArguments,
    input: &Input,
    query: Query,
    out: &mut impl Write,
) -> Result<Exported, Trouble> {
    let limit = arguments.limit.unwrap_or(usize::MAX);
    if let Format::Csv = arguments.format {
        let mut csv = Csv::new();
        if arguments.decisions == Decisions::Rows {
            csv = csv.row_a_decision();
        }
        if arguments.csv_raw {
            csv = csv.raw();
        }
        let (rows, _progress) = input.rows(query, csv);
        return Ok(Csv::write_rows(rows.take(limit), out)?);
    }
    let (lines, _progress) = input.evidence(query);
    let lines = lines.take(limit);
    if let Format::Jsonl = arguments.format {
        return each(lines, |line| {
            out.write_all(&line.bytes)?;
            out.write_all(b"\n")
        });
    }
    let head = json!({
        "exported_at": timestamp_text(Utc::now()),
        "exported_by": who(),
        "trail": input.name(),
        "filters": arguments.filters.words(),
        "program": concat!("stinger-audit ", env!("CARGO_PKG_VERSION")),
    });
    write!(out, "{{\"export\":{head},\n\"records\":[")?;
    let mut separator = "\n";
    let exported = each(lines, |line| {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        out.write_all(&line.bytes)
    })?;
    // How many is known at the end, so that memory is bounded.
    let tail = json!({ "records": exported.records, "unreadable": exported.unreadable.len() });
    writeln!(out, "\n],\n\"summary\":{tail}}}")?;
    Ok(exported)
}

fn each(
    lines: impl Iterator<Item = Result<Line>>,
    mut put: impl FnMut(&Line) -> io::Result<()>,
) -> Result<Exported, Trouble> {
    let mut exported = Exported::default();
    for line in lines {
        match line {
            Ok(line) => {
                put(&line)?;
                exported.records += 1;
            }
            Err(error) => exported.unreadable.push(error),
        }
    }
    Ok(exported)
}

/// The user and the machine, as far as the environment tells.
fn who() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let user = user.as_deref().unwrap_or("unknown");
    match hostname() {
        Some(host) => format!("{user}@{host}"),
        None => user.to_owned(),
    }
}

/// A file that gets its name when it is complete. It is readable by its owner only.
struct Draft {
    path: PathBuf,
    file: File,
    is_complete: bool,
}

impl Draft {
    fn begin(path: &Path) -> Result<Draft, Trouble> {
        if path.is_dir() {
            let example = path.join("audit.csv").display().to_string();
            let what = format!(
                "{}: it is a directory; name a file in it, such as {example}",
                path.display()
            );
            return Err(Trouble::Usage(format!("--output {what}")));
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}.part", std::process::id()));
        let draft = PathBuf::from(draft);
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        match options.open(&draft) {
            Ok(file) => Ok(Draft {
                path: draft,
                file,
                is_complete: false,
            }),
            Err(source) => Err(Trouble::from(Error::from(ErrorKind::Io {
                doing: "make",
                path: draft,
                source,
            }))),
        }
    }

    fn complete(mut self, path: &Path) -> Result<(), Trouble> {
        let named = self
            .file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, path));
        named.map_err(|error| Error::io("write", path, error))?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_complete {
            // What is half of an export is none.
            let _ = fs::remove_file(&self.path);
        }
    }
}
