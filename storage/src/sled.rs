//! The log on disk: one sled database, one writer, group commit.
//!
//! ```text
//! append ─▶ queue (bounded) ─▶ writer thread ─▶ sled batch ─▶ flush ─▶ fdatasync ─▶ answers
//!                                                                        └─▶ recent commits, tail ─▶ subscriptions
//! reads, snapshots, checkpoints ─▶ the database, from the caller's thread
//! ```
//! Commits are found by readers only once they are durable, though the database shows them a little earlier.
//! The parts: `trees` directory and sync · `queue`, `writer` appends · `reader` reads and `verify` · `kv` entries ·
//! `state` snapshots and checkpoints · `value` bytes · `watermark` how far it was durable. Key layout: [`crate::key`](../key/index.html).

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use futures::future::{self, BoxFuture};
use tokio::sync::watch;

use self::kv::{InFlight, KvBatch};
use self::queue::Queue;
use self::reader::Reader;
use self::state::{Keep, State};
use self::trees::{Disk, database};
use self::writer::Writer;
use crate::error::Error;
use crate::event_log::{EventLog, LogStatus, VerifyReport};
use crate::key;
use crate::limits;
use crate::lock::lock;
use crate::recent::Recent;
use crate::record::{Checkpoint, Commit, Head, KvEntry, NewCommit, Position, Snapshot, StreamId, StreamVersion};
use crate::subscription::{Feed, Subscription, Tail};

mod kv;
mod queue;
mod reader;
mod state;
mod trees;
mod value;
mod watermark;
mod writer;

/// How a [`SledLog`] is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// Bytes of pages the database keeps in memory.
    pub cache_capacity_bytes: u64,
    /// Appends are refused with [`Error::Full`] while the disk has fewer free bytes than this.
    pub free_space_bytes_min: u64,
}

impl Default for SledOptions {
    /// 128 MiB of cache; 32 MiB kept free, of which the database needs a part to open and to tidy up.
    fn default() -> Self {
        Self {
            cache_capacity_bytes: 128 << 20,
            free_space_bytes_min: 32 << 20,
        }
    }
}

/// The durable log: one directory, opened by one process at a time.
///
/// Dropping it finishes what is queued, as [`close`](EventLog::close) does. The files are released when the log
/// and its subscriptions are dropped.
pub struct SledLog {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer, readers and subscriptions share.
struct Shared {
    queue: Queue,
    recent: Mutex<Recent>,
    tail: watch::Sender<Tail>,
    /// Position of the last durable commit.
    durable: AtomicU64,
    /// Last position given to a commit; ahead of `durable` while a batch is on its way.
    applied: AtomicU64,
    kv_gate: Mutex<()>,
    kv_in_flight: InFlight,
    state_gate: Mutex<()>,
    /// Why no append is taken any more.
    stopped: OnceLock<Error>,
    disk: Disk,
}

impl SledLog {
    /// Opens the log in a directory, which is created where it is missing. Reads the end of the log and checks
    /// it, and whether the log reaches as far as it was once durable; `verify` checks the rest.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`], [`Error::FormatVersion`], [`Error::Corrupt`] where the files do not open, or what
    /// the operating system says.
    pub fn open(directory: impl AsRef<Path>, options: SledOptions) -> Result<Self, Error> {
        let disk = Disk::open(directory.as_ref(), &options)?;
        let position = Reader::check_end(disk.tree())?;
        disk.watermark().check(position)?;
        // The opening has synced what it found.
        let raised = disk.watermark().raise(position);
        raised.map_err(|error| Error::io("write `watermark` of the log", &error))?;
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            recent: Mutex::default(),
            tail: watch::Sender::new(Tail {
                position,
                is_closed: false,
            }),
            durable: AtomicU64::new(position),
            applied: AtomicU64::new(position),
            kv_gate: Mutex::default(),
            kv_in_flight: InFlight::default(),
            state_gate: Mutex::default(),
            stopped: OnceLock::new(),
            disk,
        });
        let writer = Writer::new(Arc::clone(&shared), position);
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Error::io("start the log's writer", &error))?;
        Ok(Self {
            shared,
            writer: Mutex::new(Some(thread)),
        })
    }
}

impl Shared {
    fn reader(&self) -> Reader<'_> {
        Reader {
            tree: self.disk.tree(),
            durable: self.durable.load(Ordering::Acquire),
        }
    }

    fn stopped(&self) -> Option<Error> {
        self.stopped.get().cloned()
    }

    fn stop(&self, error: Error) {
        // The first failure is the cause of the others.
        let _ = self.stopped.set(error);
    }

    /// Refuses writes outside of commits when appends are refused.
    fn check_open(&self) -> Result<(), Error> {
        match self.stopped() {
            Some(error) => Err(error),
            None if self.queue.is_closed() => Err(Error::Closed),
            None => Ok(()),
        }
    }
}

impl Feed for Shared {
    fn recent(&self, after: Position, n_max: usize) -> Option<Vec<Arc<Commit>>> {
        lock(&self.recent).after(after, n_max)
    }

    fn read(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        self.reader().all(after, n_max)
    }
}

impl EventLog for SledLog {
    fn append(&self, commit: NewCommit) -> BoxFuture<'static, Result<Head, Error>> {
        let queued = match self.shared.stopped() {
            Some(error) => Err(error),
            None => self.shared.queue.push(commit),
        };
        queued.unwrap_or_else(|error| Box::pin(future::ready(Err(error))))
    }

    fn head(&self, stream: &StreamId) -> Result<Option<Head>, Error> {
        self.shared.reader().head(stream)
    }

    fn read_stream(&self, stream: &StreamId, after: StreamVersion) -> Result<Vec<Arc<Commit>>, Error> {
        self.shared.reader().stream(stream, after)
    }

    fn read_all(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        match self.shared.recent(after, n_max) {
            Some(commits) => Ok(commits),
            None => self.shared.read(after, n_max),
        }
    }

    fn last_position(&self) -> Position {
        self.shared.durable.load(Ordering::Acquire)
    }

    fn subscribe(&self, after: Position) -> Subscription {
        let feed: Arc<dyn Feed> = Arc::clone(&self.shared) as _;
        Subscription::new(feed, self.shared.tail.subscribe(), after)
    }

    fn put_snapshot(&self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), Error> {
        limits::check_state(&snapshot.state)?;
        self.shared.check_open()?;
        let state = (snapshot.version, snapshot.schema, &snapshot.state[..]);
        state::put(
            &self.shared.disk,
            &self.shared.state_gate,
            &key::snapshot(stream),
            state,
            Keep::None,
        )
    }

    fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, Error> {
        let state = state::get(&self.shared.disk, &key::snapshot(stream))?;
        Ok(state.map(|State { number, schema, bytes }| Snapshot {
            version: number,
            schema,
            state: bytes,
        }))
    }

    fn put_checkpoint(&self, projection: &str, checkpoint: &Checkpoint) -> Result<(), Error> {
        limits::check_projection(projection)?;
        limits::check_state(&checkpoint.state)?;
        self.shared.check_open()?;
        let state = (checkpoint.position, checkpoint.schema, &checkpoint.state[..]);
        state::put(
            &self.shared.disk,
            &self.shared.state_gate,
            &key::checkpoint(projection),
            state,
            Keep::One,
        )
    }

    fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, Error> {
        limits::check_projection(projection)?;
        let state = state::get(&self.shared.disk, &key::checkpoint(projection))?;
        Ok(state.map(|State { number, schema, bytes }| Checkpoint {
            position: number,
            schema,
            state: bytes,
        }))
    }

    fn kv_get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        limits::check_kv_key(tree, key)?;
        kv::get(self.shared.disk.tree(), &self.shared.kv_in_flight, &key::kv(tree, key))
    }

    fn kv_put(&self, tree: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        limits::check_kv_key(tree, key)?;
        limits::check_kv_value(value)?;
        self.shared.check_open()?;
        self.shared.disk.check_free_space(value.map_or(0, <[u8]>::len) as u64)?;
        let entry = key::kv(tree, key);
        let tree = self.shared.disk.tree();
        let _gate = lock(&self.shared.kv_gate);
        let mut batch = sled::Batch::default();
        let mut entries = KvBatch::new(tree);
        entries.load(&entry)?;
        entries.put(&mut batch, entry.clone(), value);
        tree.apply_batch(batch)
            .map_err(|error| database("write an entry", error))?;
        self.shared.kv_in_flight.forget(&entry);
        Ok(())
    }

    fn kv_scan(&self, tree: &str, after: Option<&[u8]>, n_max: usize) -> Result<Vec<KvEntry>, Error> {
        limits::check_kv_tree(tree)?;
        kv::scan(self.shared.disk.tree(), &self.shared.kv_in_flight, tree, after, n_max)
    }

    fn kv_trees(&self) -> Result<Vec<String>, Error> {
        kv::trees(self.shared.disk.tree())
    }

    fn verify(&self) -> Result<VerifyReport, Error> {
        let report = self.shared.reader().verify(&self.shared.applied)?;
        kv::verify(self.shared.disk.tree())?;
        Ok(report)
    }

    fn status(&self) -> LogStatus {
        if self.shared.queue.is_closed() {
            return LogStatus::Closed;
        }
        if let Some(error) = self.shared.stopped() {
            return LogStatus::Stopped {
                what: error.to_string(),
            };
        }
        match self.shared.disk.check_free_space(0) {
            Ok(()) => LogStatus::Open,
            Err(Error::Full) => LogStatus::Full,
            Err(error) => LogStatus::Stopped {
                what: error.to_string(),
            },
        }
    }

    fn close(&self) -> Result<(), Error> {
        self.shared.queue.close();
        let Some(writer) = lock(&self.writer).take() else {
            return Ok(());
        };
        // The writer catches the panics of the database itself.
        let _ = writer.join();
        let synced = self.shared.disk.sync().and_then(|()| {
            let synced = self.shared.disk.watermark().sync();
            synced.map_err(|error| Error::io("sync `watermark` of the log", &error))
        });
        self.shared.tail.send_modify(|tail| tail.is_closed = true);
        synced
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the log could not be synced at its end");
        }
    }
}

impl fmt::Debug for SledLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledLog")
            .field("last_position", &self.last_position())
            .finish_non_exhaustive()
    }
}
