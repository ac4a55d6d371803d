//! `index`: the indexes of the files that the writer has left; and the use of them by other commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::args::{Source, TrailArguments};
use super::progress::Progress;
use super::source::{Input, size};
use super::{Done, Ended, Trouble, text};
use crate::read::{IndexSummary, Query, Trail};
use crate::trail::error::Result;

/// A trail of fewer bytes is read about as fast as its indexes.
const WORTH: u64 = 32 << 20;

pub(super) fn run(arguments: &TrailArguments) -> Done {
    let source = Source {
        trail: arguments.trail.clone(),
        no_index: false,
    };
    let (trail, _) = Input::open(&source)?.trail("index")?;
    let Some(directory) = directory() else {
        return Err(Trouble::Usage(
            "there is no directory for indexes: set XDG_CACHE_HOME or HOME".to_owned(),
        ));
    };
    let (_, done) = made(&trail, &Query::new(), directory.clone(), false)?;
    if done.files == 0 {
        eprintln!("stinger-audit: nothing to index: the only file is still written to");
        return Ok(Ended::Nothing);
    }
    println!(
        "{} files, {} new: {:.1} MB, indexes {:.2} MB ({:.2} %) in {}",
        done.files,
        done.built,
        done.bytes as f64 / 1e6,
        done.index_bytes as f64 / 1e6,
        done.index_bytes as f64 * 100.0 / done.bytes.max(1) as f64,
        text::one_line(&directory.to_string_lossy()),
    );
    Ok(Ended::Found)
}

/// The trail with its indexes, where they are wanted and worth it for a query.
pub(super) fn used(trail: &Trail, query: &Query, is_wanted: bool) -> Trail {
    if !is_wanted || size(trail, query) < WORTH {
        return trail.clone();
    }
    let made = directory().map(|directory| made(trail, query, directory, true));
    match made {
        Some(Ok((trail, _))) => trail,
        Some(Err(error)) => {
            let error = text::safe(&format!("{error:?}"));
            eprintln!("stinger-audit: {error}; the files are read without indexes");
            trail.clone()
        }
        None => trail.clone(),
    }
}

fn made(
    trail: &Trail,
    query: &Query,
    directory: PathBuf,
    is_quick: bool,
) -> Result<(Trail, IndexSummary)> {
    let trail = trail.clone().indexed(directory)?;
    let read = Arc::<AtomicU64>::default();
    let _progress = Progress::of(read.clone(), size(&trail, query));
    let done = trail.index_counting(query, is_quick, &read)?;
    Ok((trail, done))
}

/// Where this user's programs keep what they can make again.
pub(super) fn directory() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let home = || Some(absolute("HOME")?.join(".cache"));
    let caches = absolute("XDG_CACHE_HOME").or_else(home);
    let caches = caches.or_else(|| absolute("LOCALAPPDATA"));
    Some(caches?.join("stinger-audit"))
}
