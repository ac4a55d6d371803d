//! What stands under a trail's name when it is opened: adopted if it is the trail's, refused if it is not.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use chrono::Utc;

use super::{file_name, free_name_aside};
use crate::error::{Error, InvalidDestination, Result};
use crate::format::internal::{head, read_at, recent, tail};
use crate::format::{Period, TrailName};

/// Makes `audit.log` what the rotation wants it to be, without losing what is there.
///
/// A trail that rolls has a link of that name. A plain file from a trail that did not roll
/// becomes one of the dated files; one that is no trail is refused. A trail that never rolls
/// has a plain file, and only a link gives way to it. Returns the file that the name has led to, if its name changed.
pub(super) fn adopt_plain_file(name: &TrailName, period: Period) -> Result<Option<String>> {
    let path = name.path();
    let Ok(found) = path.symlink_metadata() else {
        return Ok(None);
    };
    let is_link = found.file_type().is_symlink();
    if is_link {
        refuse_foreign_link(name, &path)?;
    }
    if is_link != (period == Period::Never) {
        return Ok(None);
    }
    if is_link {
        let target =
            fs::read_link(&path).map_err(|error| Error::io("read the link", &path, error))?;
        fs::remove_file(&path).map_err(|error| Error::io("remove the link", &path, error))?;
        return Ok(file_name(&target));
    }
    if found.len() == 0 {
        fs::remove_file(&path).map_err(|error| Error::io("replace the empty", &path, error))?;
        return Ok(None);
    }
    refuse_foreign(&path)?;
    let last = tail(&path)
        .map_err(|error| Error::io("read", &path, error))?
        .last
        .map_or_else(Utc::now, |last| last.timestamp);
    let dated = free_name_aside(name, last.min(Utc::now()));
    fs::rename(&path, &dated).map_err(|error| Error::io("take in", &path, error))?;
    Ok(file_name(&dated))
}

/// How much of a file's end is searched for the format of its writer.
const FORMAT_READ: u64 = 256 << 10;

/// Refuses a file that holds something, but no record and no beginning of one, because it is somebody else's, and a file
/// that a writer of another format wrote. Both are left as they are.
pub(super) fn refuse_foreign(path: &Path) -> Result<()> {
    let found = || -> io::Result<Option<InvalidDestination>> {
        if !path.exists() {
            return Ok(None);
        }
        let first = head(path)?;
        let mut records = first.iter().cloned().chain(recent(path, FORMAT_READ)?.0);
        if let Some(format) = records.find_map(|record| record.other_format()) {
            return Ok(Some(InvalidDestination::OtherFormat(format)));
        }
        if first.is_some() {
            return Ok(None);
        }
        let mut begin = [0; 7];
        let count = read_at(&File::open(path)?, &mut begin, 0)?;
        let is_foreign = !b"{\"seq\":".starts_with(&begin[..count]);
        Ok(is_foreign.then_some(InvalidDestination::NotATrail))
    };
    match found().map_err(|error| Error::io("read", path, error))? {
        None => Ok(()),
        Some(reason) => Err(Error::destination(path.display(), reason)),
    }
}

/// Refuses a link of the trail's name that the trail has not made: what it leads to would be
/// lost sight of.
pub(super) fn refuse_foreign_link(name: &TrailName, path: &Path) -> Result<()> {
    let target = fs::read_link(path).map_err(|error| Error::io("read the link", path, error))?;
    let directory = target.parent().unwrap_or(Path::new(""));
    let is_beside = directory.as_os_str().is_empty() || directory == name.directory();
    let file = target
        .file_name()
        .and_then(|file| file.to_str())
        .unwrap_or_default();
    match is_beside && name.date_of(file).is_some() {
        true => Ok(()),
        false => Err(Error::destination(
            path.display(),
            InvalidDestination::Link(target),
        )),
    }
}
