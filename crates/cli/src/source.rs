//! Where the records come from: the trail that was named, else the one that the writer would write.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{CommandError, explained};
use super::progress::{Progress, total_bytes};
use super::{index_cache, text};
use stinger_audit_trail::error::{Error, ErrorKind, Unreadable};
use stinger_audit_trail::read::{CheckReport, Csv, Lines, Query, Rows, Stats, Trail};

const DESTINATION: &str = "STINGER_AUDIT_DESTINATION";
const DEFAULT: &str = "./audit.log";

/// Which trail to read.
#[derive(Args)]
pub(super) struct TrailArgument {
    /// The trail, one of its files, or `-` for standard input. Default: STINGER_AUDIT_DESTINATION, else ./audit.log
    #[arg(value_name = "TRAIL")]
    pub(super) trail: Option<PathBuf>,
}

/// Which trail to read, by a command that may use its indexes.
#[derive(Args)]
pub(super) struct Source {
    #[command(flatten)]
    trail: TrailArgument,
    /// Read the files without indexes. An index only saves time: it is not evidence
    #[arg(long)]
    no_index: bool,
}

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

impl TrailArgument {
    /// The path that is meant: what was typed, else the first file of the variable, else the default.
    pub(super) fn path(&self) -> PathBuf {
        if let Some(typed) = &self.trail {
            return typed.clone();
        }
        let stated = std::env::var(DESTINATION).unwrap_or_default();
        let mut stated = stated.split(',').map(str::trim);
        match stated.find(|item| !item.is_empty() && *item != "stdout") {
            Some(path) => path.into(),
            None => DEFAULT.into(),
        }
    }

    /// Opens the trail, to be read without indexes.
    pub(super) fn open(&self) -> Result<Input, CommandError> {
        if self.trail.as_deref() == Some(Path::new("-")) {
            return Ok(Input::Stdin);
        }
        let path = self.path();
        match Trail::open(&path) {
            Ok(trail) => match instead(&trail, &path) {
                Some(what) => Err(CommandError::Usage(what)),
                None => Ok(Input::Trail {
                    trail,
                    path,
                    indexes: false,
                }),
            },
            Err(error) => Err(no_trail(error, self.trail.is_some())),
        }
    }
}

impl Source {
    /// Opens the trail, to be read with indexes unless the user wants none.
    pub(super) fn open(&self) -> Result<Input, CommandError> {
        let mut input = self.trail.open()?;
        if let Input::Trail { indexes, .. } = &mut input {
            *indexes = !self.no_index;
        }
        Ok(input)
    }
}

impl Input {
    /// The trail, for what cannot be done with a stream.
    pub(super) fn trail(self, command: &str) -> Result<(Trail, PathBuf), CommandError> {
        match self {
            Input::Trail { trail, path, .. } => Ok((trail, path)),
            Input::Stdin => Err(CommandError::Usage(format!(
                "{command} needs the name of a trail: it cannot read standard input"
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
                let size = total_bytes(trail, &query);
                let lines = match query.spares_reading() {
                    true => index_cache::with_indexes(trail, &query).lines(query),
                    false => trail.lines(query),
                };
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
            Input::Trail { trail, .. } => total_bytes(trail, query),
        }
    }

    /// Counts the records that a query selects.
    pub(super) fn stats(&self, query: Query) -> Stats {
        if let Input::Trail {
            trail,
            indexes: true,
            ..
        } = self
            && query.is_only_times()
        {
            let bytes = total_bytes(trail, &query);
            let (mut stats, lines) = index_cache::with_indexes(trail, &query).counted(query);
            let _progress = Progress::of(lines.bytes_read(), bytes);
            stats.add_lines(lines);
            return stats;
        }
        let (lines, _progress) = self.lines(query);
        Stats::of(lines)
    }
}

/// What to do instead if no file holds a record. Files with a writer's files beside them are a trail, whatever
/// happened to them.
fn instead(trail: &Trail, path: &Path) -> Option<String> {
    let path = path.to_string_lossy();
    let mut what = None;
    for name in trail.names() {
        let beside = [name.lock(), name.journal(), name.checkpoint()];
        if beside.iter().any(|beside| beside.exists()) {
            return None;
        }
        for file in name.files().ok()? {
            what = Some(match foreign(&file)? {
                Foreign::Compressed => format!(
                    "{path} is compressed; unpack it beside the other files, or read it alone: \
                     gunzip -c {path} | stinger-audit query -"
                ),
                Foreign::Binary => {
                    format!("{path} is binary, and a trail is text; {NAME_THE_TRAIL}")
                }
                Foreign::Text => {
                    format!("no line of {path} is a record of a trail; {NAME_THE_TRAIL}")
                }
            });
        }
    }
    what
}

const NAME_THE_TRAIL: &str = "name the destination that the service writes to";

/// What a file is that does not belong to a trail.
enum Foreign {
    Compressed,
    Binary,
    Text,
}

/// `None`: it may belong to a trail, or cannot be read.
fn foreign(file: &Path) -> Option<Foreign> {
    const COMPRESSED: [&[u8]; 5] = [
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
    if COMPRESSED.iter().any(|magic| begin.starts_with(magic)) {
        return Some(Foreign::Compressed);
    }
    if begin.contains(&0) {
        return Some(Foreign::Binary);
    }
    let mut records = Trail::open(file).ok()?.records();
    match records.any(|record| record.is_ok()) {
        true => None,
        false => Some(Foreign::Text),
    }
}

/// Why there is no trail, and what to do.
fn no_trail(error: Error, is_typed: bool) -> CommandError {
    let ErrorKind::NoTrail { trail, .. } = error.kind() else {
        return CommandError::Trail(error);
    };
    if let Some(remains) = CheckReport::of_remains(trail) {
        let details = remains
            .findings
            .iter()
            .map(|finding| finding.detail.as_str());
        return CommandError::Usage(format!(
            "{}: {}; restore its files; `stinger-audit check` says more",
            text::one_line(&trail.to_string_lossy()),
            details.collect::<Vec<_>>().join("; ")
        ));
    }
    match is_typed {
        true => CommandError::Trail(error),
        false => CommandError::Usage(format!(
            "there is no trail {}; name the destination that the service writes to, \
             such as: stinger-audit query /var/log/audit.log",
            trail.display()
        )),
    }
}

/// What could not be read. Each error is printed once on stderr; the end says how many more there were.
#[derive(Default)]
pub(super) struct ReadErrors {
    /// A stream may hold other lines, which are not errors of the trail.
    is_stream: bool,
    foreign: u64,
    /// Hashes of the messages: an error comes again if a trail is read again.
    known: HashSet<u64>,
    hasher: RandomState,
    is_partial: bool,
}

/// So many are printed one by one.
const MOST_PRINTED: usize = 5;

impl ReadErrors {
    pub(super) fn of(input: &Input) -> ReadErrors {
        ReadErrors {
            is_stream: matches!(input, Input::Stdin),
            ..ReadErrors::default()
        }
    }

    pub(super) fn report(&mut self, error: &Error) {
        if self.is_stream && is_foreign(error) {
            self.foreign += 1;
            return;
        }
        let is_file = matches!(error.kind(), ErrorKind::Io { .. });
        self.is_partial |= is_file;
        let message = explained_answer(error);
        let is_new = self.known.insert(self.hasher.hash_one(&message));
        // Files are few, and each matters.
        if is_new && (is_file || self.known.len() <= MOST_PRINTED) {
            eprintln!("stinger-audit: {}", text::one_line(&message));
        }
    }

    /// Fails if a file could not be read: the answer lacks what is in it.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        if self.known.len() > MOST_PRINTED {
            eprintln!(
                "stinger-audit: {} more could not be read; `stinger-audit check` lists them",
                text::count((self.known.len() - MOST_PRINTED) as u64, "line")
            );
        }
        if self.foreign > 0 {
            eprintln!(
                "stinger-audit: skipped {} of other programs",
                text::count(self.foreign, "line")
            );
        }
        match self.is_partial {
            true => Err(CommandError::Reported),
            false => Ok(()),
        }
    }
}

fn is_foreign(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreadable {
            reason: Unreadable::Foreign { .. },
            ..
        }
    )
}

/// An error and its causes. If a file could not be read, what that means for the answer.
fn explained_answer(error: &Error) -> String {
    let explained = explained(error);
    match error.kind() {
        ErrorKind::Io { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => {
            format!("{explained}; the answer lacks what is in it")
        }
        _ => explained,
    }
}
