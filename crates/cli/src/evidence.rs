//! `prove`: evidence of single records.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Answer, CommandError, CommandResult};
use super::output::Output;
use super::source::{Input, TrailArgument};
use super::text::{count, one_line};
use super::time::to_micros;
use stinger_audit_trail::read::{InclusionProof, Query};

#[derive(Args)]
#[command(mut_arg("trail", |arg| arg.help("The trail. Default: STINGER_AUDIT_DESTINATION, else ./audit.log")))]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub(super) struct ProveArguments {
    #[command(flatten)]
    source: TrailArgument,
    /// The record with this `seq`. May be repeated
    #[arg(long, value_name = "N", group = "what")]
    seq: Vec<u64>,
    /// All records of this conversation
    #[arg(long, value_name = "ID", group = "what")]
    conversation: Option<String>,
    /// Write the evidence to this file, and a page that explains it to FILE.md. Default: standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace files that exist. A file of a trail is never replaced
    #[arg(long, requires = "output")]
    force: bool,
}

pub(super) fn prove(arguments: &ProveArguments) -> CommandResult {
    let input = arguments.source.open()?;
    let Input::Trail { trail, .. } = &input else {
        return input.trail("prove").map(|_| Answer::Match);
    };
    let output = arguments.output.as_deref();
    // Refused before anything is read.
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
            eprintln!("stinger-audit: no record has that conversation id");
            return Ok(Answer::NoMatch);
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
            "stinger-audit: wrote {} to {}; {} explains what that shows",
            count(seqs.len() as u64, "record"),
            one_line(&path.to_string_lossy()),
            one_line(&page.to_string_lossy())
        );
        return Ok(Answer::Match);
    }
    out.complete()?;
    Ok(Answer::Match)
}

/// The page for whoever gets the evidence. It does not repeat the texts of the records.
fn page_of(evidence: &InclusionProof, path: &Path) -> Result<String, CommandError> {
    let (time, size) = evidence.sealed();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = one_line(&name);
    let mut page = format!(
        "# Evidence from an audit trail\n\n\
         `{name}` holds these records, byte for byte as they are in the trail:\n\n\
         | record | time | type |\n|---|---|---|\n"
    );
    for record in evidence.records()? {
        let kind = one_line(record.event_type.as_str()).replace('|', "\\|");
        let time = to_micros(record.timestamp);
        page.push_str(&format!("| {} | {time} | {kind} |\n", record.seq));
    }
    page.push_str(&format!(
        "\n## What it shows\n\n\
         - Each of these records is one of the {size} records that the trail held when it was sealed at \
         {}, at the place that its number says. Nobody can have changed a byte of it since.\n\
         - The seal is signed with this key:\n\n      {}\n\n\
         ## What it does not show\n\n\
         - Whose key that is. Compare the key, or the checkpoint in the file, with what the operator of the \
         service has published or given to somebody else. `stinger-audit verify` of the trail itself shows that \
         the key follows from its first key.\n\
         - That what a record says is true, or that nothing else happened. It shows what was recorded.\n\
         - Anything about other records. The file holds only hashes of them.\n\n\
         ## How to verify it\n\n    stinger-audit verify {name}\n\n\
         You need neither the trail nor a network. The proofs are in the format \
         `c2sp.org/tlog-proof@v1`, the checkpoint in `c2sp.org/tlog-checkpoint`. Other programs can verify \
         them; the leaf is the line after `record `.\n",
        to_micros(time),
        evidence.key()
    ));
    Ok(page)
}
