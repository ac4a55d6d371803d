//! Where the records come from: the writer's own rule.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::args::Source;
use super::progress::Progress;
use super::{Trouble, index, text};
use crate::trail::error::{Error, ErrorKind, Unreadable as Why};
use crate::trail::internal::head;

use crate::read::{CheckReport, Csv, Lines, Query, Rows, Stats, Trail};

const DESTINATION: &str = "STINGER_AUDIT_DESTINATION";
const DEFAULT: &str = "./audit.log";

/// The trail that is meant.
pub(super) enum Input {
    Stdin,
    Trail {
        trail: Trail,
        path: PathBuf,
        /// Whether indexes may be used.
        indexes: bool,
    },
}

/// The path that is meant: what was typed, else the first file of the variable, else the default.
pub(super) fn path(typed: Option<&Path>) -> PathBuf {
    if let Some(typed) = typed {
        return typed.to_owned();
    }
    let stated = std::env::var(DESTINATION).unwrap_or_default();
    let mut stated = stated.split(',').map(str::trim);
    match stated.find(|item| !item.is_empty() && *item != "stdout") {
        Some(path) => path.into(),
        None => DEFAULT.into(),
    }
}

impl Input {
    pub(super) fn open(source: &Source) -> Result<Input, Trouble> {
        if source.trail.as_deref() == Some(Path::new("-")) {
            return Ok(Input::Stdin);
        }
        let path = path(source.trail.as_deref());
        match Trail::open(&path) {
            Ok(trail) => match instead(&trail, &path) {
                Some(what) => Err(Trouble::Usage(what)),
                None => Ok(Input::Trail {
                    trail,
                    path,
                    indexes: !source.no_index,
                }),
            },
            Err(error) => Err(explained(error, source.trail.is_some())),
        }
    }

    /// The trail, for what cannot be done with a stream.
    pub(super) fn trail(self, command: &str) -> Result<(Trail, PathBuf), Trouble> {
        match self {
            Input::Trail { trail, path, .. } => Ok((trail, path)),
            Input::Stdin => Err(Trouble::Usage(format!(
                "{command} reads a trail by its name, not from standard input"
            ))),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Input::Stdin => "standard input".to_owned(),
            Input::Trail { path, .. } => path.display().to_string(),
        }
    }

    /// The lines that a query selects, with progress shown while they are read.
    pub(super) fn lines(&self, query: Query) -> (Lines, Progress) {
        match self {
            Input::Trail {
                trail,
                indexes: true,
                ..
            } => {
                let size = size(trail, &query);
                let lines = index::used(trail, &query, query.spares_reading()).lines(query);
                let progress = Progress::of(lines.bytes_read(), size);
                (lines, progress)
            }
            _ => self.evidence(query),
        }
    }

    /// The lines that a query selects, of the files themselves: what is handed on as evidence.
    pub(super) fn evidence(&self, query: Query) -> (Lines, Progress) {
        let size = self.size(&query);
        let lines = match self {
            Input::Stdin => Trail::read_lines(io::stdin(), query),
            Input::Trail { trail, .. } => trail.lines(query),
        };
        let progress = Progress::of(lines.bytes_read(), size);
        (lines, progress)
    }

    /// The same as rows of a table.
    pub(super) fn rows(&self, query: Query, csv: Csv) -> (Rows, Progress) {
        let size = self.size(&query);
        let rows = match self {
            Input::Stdin => Trail::rows_of_reader(io::stdin(), query, csv),
            Input::Trail { trail, .. } => trail.rows(query, csv),
        };
        let progress = Progress::of(rows.bytes_read(), size);
        (rows, progress)
    }

    fn size(&self, query: &Query) -> u64 {
        match self {
            Input::Stdin => 0,
            Input::Trail { trail, .. } => size(trail, query),
        }
    }

    /// What a query comes to.
    pub(super) fn stats(&self, query: Query) -> Stats {
        if let Input::Trail {
            trail,
            indexes: true,
            ..
        } = self
            && query.is_only_times()
        {
            let bytes = size(trail, &query);
            let (mut stats, lines) = index::used(trail, &query, true).counted(query);
            let _progress = Progress::of(lines.bytes_read(), bytes);
            stats.add_lines(lines);
            return stats;
        }
        let (lines, _progress) = self.lines(query);
        Stats::of(lines)
    }
}

/// The bytes of the files of a trail that may hold what a query selects.
pub(super) fn size(trail: &Trail, query: &Query) -> u64 {
    let files = trail.files_of(query).into_iter();
    files
        .filter_map(|file| fs::metadata(file).ok())
        .map(|file| file.len())
        .sum()
}

/// What to do with files in which no record is, if they are no trail. What has a writer's files beside it is one,
/// whatever became of it.
fn instead(trail: &Trail, path: &Path) -> Option<String> {
    let path = path.to_string_lossy();
    let mut what = None;
    for name in trail.names() {
        let beside = [name.lock(), name.journal(), name.checkpoint()];
        if beside.iter().any(|beside| beside.exists()) {
            return None;
        }
        for file in name.files().ok()? {
            what = Some(match kind(&file)? {
                Foreign::Packed => format!(
                    "{path}: it is compressed; unpack it beside the other files, or read it alone: \
                     gunzip -c {path} | stinger-audit query -"
                ),
                Foreign::Binary => {
                    format!("{path}: it is binary, and a trail is text; {DESTINATION_MEANT}")
                }
                Foreign::Text => {
                    format!("{path}: no line of it is a record of a trail; {DESTINATION_MEANT}")
                }
            });
        }
    }
    what
}

const DESTINATION_MEANT: &str = "give the destination that the service writes to";

/// What a file is that is none of a trail.
enum Foreign {
    Packed,
    Binary,
    Text,
}

/// `None`: it may be one of a trail, or cannot be read.
fn kind(file: &Path) -> Option<Foreign> {
    const PACKED: [&[u8]; 5] = [
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"\x28\xb5\x2f\xfd",
        b"\xfd7zXZ",
        b"BZh",
    ];
    let mut begin = Vec::new();
    let opened = fs::File::open(file).ok()?;
    opened.take(64 << 10).read_to_end(&mut begin).ok()?;
    // A trail that has no whole line yet.
    if begin.is_empty() || begin.starts_with(b"{\"seq\":") {
        return None;
    }
    if PACKED.iter().any(|packed| begin.starts_with(packed)) {
        return Some(Foreign::Packed);
    }
    if begin.contains(&0) {
        return Some(Foreign::Binary);
    }
    match head(file) {
        Ok(None) => Some(Foreign::Text),
        _ => None,
    }
}

fn explained(error: Error, is_typed: bool) -> Trouble {
    let ErrorKind::NoTrail { trail, .. } = error.kind() else {
        return Trouble::Trail(error);
    };
    if let Some(remains) = CheckReport::of_remains(trail) {
        let details = remains
            .findings
            .iter()
            .map(|finding| finding.detail.as_str());
        return Trouble::Usage(format!(
            "{}: {}; restore its files, or see what `stinger-audit check` says",
            text::one_line(&trail.to_string_lossy()),
            details.collect::<Vec<_>>().join("; ")
        ));
    }
    match is_typed {
        true => Trouble::Trail(error),
        false => Trouble::Usage(format!(
            "there is no trail {}; name the destination that the service writes to, \
             such as: stinger-audit query /var/log/audit.log",
            trail.display()
        )),
    }
}

/// What could not be read: each told once on stderr, and counted at the end.
#[derive(Default)]
pub(super) struct Unreadable {
    /// A stream may hold other lines; they are not the trail's trouble.
    is_stream: bool,
    foreign: u64,
    /// Hashes of what was found, which may come again where the trail is read again.
    known: HashSet<u64>,
    hasher: RandomState,
    is_partial: bool,
}

/// So many are told one by one.
const TOLD: usize = 5;

impl Unreadable {
    pub(super) fn of(input: &Input) -> Unreadable {
        Unreadable {
            is_stream: matches!(input, Input::Stdin),
            ..Unreadable::default()
        }
    }

    pub(super) fn tell(&mut self, error: &Error) {
        if self.is_stream && is_foreign(error) {
            self.foreign += 1;
            return;
        }
        let is_file = matches!(error.kind(), ErrorKind::Io { .. });
        self.is_partial |= is_file;
        let told = told(error);
        let is_new = self.known.insert(self.hasher.hash_one(&told));
        // Files are few, and each matters.
        if is_new && (is_file || self.known.len() <= TOLD) {
            eprintln!("stinger-audit: {}", text::one_line(&told));
        }
    }

    /// Ends in trouble where a file could not be read: what stands in it is not in the answer.
    pub(super) fn finish(self) -> Result<(), Trouble> {
        if self.known.len() > TOLD {
            eprintln!(
                "stinger-audit: {} more lines could not be read; `stinger-audit check` lists them",
                self.known.len() - TOLD
            );
        }
        if self.foreign > 0 {
            eprintln!(
                "stinger-audit: {} other lines were passed over",
                self.foreign
            );
        }
        match self.is_partial {
            true => Err(Trouble::Told),
            false => Ok(()),
        }
    }
}

fn is_foreign(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreadable {
            reason: Why::Foreign { .. },
            ..
        }
    )
}

/// An error with its cause, and what to do next where the error does not say it.
pub(super) fn told(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            format!(
                "{error:?}; only its owner may read a trail: run this as the user that writes it"
            )
        }
        ErrorKind::Io { .. } => format!("{error:?}; what stands in it is not in this answer"),
        _ => format!("{error:?}"),
    }
}
