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
use crate::read::{Csv, Line};
use crate::record::timestamp_text;
use crate::trail::hostname;

pub(super) fn run(arguments: &ExportArguments) -> Done {
    let mut input = Input::open(&arguments.source)?;
    let (lines, progress) = input.evidence(arguments.filters.query()?);
    let lines = lines.take(arguments.limit.unwrap_or(usize::MAX));
    let written = match &arguments.output {
        None => {
            let mut out = BufWriter::with_capacity(256 << 10, io::stdout());
            let written = write(arguments, &input, lines, &mut out)?;
            out.flush()?;
            written
        }
        Some(path) => {
            let draft = Draft::begin(path)?;
            let mut out = BufWriter::with_capacity(256 << 10, &draft.file);
            let written = write(arguments, &input, lines, &mut out)?;
            out.flush()
                .map_err(|error| Error::io("write", &draft.path, error))?;
            drop(out);
            draft.complete(path)?;
            written
        }
    };
    drop(progress);
    let mut unreadable = Unreadable::default();
    written
        .unreadable
        .iter()
        .for_each(|error| unreadable.tell(error));
    unreadable.finish();
    if let Some(path) = &arguments.output {
        eprintln!(
            "stinger-audit: {} records in {}",
            written.records,
            path.display()
        );
    }
    Ok(match written.records {
        0 => Ended::Nothing,
        _ => Ended::Found,
    })
}

struct Written {
    records: u64,
    unreadable: Vec<Error>,
}

fn write(
    arguments: &ExportArguments,
    input: &Input,
    lines: impl Iterator<Item = Result<Line>>,
    out: &mut impl Write,
) -> Result<Written, Trouble> {
    match arguments.format {
        Format::Csv => {
            let mut csv = Csv::new();
            if arguments.decisions == Decisions::Rows {
                csv = csv.row_a_decision();
            }
            if arguments.csv_raw {
                csv = csv.raw();
            }
            let exported = csv.write(lines.map(|line| line.map(|line| line.record)), out)?;
            Ok(Written {
                records: exported.records,
                unreadable: exported.unreadable,
            })
        }
        Format::Jsonl => each(lines, |line| {
            out.write_all(&line.bytes)?;
            out.write_all(b"\n")
        }),
        Format::Json => {
            let head = json!({
                "exported_at": timestamp_text(Utc::now()),
                "exported_by": who(),
                "trail": input.name(),
                "filters": arguments.filters.words(),
                "program": concat!("stinger-audit ", env!("CARGO_PKG_VERSION")),
            });
            write!(out, "{{\"export\":{head},\n\"records\":[")?;
            let mut separator = "\n";
            let written = each(lines, |line| {
                out.write_all(separator.as_bytes())?;
                separator = ",\n";
                out.write_all(&line.bytes)
            })?;
            // How many is known at the end, so that memory is bounded.
            let tail =
                json!({ "records": written.records, "unreadable": written.unreadable.len() });
            writeln!(out, "\n],\n\"summary\":{tail}}}")?;
            Ok(written)
        }
    }
}

fn each(
    lines: impl Iterator<Item = Result<Line>>,
    mut put: impl FnMut(&Line) -> io::Result<()>,
) -> Result<Written, Trouble> {
    let mut written = Written {
        records: 0,
        unreadable: Vec::new(),
    };
    for line in lines {
        match line {
            Ok(line) => {
                put(&line)?;
                written.records += 1;
            }
            Err(error) => written.unreadable.push(error),
        }
    }
    Ok(written)
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
