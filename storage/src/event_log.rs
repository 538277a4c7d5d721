//! The interface of an event log: append a commit at an expected head, read a stream, read all, subscribe.
//!
//! Reads are plain blocking calls (memory or page cache as a rule); an async caller runs them off its thread.
//! Appends go to one writer and are answered when they are on disk.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::error::Error;
use crate::record::{Checkpoint, Commit, Head, KvEntry, NewCommit, Position, Snapshot, StreamId, StreamVersion};
use crate::subscription::Subscription;

/// A durable, ordered log of commits in streams. Cheap to share behind an [`Arc`].
///
/// # Durability
/// When the future of [`append`](EventLog::append) answers `Ok`, the commit and its key-value writes survive
/// SIGKILL and power loss. When it answers an error other than [`Error::Uncertain`], nothing of it was written.
///
/// # Order
/// Commits of one caller that were queued one after the other get positions in that order.
pub trait EventLog: Send + Sync + 'static {
    /// Queues one commit; resolves to the stream's new head once it is on disk.
    ///
    /// The commit is queued when this function returns, whether or not the future is polled or dropped.
    fn append(&self, commit: NewCommit) -> BoxFuture<'static, Result<Head, Error>>;

    /// The stream's head, `None` where it has no commit.
    fn head(&self, stream: &StreamId) -> Result<Option<Head>, Error>;

    /// Commits of a stream that hold events after version `after` (0: all), in order.
    fn read_stream(&self, stream: &StreamId, after: StreamVersion) -> Result<Vec<Arc<Commit>>, Error>;

    /// At most `n_max` commits after position `after` (0: from the first), in order, without gaps.
    fn read_all(&self, after: Position, n_max: usize) -> Result<Vec<Arc<Commit>>, Error>;

    /// Position of the last durable commit; 0 for an empty log.
    fn last_position(&self) -> Position;

    /// Everything after position `after`, first what is there, then what follows, without gaps.
    fn subscribe(&self, after: Position) -> Subscription;

    /// Stores a stream's state in place of an earlier one. Not synced: a snapshot may be lost, never wrong.
    fn put_snapshot(&self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), Error>;
    /// The last state stored of a stream.
    fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, Error>;

    /// Stores a projection's state in place of an earlier one. Not synced: after SIGKILL either of the two is found, whole;
    /// after a loss of power perhaps neither, and the projection is folded anew.
    fn put_checkpoint(&self, projection: &str, checkpoint: &Checkpoint) -> Result<(), Error>;
    /// The last state stored of a projection.
    fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, Error>;

    /// A value of a key-value tree.
    fn kv_get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    /// Writes a value outside of any commit (`None` removes the key); it is durable when the call returns. Waits for the
    /// disk as an append does, so an async caller runs it off its thread.
    fn kv_put(&self, tree: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), Error>;
    /// At most `n_max` entries of a tree whose keys are greater than `after`, in key order.
    fn kv_scan(&self, tree: &str, after: Option<&[u8]>, n_max: usize) -> Result<Vec<KvEntry>, Error>;

    /// Names of the trees that hold an entry, sorted.
    fn kv_trees(&self) -> Result<Vec<String>, Error>;

    /// Whether appends are taken now. Cheap: at most one question to the file system, so that a probe may ask often.
    fn status(&self) -> LogStatus;

    /// Walks the whole log and names the first bad record as [`Error::Corrupt`].
    fn verify(&self) -> Result<VerifyReport, Error>;

    /// Refuses further appends with [`Error::Closed`], finishes the queued ones and syncs.
    fn close(&self) -> Result<(), Error>;
}

/// Whether a log takes appends, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// Appends are taken.
    Open,
    /// The disk has no room left: appends are refused with [`Error::Full`] until there is room again.
    Full,
    /// A write or a sync failed, or the database gave way. Appends are refused with [`Error::Stopped`]; the log tries
    /// again by itself, and takes appends as soon as that works.
    Stopped {
        /// What failed.
        what: String,
    },
    /// The log was closed.
    Closed,
}

/// What a walk over a sound log has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Streams seen.
    pub n_streams: u64,
    /// Commits seen; equals the last position.
    pub n_commits: u64,
    /// Events seen.
    pub n_events: u64,
}
