//! What goes wrong with the machine rather than with the request: for operators, and sometimes worth a retry.

use crate::codec::CodecError;

/// A fault. Nothing was acknowledged; unless it says otherwise nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// Too much is under way; nothing was begun.
    #[error("too many requests are under way")]
    Overloaded {
        /// A guess at when it is worth trying again.
        retry_after_s: u32,
    },
    /// The log did not take or give something.
    #[error("the log failed")]
    Storage(#[from] loonflow_storage::Error),
    /// The log holds something that cannot be read.
    #[error("the log holds an event that cannot be read")]
    Codec(#[from] CodecError),
    /// An actor died while it had the request. Whether a write happened is known to the log alone: read the ticket,
    /// or repeat with the same idempotency key.
    #[error("the worker of this ticket stopped unexpectedly")]
    WorkerDied,
    /// The engine is closing or closed.
    #[error("the engine is closed")]
    Closed,
    /// What is stored does not fit together: a ticket on a version that is not there.
    #[error("stored state does not fit together: {what}")]
    Inconsistent {
        /// What does not fit.
        what: String,
    },
}

impl Fault {
    /// Whether the same request may well succeed in a moment.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Overloaded { .. } => true,
            Self::Storage(error) => error.is_retryable(),
            Self::Codec(_) | Self::WorkerDied | Self::Closed | Self::Inconsistent { .. } => false,
        }
    }
}
