//! The directory of a log: its lock, its free space, and what is in it.
//!
//! ```text
//! <directory>/lock          held (flock) while the log is open
//! <directory>/journal*      every batch, synced before it is answered; see `journal`
//! <directory>/db, conf, snap.*, blobs/   the index: a sled database that can be built from the journal; see `index`
//! <directory>/closed        that the index is whole, as it was closed; see `closed`
//! <directory>/watermark     how far the log was durable, see `watermark`
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A directory that this log has locked.
pub(super) struct Directory {
    path: PathBuf,
    free_space_bytes_min: u64,
    _lock: File,
}

impl Directory {
    /// Makes the directory where it is missing, and takes its lock.
    pub(super) fn lock(path: &Path, free_space_bytes_min: u64) -> Result<Self, Error> {
        let io = |doing: &str, error| Error::io(doing, &error);
        let is_new = !path.exists();
        fs::create_dir_all(path).map_err(|error| io("create the directory of the log", error))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(|error| io("open `lock` of the log", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::AlreadyOpen { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io("lock the log", error)),
        }
        // The directory's own name; those in it are synced by whoever makes them.
        if let Some(parent) = path.parent().filter(|parent| is_new && !parent.as_os_str().is_empty()) {
            let synced = super::journal::sync_directory(parent);
            synced.map_err(|error| io("sync the directory of the log", error))?;
        }
        Ok(Self {
            path: path.to_owned(),
            free_space_bytes_min,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses with [`Error::Full`] before the disk itself does: what is refused is told at once and needs no repair.
    pub(super) fn check_free_space(&self, n_bytes: u64) -> Result<(), Error> {
        let disk = rustix::fs::statvfs(&self.path)
            .map_err(|error| Error::io("read the free space of the log's disk", &error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // The journal takes a little more than the payload; four bytes in the database for each were measured, and
        // segments are written whole.
        if free < self.free_space_bytes_min.saturating_add(n_bytes.saturating_mul(5)) {
            return Err(Error::Full);
        }
        Ok(())
    }
}
