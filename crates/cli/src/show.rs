//! `show`: a conversation, one block per turn, with the decisions of guardrails between prompt and response.

use std::collections::HashSet;
use std::io::Write as _;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::exit::{Answer, CommandError, CommandResult};
use super::filters::Filters;
use super::source::{Input, ReadErrors, Source};
use super::style::{DisplayOptions, Style, stdout};
use super::text::{listed, one_line, write_json_line};
use stinger_audit_trail::read::{Conversation, Query, Turn, record_identity};

mod page;
mod turn;

use page::Page;

#[derive(Args)]
#[command(mut_arg("conversation", |arg| arg.hide(true)))]
pub(super) struct ShowArguments {
    /// The id of the conversation, or the beginning of one
    #[arg(value_name = "CONVERSATION", value_parser = NonEmptyStringValueParser::new())]
    id: String,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    filters: Filters,
    /// Show each guardrail that passed on a line of its own
    #[arg(long, help_heading = "Output")]
    all: bool,
    /// Print the lines of the trail, byte for byte
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    display: DisplayOptions,
}

pub(super) fn run(arguments: &ShowArguments) -> CommandResult {
    if !arguments.filters.conversation.is_empty() {
        return Err(CommandError::Usage(format!(
            "show takes one conversation: {}; leave out --conversation, or use query for several",
            arguments.id
        )));
    }
    let filters = arguments.filters.query(arguments.display.zone())?;
    let input = arguments.source.open()?;
    let mut read_errors = ReadErrors::of(&input);
    let Some(id) = resolve(&arguments.id, &input, &mut read_errors)? else {
        return nothing(&input, &arguments.id, read_errors);
    };
    let (lines, progress) = input.lines(Query::new().conversation_id(&id));
    let mut bytes = Vec::new();
    let read = lines.filter_map(|line| {
        let mut line = line.map_err(|error| read_errors.report(&error)).ok()?;
        if arguments.json {
            let identity = record_identity(line.trail, &line.record);
            bytes.push((identity, std::mem::take(&mut line.bytes)));
        }
        Some(line)
    });
    let conversation = Conversation::of(&id, read);
    drop(progress);
    if conversation.turns.is_empty() {
        return nothing(&input, &id, read_errors);
    }
    let is_shown = |turn: &&Turn| turn.records.iter().any(|record| filters.selects(record));
    let shown: Vec<&Turn> = conversation.turns.iter().filter(is_shown).collect();
    if arguments.json {
        let shown: HashSet<_> = shown.iter().flat_map(|turn| turn.identities()).collect();
        let mut out = stdout();
        for (_, bytes) in bytes.iter().filter(|(record, _)| shown.contains(record)) {
            write_json_line(&mut out, bytes)?;
        }
        out.flush()?;
    } else if !shown.is_empty() {
        let style = Style::new(&arguments.display);
        let mut out = stdout();
        let page = Page {
            style: &style,
            all: arguments.all,
            trails: trails(&input),
        };
        page.conversation(&mut out, &conversation, |turn| is_shown(&turn))?;
        out.flush()?;
    }
    let hidden = conversation.turns.len() - shown.len();
    if hidden > 0 {
        eprintln!(
            "stinger-audit: the filters hide {hidden} of {} turns of conversation {}",
            conversation.turns.len(),
            one_line(&conversation.conversation_id)
        );
    }
    read_errors.finish()?;
    Ok(Answer::of(!shown.is_empty()))
}

/// The names of the trails that were merged. None if there is only one.
fn trails(input: &Input) -> Vec<String> {
    match input {
        Input::Trail { trail, .. } if trail.names().len() > 1 => {
            let files = trail.names().iter().map(|name| name.file_name(None));
            files.map(|file| one_line(&file)).collect()
        }
        _ => Vec::new(),
    }
}

fn nothing(input: &Input, id: &str, read_errors: ReadErrors) -> CommandResult {
    eprintln!(
        "stinger-audit: {} has no conversation {}",
        one_line(&input.name()),
        one_line(id)
    );
    read_errors.finish()?;
    Ok(Answer::NoMatch)
}

/// The conversation that is meant: that with exactly this id, else the only one whose id begins with it.
fn resolve(
    typed: &str,
    input: &Input,
    read_errors: &mut ReadErrors,
) -> Result<Option<String>, CommandError> {
    if matches!(input, Input::Stdin) {
        return Ok(Some(typed.to_owned()));
    }
    let exact = Query::new().conversation_id(typed);
    if input.lines(exact.clone()).0.any(|line| line.is_ok()) {
        return Ok(Some(typed.to_owned()));
    }
    let mut ids: Vec<String> = Vec::new();
    for line in input.lines(exact.by_prefix()).0 {
        match line {
            Ok(line) => {
                if let Some(id) = line.record.conversation_id
                    && !ids.contains(&id)
                {
                    ids.push(id);
                }
            }
            Err(error) => read_errors.report(&error),
        }
    }
    match ids.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(id.clone())),
        [first, ..] => Err(CommandError::Usage(format!(
            "{} conversations begin with {typed}: {}; give one, such as: stinger-audit show {first}",
            ids.len(),
            listed(&ids)
        ))),
    }
}
