//! The index: a sled database that finds commits, positions, entries and states. The journal is what it is built from.
//!
//! sled 0.34 alone does not keep what it was given through a loss of power: its `flush` is `sync_file_range`, which asks
//! nothing of the device; a read may move pages into new segments, and segments that became free are written over
//! before the moved pages are on the device; and a half-written `snap.*.generating` makes it refuse a sound file. So
//! nothing here is promised to survive, and an index that was not closed is compared with the journal's tally
//! before a word of it is believed.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::batch::{Changes, IndexBatch};
use super::journal::record::Record;
use super::journal::sync_directory;
use super::reader::{Reader, read_error};
use super::tally::Tally;
use super::value;
use crate::error::Error;
use crate::key;
use crate::record::Position;

/// The format this program writes. 1, which had no journal, is read: a journal is made of it.
pub(super) const FORMAT_VERSION: u32 = 2;
const FORMAT_VERSION_WITHOUT_JOURNAL: u32 = 1;

/// A database that was just dropped in this process may hold its lock for some milliseconds: its threads finish.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(2);

/// The open database.
pub(super) struct Index {
    directory: PathBuf,
    /// There until it is closed or dropped.
    db: Option<sled::Db>,
}

impl Drop for Index {
    /// The database writes and syncs when it is dropped, and panics where that fails.
    fn drop(&mut self) {
        if let Err(error) = self.let_go() {
            tracing::warn!(%error, "the index of the log could not be closed");
        }
    }
}

impl Index {
    /// Opens the database, or makes an empty one where there is none.
    ///
    /// What it keeps beside its file can be made anew, so where it does not open it is tried without: first without
    /// the snapshot that was being written, then without any, then without its settings.
    pub(super) fn open(directory: &Path, cache_capacity_bytes: u64) -> Result<Self, Error> {
        let config = sled::Config::new().path(directory).cache_capacity(cache_capacity_bytes);
        let mut result = remove(directory, |name| name.ends_with(".generating")).and_then(|_| open_database(&config));
        for is_doubtful in [|name: &str| name.starts_with("snap."), |name: &str| name == "conf"] {
            let Err(Error::Corrupt { .. } | Error::Io { .. }) = &result else {
                break;
            };
            if remove(directory, is_doubtful)? {
                result = open_database(&config);
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            db: Some(result?),
        })
    }

    /// Removes what is there and opens an empty database.
    pub(super) fn open_empty(directory: &Path, cache_capacity_bytes: u64) -> Result<Self, Error> {
        remove(directory, |name| {
            name == "db" || name == "conf" || name.starts_with("snap.")
        })?;
        match fs::remove_dir_all(directory.join("blobs")) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("remove the index of the log", &error)),
        }
        let index = Self::open(directory, cache_capacity_bytes)?;
        index.write_format()?;
        Ok(index)
    }

    /// The one tree of the log.
    pub(super) fn tree(&self) -> &sled::Tree {
        self.db()
    }

    fn db(&self) -> &sled::Db {
        match &self.db {
            Some(db) => db,
            None => panic!("only `close` and `drop` take the database, and nobody has it after them"),
        }
    }

    fn let_go(&mut self) -> Result<(), Error> {
        let db = self.db.take();
        guarded("close the index", || {
            drop(db);
            Ok(())
        })
    }

    /// Checks that the database is one of ours. `has_journal`: whether a journal was found beside it.
    pub(super) fn check_format(&self, has_journal: bool) -> Result<(), Error> {
        let read = |error| database("read the format version of the log", error);
        let found = match self.db().get(key::FORMAT).map_err(read)? {
            Some(bytes) => match <[u8; 4]>::try_from(&*bytes) {
                Ok(version) => u32::from_le_bytes(version),
                Err(_) => return Err(Error::corrupt(None, "the format version is not a number")),
            },
            None if self.db().is_empty() => return self.write_format(),
            None => 0,
        };
        match found {
            FORMAT_VERSION => Ok(()),
            FORMAT_VERSION_WITHOUT_JOURNAL if !has_journal => Ok(()),
            // The journal was made, and the word of it in here was lost with the power.
            FORMAT_VERSION_WITHOUT_JOURNAL => self.write_format(),
            found => Err(Error::FormatVersion {
                found,
                supported: FORMAT_VERSION,
            }),
        }
    }

    /// Says that a journal stands before this database, so that a program which knows none does not write to it.
    pub(super) fn write_format(&self) -> Result<(), Error> {
        self.db()
            .insert(key::FORMAT, &FORMAT_VERSION.to_le_bytes())
            .map_err(|error| database("write the format version of the log", error))?;
        Ok(())
    }

    /// The last record of the journal that is in here.
    pub(super) fn applied(&self) -> Result<u64, Error> {
        let Some(sealed) = self.db().get(key::APPLIED).map_err(read_error)? else {
            return Ok(0);
        };
        let number = value::unseal(key::APPLIED, &sealed).and_then(|number| number.try_into().ok());
        number
            .map(u64::from_le_bytes)
            .ok_or_else(|| Error::corrupt(None, "the number of the last record does not match its checksum"))
    }

    /// Says that everything up to a record is in here.
    pub(super) fn set_applied(&self, seq: u64) -> Result<(), Error> {
        self.db()
            .insert(key::APPLIED, value::seal(key::APPLIED, &[&seq.to_le_bytes()]))
            .map_err(|error| database("write the number of the last record", error))?;
        Ok(())
    }

    /// Applies the changes of one record.
    pub(super) fn apply(&self, batch: sled::Batch) -> Result<(), Error> {
        guarded("apply a batch", || {
            self.db()
                .apply_batch(batch)
                .map_err(|error| database("apply a batch", error))
        })
    }

    /// Applies a record of the journal to an index that has this tally; gives the tally after it.
    pub(super) fn replay(&self, record: &Record, tally: Tally) -> Result<Tally, Error> {
        let changes = std::cell::RefCell::new(IndexBatch::new(self.tree(), tally));
        record.each(
            |commit| {
                changes.borrow_mut().commit(commit);
                Ok(())
            },
            |entry, value| {
                let mut changes = changes.borrow_mut();
                changes.load(entry)?;
                changes.write(entry, value);
                Ok(())
            },
        )?;
        let Changes { batch, tally, .. } = changes.into_inner().finish(record.mark.seq);
        self.apply(batch)?;
        Ok(tally)
    }

    /// Walks over every value that is counted.
    pub(super) fn tally(&self) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        for prefix in [
            key::prefix::COMMIT,
            key::prefix::POSITION,
            key::prefix::KV,
            key::prefix::KV_CHUNK,
        ] {
            for entry in self.db().scan_prefix([prefix]) {
                let (key, sealed) = entry.map_err(read_error)?;
                if value::unseal(&key, &sealed).is_none() {
                    return Err(Error::corrupt(
                        None,
                        format!("the value of key `{}` does not match its checksum", key.escape_ascii()),
                    ));
                }
                tally.add(&sealed);
            }
        }
        Ok(tally)
    }

    /// Position of the last commit in here.
    pub(super) fn last_position(&self) -> Result<Position, Error> {
        Reader::check_end(self.tree())
    }

    /// Brings everything applied so far to the device: for a database without a journal only, while one is made of it.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.db().flush().map_err(|error| database("flush the log", error))?;
        let synced = File::open(self.directory.join("db")).and_then(|file| file.sync_data());
        synced.map_err(|error| Error::io("sync `db` of the log", &error))
    }

    /// Closes the database and brings its files to the device; after `Ok` it may be believed as it lies there.
    pub(super) fn close(mut self) -> Result<(), Error> {
        guarded("flush the index", || {
            let flushed = self.db().flush();
            flushed.map(drop).map_err(|error| database("flush the index", error))
        })?;
        self.let_go()?;
        let directory = &self.directory;
        let close = || -> io::Result<()> {
            let file = File::open(directory.join("db"))?;
            // The database's threads hold its lock until they have written for the last time.
            let started = Instant::now();
            while let Err(error) = file.try_lock() {
                if started.elapsed() > LOCK_WAIT_MAX {
                    return Err(error.into());
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            file.sync_all()?;
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let name = entry.file_name();
                if name == "conf" || name.to_string_lossy().starts_with("snap.") {
                    File::open(entry.path())?.sync_all()?;
                }
            }
            // Empty by construction: no value is large enough to become a file of its own.
            let blobs = directory.join("blobs");
            if blobs.exists() {
                for entry in fs::read_dir(&blobs)? {
                    File::open(entry?.path())?.sync_all()?;
                }
                sync_directory(&blobs)?;
            }
            sync_directory(directory)
        };
        close().map_err(|error| Error::io("sync the index of the log", &error))
    }
}

/// Removes the files of the database whose names the function picks; whether there was one.
fn remove(directory: &Path, is_picked: impl Fn(&str) -> bool) -> Result<bool, Error> {
    let remove = || -> io::Result<bool> {
        let mut is_any = false;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_ours = name == "db" || name == "conf" || name.starts_with("snap.");
            if is_ours && is_picked(&name) {
                fs::remove_file(entry.path())?;
                is_any = true;
            }
        }
        Ok(is_any)
    };
    remove().map_err(|error| Error::io("remove a file of the index of the log", &error))
}

fn open_database(config: &sled::Config) -> Result<sled::Db, Error> {
    let started = Instant::now();
    loop {
        // A damaged file makes the database panic; the operator wants a sentence.
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        let error = match opened {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(error)) => error,
            Err(panic) => {
                let what = panic_text(panic.as_ref());
                return Err(Error::corrupt(None, format!("the database cannot be opened: {what}")));
            }
        };
        if !error.to_string().contains("could not acquire lock") {
            return Err(database("open the log", error));
        }
        if started.elapsed() > LOCK_WAIT_MAX {
            return Err(Error::Io {
                doing: "open the log".to_owned(),
                kind: io::ErrorKind::WouldBlock,
                message: "its database is still open in this process".to_owned(),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Calls the database, which may panic on a damaged file or a failed device.
pub(super) fn guarded<T>(doing: &str, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(Error::Io {
            doing: doing.to_owned(),
            kind: io::ErrorKind::Other,
            message: panic_text(panic.as_ref()),
        })
    })
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
