//! `verify`, `checkpoint` and `prove`: whether the trail is what was written, and evidence of it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::args::{ProveArguments, Source, TrailArguments, VerifyArguments};
use super::output::Output;
use super::progress::Progress;
use super::source::{Input, size};
use super::style::{Style, Tone, stdout};
use super::text::{one_line, safe};
use super::{Done, Ended, Trouble};
use crate::read::{InclusionProof, Query, Trail, VerifyOptions, VerifyReport};
use crate::trail::error::Error;
use crate::trail::internal::timestamp_text;

/// The first bytes of a file of evidence.
const EVIDENCE: &[u8] = b"stinger-audit evidence ";

/// Findings of each kind that are shown.
const SHOWN: usize = 50;

pub(super) fn run(arguments: &VerifyArguments) -> Done {
    if let Some(path) = arguments.trail.as_deref().filter(|path| is_evidence(path)) {
        return evidence(path, arguments);
    }
    let mut verify = VerifyOptions::new();
    if let Some(key) = &arguments.key {
        verify = verify.key(key)?;
    }
    for path in &arguments.checkpoint {
        let note = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        verify = verify.checkpoint(&note)?;
    }
    let source = Source {
        trail: arguments.trail.clone(),
        no_index: true,
    };
    let input = Input::open(&source)?;
    let verification = match &input {
        Input::Stdin => Trail::verification_of(io::stdin(), &verify),
        Input::Trail { trail, .. } => trail.verification(&verify)?,
    };
    let bytes = match &input {
        Input::Stdin => 0,
        Input::Trail { trail, .. } => size(trail, &Query::new()),
    };
    let progress = Progress::of(verification.bytes_read(), bytes);
    let verified = verification.run()?;
    drop(progress);
    tell(&input.name(), &verified, arguments)?;
    if !verified.unchecked.is_empty() && verified.findings.is_empty() {
        return Err(Trouble::Told);
    }
    Ok(Ended::of(verified.is_intact()))
}

fn tell(name: &str, verified: &VerifyReport, arguments: &VerifyArguments) -> Result<(), Trouble> {
    let style = Style::new(&arguments.look);
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
        writeln!(out, "and {} findings more", more + 1)?;
    }
    if !verified.findings.is_empty() {
        writeln!(out)?;
    }
    writeln!(
        out,
        "{}: {} records, {} seals",
        one_line(name),
        verified.records,
        verified.seals
    )?;
    for (from, to) in &verified.proven {
        writeln!(out, "proven: records {from} to {}", to - 1)?;
    }
    if let Some(until) = verified.sealed_until {
        writeln!(out, "last seal: {}", style.zone.full(until))?;
    }
    for notice in &verified.notices {
        writeln!(out, "told by the writer: {}", one_line(notice))?;
    }
    for unknown in &verified.unknown {
        let line = format!("cannot be known: {}", one_line(unknown));
        writeln!(out, "{}", style.paint(Tone::Faint, &line))?;
    }
    for unchecked in &verified.unchecked {
        let line = format!("could not be checked: {}", one_line(unchecked));
        writeln!(out, "{}", style.paint(Tone::Bad, &line))?;
    }
    let (tone, verdict) = match verified.findings.len() {
        0 if !verified.unchecked.is_empty() => {
            (Tone::Bad, "NOT checked as it was to be".to_owned())
        }
        0 => (Tone::Good, "intact".to_owned()),
        1 => (Tone::Bad, "NOT intact: 1 finding".to_owned()),
        count => (Tone::Bad, format!("NOT intact: {count} findings")),
    };
    writeln!(out, "{}", style.paint(tone, &verdict))?;
    Ok(out.flush()?)
}

fn is_evidence(path: &Path) -> bool {
    let mut head = [0; EVIDENCE.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == EVIDENCE
}

/// Evidence stands for itself: no trail is asked.
fn evidence(path: &Path, arguments: &VerifyArguments) -> Done {
    let text = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
    let mut out = stdout();
    let style = Style::new(&arguments.look);
    let evidence = match InclusionProof::read(&text) {
        Ok(evidence) => evidence,
        Err(error) => {
            writeln!(out, "{}", safe(&format!("{error:?}")))?;
            writeln!(out, "{}", style.paint(Tone::Bad, "NOT proven"))?;
            out.flush()?;
            return Ok(Ended::Nothing);
        }
    };
    let records = evidence.records()?;
    for record in &records {
        let who = record.user_id.as_deref().unwrap_or("nobody named");
        let line = format!(
            "#{} {} {} for {who}",
            record.seq,
            timestamp_text(record.timestamp),
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
    // The key changes each second: the first one, which is published, has signed little.
    let is_first = |key: &String| evidence.is_of_trail(key);
    if !is_signed && arguments.key.as_ref().map_or(Ok(false), is_first)? {
        let what = "the key that was given is the trail's first, and this is signed by a later one: \
                    `stinger-audit verify --key` of the trail shows whether that descends from it; or compare the checkpoint \
                    with one that was kept, by --checkpoint";
        writeln!(
            out,
            "{}",
            style.paint(Tone::Bad, &format!("could not be checked: {what}"))
        )?;
        out.flush()?;
        return Err(Trouble::Told);
    }
    let mut is_kept = true;
    for path in &arguments.checkpoint {
        let note = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        is_kept &= note == evidence.checkpoint();
    }
    let verdict = match (is_signed, is_kept) {
        (false, _) => (Tone::Bad, "NOT proven: another key has signed it"),
        (_, false) => (
            Tone::Bad,
            "NOT proven by the checkpoint that was given: it is another one",
        ),
        _ if arguments.key.is_none() && arguments.checkpoint.is_empty() => {
            let what = "proven, if that key is the trail's: compare it, or the checkpoint, with what its operator gives";
            (Tone::Good, what)
        }
        _ => (Tone::Good, "proven"),
    };
    writeln!(out, "{}", style.paint(verdict.0, verdict.1))?;
    out.flush()?;
    Ok(Ended::of(is_signed && is_kept))
}

pub(super) fn checkpoint(arguments: &TrailArguments) -> Done {
    let (trail, _) = open(arguments.trail.as_ref(), "checkpoint")?;
    let note = trail.checkpoint()?;
    let mut out = stdout();
    out.write_all(note.as_bytes())?;
    out.flush()?;
    Ok(Ended::Found)
}

fn open(trail: Option<&PathBuf>, command: &str) -> Result<(Trail, PathBuf), Trouble> {
    let source = Source {
        trail: trail.cloned(),
        no_index: true,
    };
    Input::open(&source)?.trail(command)
}

pub(super) fn prove(arguments: &ProveArguments) -> Done {
    let input = Input::open(&Source {
        trail: arguments.trail.clone(),
        no_index: true,
    })?;
    let Input::Trail { trail, .. } = &input else {
        return input.trail("prove").map(|_| Ended::Found);
    };
    let output = arguments.output.as_deref();
    // What cannot be written is refused before anything is read.
    let mut out = Output::open(output, &input, arguments.force)?;
    let page = output.filter(|_| matches!(out, Output::Export(_)));
    let page = page.map(|path| {
        let mut page = path.to_owned().into_os_string();
        page.push(".md");
        PathBuf::from(page)
    });
    let mut page_out = match &page {
        Some(page) => Some(Output::open(Some(page), &input, arguments.force)?),
        None => None,
    };

    let mut seqs = arguments.seq.clone();
    if let Some(conversation) = &arguments.conversation {
        for line in trail.lines(Query::new().conversation_id(conversation)) {
            seqs.push(line?.record.seq);
        }
        if seqs.is_empty() {
            eprintln!("stinger-audit: no record is of that conversation");
            return Ok(Ended::Nothing);
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    let evidence = trail.prove(&seqs)?;
    write!(out, "{evidence}")?;
    if let (Some(path), Some(page), Some(mut page_out)) = (output, page, page_out.take()) {
        page_out.write_all(page_of(&evidence, path)?.as_bytes())?;
        page_out.complete()?;
        out.complete()?;
        eprintln!(
            "stinger-audit: {} records in {}; {} says what that shows",
            seqs.len(),
            one_line(&path.to_string_lossy()),
            one_line(&page.to_string_lossy())
        );
        return Ok(Ended::Found);
    }
    out.complete()?;
    Ok(Ended::Found)
}

/// What a person is told who gets the evidence. Texts of the records are not repeated in it.
fn page_of(evidence: &InclusionProof, path: &Path) -> Result<String, Trouble> {
    let (time, size) = evidence.sealed();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = one_line(&name);
    let mut page = format!(
        "# Evidence from an audit trail\n\n\
         `{name}` holds these records, byte for byte as they stand in the trail:\n\n\
         | record | time | type |\n|---|---|---|\n"
    );
    for record in evidence.records()? {
        let kind = one_line(record.event_type.as_str()).replace('|', "\\|");
        let time = timestamp_text(record.timestamp);
        page.push_str(&format!("| {} | {time} | {kind} |\n", record.seq));
    }
    page.push_str(&format!(
        "\n## What it shows\n\n\
         - Each of these records is one of the {size} records that the trail held when it was sealed at \
         {}, at the place that its number says. Nobody can have changed a byte of it since.\n\
         - The seal is signed with this key:\n\n      {}\n\n\
         ## What it does not show\n\n\
         - Whose key that is. Compare it, or the checkpoint in the file, with what the operator of the \
         service has published or handed to somebody else: the trail itself shows with `stinger-audit \
         verify` that the key descends from its first one.\n\
         - That what a record says is true, or that nothing else happened: it shows what was recorded.\n\
         - Anything of other records: only hashes of them are in the file.\n\n\
         ## How to check it\n\n    stinger-audit verify {name}\n\n\
         Nothing else is needed, neither the trail nor a network. The proofs are in the format \
         `c2sp.org/tlog-proof@v1`, the checkpoint in `c2sp.org/tlog-checkpoint`: other programs can check \
         them, with the line behind `record ` as the leaf.\n",
        timestamp_text(time),
        evidence.key()
    ));
    Ok(page)
}
