//! What can go wrong in a log, as one type for every implementation.
//!
//! The line that matters to a caller runs between [`Error::Uncertain`] (the commit may be on disk) and every
//! other variant (nothing of the commit was written).

use std::io;
use std::path::PathBuf;

use crate::record::{Expected, Head, Position};

/// Why a log refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The operating system or the database refused; nothing of the request was written.
    #[error("{doing}: {message}")]
    Io {
        /// What the log was doing, for example `open the log`.
        doing: String,
        /// Kind of the failure.
        kind: io::ErrorKind,
        /// What the system said.
        message: String,
    },
    /// Stored bytes are not what was written.
    #[error("the log is damaged{}: {what}", at(*.position))]
    Corrupt {
        /// Position of the bad record, where it is known.
        position: Option<Position>,
        /// What is wrong, with the stream and the version where they are known.
        what: String,
    },
    /// The stream does not end where the append expected it.
    #[error("conflict: expected {expected:?}, found {found:?}")]
    Conflict {
        /// What the append demanded.
        expected: Expected,
        /// Where the stream ends.
        found: Option<Head>,
    },
    /// The disk has no room left; nothing of the request was written. Appends work again once there is room,
    /// without reopening.
    #[error("the disk is full")]
    Full,
    /// An earlier write or sync failed and the log has not come back yet; nothing of the request was written. The log
    /// tries again by itself.
    #[error("the log has stopped: {what}")]
    Stopped {
        /// What failed.
        what: String,
    },
    /// More appends are queued than the log takes; try again.
    #[error("the log is overloaded: `{n_queued}` appends are queued")]
    Overloaded {
        /// Appends waiting for the writer.
        n_queued: usize,
    },
    /// The log was closed, or has crashed on schedule.
    #[error("the log is closed")]
    Closed,
    /// Another process, or another handle of this one, has the directory open.
    #[error("the log at `{}` is already open", .path.display())]
    AlreadyOpen {
        /// The log's directory.
        path: PathBuf,
    },
    /// The directory holds a log of another format.
    #[error("the log has format version `{found}`, this program reads `{supported}`")]
    FormatVersion {
        /// Version found, 0 where the directory holds data without one.
        found: u32,
        /// Version this program writes and reads.
        supported: u32,
    },
    /// A size or name is outside its bound.
    #[error("invalid: {what}")]
    Invalid {
        /// Which bound, and the value.
        what: String,
    },
    /// The commit may or may not be on disk. What the log holds once it takes appends again is the truth.
    #[error("uncertain whether the commit was written: {what}")]
    Uncertain {
        /// What failed.
        what: String,
    },
}

impl Error {
    /// Whether the same call may succeed a little later (or, for a conflict, after reading the stream again).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::Overloaded { .. } | Self::Stopped { .. } => true,
            Self::Io { .. }
            | Self::Corrupt { .. }
            | Self::Full
            | Self::Closed
            | Self::AlreadyOpen { .. }
            | Self::FormatVersion { .. }
            | Self::Invalid { .. }
            | Self::Uncertain { .. } => false,
        }
    }

    /// An I/O error as ours; a full disk becomes [`Error::Full`].
    #[must_use]
    pub fn io(doing: &str, error: &io::Error) -> Self {
        if is_full(error.kind()) {
            return Self::Full;
        }
        Self::Io {
            doing: doing.to_owned(),
            kind: error.kind(),
            message: error.to_string(),
        }
    }

    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    pub(crate) fn corrupt(position: Option<Position>, what: impl Into<String>) -> Self {
        Self::Corrupt {
            position,
            what: what.into(),
        }
    }
}

/// A file that may not grow further (`ulimit -f`, a quota) is full in the same sense as a disk.
fn is_full(kind: io::ErrorKind) -> bool {
    kind == io::ErrorKind::StorageFull || kind == io::ErrorKind::QuotaExceeded || kind == io::ErrorKind::FileTooLarge
}

fn at(position: Option<Position>) -> String {
    position
        .map(|position| format!(" at position `{position}`"))
        .unwrap_or_default()
}
