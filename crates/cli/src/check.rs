//! `check`: whether the trail is complete, and what is missing.

use std::collections::BTreeMap;
use std::io::Write as _;

use clap::Args;

use super::exit::{Answer, CommandError, CommandResult};
use super::progress::{Progress, total_bytes};
use super::source::{Input, TrailArgument};
use super::style::{DisplayOptions, Style, Tone, stdout};
use super::text::{count, one_line};
use stinger_audit_trail::read::{CheckReport, Finding, FindingKind, Query};

#[derive(Args)]
#[command(after_help = "Exit codes: 0 complete, 1 not complete, 2 error.")]
pub(super) struct CheckArguments {
    #[command(flatten)]
    source: TrailArgument,
    /// Show at most N findings of each kind
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Output")]
    limit: usize,
    #[command(flatten)]
    display: DisplayOptions,
}

pub(super) fn run(arguments: &CheckArguments) -> CommandResult {
    let (report, name) = report(&arguments.source)?;
    let style = Style::new(&arguments.display);
    let mut out = stdout();
    let zone = style.zone;
    let mut by_kind: BTreeMap<FindingKind, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        by_kind.entry(finding.kind).or_default().push(finding);
    }
    for (kind, findings) in &by_kind {
        for finding in findings.iter().take(arguments.limit) {
            let place = match &finding.position {
                Some(position) => format!("{position}: "),
                None => String::new(),
            };
            let seq = finding.seq.map_or(String::new(), |seq| format!("#{seq} "));
            let line = one_line(&format!("{place}{seq}{}", finding.detail));
            writeln!(
                out,
                "{}  {line}",
                style.paint(Tone::Bad, &format!("{:<17}", kind.as_str()))
            )?;
        }
        if let Some(more) = findings.len().checked_sub(arguments.limit + 1) {
            let more = format!(
                "{:<17}  and {} more; --limit {} shows them",
                kind.as_str(),
                more + 1,
                findings.len()
            );
            writeln!(out, "{}", style.paint(Tone::Faint, &more))?;
        }
    }
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    let span = match (report.first, report.last) {
        (Some((first, from)), Some((last, to))) => {
            format!(
                "#{first} to #{last}, {} to {}",
                zone.full(from),
                zone.full(to)
            )
        }
        _ => "no record".to_owned(),
    };
    writeln!(
        out,
        "{}: {}, {span}; {}",
        one_line(&name),
        count(report.records, "record"),
        count(report.turns, "turn")
    )?;
    if report.pruned > 0 {
        writeln!(
            out,
            "retention has removed {} before that",
            count(report.pruned, "record")
        )?;
    }
    if report.records > 0 {
        let state = match report.is_closed {
            true => "closed: its writer ended it cleanly",
            false => "open: it is being written, or its writer died",
        };
        writeln!(out, "{state}")?;
    }
    for notice in &report.notices {
        writeln!(out, "note: {}", one_line(notice))?;
    }
    let is_partial = by_kind.contains_key(&FindingKind::Unreadable);
    let (tone, verdict) = match report.findings.len() {
        _ if is_partial => {
            let what =
                "NOT checked: a file could not be read; run this as the user that writes the trail";
            (Tone::Bad, what.to_owned())
        }
        0 if report.records == 0 => {
            let what = "no verdict: the trail has no record";
            (Tone::Doubtful, what.to_owned())
        }
        0 => (Tone::Good, "complete: nothing is missing".to_owned()),
        found => {
            let findings = count(found as u64, "finding");
            (Tone::Bad, format!("NOT complete: {findings}"))
        }
    };
    writeln!(out, "{}", style.paint(tone, &verdict))?;
    out.flush()?;
    if is_partial {
        return Err(CommandError::Reported);
    }
    Ok(Answer::of(report.is_complete() && report.records > 0))
}

/// The report, and the name of what was checked.
fn report(source: &TrailArgument) -> Result<(CheckReport, String), CommandError> {
    let input = match source.open() {
        Ok(input) => input,
        Err(trouble @ CommandError::Usage(_)) => {
            let path = source.path();
            let remains = CheckReport::of_remains(&path).ok_or(trouble)?;
            return Ok((remains, path.to_string_lossy().into_owned()));
        }
        Err(trouble) => return Err(trouble),
    };
    let report = match &input {
        Input::Trail { trail, .. } => {
            let bytes = total_bytes(trail, &Query::new());
            trail.check_watched(|lines| Progress::of(lines.bytes_read(), bytes))
        }
        Input::Stdin => {
            let mut report = CheckReport::of(input.evidence(Query::new()).0);
            let findings = report.findings.len();
            report
                .findings
                .retain(|finding| finding.kind != FindingKind::Foreign);
            match findings - report.findings.len() {
                0 => {}
                foreign => eprintln!(
                    "stinger-audit: skipped {} of other programs",
                    count(foreign as u64, "line")
                ),
            }
            report
        }
    };
    Ok((report, input.name()))
}
