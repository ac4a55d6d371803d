//! `verify` and `checkpoint`: whether the trail, or evidence of some of its records, is what was written.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Answer, CommandError, CommandResult};
use super::progress::{Progress, total_bytes};
use super::source::{Input, TrailArgument};
use super::style::{DisplayOptions, Style, Tone, stdout};
use super::text::{count, one_line, safe};
use super::time::to_micros;
use stinger_audit_redaction::error::ErrorChain;
use stinger_audit_trail::read::{InclusionProof, Query, Trail, VerifyOptions, VerifyReport};

#[derive(Args)]
#[command(after_help = "Exit codes: 0 intact, 1 not intact, 2 error or no verdict.")]
#[command(mut_arg("trail", |arg| arg.help("The trail, a file of evidence from `prove`, or `-` for standard input")))]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    source: TrailArgument,
    /// The trail's first key: `identity` in its trail_opened record, printed when the trail was begun. For evidence:
    /// the key that must have signed it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A checkpoint that you kept: the trail must extend it. May be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    #[command(flatten)]
    display: DisplayOptions,
}

/// The first bytes of a file of evidence.
const EVIDENCE: &[u8] = b"stinger-audit evidence ";

/// So many findings are shown.
const SHOWN: usize = 50;

pub(super) fn run(arguments: &VerifyArguments) -> CommandResult {
    let typed = arguments.source.trail.as_deref();
    if let Some(path) = typed.filter(|path| is_evidence(path)) {
        return verify_evidence(path, arguments);
    }
    let mut verify = VerifyOptions::new();
    if let Some(key) = &arguments.key {
        verify = verify.key(key)?;
    }
    for path in &arguments.checkpoint {
        let note = fs::read_to_string(path).map_err(CommandError::file("read", path))?;
        verify = verify.checkpoint(&note)?;
    }
    let input = arguments.source.open()?;
    let verification = match &input {
        Input::Stdin => Trail::verification_of(io::stdin(), &verify),
        Input::Trail { trail, .. } => trail.verification(&verify)?,
    };
    let bytes = match &input {
        Input::Stdin => 0,
        Input::Trail { trail, .. } => total_bytes(trail, &Query::new()),
    };
    let progress = Progress::of(verification.bytes_read(), bytes);
    let verified = verification.run()?;
    drop(progress);
    print(&input.name(), &verified, arguments)?;
    if !verified.unchecked.is_empty() && verified.findings.is_empty() {
        return Err(CommandError::Reported);
    }
    Ok(Answer::of(verified.is_intact()))
}

fn print(
    name: &str,
    verified: &VerifyReport,
    arguments: &VerifyArguments,
) -> Result<(), CommandError> {
    let style = Style::new(&arguments.display);
    let mut out = stdout();
    for finding in verified.findings.iter().take(SHOWN) {
        let place = match &finding.position {
            Some(position) => format!("{position}: "),
            None => String::new(),
        };
        let seq = finding.seq.map_or(String::new(), |seq| format!("#{seq} "));
        let line = one_line(&format!("{place}{seq}{}", finding.detail));
        let kind = style.paint(Tone::Bad, &format!("{:<12}", finding.kind.as_str()));
        writeln!(out, "{kind}  {line}")?;
    }
    if let Some(more) = verified.findings.len().checked_sub(SHOWN + 1) {
        writeln!(out, "and {} more", count(more as u64 + 1, "finding"))?;
    }
    if !verified.findings.is_empty() {
        writeln!(out)?;
    }
    writeln!(
        out,
        "{}: {}, {}",
        one_line(name),
        count(verified.records, "record"),
        count(verified.seals, "seal")
    )?;
    for (from, to) in &verified.proven {
        writeln!(out, "proven: records {from} to {}", to - 1)?;
    }
    if let Some(until) = verified.sealed_until {
        writeln!(out, "last seal: {}", style.zone.full(until))?;
    }
    for notice in &verified.notices {
        writeln!(out, "reported by the writer: {}", one_line(notice))?;
    }
    for unknown in &verified.unknown {
        let line = format!("cannot be proven: {}", one_line(unknown));
        writeln!(out, "{}", style.paint(Tone::Faint, &line))?;
    }
    for unchecked in &verified.unchecked {
        let line = format!("not checked: {}", one_line(unchecked));
        writeln!(out, "{}", style.paint(Tone::Bad, &line))?;
    }
    let (tone, verdict) = match verified.findings.len() {
        0 if !verified.unchecked.is_empty() => (Tone::Bad, "NOT fully checked".to_owned()),
        0 => (Tone::Good, "intact".to_owned()),
        found => {
            let findings = count(found as u64, "finding");
            (Tone::Bad, format!("NOT intact: {findings}"))
        }
    };
    writeln!(out, "{}", style.paint(tone, &verdict))?;
    Ok(out.flush()?)
}

fn is_evidence(path: &Path) -> bool {
    let mut head = [0; EVIDENCE.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == EVIDENCE
}

/// Verifies evidence by itself: no trail is needed.
fn verify_evidence(path: &Path, arguments: &VerifyArguments) -> CommandResult {
    let text = fs::read_to_string(path).map_err(CommandError::file("read", path))?;
    let mut out = stdout();
    let style = Style::new(&arguments.display);
    let evidence = match InclusionProof::read(&text) {
        Ok(evidence) => evidence,
        Err(error) => {
            writeln!(out, "{}", safe(&ErrorChain(&error).to_string()))?;
            writeln!(out, "{}", style.paint(Tone::Bad, "NOT proven"))?;
            out.flush()?;
            return Ok(Answer::NoMatch);
        }
    };
    let records = evidence.records()?;
    for record in &records {
        let who = record.user_id.as_deref().unwrap_or("no known user");
        let line = format!(
            "#{} {} {} for {who}",
            record.seq,
            to_micros(record.timestamp),
            record.event_type
        );
        writeln!(out, "{}", one_line(&line))?;
    }
    let (time, size) = evidence.sealed();
    writeln!(
        out,
        "{} of the {size} records that were sealed at {}",
        records.len(),
        style.zone.full(time)
    )?;
    writeln!(out, "signed by {}", one_line(&evidence.key()))?;
    let is_signed = match &arguments.key {
        Some(key) => evidence.is_signed_by(key)?,
        None => true,
    };
    // The key changes every second, so the first one, which is published, has signed little.
    let is_first = |key: &String| evidence.is_of_trail(key);
    if !is_signed && arguments.key.as_ref().map_or(Ok(false), is_first)? {
        let what = "this is the trail's first key, and a later one has signed the evidence: verify the trail with \
                    --key to show that the later key follows from the first, or compare the evidence with a \
                    checkpoint that you kept, by --checkpoint";
        writeln!(
            out,
            "{}",
            style.paint(Tone::Bad, &format!("not checked: {what}"))
        )?;
        out.flush()?;
        return Err(CommandError::Reported);
    }
    let mut is_same = true;
    for path in &arguments.checkpoint {
        let note = fs::read_to_string(path).map_err(CommandError::file("read", path))?;
        is_same &= note == evidence.checkpoint();
    }
    let verdict = match (is_signed, is_same) {
        (false, _) => (Tone::Bad, "NOT proven: it is signed with another key"),
        (_, false) => (
            Tone::Bad,
            "NOT proven: the evidence holds another checkpoint than the one given",
        ),
        _ if arguments.key.is_none() && arguments.checkpoint.is_empty() => {
            let what = "proven, if this is a key of the trail: compare the key, or the checkpoint, with what its operator publishes";
            (Tone::Good, what)
        }
        _ => (Tone::Good, "proven"),
    };
    writeln!(out, "{}", style.paint(verdict.0, verdict.1))?;
    out.flush()?;
    Ok(Answer::of(is_signed && is_same))
}

pub(super) fn checkpoint(arguments: &TrailArgument) -> CommandResult {
    let (trail, _) = arguments.open()?.trail("checkpoint")?;
    let note = trail.checkpoint()?;
    let mut out = stdout();
    out.write_all(note.as_bytes())?;
    out.flush()?;
    Ok(Answer::Match)
}
