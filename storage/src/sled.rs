//! The log on disk: a journal that keeps every batch, a sled database that finds what is in it, one writer, group commit.
//!
//! ```text
//! append ─▶ queue (bounded) ─▶ writer thread ─▶ journal ─▶ fdatasync ─▶ sled batch ─▶ answers
//!                                                                        └─▶ recent commits, tail ─▶ subscriptions
//! reads, snapshots, checkpoints ─▶ the database, from the caller's thread
//! ```
//! The parts: `directory` lock and space · `journal` what is kept · `index` the database · `opening` which of the two is
//! believed · `tally` how they are compared · `batch` one record as keys · `queue`, `writer` appends · `reader` reads and
//! `verify` · `kv` entries · `state` snapshots and checkpoints · `value` bytes · `closed`, `watermark` marks beside
//! them. Key layout: [`crate::key`](../key/index.html).

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use futures::future::{self, BoxFuture};
use tokio::sync::watch;

use self::closed::Closed;
use self::directory::Directory;
use self::index::{Index, guarded};
use self::journal::Place;
use self::journal::record::Mark;
use self::kv::InFlight;
use self::queue::Queue;
use self::reader::Reader;
use self::state::State;
use self::watermark::Watermark;
use self::writer::Writer;
use crate::error::Error;
use crate::event_log::{EventLog, LogStatus, VerifyReport};
use crate::key;
use crate::limits;
use crate::lock::lock;
use crate::recent::Recent;
use crate::record::{Checkpoint, Commit, Head, KvEntry, NewCommit, Position, Snapshot, StreamId, StreamVersion};
use crate::subscription::{Feed, Subscription, Tail};

mod batch;
mod closed;
mod directory;
mod index;
mod journal;
mod kv;
mod opening;
mod queue;
mod reader;
mod state;
mod tally;
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
    /// Position of the last commit that is durable and can be read.
    durable: AtomicU64,
    progress: Mutex<Progress>,
    kv_in_flight: InFlight,
    state_gate: Mutex<()>,
    /// Why no write is taken at the moment.
    stopped: Mutex<Option<Error>>,
    /// `None` while it gave way and is not open again.
    index: RwLock<Option<Arc<Index>>>,
    /// Something in the index was found damaged: the next opening looks at all of it.
    is_doubtful: AtomicBool,
    /// What the index holds when nothing will be written any more.
    closed: Mutex<Option<Closed>>,
    place: Place,
    cache_bytes: u64,
    watermark: Watermark,
    directory: Directory,
}

/// How far the journal is, and the index behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Progress {
    journal: Mark,
    /// The index holds all of it.
    is_applied: bool,
}

impl SledLog {
    /// Opens the log in a directory, which is created where it is missing. Where the last process closed it, that takes
    /// milliseconds; else all of the index is compared with the journal, and built anew where it is not what the
    /// journal says: seconds for a million commits.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`], [`Error::FormatVersion`], [`Error::Corrupt`] where journal and index are both damaged,
    /// or what the operating system says.
    pub fn open(directory: impl AsRef<Path>, options: SledOptions) -> Result<Self, Error> {
        let directory = Directory::lock(directory.as_ref(), options.free_space_bytes_min)?;
        let watermark = Watermark::open(directory.path())?;
        let cache_bytes = options.cache_capacity_bytes;
        let (journal, index) = opening::open(directory.path(), cache_bytes, &watermark)?;
        let mark = journal.mark();
        let raised = watermark.raise(mark.position);
        raised.map_err(|error| Error::io("write `watermark` of the log", &error))?;
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            recent: Mutex::default(),
            tail: watch::Sender::new(Tail {
                position: mark.position,
                is_closed: false,
            }),
            durable: AtomicU64::new(mark.position),
            progress: Mutex::new(Progress {
                journal: mark,
                is_applied: true,
            }),
            kv_in_flight: InFlight::default(),
            state_gate: Mutex::default(),
            stopped: Mutex::default(),
            index: RwLock::new(Some(Arc::new(index))),
            is_doubtful: AtomicBool::new(false),
            closed: Mutex::default(),
            place: journal.place().clone(),
            cache_bytes,
            watermark,
            directory,
        });
        let writer = Writer::new(Arc::clone(&shared), journal);
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
    fn current_index(&self) -> Option<Arc<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put_index(&self, index: &Arc<Index>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(index));
    }

    /// The index, or why there is none.
    fn index(&self) -> Result<Arc<Index>, Error> {
        self.current_index().ok_or_else(|| {
            self.stopped().unwrap_or_else(|| Error::Stopped {
                what: "its index is being opened".to_owned(),
            })
        })
    }

    /// Calls the index. Where it gives way, the writer opens it again; where something in it is damaged, the next
    /// opening builds it anew.
    fn on_index<T>(&self, doing: &str, call: impl FnOnce(&Index) -> Result<T, Error>) -> Result<T, Error> {
        let index = self.index()?;
        let result = guarded(doing, || call(&index));
        if let Err(error @ (Error::Io { .. } | Error::Full)) = &result {
            self.fail_index(&index, error);
        }
        if let Err(error @ Error::Corrupt { .. }) = &result
            && !self.is_doubtful.swap(true, Ordering::Relaxed)
        {
            tracing::error!(%error, "the index of the log is damaged; the next start builds it anew from the journal");
        }
        result
    }

    /// Takes an index away that gave way, and has the writer open it again.
    fn fail_index(&self, failed: &Arc<Index>, error: &Error) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if index.as_ref().is_some_and(|index| Arc::ptr_eq(index, failed)) {
            *index = None;
            drop(index);
            tracing::error!(%error, "the index of the log gave way; it is opened again");
            self.stop(error.clone());
            self.queue.call();
        }
    }

    /// A reader of what can be read now.
    fn read<T>(&self, call: impl FnOnce(Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.on_index("read the log", |index| {
            call(Reader {
                tree: index.tree(),
                durable: self.durable.load(Ordering::Acquire),
            })
        })
    }

    fn stopped(&self) -> Option<Error> {
        lock(&self.stopped).clone()
    }

    /// Refuses writes with a word of why.
    fn stop(&self, error: Error) {
        let is_told = matches!(error, Error::Full | Error::Stopped { .. });
        let error = if is_told {
            error
        } else {
            Error::Stopped {
                what: error.to_string(),
            }
        };
        *lock(&self.stopped) = Some(error);
    }

    fn resume(&self) {
        *lock(&self.stopped) = None;
    }

    /// Refuses writes outside of commits when appends are refused.
    fn check_open(&self) -> Result<(), Error> {
        match self.stopped() {
            Some(error) => Err(error),
            None if self.queue.is_closed() => Err(Error::Closed),
            None => Ok(()),
        }
    }

    /// Notes where the journal stands; the index follows.
    fn written(&self, journal: Mark) {
        *lock(&self.progress) = Progress {
            journal,
            is_applied: false,
        };
    }

    /// Notes that the index holds all that is written.
    fn applied(&self) {
        lock(&self.progress).is_applied = true;
    }

    /// Makes commits visible that journal and index hold, and wakes who waits for them.
    fn publish(&self, commits: Vec<Arc<Commit>>) {
        self.applied();
        // In this order: an export takes entries first and the position after them, so an entry may not be seen
        // before its position; a subscriber is woken last, when all of it can be seen.
        if let Some(commit) = commits.last() {
            self.durable.store(commit.position, Ordering::Release);
        }
        self.kv_in_flight.end();
        let Some(position) = commits.last().map(|commit| commit.position) else {
            return;
        };
        let mut recent = lock(&self.recent);
        commits.into_iter().for_each(|commit| recent.push(commit));
        drop(recent);
        self.tail.send_modify(|tail| tail.position = position);
    }

    /// After the index was opened again: what it has got from the journal becomes visible.
    fn jump(&self, position: Position) {
        if position > self.durable.load(Ordering::Acquire) {
            // The ring would have a gap.
            *lock(&self.recent) = Recent::default();
            self.durable.store(position, Ordering::Release);
        }
        self.kv_in_flight.end();
        self.tail.send_modify(|tail| tail.position = position);
    }

    /// Called by the writer at its end: what the index holds once it is closed.
    fn finish(&self, generation: u32, seq: u64) {
        *lock(&self.closed) = Some(Closed { generation, seq });
    }

    /// Compares every commit of the journal with the index.
    fn verify_journal(&self) -> Result<(), Error> {
        let before = *lock(&self.progress);
        let up_to = before.journal;
        let mut records = self.place.records(0)?;
        let mut last = 0;
        while last < up_to.seq {
            let Some(record) = records.next()? else {
                return Err(journal::damaged(last + 1, journal::UNMATCHED));
            };
            last = record.mark.seq;
            self.read(|reader| record.each(|commit| reader.compare(commit), |_, _| Ok(())))?;
        }
        // Entries change, so they are compared by the tally, and only where nothing was written meanwhile.
        let tally = self.on_index("read the log", Index::tally)?;
        if before.is_applied && *lock(&self.progress) == before && tally != up_to.tally {
            return Err(Error::corrupt(None, "the index does not have the tally of the journal"));
        }
        Ok(())
    }
}

impl Drop for Shared {
    /// Closes the index, and says so beside it, where everything went well to the end.
    fn drop(&mut self) {
        let index = self.index.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let closed = lock(&self.closed).take();
        let Some(index) = index.and_then(Arc::into_inner) else {
            return;
        };
        let result = index.close().and_then(|()| match closed {
            Some(closed) if !self.is_doubtful.load(Ordering::Relaxed) => closed
                .put(self.directory.path())
                .map_err(|error| Error::io("write `closed` of the log", &error)),
            _ => Ok(()),
        });
        if let Err(error) = result {
            tracing::warn!(%error, "the index of the log was not closed whole; the next start compares it with the journal");
        }
    }
}

impl Feed for Shared {
    fn recent(&self, after: Position, n_max: usize) -> Option<Vec<Arc<Commit>>> {
        lock(&self.recent).after(after, n_max)
    }

    fn read(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        self.read(|reader| reader.all(after, n_max))
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
        self.shared.read(|reader| reader.head(stream))
    }

    fn read_stream(&self, stream: &StreamId, after: StreamVersion) -> Result<Vec<Arc<Commit>>, Error> {
        self.shared.read(|reader| reader.stream(stream, after))
    }

    fn read_all(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        match Feed::recent(&*self.shared, after, n_max) {
            Some(commits) => Ok(commits),
            None => Feed::read(&*self.shared, after, n_max),
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
        let state = (snapshot.version, snapshot.schema, &snapshot.state[..]);
        self.put_state(&key::snapshot(stream), state)
    }

    fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, Error> {
        let state = self.state(&key::snapshot(stream))?;
        Ok(state.map(|State { number, schema, bytes }| Snapshot {
            version: number,
            schema,
            state: bytes,
        }))
    }

    fn put_checkpoint(&self, projection: &str, checkpoint: &Checkpoint) -> Result<(), Error> {
        limits::check_projection(projection)?;
        limits::check_state(&checkpoint.state)?;
        let state = (checkpoint.position, checkpoint.schema, &checkpoint.state[..]);
        self.put_state(&key::checkpoint(projection), state)
    }

    fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, Error> {
        limits::check_projection(projection)?;
        let state = self.state(&key::checkpoint(projection))?;
        Ok(state.map(|State { number, schema, bytes }| Checkpoint {
            position: number,
            schema,
            state: bytes,
        }))
    }

    fn kv_get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        limits::check_kv_key(tree, key)?;
        let in_flight = &self.shared.kv_in_flight;
        self.shared.on_index("read an entry", |index| {
            kv::get(index.tree(), in_flight, &key::kv(tree, key))
        })
    }

    fn kv_put(&self, tree: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        limits::check_kv_key(tree, key)?;
        limits::check_kv_value(value)?;
        self.shared.check_open()?;
        self.shared.queue.put(key::kv(tree, key), value.map(<[u8]>::to_vec))
    }

    fn kv_scan(&self, tree: &str, after: Option<&[u8]>, n_max: usize) -> Result<Vec<KvEntry>, Error> {
        limits::check_kv_tree(tree)?;
        let in_flight = &self.shared.kv_in_flight;
        self.shared.on_index("read entries", |index| {
            kv::scan(index.tree(), in_flight, tree, after, n_max)
        })
    }

    fn kv_trees(&self) -> Result<Vec<String>, Error> {
        self.shared.on_index("read entries", |index| kv::trees(index.tree()))
    }

    fn verify(&self) -> Result<VerifyReport, Error> {
        let applied = || lock(&self.shared.progress).journal.position;
        let report = self.shared.read(|reader| reader.verify(&applied))?;
        self.shared.on_index("read entries", |index| kv::verify(index.tree()))?;
        self.shared.verify_journal()?;
        Ok(report)
    }

    fn status(&self) -> LogStatus {
        if self.shared.queue.is_closed() {
            return LogStatus::Closed;
        }
        let free = || self.shared.directory.check_free_space(0).err();
        match self.shared.stopped().or_else(free) {
            None => LogStatus::Open,
            Some(Error::Full) => LogStatus::Full,
            Some(Error::Stopped { what }) => LogStatus::Stopped { what },
            Some(error) => LogStatus::Stopped {
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
        // Every batch was synced before it was answered; this one file was not.
        let synced = self.shared.watermark.sync();
        self.shared.tail.send_modify(|tail| tail.is_closed = true);
        synced.map_err(|error| Error::io("sync `watermark` of the log", &error))
    }
}

impl SledLog {
    fn put_state(&self, state_key: &[u8], state: (u64, u16, &[u8])) -> Result<(), Error> {
        self.shared.check_open()?;
        self.shared.directory.check_free_space(state.2.len() as u64)?;
        let gate = &self.shared.state_gate;
        self.shared.on_index("write a state", |index| {
            state::put(index.tree(), gate, state_key, state)
        })
    }

    fn state(&self, state_key: &[u8]) -> Result<Option<State>, Error> {
        self.shared
            .on_index("read a state", |index| state::get(index.tree(), state_key))
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
