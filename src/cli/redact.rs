//! `tag`: the tags of a known value. `redact --dry-run`: what a change of the rules would do.

use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use super::args::{RedactArguments, TagArguments};
use super::dry_run::{self, Change, Effect};
use super::source::{self, Input, Unreadable};
use super::style::{Out, stdout};
use super::text::one_line;
use super::time::Zone;
use super::{Done, Ended, Trouble};
use crate::redact::{Keys, Redactor, Rules};

pub(super) fn tag(arguments: &TagArguments) -> Done {
    let keys = keys(arguments.keys.as_deref(), arguments.source.trail.as_deref());
    let mut out = stdout();
    for tag in Keys::read(keys)?.tags(&arguments.value) {
        writeln!(out, "{tag}")?;
    }
    out.flush()?;
    Ok(Ended::Found)
}

/// The file of the keys: what was typed, else what the writer makes beside its trail.
fn keys(typed: Option<&Path>, trail: Option<&Path>) -> PathBuf {
    match typed {
        Some(typed) => typed.to_owned(),
        None => source::path(trail).with_file_name("redaction.keys"),
    }
}

pub(super) fn run(arguments: &RedactArguments) -> Done {
    if !arguments.dry_run {
        return Err(Trouble::Usage(
            "a trail is evidence and is never changed; with --dry-run this shows what a change of \
             the rules would hide or expose"
                .to_owned(),
        ));
    }
    let rules = match &arguments.rules {
        Some(path) => Rules::from_file(path)?,
        None => Rules::new(),
    };
    let path = keys(arguments.keys.as_deref(), arguments.source.trail.as_deref());
    let keys = match arguments.keys.is_some() || path.exists() {
        true => Some(Keys::read(path)?),
        false => None,
    };
    let redactor = Redactor::new(rules, keys);
    match Input::open(&arguments.source)? {
        Input::Stdin => text(&redactor),
        Input::Trail { trail, .. } => {
            let mut out = stdout();
            let mut unreadable = Unreadable::default();
            let mut totals = Totals::default();
            for record in trail.query(arguments.filters.query(Zone::UTC)?) {
                let record = match record {
                    Ok(record) => record,
                    Err(error) => {
                        unreadable.tell(&error);
                        continue;
                    }
                };
                for (field, change) in dry_run::in_record(&record, &redactor) {
                    totals.show(&mut out, &format!("#{} {field}", record.seq), &change)?;
                }
            }
            totals.finish(out, unreadable)
        }
    }
}

/// Plain text from standard input, line by line, beside the built-in rules.
fn text(redactor: &Redactor) -> Done {
    let builtin = Redactor::new(Rules::new(), None);
    let mut out = stdout();
    let mut totals = Totals::default();
    for (number, line) in io::stdin().lock().lines().enumerate() {
        for change in dry_run::in_text(&line?, &builtin, redactor) {
            totals.show(&mut out, &format!("line {}", number + 1), &change)?;
        }
    }
    totals.finish(out, Unreadable::default())
}

#[derive(Default)]
struct Totals {
    hidden: u64,
    exposed: u64,
}

impl Totals {
    fn show(&mut self, out: &mut Out, place: &str, change: &Change) -> io::Result<()> {
        let (word, count) = match change.effect {
            Effect::Hides => ("hides", &mut self.hidden),
            Effect::Exposes => ("EXPOSES", &mut self.exposed),
        };
        *count += 1;
        let Change {
            kind, rule, value, ..
        } = change;
        let line = format!("{place} {kind} ({rule}): {value}");
        writeln!(out, "{word:<8} {}", one_line(&line))
    }

    fn finish(self, mut out: Out, unreadable: Unreadable) -> Done {
        out.flush()?;
        eprintln!(
            "stinger-audit: {} would be hidden, {} exposed",
            self.hidden, self.exposed
        );
        unreadable.finish()?;
        Ok(Ended::of(self.hidden + self.exposed > 0))
    }
}
