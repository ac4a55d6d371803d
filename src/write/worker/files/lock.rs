//! The lock of a trail, which only one writer holds.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};

use crate::error::{Error, ErrorKind, Result};
use crate::format::TrailName;
use crate::format::internal::{is_same_file, open_private};

/// The lock that the one writer of a trail holds.
pub(super) struct TrailLock(File);

impl TrailLock {
    pub(super) fn take(name: &TrailName) -> Result<TrailLock> {
        let path = name.lock();
        let mut lock = open_private(&path)
            .map_err(|error| Error::io("write in the directory", name.directory(), error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = File::open(&path).and_then(|mut file| file.read_to_string(&mut holder));
                return Err(Error::from(ErrorKind::Locked {
                    trail: name.path(),
                    pid: read.ok().and_then(|_| holder.trim().parse().ok()),
                }));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path, error)),
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(|error| Error::io("write to", &path, error))?;
        Ok(TrailLock(lock))
    }

    /// Whether the locked file is still the one that other writers would lock.
    pub(super) fn is_in_place(&self, name: &TrailName) -> bool {
        is_same_file(&name.lock(), &self.0)
    }
}

impl Drop for TrailLock {
    /// Closing the file alone would not free the lock: a child that another thread forks holds a copy of the
    /// descriptor until it executes its program.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
