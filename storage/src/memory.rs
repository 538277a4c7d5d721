//! The same log in memory: no file, no thread, no waiting. For tests, simulation and rehearsals.
//!
//! An append is done when the call returns; its future is ready at once. A clone is the same log, so a test can
//! drop a handle and "reopen" the log by keeping another.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use futures::future::{self, BoxFuture};
use tokio::sync::watch;

use crate::error::Error;
use crate::event_log::{EventLog, LogStatus, VerifyReport};
use crate::limits;
use crate::lock::lock;
use crate::record::{
    Checkpoint, Commit, Expected, Head, KvEntry, NewCommit, Position, Snapshot, StreamId, StreamVersion,
};
use crate::subscription::{Feed, Subscription, Tail};

/// A log in memory; cheap to clone, all clones are one log.
#[derive(Clone, Default)]
pub struct MemoryLog {
    shared: Arc<Shared>,
    /// Not in `shared`: a subscription keeps the data alive, and must end when the last handle is gone.
    tail: Arc<watch::Sender<Tail>>,
}

#[derive(Default)]
struct Shared {
    data: Mutex<Data>,
}

#[derive(Clone, Default)]
struct Data {
    /// The commit at position `n` is at index `n - 1`.
    commits: Vec<Arc<Commit>>,
    /// Indexes into `commits`, in order.
    streams: HashMap<StreamId, Vec<usize>>,
    kv: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
    snapshots: HashMap<StreamId, Snapshot>,
    checkpoints: HashMap<String, Checkpoint>,
    is_closed: bool,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the log again after [`close`](EventLog::close), with everything in it: what a restart is on disk.
    pub fn reopen(&self) {
        lock(&self.shared.data).is_closed = false;
        self.tail.send_modify(|tail| tail.is_closed = false);
    }

    /// A log of its own with what this one holds now, open: what a disk's image is.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut data = lock(&self.shared.data).clone();
        data.is_closed = false;
        let tail = Tail {
            position: data.commits.len() as Position,
            is_closed: false,
        };
        Self {
            shared: Arc::new(Shared { data: Mutex::new(data) }),
            tail: Arc::new(watch::Sender::new(tail)),
        }
    }

    /// Appends without a future, for callers that are not async.
    ///
    /// # Errors
    /// As [`append`](EventLog::append).
    pub fn append_now(&self, commit: NewCommit) -> Result<Head, Error> {
        limits::check_commit(&commit)?;
        let mut data = lock(&self.shared.data);
        let head = data.append(commit)?;
        // Under the lock, so that positions are announced in order; nobody may wait on the other side.
        self.tail.send_modify(|tail| tail.position = head.position);
        drop(data);
        Ok(head)
    }
}

impl Data {
    fn head(&self, stream: &StreamId) -> Option<Head> {
        let commit = &self.commits[*self.streams.get(stream)?.last()?];
        Some(Head {
            version: commit.last_version(),
            position: commit.position,
        })
    }

    fn append(&mut self, commit: NewCommit) -> Result<Head, Error> {
        self.check_open()?;
        let NewCommit {
            stream,
            expected,
            meta,
            events,
            kv,
        } = commit;
        let found = self.head(&stream);
        let first_version = match (expected, found) {
            (Expected::NoStream, None) => 1,
            (Expected::Version(version), Some(head)) if head.version == version => version + 1,
            _ => return Err(Error::Conflict { expected, found }),
        };
        for write in kv {
            self.put(write.tree, write.key, write.value);
        }
        let commit_idx = self.commits.len();
        let position = commit_idx as Position + 1;
        self.streams.entry(stream.clone()).or_default().push(commit_idx);
        let commit = Commit {
            stream,
            first_version,
            position,
            meta,
            events,
        };
        let head = Head {
            version: commit.last_version(),
            position,
        };
        self.commits.push(Arc::new(commit));
        Ok(head)
    }

    fn put(&mut self, tree: &str, key: Vec<u8>, value: Option<Vec<u8>>) {
        match (value, self.kv.get_mut(tree)) {
            (Some(value), Some(entries)) => {
                entries.insert(key, value);
            }
            (Some(value), None) => {
                self.kv.insert(tree.to_owned(), BTreeMap::from([(key, value)]));
            }
            (None, Some(entries)) => {
                entries.remove(&key);
                if entries.is_empty() {
                    self.kv.remove(tree);
                }
            }
            (None, None) => {}
        }
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.is_closed { Err(Error::Closed) } else { Ok(()) }
    }

    fn after(&self, after: Position, n_max: usize) -> Vec<Arc<Commit>> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        self.commits.iter().skip(skip).take(n_max).cloned().collect()
    }
}

impl Feed for Shared {
    fn recent(&self, after: Position, n_max: usize) -> Option<Vec<Arc<Commit>>> {
        Some(lock(&self.data).after(after, n_max))
    }

    fn read(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        Ok(lock(&self.data).after(after, n_max))
    }
}

impl EventLog for MemoryLog {
    fn append(&self, commit: NewCommit) -> BoxFuture<'static, Result<Head, Error>> {
        Box::pin(future::ready(self.append_now(commit)))
    }

    fn head(&self, stream: &StreamId) -> Result<Option<Head>, Error> {
        Ok(lock(&self.shared.data).head(stream))
    }

    fn read_stream(&self, stream: &StreamId, after: StreamVersion) -> Result<Vec<Arc<Commit>>, Error> {
        let data = lock(&self.shared.data);
        let Some(commit_idxs) = data.streams.get(stream) else {
            return Ok(Vec::new());
        };
        let skip = commit_idxs.partition_point(|&commit_idx| data.commits[commit_idx].last_version() <= after);
        Ok(commit_idxs[skip..]
            .iter()
            .map(|&commit_idx| Arc::clone(&data.commits[commit_idx]))
            .collect())
    }

    fn read_all(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error> {
        Ok(lock(&self.shared.data).after(after, n_max))
    }

    fn last_position(&self) -> Position {
        self.tail.borrow().position
    }

    fn subscribe(&self, after: Position) -> Subscription {
        let feed: Arc<dyn Feed> = Arc::clone(&self.shared) as _;
        Subscription::new(feed, self.tail.subscribe(), after)
    }

    fn put_snapshot(&self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), Error> {
        limits::check_state(&snapshot.state)?;
        let mut data = lock(&self.shared.data);
        data.check_open()?;
        data.snapshots.insert(stream.clone(), snapshot.clone());
        Ok(())
    }

    fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, Error> {
        Ok(lock(&self.shared.data).snapshots.get(stream).cloned())
    }

    fn put_checkpoint(&self, projection: &str, checkpoint: &Checkpoint) -> Result<(), Error> {
        limits::check_projection(projection)?;
        limits::check_state(&checkpoint.state)?;
        let mut data = lock(&self.shared.data);
        data.check_open()?;
        data.checkpoints.insert(projection.to_owned(), checkpoint.clone());
        Ok(())
    }

    fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, Error> {
        limits::check_projection(projection)?;
        Ok(lock(&self.shared.data).checkpoints.get(projection).cloned())
    }

    fn kv_get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        limits::check_kv_key(tree, key)?;
        Ok(lock(&self.shared.data)
            .kv
            .get(tree)
            .and_then(|entries| entries.get(key))
            .cloned())
    }

    fn kv_put(&self, tree: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        limits::check_kv_key(tree, key)?;
        limits::check_kv_value(value)?;
        let mut data = lock(&self.shared.data);
        data.check_open()?;
        data.put(tree, key.to_vec(), value.map(<[u8]>::to_vec));
        Ok(())
    }

    fn kv_scan(&self, tree: &str, after: Option<&[u8]>, n_max: usize) -> Result<Vec<KvEntry>, Error> {
        use std::ops::Bound;
        limits::check_kv_tree(tree)?;
        let data = lock(&self.shared.data);
        let Some(entries) = data.kv.get(tree) else {
            return Ok(Vec::new());
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = entries.range::<[u8], _>((from, Bound::Unbounded)).take(n_max);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn kv_trees(&self) -> Result<Vec<String>, Error> {
        Ok(lock(&self.shared.data).kv.keys().cloned().collect())
    }

    fn verify(&self) -> Result<VerifyReport, Error> {
        let data = lock(&self.shared.data);
        Ok(VerifyReport {
            n_streams: data.streams.len() as u64,
            n_commits: data.commits.len() as u64,
            n_events: data.commits.iter().map(|commit| commit.events.len() as u64).sum(),
        })
    }

    fn status(&self) -> LogStatus {
        if lock(&self.shared.data).is_closed {
            LogStatus::Closed
        } else {
            LogStatus::Open
        }
    }

    fn close(&self) -> Result<(), Error> {
        lock(&self.shared.data).is_closed = true;
        self.tail.send_modify(|tail| tail.is_closed = true);
        Ok(())
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog")
            .field("last_position", &self.last_position())
            .finish_non_exhaustive()
    }
}
