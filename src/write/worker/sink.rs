//! Where lines go: the files of a trail, stdout, a terminal, a FIFO or a device.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::files::{ExistingTrail, Files};
use super::seal_key::KeyWrite;
use super::terminal;
use crate::config::Config;
use crate::destination::{Output, is_null_device};
use crate::environment::Environment;
use crate::error::{Error, InvalidDestination, Result};

pub(crate) enum Sink {
    Files(Box<Files>),
    /// Stdout past the standard library's buffer: a batch is one write.
    Stdout(File),
    /// Stdout for a person's eyes.
    Terminal(File),
    /// Opened at the first write, because a FIFO blocks until somebody reads it.
    Special(PathBuf, Option<File>),
    /// Something that fails when a test wants it to.
    #[cfg(test)]
    Faulty(crate::write::tests::Disk),
}

impl Sink {
    pub(crate) fn open(output: &Output, config: &Config) -> Result<(Sink, ExistingTrail)> {
        match output {
            Output::Files(name) => {
                let (files, found) = Files::open(name, config.rotation)?;
                Ok((Sink::Files(Box::new(files)), found))
            }
            Output::Stdout => {
                let stdout = own_stdout()
                    .map_err(|error| Error::io("write to", Path::new("stdout"), error))?;
                if config.environment.is_guarded()
                    && stdout.metadata().is_ok_and(|found| is_null_device(&found))
                {
                    return Err(Error::destination("stdout", InvalidDestination::NullDevice));
                }
                let for_a_person =
                    config.environment == Environment::Development && io::stdout().is_terminal();
                let sink = match for_a_person {
                    true => Sink::Terminal(stdout),
                    false => Sink::Stdout(stdout),
                };
                Ok((sink, ExistingTrail::default()))
            }
            Output::Special(path) => {
                Ok((Sink::Special(path.clone(), None), ExistingTrail::default()))
            }
        }
    }

    /// Whether it is time for a new file.
    pub(crate) fn rolls(&self) -> bool {
        match self {
            Sink::Files(files) => files.rolls(),
            _ => false,
        }
    }

    /// Begins a new file, where it is time for one. The last line must be whole.
    pub(crate) fn roll(&mut self) -> io::Result<()> {
        match self {
            Sink::Files(files) => files.roll(),
            _ => Ok(()),
        }
    }

    /// Waits until everything written is on the medium, where there is one.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        match self {
            Sink::Files(files) => files.sync(),
            #[cfg(test)]
            Sink::Faulty(faulty) => faulty.flush(),
            Sink::Stdout(_) | Sink::Terminal(_) | Sink::Special(..) => Ok(()),
        }
    }

    /// Begins to sync everything written on another thread, and to write the seal keys after it. `Err`: the caller has
    /// to sync itself.
    pub(crate) fn begin_sync(&mut self, keys: Option<KeyWrite>) -> Result<(), Option<KeyWrite>> {
        match self {
            Sink::Files(files) => files.begin_sync(keys),
            _ => Err(keys),
        }
    }

    /// What became of the sync that was begun. `None`: it is underway.
    pub(crate) fn sync_outcome(&mut self) -> Option<io::Result<()>> {
        match self {
            Sink::Files(files) => files.sync_outcome(),
            _ => Some(Ok(())),
        }
    }

    /// Writes some of `lines`.
    pub(crate) fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let written = match self {
            Sink::Files(files) => files.write(lines),
            Sink::Stdout(stdout) => write_whole_lines(stdout, lines),
            Sink::Terminal(stdout) => {
                stdout.write_all(terminal::pretty(lines).as_bytes())?;
                Ok(lines.len())
            }
            #[cfg(test)]
            Sink::Faulty(faulty) => faulty.write(lines),
            Sink::Special(path, file) => match file {
                Some(file) => file.write(lines),
                None => file
                    .insert(OpenOptions::new().write(true).open(path)?)
                    .write(lines),
            },
        };
        match written {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            written => written,
        }
    }

    /// Whether the lines go to where readers look for them.
    pub(crate) fn is_in_place(&self) -> bool {
        !matches!(self, Sink::Files(files) if !files.is_in_place())
    }

    /// After a panic of the worker: how many bytes the sink took that nobody counted. Only files can tell.
    pub(crate) fn recount(&mut self) -> io::Result<usize> {
        match self {
            Sink::Files(files) => files.recount(),
            _ => Ok(0),
        }
    }
}

/// Writes to stdout past the standard library's buffer, but under its lock, so that the
/// application's own output comes between lines and not into them.
fn write_whole_lines(stdout: &mut File, lines: &[u8]) -> io::Result<usize> {
    let _turn = io::stdout().lock();
    let mut written = 0;
    // Others wait for their turn meanwhile.
    let mut turns = 100;
    loop {
        match stdout.write(&lines[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A pipe that does not block is full for a moment.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && written > 0 && turns > 0 => {
                turns -= 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
                continue;
            }
            Err(error) if written == 0 => return Err(error),
            Err(_) => return Ok(written),
        }
        if written == lines.len() || lines[..written].ends_with(b"\n") {
            return Ok(written);
        }
    }
}

#[cfg(unix)]
fn own_stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn own_stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}
