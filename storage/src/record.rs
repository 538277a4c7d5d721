//! What is stored: streams, commits and the events in them, as bytes and names without a meaning to this crate.
//!
//! Not here: how they are laid out as keys and values (`key`), or what an event means (the engine's `codec`).

use std::fmt;
use std::sync::Arc;

/// Name of a stream, 1 to 200 bytes of UTF-8 without a NUL byte.
///
/// One entity of the embedding program is one stream. Names that begin alike and grow with time (a UUIDv7)
/// lie side by side on disk, which loads about twice as fast as random ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Arc<str>);

impl StreamId {
    /// Longest name in bytes: keeps every key under 256 bytes.
    pub const LEN_MAX: usize = 200;

    /// Takes a name as it is.
    ///
    /// # Panics
    /// When the name is empty, longer than [`StreamId::LEN_MAX`] bytes or holds a NUL byte: stream names are
    /// made by the embedding program, never by its users.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        match Self::try_new(Arc::clone(&name)) {
            Some(id) => id,
            None => panic!("stream name `{name}` must have 1 to {} bytes and no NUL", Self::LEN_MAX),
        }
    }

    /// Takes a name that may be bad, as from a file; `None` where [`StreamId::new`] would panic.
    #[must_use]
    pub fn try_new(name: impl Into<Arc<str>>) -> Option<Self> {
        let name = name.into();
        let is_good = !name.is_empty() && name.len() <= Self::LEN_MAX && !name.contains('\0');
        is_good.then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Place of a commit among all commits of the log: 1 for the first, without gaps.
pub type Position = u64;

/// Number of events in a stream up to and including some event: 1 for a stream's first event.
pub type StreamVersion = u64;

/// Where a stream ends: its version, and the position of its last commit.
///
/// Both are kept so that a log which checks appends by position (NATS JetStream) fits the same trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Events in the stream.
    pub version: StreamVersion,
    /// Position of the stream's last commit.
    pub position: Position,
}

/// What an append demands of the stream's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no commit yet.
    NoStream,
    /// The stream ends at this version.
    Version(StreamVersion),
}

/// One event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Stable name of the event's type, for example `ticket.edge_taken`; at most 64 bytes.
    pub kind: Arc<str>,
    /// Schema number of the payload's form, counted per type from 1.
    pub schema: u16,
    /// The encoded event.
    pub payload: Vec<u8>,
}

/// A value in a named key-value tree; `None` removes the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvWrite {
    /// Name of the tree, at most 32 bytes.
    pub tree: &'static str,
    /// Key, at most 200 bytes.
    pub key: Vec<u8>,
    /// Value, split by the implementation where it is large; `None` removes the key.
    pub value: Option<Vec<u8>>,
}

/// Key and value of an entry in a key-value tree.
pub type KvEntry = (Vec<u8>, Vec<u8>);

/// One commit to append: all events of one command, atomic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommit {
    /// The stream that grows.
    pub stream: StreamId,
    /// What its head must be.
    pub expected: Expected,
    /// When and by whom, encoded by the embedding program.
    pub meta: Vec<u8>,
    /// At least one event.
    pub events: Vec<StoredEvent>,
    /// Writes to key-value trees that become durable with the events, or not at all.
    pub kv: Vec<KvWrite>,
}

/// One commit as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Version of its first event; the others follow without gaps.
    pub first_version: StreamVersion,
    /// Its place in the log.
    pub position: Position,
    /// When and by whom, encoded by the embedding program.
    pub meta: Vec<u8>,
    /// Its events, at least one.
    pub events: Vec<StoredEvent>,
}

impl Commit {
    /// Version of the stream after this commit.
    #[must_use]
    pub fn last_version(&self) -> StreamVersion {
        self.first_version + self.events.len() as u64 - 1
    }
}

/// The state of one stream at a version, always disposable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Version of the stream that the state includes.
    pub version: StreamVersion,
    /// Schema number of the state's form; a reader that does not know it ignores the snapshot.
    pub schema: u16,
    /// The encoded state.
    pub state: Vec<u8>,
}

/// How far a projection has read, with the state it had folded by then; always disposable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Everything up to and including this position is in `state`.
    pub position: Position,
    /// Schema number of the state's form; a reader that does not know it starts from nothing.
    pub schema: u16,
    /// The encoded state; may be many MiB, split by the implementation.
    pub state: Vec<u8>,
}
