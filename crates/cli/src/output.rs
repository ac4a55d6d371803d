//! Where an export goes: stdout, a device, or a file that gets its name when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use super::exit::CommandError;
use super::index_cache;
use super::source::Input;
use super::text::{EscapingWriter, one_line};
use stinger_audit_trail::format::TrailName;
use stinger_audit_trail::format::internal::DurableFile;

/// An output that is being written.
pub(super) enum Output {
    Stdout(BufWriter<io::Stdout>),
    Terminal(EscapingWriter<BufWriter<io::Stdout>>),
    /// A pipe or a device that has a name. It is never replaced.
    Device(PathBuf, BufWriter<File>),
    Export(Export),
}

/// A file that gets its name when it is complete. It is readable by its owner only.
pub(super) struct Export {
    draft: BufWriter<DurableFile>,
    target: PathBuf,
    replaces: bool,
}

const BUFFER: usize = 256 << 10;

impl Output {
    /// Opens what was named; stdout if that is nothing or `-`. `input` is the trail that is exported.
    pub(super) fn open(
        typed: Option<&Path>,
        input: &Input,
        replaces: bool,
    ) -> Result<Output, CommandError> {
        let Some(path) = typed.filter(|path| *path != Path::new("-")) else {
            let stdout = io::stdout();
            let is_terminal = stdout.is_terminal();
            let out = BufWriter::with_capacity(BUFFER, stdout);
            return Ok(match is_terminal {
                true => Output::Terminal(EscapingWriter(out)),
                false => Output::Stdout(out),
            });
        };
        if path.is_dir() {
            let example = path.join("audit.csv").display().to_string();
            return Err(refused(
                path,
                &format!("it is a directory; name a file in it, such as {example}"),
            ));
        }
        if is_device(path) {
            let file = File::options().write(true).open(path);
            let file = file.map_err(CommandError::file("open", path))?;
            let out = BufWriter::with_capacity(BUFFER, file);
            return Ok(Output::Device(path.to_owned(), out));
        }
        if is_evidence(path, input) {
            return Err(refused(
                path,
                "it belongs to an audit trail, which is never overwritten; name another file",
            ));
        }
        if path.symlink_metadata().is_ok() && !replaces {
            return Err(refused(
                path,
                "it exists; name another file, or replace it with --force",
            ));
        }
        Ok(Output::Export(Export::begin(path, replaces)?))
    }

    /// Everything was written.
    pub(super) fn complete(self) -> Result<(), CommandError> {
        match self {
            Output::Stdout(mut out) => Ok(out.flush()?),
            Output::Terminal(mut out) => Ok(out.flush()?),
            Output::Device(path, mut out) => {
                Ok(out.flush().map_err(CommandError::file("write", &path))?)
            }
            Output::Export(export) => export.complete(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Stdout(out) => out.write(bytes),
            Output::Terminal(out) => out.write(bytes),
            Output::Device(_, out) => out.write(bytes),
            Output::Export(export) => export.draft.write(bytes),
        }
    }

    /// An export is written out when it is complete.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(out) => out.flush(),
            Output::Terminal(out) => out.flush(),
            Output::Device(_, out) => out.flush(),
            Output::Export(_) => Ok(()),
        }
    }
}

fn refused(path: &Path, why: &str) -> CommandError {
    let path = one_line(&path.to_string_lossy());
    CommandError::Usage(format!("--output {path}: {why}"))
}

/// Names in `/dev` may be links to whatever a process has open.
fn is_device(path: &Path) -> bool {
    let is_special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    is_special || (path.starts_with("/dev") && path.exists())
}

/// Whether a path names a file of a trail, of its writer, of its keys or of its indexes, directly or through links.
fn is_evidence(path: &Path, input: &Input) -> bool {
    let in_directory = || {
        let directory = path.parent().filter(|parent| *parent != Path::new(""));
        let directory = fs::canonicalize(directory.unwrap_or(Path::new(".")));
        Some(directory.ok()?.join(path.file_name()?))
    };
    let places = [in_directory(), fs::canonicalize(path).ok()];
    let mut places = places.into_iter().flatten();
    places.any(|place| {
        let mut names = match input {
            Input::Trail { trail, .. } => trail.names().to_vec(),
            Input::Stdin => Vec::new(),
        };
        let undated: Vec<_> = names.iter().filter_map(undated).collect();
        names.extend(undated);
        // Another trail, which has a writer or had one.
        if let Ok(name) = TrailName::new(&place) {
            let name = undated_or(name);
            let beside = [name.lock(), name.journal(), name.checkpoint()];
            if beside.iter().any(|path| path.exists()) {
                names.push(name);
            }
        }
        names.iter().any(|name| belongs(name, &place)) || is_key(&place) || is_index(&place)
    })
}

/// The trail of a name that has the date of a file in it.
pub(super) fn undated(name: &TrailName) -> Option<TrailName> {
    let file = name.file_name(None);
    let parts: Vec<&str> = file.split('.').collect();
    (1..parts.len()).find_map(|date| {
        let mut parts = parts.clone();
        parts.remove(date);
        let name = TrailName::new(name.directory().join(parts.join("."))).ok()?;
        name.date_of(&file).is_some().then_some(name)
    })
}

fn undated_or(name: TrailName) -> TrailName {
    undated(&name).unwrap_or(name)
}

/// Whether a file belongs to a trail or, beside it, to its writer.
fn belongs(name: &TrailName, place: &Path) -> bool {
    let directory = fs::canonicalize(name.directory());
    if directory.ok().as_deref() != place.parent() {
        return false;
    }
    let Some(file) = place.file_name().and_then(|file| file.to_str()) else {
        return false;
    };
    let plain = name.file_name(None);
    let beside = file.strip_prefix(&plain).map(|rest| {
        const WRITERS: [&str; 5] = [".lock", ".journal", ".sealkey", ".checkpoint", ".replaced-"];
        rest.is_empty() || rest == ".new" || WRITERS.iter().any(|begin| rest.starts_with(begin))
    });
    beside == Some(true) || name.date_of(file).is_some()
}

fn is_key(place: &Path) -> bool {
    let file = place.file_name().unwrap_or_default().to_string_lossy();
    let stated = std::env::var_os("STINGER_AUDIT_REDACTION_KEYS");
    let stated = stated.and_then(|path| fs::canonicalize(path).ok());
    file.starts_with("redaction.keys")
        || file.ends_with(".sealkey")
        || stated.as_deref() == Some(place)
}

fn is_index(place: &Path) -> bool {
    let directory = index_cache::directory().and_then(|path| fs::canonicalize(path).ok());
    directory.is_some_and(|directory| place.starts_with(directory))
}

impl Export {
    fn begin(target: &Path, replaces: bool) -> Result<Export, CommandError> {
        let draft = DurableFile::shared(target).map_err(CommandError::file("create", target))?;
        Ok(Export {
            draft: BufWriter::with_capacity(BUFFER, draft),
            target: target.to_owned(),
            replaces,
        })
    }

    fn complete(self) -> Result<(), CommandError> {
        let failed = CommandError::file("write", &self.target);
        let draft = match self.draft.into_inner() {
            Ok(draft) => draft,
            Err(error) => return Err(failed(error.into_error())),
        };
        let named = match self.replaces {
            true => draft.replace(),
            false => draft.create_new(),
        };
        match named {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(refused(
                &self.target,
                "it was created meanwhile; name another file, or replace it with --force",
            )),
            Err(error) => Err(failed(error)),
            Ok(_) => Ok(()),
        }
    }
}
