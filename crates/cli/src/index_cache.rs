//! The indexes of a trail, kept in the user's cache directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::progress::{Progress, total_bytes};
use super::text;
use stinger_audit_redaction::error::ErrorChain;
use stinger_audit_trail::error::Result;
use stinger_audit_trail::read::{IndexSummary, Query, Trail};

/// Reading a smaller trail takes about as long as reading its indexes.
const LEAST_BYTES: u64 = 32 << 20;

/// The trail with its indexes. Without, if it is small or they cannot be kept.
pub(super) fn with_indexes(trail: &Trail, query: &Query) -> Trail {
    if total_bytes(trail, query) < LEAST_BYTES {
        return trail.clone();
    }
    let built = directory().map(|directory| build(trail, query, directory, true));
    match built {
        Some(Ok((trail, _))) => trail,
        Some(Err(error)) => {
            let error = text::one_line(&ErrorChain(&error).to_string());
            eprintln!("stinger-audit: {error}; reading the files without indexes");
            trail.clone()
        }
        None => trail.clone(),
    }
}

/// Builds the indexes that are missing, those that a query needs if it is to be quick.
pub(super) fn build(
    trail: &Trail,
    query: &Query,
    directory: PathBuf,
    is_quick: bool,
) -> Result<(Trail, IndexSummary)> {
    let trail = trail.clone().indexed(directory)?;
    let read = Arc::<AtomicU64>::default();
    let _progress = Progress::of(read.clone(), total_bytes(&trail, query));
    let summary = trail.index_counting(query, is_quick, &read)?;
    Ok((trail, summary))
}

/// The directory for what this user's programs can build again.
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
