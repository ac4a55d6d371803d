//! Where records go, as a person writes it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, InvalidDestination, Result};
use crate::format::TrailName;
use crate::format::internal::Pattern;

/// One destination as it was written: a path, or `stdout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(PathBuf);

/// One or more destinations.
///
/// The first that names a file is *the trail*: it counts the records, and its failures are
/// the audit's failures. The others get copies of its lines and never hold it up. `stdout`
/// is the trail only where no file is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations(Vec<Destination>);

impl<P: Into<PathBuf>> From<P> for Destination {
    fn from(path: P) -> Self {
        Destination(path.into())
    }
}

impl From<&str> for Destinations {
    fn from(destination: &str) -> Self {
        Destinations(vec![destination.into()])
    }
}

impl From<String> for Destinations {
    fn from(destination: String) -> Self {
        Destinations(vec![destination.into()])
    }
}

impl From<&Path> for Destinations {
    fn from(destination: &Path) -> Self {
        Destinations(vec![destination.into()])
    }
}

impl From<&PathBuf> for Destinations {
    fn from(destination: &PathBuf) -> Self {
        Destinations(vec![destination.into()])
    }
}

impl From<PathBuf> for Destinations {
    fn from(destination: PathBuf) -> Self {
        Destinations(vec![destination.into()])
    }
}

impl<D: Into<Destination>, const N: usize> From<[D; N]> for Destinations {
    fn from(destinations: [D; N]) -> Self {
        Destinations(destinations.into_iter().map(Into::into).collect())
    }
}

impl<D: Into<Destination>> From<Vec<D>> for Destinations {
    fn from(destinations: Vec<D>) -> Self {
        Destinations(destinations.into_iter().map(Into::into).collect())
    }
}

/// A destination as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Files(TrailName),
    /// A FIFO or a device: only ever a copy.
    Special(PathBuf),
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Stdout => f.write_str("stdout"),
            Output::Files(name) => write!(f, "{}", name.path().display()),
            Output::Special(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The destinations of a trail: the trail itself and its copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outputs {
    pub(crate) trail: Output,
    pub(crate) copies: Vec<Output>,
    /// The trail's destination, where it gives each process a trail of its own.
    pub(crate) pattern: Option<Pattern>,
}

impl Destinations {
    pub(crate) fn from_list(list: &str) -> Destinations {
        Destinations(list.split(',').map(|item| item.trim().into()).collect())
    }

    /// Whether none of them would keep a record: they are empty, or the null device.
    pub(crate) fn keep_nothing(&self) -> bool {
        self.0.iter().all(|Destination(path)| {
            path.to_string_lossy().trim().is_empty()
                || path.metadata().is_ok_and(|found| is_null_device(&found))
        })
    }

    pub(crate) fn resolve(&self) -> Result<Outputs> {
        let mut copies: Vec<Output> = Vec::new();
        let mut pattern = None;
        for Destination(path) in &self.0 {
            let (output, found) = Output::parse(path)?;
            if copies.contains(&output) {
                return Err(Error::destination(output, InvalidDestination::Twice));
            }
            let is_trail = matches!(output, Output::Files(_))
                && !copies
                    .iter()
                    .any(|output| matches!(output, Output::Files(_)));
            if is_trail {
                pattern = found;
            }
            copies.push(output);
        }
        let trail = copies
            .iter()
            .position(|output| matches!(output, Output::Files(_)))
            .or_else(|| copies.iter().position(|output| *output == Output::Stdout));
        match (trail, copies.first()) {
            (Some(trail), _) => Ok(Outputs {
                trail: copies.remove(trail),
                copies,
                pattern,
            }),
            (None, Some(special)) => Err(Error::destination(special, InvalidDestination::Special)),
            (None, None) => Err(Error::destination("", InvalidDestination::None)),
        }
    }
}

impl Output {
    fn parse(path: &Path) -> Result<(Output, Option<Pattern>)> {
        let shown = path.to_string_lossy();
        if shown.eq_ignore_ascii_case("stdout") || shown == "/dev/stdout" {
            return Ok((Output::Stdout, None));
        }
        let mistaken = if shown.eq_ignore_ascii_case("stderr") {
            Some(InvalidDestination::Stderr)
        } else if shown.starts_with(['~', '$']) {
            Some(InvalidDestination::NotExpanded)
        } else if shown.starts_with('-') {
            Some(InvalidDestination::Hyphen)
        } else {
            let url = shown.split_once("://");
            url.map(|(scheme, rest)| match scheme {
                "file" => InvalidDestination::FileUrl(rest.to_owned()),
                scheme => InvalidDestination::Url(scheme.to_owned()),
            })
        };
        if let Some(reason) = mistaken {
            return Err(Error::destination(shown, reason));
        }
        let pattern = Pattern::parse(path)?;
        let name = match &pattern {
            Some(pattern) => pattern.own()?,
            None => TrailName::new(path)?,
        };
        match path.metadata() {
            Ok(found) if !found.is_file() && !found.is_dir() => {
                if is_null_device(&found) {
                    return Err(Error::destination(shown, InvalidDestination::NullDevice));
                }
                Ok((Output::Special(path.to_owned()), None))
            }
            _ => Ok((Output::Files(name), pattern)),
        }
    }
}

/// Whether this is the null device, under whatever name.
#[cfg(unix)]
pub(crate) fn is_null_device(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let null = Path::new("/dev/null").metadata();
    found.file_type().is_char_device() && null.is_ok_and(|null| null.rdev() == found.rdev())
}

#[cfg(not(unix))]
pub(crate) fn is_null_device(_found: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(destinations: impl Into<Destinations>) -> String {
        destinations
            .into()
            .resolve()
            .expect_err("an error")
            .to_string()
    }

    #[test]
    fn the_first_file_is_the_trail_and_the_rest_are_copies() {
        let outputs = Destinations::from(["stdout", "/logs/a.log", "/logs/b.log"])
            .resolve()
            .expect("outputs");
        assert_eq!(outputs.trail.to_string(), "/logs/a.log");
        let copies: Vec<_> = outputs.copies.iter().map(Output::to_string).collect();
        assert_eq!(copies, ["stdout", "/logs/b.log"]);
        let alone = Destinations::from("STDOUT").resolve().expect("outputs");
        assert_eq!(alone.trail, Output::Stdout);
    }

    #[test]
    fn an_impossible_destination_says_what_to_do() {
        for (destination, says) in [
            ("", "it is empty"),
            ("/dev/null", "it keeps nothing"),
            (
                "/tmp",
                "it is a directory; name a file in it, such as /tmp/audit.log",
            ),
            ("logs/", "it is a directory"),
            ("s3://bucket/key", "the scheme \"s3\" is unknown"),
            (
                "file:///var/log/audit.log",
                "write the path itself: /var/log/audit.log",
            ),
            ("stderr", "use \"stdout\""),
            ("~/audit.log", "not expanded"),
            ("$HOME/audit.log", "not expanded"),
            ("-", "write \"stdout\""),
            (" ", "it is empty"),
            ("/dev/full", "can hold a copy but not the trail"),
        ] {
            let message = message(destination);
            assert!(message.contains(says), "{destination:?}: {message}");
        }
        assert!(message(["a.log", "a.log"]).contains("named twice"));
        assert!(message(Vec::<String>::new()).contains("list of destinations is empty"));
    }
}
