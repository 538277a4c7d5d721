//! A general, durable event log: streams of commits in one global order. It knows bytes, never tickets.
//!
//! # What is on disk when an append is answered
//! - `Ok`: the commit, its position and its key-value writes, together. They survive SIGKILL and power loss: the
//!   database's file was synced with `fdatasync` before the answer.
//! - [`Error::Uncertain`]: perhaps. The write or its sync failed half-way; the log takes no append until it is
//!   opened again, and what it then holds is the truth.
//! - any other error: nothing of it. A full disk is refused as [`Error::Full`] before anything is written.
//!
//! Readers and subscribers see a commit only once it is durable, so nothing they saw can vanish.
//! Snapshots are not synced, checkpoints keep the old or the new state, key-value writes outside of commits
//! are on disk within about half a second; all of these can be folded again from the commits.
//!
//! # Modules in reading order
//! [`record`] what is stored · [`event_log`] the interface · [`subscription`] what follows · [`limits`] bounds ·
//! [`error`] failures · `key`, `sled` the log on disk · [`memory`] the same without one · [`fault`] a log
//! that fails on schedule · [`backup`] export and import.
//!
//! Not here: what events mean, encryption, several machines. Invariant: positions and the versions of each stream
//! begin at 1 and have no gaps.

pub mod backup;
pub mod error;
pub mod event_log;
pub mod fault;
pub mod limits;
pub mod memory;
pub mod record;
pub mod subscription;

mod key;
mod lock;
mod recent;
mod sled;

pub use self::backup::BackupReport;
pub use self::error::Error;
pub use self::event_log::{EventLog, LogStatus, VerifyReport};
pub use self::fault::{Fault, FaultyLog};
pub use self::memory::MemoryLog;
pub use self::record::{
    Checkpoint, Commit, Expected, Head, KvEntry, KvWrite, NewCommit, Position, Snapshot, StoredEvent, StreamId,
    StreamVersion,
};
pub use self::sled::{SledLog, SledOptions};
pub use self::subscription::{Feed, Subscription, Tail};
