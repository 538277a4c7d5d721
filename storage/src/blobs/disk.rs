//! Bytes of files in a directory of their own.
//!
//! ```text
//! <directory>/incoming/<n>                          on the way in; gone with the next opening
//! <directory>/<space>/<2 digits>/<digest>           kept; both in lower-case hexadecimal digits
//! ```
//!
//! Kept is: written, synced, renamed into its place, and every directory on the way there synced, also where the place
//! was taken already. Who had it before may have been cut off before its name was on the device.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use super::files::{Files, MachineFiles, Written};
use super::{Blob, BlobId, BlobStore, BlobWriter, NewBlob, SPACE_BYTES, hex, unhex};
use crate::error::Error;

/// Bytes of files in a directory. Whoever opens it has made sure that nobody else does: the server by the lock of the
/// log beside it.
#[derive(Debug)]
pub struct DiskBlobs {
    files: Arc<dyn Files>,
    directory: PathBuf,
    /// Names of what comes in are counted.
    n_begun: AtomicU64,
}

impl DiskBlobs {
    /// Opens a directory, which is made where it is missing; its parent is there. What was begun before and not kept
    /// goes.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_in(Arc::new(MachineFiles), directory.into())
    }

    fn open_in(files: Arc<dyn Files>, directory: PathBuf) -> Result<Self, Error> {
        let incoming = directory.join("incoming");
        let open = || {
            files.make_directory(&directory)?;
            files.make_directory(&incoming)?;
            for name in files.list(&incoming)? {
                files.remove(&incoming.join(name))?;
            }
            if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                files.sync_directory(parent)?;
            }
            Ok(())
        };
        open().map_err(|error| Error::io("open the directory of files", &error))?;
        Ok(Self {
            files,
            directory,
            n_begun: AtomicU64::new(0),
        })
    }

    fn place(&self, id: &BlobId) -> PathBuf {
        place(&self.directory, id)
    }
}

fn place(directory: &Path, id: &BlobId) -> PathBuf {
    let digest = hex(&id.digest);
    directory.join(hex(&id.space)).join(&digest[..2]).join(digest)
}

/// What is not there, as `None`.
fn there<T>(doing: &str, found: io::Result<T>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(doing, &error)),
    }
}

impl BlobStore for DiskBlobs {
    fn begin(&self) -> Result<Box<dyn BlobWriter>, Error> {
        let n = self.n_begun.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join("incoming").join(n.to_string());
        let file = self.files.create(&path);
        let file = file.map_err(|error| Error::io("begin a file", &error))?;
        Ok(Box::new(Incoming {
            files: self.files.clone(),
            directory: self.directory.clone(),
            path,
            file,
            hasher: Sha256::new(),
            n_bytes: 0,
            is_kept: false,
        }))
    }

    fn n_bytes(&self, id: &BlobId) -> Result<Option<u64>, Error> {
        let found = there("look for the bytes of a file", self.files.find(&self.place(id)))?;
        Ok(found.map(|found| found.n_bytes))
    }

    fn open(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error> {
        there("open the bytes of a file", self.files.open(&self.place(id)))
    }

    fn remove(&self, id: &BlobId) -> Result<bool, Error> {
        let place = self.place(id);
        let removed = there("remove the bytes of a file", self.files.remove(&place))?.is_some();
        if let Some(parent) = place.parent().filter(|_| removed) {
            let synced = self.files.sync_directory(parent);
            synced.map_err(|error| Error::io("remove the bytes of a file", &error))?;
        }
        Ok(removed)
    }

    fn scan(&self, after: Option<&BlobId>, n_max: usize) -> Result<Vec<Blob>, Error> {
        let mut blobs = Vec::new();
        let names = |path: &Path| {
            let names = there("list the files", self.files.list(path))?;
            Ok::<_, Error>(names.unwrap_or_default())
        };
        for name in names(&self.directory)? {
            let Some(space) = unhex::<SPACE_BYTES>(&name) else {
                continue;
            };
            if after.is_some_and(|after| space < after.space) {
                continue;
            }
            let of_space = self.directory.join(&name);
            for prefix in names(&of_space)? {
                let first = |after: &&BlobId| after.space == space && prefix < hex(&after.digest[..1]);
                if after.as_ref().is_some_and(first) {
                    continue;
                }
                let of_prefix = of_space.join(&prefix);
                for name in names(&of_prefix)? {
                    let Some(digest) = unhex::<32>(&name) else { continue };
                    let id = BlobId { space, digest };
                    if after.is_some_and(|after| id <= *after) {
                        continue;
                    }
                    // It may go meanwhile.
                    let Some(found) = there("list the files", self.files.find(&of_prefix.join(&name)))? else {
                        continue;
                    };
                    blobs.push(Blob {
                        id,
                        n_bytes: found.n_bytes,
                        kept_at: found.changed_at,
                    });
                    if blobs.len() == n_max {
                        return Ok(blobs);
                    }
                }
            }
        }
        Ok(blobs)
    }
}

struct Incoming {
    files: Arc<dyn Files>,
    directory: PathBuf,
    path: PathBuf,
    file: Box<dyn Written>,
    hasher: Sha256,
    n_bytes: u64,
    is_kept: bool,
}

impl Incoming {
    /// Whether the place was free.
    fn move_to(&mut self, id: &BlobId) -> io::Result<bool> {
        self.file.sync()?;
        let of_space = self.directory.join(hex(&id.space));
        let place = place(&self.directory, id);
        self.files.make_directory(&of_space)?;
        let of_prefix = of_space.join(&hex(&id.digest)[..2]);
        self.files.make_directory(&of_prefix)?;
        let is_new = self.files.find(&place).is_err();
        self.files.rename(&self.path, &place)?;
        self.is_kept = true;
        for directory in [&of_prefix, &of_space, &self.directory] {
            self.files.sync_directory(directory)?;
        }
        Ok(is_new)
    }
}

impl BlobWriter for Incoming {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.n_bytes += bytes.len() as u64;
        let written = self.file.write(bytes);
        written.map_err(|error| Error::io("write the bytes of a file", &error))
    }

    fn keep(mut self: Box<Self>, space: [u8; SPACE_BYTES]) -> Result<NewBlob, Error> {
        let digest = std::mem::take(&mut self.hasher).finalize().into();
        let id = BlobId { space, digest };
        let moved = self.move_to(&id);
        let is_new = moved.map_err(|error| Error::io("keep the bytes of a file", &error))?;
        Ok(NewBlob {
            id,
            n_bytes: self.n_bytes,
            is_new,
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_kept {
            // Else the next opening does.
            let _ = self.files.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
