//! The table of figures, as the file holds it and as it is printed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cases::CASES;

pub(super) const CALLING: &str = "calling thread";
pub(super) const BEHIND: &str = "behind it";

/// Widths of its columns.
pub(super) const NAME: usize = 28;
pub(super) const FIGURE: usize = 16;
pub(super) const CHANGE: usize = 10;

/// Instructions per record.
pub(super) struct Figures {
    pub(super) calling: i64,
    /// `None`: it isn't asked for.
    pub(super) behind: Option<i64>,
}

#[derive(Default)]
pub(super) struct Table {
    /// What the counts depend on beside the code.
    pub(super) platform: String,
    pub(super) rows: BTreeMap<String, Figures>,
}

const HEAD: &str = "\
# Instructions that a record takes, counted by valgrind's callgrind.
#
#   cargo bench --bench instructions                        compares with these
#   STINGER_BENCH_BLESS=1 cargo bench --bench instructions  writes this file anew
#
# They depend on the processor, the compiler and the C library. Valgrind has no AVX-512 and no SHA
# instructions: SHA-256 counts many times what it takes outside, and is most of what sealing takes here.";

const PLATFORM: &str = "# Made on: ";

impl Table {
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&'static str, &Figures)> {
        CASES
            .iter()
            .filter_map(|case| Some((case.name, self.rows.get(case.name)?)))
    }

    pub(super) fn read(path: &Path) -> Result<Table, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        Table::parse(&text)
    }

    fn parse(text: &str) -> Result<Table, String> {
        let platform = text.lines().find_map(|line| line.strip_prefix(PLATFORM));
        let platform = platform.ok_or(format!("no line begins with {PLATFORM:?}"))?;
        let mut rows = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let (name, figures) = row(line).ok_or(format!(
                "line {number} is not a case that there is and its two figures: {line:?}"
            ))?;
            if rows.insert(name.to_owned(), figures).is_some() {
                return Err(format!("line {number}: {name:?} is there already"));
            }
        }
        match CASES.iter().find(|case| !rows.contains_key(case.name)) {
            Some(case) => Err(format!("no line for {:?}", case.name)),
            None => Ok(Table {
                platform: platform.to_owned(),
                rows,
            }),
        }
    }
}

/// The name of a case that there is, and its figures.
fn row(line: &str) -> Option<(&str, Figures)> {
    let (rest, behind) = line.trim_end().rsplit_once(' ')?;
    let (name, calling) = rest.trim_end().rsplit_once(' ')?;
    let behind = match behind {
        "-" => None,
        figure => Some(ungrouped(figure)?),
    };
    let calling = ungrouped(calling)?;
    let name = name.trim_end();
    let is_known = CASES.iter().any(|case| case.name == name);
    is_known.then_some((name, Figures { calling, behind }))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n#\n{PLATFORM}{}\n#", self.platform)?;
        let name = "# case";
        writeln!(f, "{name:<NAME$}{CALLING:>FIGURE$}{BEHIND:>FIGURE$}")?;
        for (name, figures) in self.in_order() {
            let calling = grouped(figures.calling);
            let behind = figures.behind.map_or("-".to_owned(), grouped);
            writeln!(f, "{name:<NAME$}{calling:>FIGURE$}{behind:>FIGURE$}")?;
        }
        Ok(())
    }
}

pub(super) fn table_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}

/// With a comma in front of each three digits.
pub(super) fn grouped(figure: i64) -> String {
    let digits = figure.unsigned_abs().to_string();
    let mut text = if figure < 0 { "-" } else { "" }.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn ungrouped(text: &str) -> Option<i64> {
    text.replace(',', "").parse().ok()
}
