//! The ends of a trail: what stands beside it, and whether its last lines are whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Finding, FindingKind};
use crate::error::{Error, Position};
use crate::format::checkpoint::Checkpoint;
use crate::format::{TrailName, tail};
use crate::read::scan::files_in_order;
use crate::read::{CheckReport, Trail};
use crate::record::Record;

/// What stands beside a trail and at the ends of its files.
pub(super) struct End<'n> {
    name: &'n TrailName,
    /// `Err`: a file that is no checkpoint.
    checkpoint: Result<Option<Checkpoint>, PathBuf>,
}

/// Whoever writes a line is not at it for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(100);

impl End<'_> {
    pub(super) fn of(name: &TrailName) -> End<'_> {
        let path = name.checkpoint();
        let checkpoint = match name.read_checkpoint() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(path),
            Ok(note) => Checkpoint::read(&note).map(Some).ok_or(path),
        };
        End { name, checkpoint }
    }

    /// What is wrong behind the record `last`. `unfinished`: a line behind it.
    pub(super) fn judge(
        &self,
        last: Option<u64>,
        is_closed: bool,
        unfinished: Option<Error>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |kind, position: Option<Position>, detail| {
            findings.push(Finding {
                kind,
                seq: None,
                position,
                detail,
            });
        };
        let files = files_in_order(self.name).unwrap_or_default();
        for (place, file) in files.iter().enumerate() {
            let Ok(tail) = tail(file) else {
                continue;
            };
            let is_newest = place + 1 == files.len();
            let is_left = !is_newest || is_closed || !is_written(self.name, file);
            if !tail.is_unended || !is_left {
                continue;
            }
            match tail.torn {
                0 => find(
                    FindingKind::Torn,
                    None,
                    format!("{}: its last line has no line feed", file.display()),
                ),
                // In a file that was left it is told as what it is.
                bytes if is_newest => {
                    let position = unfinished.as_ref().and_then(Error::position).cloned();
                    let detail = match position {
                        Some(_) => format!("the last line has no end ({bytes} bytes)"),
                        None => format!(
                            "{}: its last line has no end ({bytes} bytes)",
                            file.display()
                        ),
                    };
                    find(FindingKind::Torn, position, detail);
                }
                _ => {}
            }
        }
        match &self.checkpoint {
            // The seal that it is of is the record behind those that it is over.
            Ok(Some(checkpoint)) if last.is_none_or(|last| last < checkpoint.size) => {
                let has = last.map_or(0, |last| last + 1);
                let gone = checkpoint.size + 1 - has;
                let records = if gone == 1 {
                    "record is"
                } else {
                    "records are"
                };
                let what = match (last, files.is_empty()) {
                    (Some(last), _) => format!("the trail ends with record {last}"),
                    (None, true) => "the trail has no file".to_owned(),
                    (None, false) => "the trail has no record".to_owned(),
                };
                find(
                    FindingKind::Cut,
                    None,
                    format!(
                        "{gone} {records} gone: the checkpoint beside the trail knows of record {}, and {what}",
                        checkpoint.size
                    ),
                );
            }
            Ok(_) => {}
            Err(path) => find(
                FindingKind::Foreign,
                None,
                format!(
                    "{} is not the checkpoint that was signed, or cannot be read",
                    path.display()
                ),
            ),
        }
        findings
    }
}

/// Whether a process may be writing to this file, whose last line has no end.
fn is_written(name: &TrailName, file: &Path) -> bool {
    let pid = fs::read_to_string(name.lock()).ok();
    let pid = pid.and_then(|pid| pid.trim().parse::<u32>().ok());
    let processes = Path::new("/proc");
    let runs = pid.is_some_and(|pid| {
        !processes.join("self").exists() || processes.join(pid.to_string()).exists()
    });
    let length = || file.metadata().map(|found| found.len()).ok();
    let modified = file.metadata().and_then(|found| found.modified());
    let is_fresh = modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < PATIENCE));
    // Processes of another container are not seen, what they write is.
    let grows = || {
        let before = length();
        std::thread::sleep(MOMENT);
        before != length()
    };
    is_fresh && (runs || grows())
}

impl Trail {
    /// What [`check`](Trail::check) finds at the ends of the trails, without reading the rest.
    pub fn check_ends(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for name in &self.names {
            let end = End::of(name);
            let newest = files_in_order(name).ok().and_then(|mut files| files.pop());
            let last = newest.and_then(|newest| tail(&newest).ok()?.last);
            let is_closed = last.as_ref().is_some_and(Record::ends_trail);
            findings.extend(end.judge(last.map(|last| last.seq), is_closed, None));
        }
        findings
    }
}

impl CheckReport {
    /// What is left of a trail that has no file any more. `None`: there was none.
    #[doc(hidden)]
    pub fn of_remains(path: &Path) -> Option<CheckReport> {
        let name = TrailName::new(path).ok()?;
        if !name.files().ok()?.is_empty() {
            return None;
        }
        let end = End::of(&name);
        let mut findings = end.judge(None, false, None);
        if findings.is_empty() && name.journal().exists() {
            findings.push(Finding {
                kind: FindingKind::Cut,
                seq: None,
                position: None,
                detail: format!(
                    "the files of the trail are gone, and how many records with them is not known; {} is left",
                    name.journal().display()
                ),
            });
        }
        (!findings.is_empty()).then(|| CheckReport {
            findings,
            ..CheckReport::default()
        })
    }
}
