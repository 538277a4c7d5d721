//! A general, durable event log: streams of commits in one global order. It knows bytes, never tickets.
//!
//! # What is on disk when an append is answered
//! - `Ok`: the commit, its position and its key-value writes, together. They survive SIGKILL and power loss: the
//!   journal was synced with `fdatasync` before the answer.
//! - [`Error::Uncertain`]: perhaps. The write or its sync failed half-way, and what was written could not be taken back
//!   either. What the log holds once it takes appends again is the truth.
//! - any other error: nothing of it. A full disk is refused as [`Error::Full`] before anything is written; a write that
//!   failed was taken back, and that was synced.
//!
//! Readers and subscribers see a commit only once it is durable, so nothing they saw can vanish. An entry that is
//! written outside of commits is durable when the call returns. Snapshots and checkpoints are not synced: after a loss
//! of power they may be gone, never wrong.
//!
//! After a failure the log tries again by itself and takes appends as soon as it can ([`EventLog::status`] tells).
//!
//! # Why it holds at every moment
//! sled 0.34, which finds what is in the log, does not keep it through a loss of power. Simulated cuts found: its `flush`
//! is `sync_file_range`, which asks nothing of the device; reading alone moves pages into new segments, and freed
//! segments are written over before anybody has synced the moved pages, so that a cut while the log was only
//! read (folded at a start, exported) destroyed it in 57 of 310 cases; and a half-written `snap.*.generating` made it
//! refuse a sound file. Syncing at the right moments mends each case that was seen and proves nothing about the next.
//! So the promise does not hang on sled: a journal of our own stands before it, append-only and checksummed, which is
//! synced before an answer and kept for good. An index that was not closed whole is compared with the journal before
//! it is believed, and is built anew from it where the two differ. Of the journal only the last record can be torn,
//! and nobody was told that it is there. `tests/power.rs` cuts the power at every kind of moment.
//!
//! # Modules in reading order
//! [`record`] what is stored · [`event_log`] the interface · [`subscription`] what follows · [`limits`] bounds ·
//! [`error`] failures · `key`, `sled` the log on disk · [`memory`] the same without one · [`fault`] a log
//! that fails on schedule · [`backup`] export and import · [`blobs`] bytes of files, beside the log.
//!
//! Not here: what events mean, encryption, several machines. Invariant: positions and the versions of each stream
//! begin at 1 and have no gaps.

pub mod backup;
pub mod blobs;
pub mod error;
pub mod event_log;
pub mod fault;
pub mod limits;
pub mod memory;
pub mod record;
pub mod subscription;

#[cfg(feature = "sled")]
mod key;
mod lock;
#[cfg(feature = "sled")]
mod recent;
#[cfg(feature = "sled")]
mod sled;

pub use self::backup::BackupReport;
pub use self::blobs::{Blob, BlobId, BlobStore, BlobWriter, DiskBlobs, MemoryBlobs, NewBlob};
pub use self::error::Error;
pub use self::event_log::{EventLog, LogStatus, VerifyReport};
pub use self::fault::{Fault, FaultyLog};
pub use self::memory::MemoryLog;
pub use self::record::{
    Checkpoint, Commit, Expected, Head, KvEntry, KvWrite, NewCommit, Position, Snapshot, StoredEvent, StreamId,
    StreamVersion,
};
#[cfg(feature = "sled")]
pub use self::sled::{SledLog, SledOptions};
pub use self::subscription::{Feed, Subscription, Tail};
