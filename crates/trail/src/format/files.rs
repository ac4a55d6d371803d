//! Small operations on files that the standard library leaves to the platform.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file for appending that only its owner may read, making it where it does not exist.
pub fn open_private(path: &Path) -> io::Result<File> {
    open_private_as(
        OpenOptions::new().append(true).create(true).read(true),
        path,
    )
}

/// Opens a file that only its owner may read.
pub fn open_private_as(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        let mut permissions = file.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            file.set_permissions(permissions)?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// Makes a directory and its parents, readable by their owner only where they are new.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Reads at a place without moving the file's cursor, until `buffer` is full or the file ends.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        let at = offset + read as u64;
        #[cfg(unix)]
        let got = std::os::unix::fs::FileExt::read_at(file, &mut buffer[read..], at);
        #[cfg(windows)]
        let got = std::os::windows::fs::FileExt::seek_read(file, &mut buffer[read..], at);
        match got {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Whether the file at `path`, not followed where it is a link, is the one that is open.
pub fn is_same_file(path: &Path, open: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |found: std::fs::Metadata| (found.dev(), found.ino());
        match (path.symlink_metadata(), open.metadata()) {
            (Ok(there), Ok(open)) => id(there) == id(open),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = open;
        path.exists()
    }
}

/// Points the link `link` at `target`, a name in the same directory, in one step.
///
/// A file of that name that is no link is never replaced.
#[cfg(unix)]
pub fn point_link(link: &Path, target: &str) -> io::Result<()> {
    match link.symlink_metadata() {
        Ok(found) if !found.file_type().is_symlink() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file stands where the link to the newest file of the trail belongs",
            ));
        }
        _ => {}
    }
    let mut staged = link.as_os_str().to_owned();
    staged.push(".new");
    let staged = Path::new(&staged);
    // Left by a process that died here; anything but a link is somebody else's.
    if staged
        .symlink_metadata()
        .is_ok_and(|found| found.file_type().is_symlink())
    {
        std::fs::remove_file(staged)?;
    }
    std::os::unix::fs::symlink(target, staged)?;
    std::fs::rename(staged, link)
}

/// Windows needs a privilege for links: the trail does without, and readers list the directory.
#[cfg(not(unix))]
pub fn point_link(_link: &Path, _target: &str) -> io::Result<()> {
    Ok(())
}
