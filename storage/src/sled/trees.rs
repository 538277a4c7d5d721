//! The directory of a log: lock, open, format version, sync.
//!
//! ```text
//! <directory>/lock          held (flock) while the log is open
//! <directory>/db            the database's file: the one that is synced
//! <directory>/watermark     how far the log was durable, see `watermark`
//! <directory>/conf, snap.*  the database's own; rebuilt or synced by it
//! <directory>/blobs/        values above 128 KiB: empty, as no value of ours is above 4 KiB
//! ```
//! The database's `flush` hands its pages to the kernel (`sync_file_range`) and does not ask the device to keep
//! them: after a power loss the file may not even open. So every sync here is `flush` and then `fdatasync`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::SledOptions;
use super::watermark::Watermark;
use crate::error::Error;
use crate::key;

/// The format this program writes and reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// A database that was just dropped in this process may hold its lock for some milliseconds: its threads finish.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(2);

/// An open directory. Fields are dropped in order: the database before the lock.
pub(super) struct Disk {
    db: sled::Db,
    db_file: File,
    blobs: PathBuf,
    directory: PathBuf,
    free_space_bytes_min: u64,
    watermark: Watermark,
    _lock: File,
}

impl Disk {
    pub(super) fn open(directory: &Path, options: &SledOptions) -> Result<Self, Error> {
        let is_new = !directory.join("db").exists();
        fs::create_dir_all(directory).map_err(|error| Error::io("create the directory of the log", &error))?;
        let lock = lock(directory)?;
        let watermark = Watermark::open(directory)?;
        let db = open_database(directory, options)?;
        let db_file = File::open(directory.join("db")).map_err(|error| Error::io("open `db` of the log", &error))?;
        let disk = Self {
            db,
            db_file,
            blobs: directory.join("blobs"),
            directory: directory.to_owned(),
            free_space_bytes_min: options.free_space_bytes_min,
            watermark,
            _lock: lock,
        };
        // Before anything is written into a file that has lost all it held.
        if disk.db.is_empty() {
            disk.watermark.check(0)?;
        }
        disk.check_format()?;
        // Also for a log that was there: what a killed process had written but not synced is read below as
        // truth, so it must not vanish in a power loss later.
        disk.sync()?;
        disk.sync_directory(is_new)?;
        Ok(disk)
    }

    /// The one tree of the log.
    pub(super) fn tree(&self) -> &sled::Tree {
        &self.db
    }

    /// How far the log was durable.
    pub(super) fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    /// Brings everything applied so far to the device.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.db.flush().map_err(|error| database("flush the log", error))?;
        self.sync_blobs()
            .map_err(|error| Error::io("sync `blobs` of the log", &error))?;
        self.db_file
            .sync_data()
            .map_err(|error| Error::io("sync `db` of the log", &error))
    }

    /// Refuses with [`Error::Full`] before the disk itself does: a write that fails half-way leaves the database
    /// unusable until it is opened again, a refusal before it leaves everything as it was.
    pub(super) fn check_free_space(&self, n_bytes: u64) -> Result<(), Error> {
        let free = fs2::available_space(&self.directory)
            .map_err(|error| Error::io("read the free space of the log's disk", &error))?;
        // Four bytes on disk for each of payload were measured, and segments are written whole.
        if free < self.free_space_bytes_min.saturating_add(n_bytes.saturating_mul(4)) {
            return Err(Error::Full);
        }
        Ok(())
    }

    /// Empty by construction; reads of an empty directory cost some microseconds beside a sync of a millisecond.
    fn sync_blobs(&self) -> io::Result<()> {
        let mut n_files = 0;
        for entry in fs::read_dir(&self.blobs)? {
            match File::open(entry?.path()) {
                Ok(file) => file.sync_all()?,
                // The database removes a blob when its page was rewritten.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            n_files += 1;
        }
        if n_files > 0 {
            File::open(&self.blobs)?.sync_all()?;
        }
        Ok(())
    }

    fn sync_directory(&self, is_new: bool) -> Result<(), Error> {
        let sync = |path: &Path| File::open(path)?.sync_all();
        let sync_all = || {
            sync(&self.directory.join("conf"))?;
            sync(&self.directory)?;
            match self.directory.parent() {
                Some(parent) if is_new && !parent.as_os_str().is_empty() => sync(parent),
                _ => Ok(()),
            }
        };
        sync_all().map_err(|error| Error::io("sync the directory of the log", &error))
    }

    fn check_format(&self) -> Result<(), Error> {
        let read = |error| database("read the format version of the log", error);
        let found = match self.db.get(key::FORMAT).map_err(read)? {
            Some(bytes) => match <[u8; 4]>::try_from(&*bytes) {
                Ok(version) => u32::from_le_bytes(version),
                Err(_) => return Err(Error::corrupt(None, "the format version is not a number")),
            },
            None if self.db.is_empty() => {
                self.db
                    .insert(key::FORMAT, &FORMAT_VERSION.to_le_bytes())
                    .map_err(|error| database("write the format version of the log", error))?;
                FORMAT_VERSION
            }
            None => 0,
        };
        if found == FORMAT_VERSION {
            Ok(())
        } else {
            Err(Error::FormatVersion {
                found,
                supported: FORMAT_VERSION,
            })
        }
    }
}

/// Our own lock comes first: it tells "open elsewhere" from every other failure of the database's opening.
fn lock(directory: &Path) -> Result<File, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))
        .map_err(|error| Error::io("open `lock` of the log", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::AlreadyOpen {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock the log", &error)),
    }
}

fn open_database(directory: &Path, options: &SledOptions) -> Result<sled::Db, Error> {
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(options.cache_capacity_bytes);
    let started = Instant::now();
    loop {
        // A damaged file makes the database panic; the operator wants a sentence.
        let opened = catch_unwind(AssertUnwindSafe(|| config.open())).map_err(|panic| {
            Error::corrupt(
                None,
                format!("the database cannot be opened: {}", panic_text(panic.as_ref())),
            )
        })?;
        let error = match opened {
            Ok(db) => return Ok(db),
            Err(error) => error,
        };
        if !error.to_string().contains("could not acquire lock") {
            return Err(database("open the log", error));
        }
        if started.elapsed() > LOCK_WAIT_MAX {
            return Err(Error::AlreadyOpen {
                path: directory.to_owned(),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "panic without a text".to_owned(),
    }
}

/// An error of the database as ours.
pub(super) fn database(doing: &str, error: sled::Error) -> Error {
    let message = error.to_string();
    match error {
        sled::Error::Io(error) => Error::io(doing, &error),
        sled::Error::Corruption { .. } => Error::corrupt(None, format!("{doing}: {message}")),
        sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => Error::Io {
            doing: doing.to_owned(),
            kind: io::ErrorKind::Other,
            message,
        },
    }
}
