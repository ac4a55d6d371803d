//! `index`: builds the indexes of the files that the writer no longer writes to.

use super::exit::{Answer, CommandError, CommandResult};
use super::source::TrailArgument;
use super::{index_cache, text};
use stinger_audit_trail::read::Query;

pub(super) fn run(arguments: &TrailArgument) -> CommandResult {
    let (trail, _) = arguments.open()?.trail("index")?;
    let Some(directory) = index_cache::directory() else {
        return Err(CommandError::Usage(
            "there is no directory for indexes: set XDG_CACHE_HOME or HOME".to_owned(),
        ));
    };
    let (_, built) = index_cache::build(&trail, &Query::new(), directory.clone(), false)?;
    if built.files == 0 {
        eprintln!("stinger-audit: nothing to index: the only file is still being written");
        return Ok(Answer::NoMatch);
    }
    println!(
        "{}, {} new: {:.1} MB, indexes {:.2} MB ({:.2} %) in {}",
        text::count(built.files, "file"),
        built.built,
        built.bytes as f64 / 1e6,
        built.index_bytes as f64 / 1e6,
        built.index_bytes as f64 * 100.0 / built.bytes.max(1) as f64,
        text::one_line(&directory.to_string_lossy()),
    );
    Ok(Answer::Match)
}
