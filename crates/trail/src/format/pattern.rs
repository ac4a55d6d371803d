use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::TrailName;
use crate::error::{Error, InvalidName, Result};

const PID: &str = "{pid}";
const HOSTNAME: &str = "{hostname}";

/// A destination in which `{pid}` and `{hostname}` may stand, to give several processes
/// trails of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(PathBuf);

impl Pattern {
    /// `None`: the path has no placeholder, and is the name of one trail.
    ///
    /// # Errors
    ///
    /// A placeholder that is unknown, or one in the directory.
    pub fn parse(path: &Path) -> Result<Option<Pattern>> {
        let shown = path.to_string_lossy();
        let file = path
            .file_name()
            .map(|file| file.to_string_lossy())
            .unwrap_or_default();
        let rest = file.replace(PID, "").replace(HOSTNAME, "");
        let in_directory = path
            .parent()
            .is_some_and(|parent| parent.to_string_lossy().contains('{'));
        if rest.contains(['{', '}']) || in_directory {
            return Err(Error::name(shown, InvalidName::Placeholder));
        }
        Ok((rest != file).then(|| Pattern(path.to_owned())))
    }

    /// The name of this process's trail.
    pub fn own(&self) -> Result<TrailName> {
        let host = hostname().unwrap_or_else(|| "localhost".to_owned());
        let file = self.file().replace(PID, &std::process::id().to_string());
        TrailName::new(self.0.with_file_name(file.replace(HOSTNAME, &host)))
    }

    /// The names of the trails that exist, of whichever process and host.
    pub fn names(&self) -> io::Result<Vec<TrailName>> {
        self.find(|file| Some(file.to_owned()))
    }

    /// The names of the trails of this host that have left a journal behind.
    pub fn with_journals(&self) -> io::Result<Vec<TrailName>> {
        let host = hostname().unwrap_or_else(|| "localhost".to_owned());
        let here = Pattern(self.0.with_file_name(self.file().replace(HOSTNAME, &host)));
        here.find(|file| file.strip_suffix(".journal").map(str::to_owned))
    }

    fn find(&self, trail_of: impl Fn(&str) -> Option<String>) -> io::Result<Vec<TrailName>> {
        let directory = match self.0.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name();
            let Some(file) = name.to_str().and_then(&trail_of) else {
                continue;
            };
            found.extend(self.plain_name(&file));
        }
        let names = found
            .into_iter()
            .map(|file| TrailName::new(self.0.with_file_name(file)));
        names.collect::<Result<_>>().map_err(io::Error::other)
    }

    /// The plain name of the trail that a file belongs to, if it fits the pattern.
    fn plain_name(&self, file: &str) -> Option<String> {
        if fits(&self.file(), file) {
            return Some(file.to_owned());
        }
        // A dated file: without its date it has the plain name.
        let parts: Vec<&str> = file.split('.').collect();
        (0..parts.len()).rev().find_map(|index| {
            let mut plain = parts.clone();
            let date = plain.remove(index);
            let plain = plain.join(".");
            let name = TrailName::new(self.0.with_file_name(&plain)).ok()?;
            (name.date_of(file) == Some(date) && fits(&self.file(), &plain)).then_some(plain)
        })
    }

    fn file(&self) -> String {
        let file = self.0.file_name().map(|file| file.to_string_lossy());
        file.unwrap_or_default().into_owned()
    }
}

/// Whether a name is the pattern with something in place of each placeholder: digits for
/// `{pid}`, a host's name for `{hostname}`.
fn fits(pattern: &str, name: &str) -> bool {
    let (placeholder, at) = match (pattern.find(PID), pattern.find(HOSTNAME)) {
        (Some(pid), Some(host)) if host < pid => (HOSTNAME, host),
        (Some(pid), _) => (PID, pid),
        (None, Some(host)) => (HOSTNAME, host),
        (None, None) => return pattern == name,
    };
    let Some(rest) = name.strip_prefix(&pattern[..at]) else {
        return false;
    };
    let stands = |character: char| match placeholder {
        PID => character.is_ascii_digit(),
        _ => character.is_ascii_alphanumeric() || "-._".contains(character),
    };
    let longest = rest
        .find(|character| !stands(character))
        .unwrap_or(rest.len());
    (1..=longest).any(|end| fits(&pattern[at + placeholder.len()..], &rest[end..]))
}

/// The name of this host.
pub fn hostname() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_processes_are_found_and_no_neighbours() {
        let dir = tempfile::tempdir().expect("a directory");
        for file in [
            "audit.12.log",
            "audit.345.2026-11-23.log",
            "audit.345.2026-11-24-10.log",
            "audit.log",
            "audit.x.log",
            "audit.12.log.lock",
            "audit.12.log.journal",
            "other.12.log",
        ] {
            fs::write(dir.path().join(file), "").expect("written");
        }
        let pattern = Pattern::parse(&dir.path().join("audit.{pid}.log"))
            .expect("known")
            .expect("one");
        let paths = |names: Vec<TrailName>| {
            let files = names.iter().map(|name| name.file_name(None));
            files.collect::<Vec<_>>()
        };
        assert_eq!(
            paths(pattern.names().expect("readable")),
            ["audit.12.log", "audit.345.log"]
        );
        assert_eq!(
            paths(pattern.with_journals().expect("readable")),
            ["audit.12.log"]
        );
        let own = pattern.own().expect("a name").file_name(None);
        assert_eq!(own, format!("audit.{}.log", std::process::id()));
    }

    #[test]
    fn a_placeholder_that_is_unknown_or_misplaced_is_an_error() {
        for bad in ["a.{host}.log", "a.{pid.log", "{pid}/a.log"] {
            let error = Pattern::parse(Path::new(bad))
                .expect_err("an error")
                .to_string();
            assert!(error.contains("{pid} and {hostname} may stand"), "{error}");
        }
        assert!(Pattern::parse(Path::new("a.log")).expect("fine").is_none());
        assert!(fits("a-{hostname}-{pid}.log", "a-web-1.example-77.log"));
        assert!(!fits("a-{pid}.log", "a-.log"));
    }
}
