//! What goes wrong with the machine rather than with the request, and refusals that do not concern a ticket.

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
    /// The log's disk is full; nothing was written. Writes are taken again once there is room.
    #[error("the disk of the log is full")]
    Full,
    /// The log takes no writes since one of them failed; nothing was written. It tries to come back by itself.
    #[error("the log has stopped: {what}")]
    Stopped {
        /// What failed.
        what: String,
    },
    /// The write failed half-way and may be on disk: read the ticket, or repeat with the same idempotency key.
    #[error("uncertain whether the log has it: {what}")]
    Uncertain {
        /// What failed.
        what: String,
    },
    /// The log did not take or give something, for a reason that is none of the above.
    #[error("the log failed")]
    Storage(#[source] loonflow_storage::Error),
    /// The log holds something that cannot be read.
    #[error("the log holds an event that cannot be read")]
    Codec(#[from] CodecError),
    /// What is stored of one ticket, workflow or tenant cannot be read or does not fold. It alone is kept from being
    /// served; its bytes stay as they are, for a program or an export that can read them.
    #[error("{what} cannot be read from the log: {why}")]
    Unreadable {
        /// What: `ticket …`, `workflow …`, `the directory of tenant …`.
        what: String,
        /// Why, for operators.
        why: String,
    },
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
            Self::Overloaded { .. } | Self::Stopped { .. } => true,
            Self::Storage(error) => error.is_retryable(),
            Self::Full
            | Self::Uncertain { .. }
            | Self::Codec(_)
            | Self::WorkerDied
            | Self::Closed
            | Self::Inconsistent { .. }
            | Self::Unreadable { .. } => false,
        }
    }
}

impl From<loonflow_storage::Error> for Fault {
    /// What an error of the log means to whoever asked: those with a next step of their own are told apart here, once.
    fn from(error: loonflow_storage::Error) -> Self {
        use loonflow_storage::Error;
        match error {
            Error::Full => Self::Full,
            Error::Stopped { what } => Self::Stopped { what },
            Error::Uncertain { what } => Self::Uncertain { what },
            Error::Overloaded { .. } => Self::Overloaded { retry_after_s: 1 },
            Error::Closed => Self::Closed,
            Error::Io { .. }
            | Error::Corrupt { .. }
            | Error::Conflict { .. }
            | Error::AlreadyOpen { .. }
            | Error::FormatVersion { .. }
            | Error::Invalid { .. } => Self::Storage(error),
        }
    }
}

/// Whether an engine answers calls, writes among them, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Reads and writes are answered.
    Ready,
    /// The list has not read what the log holds.
    Behind,
    /// Writes are refused with [`Fault::Full`] until the log's disk has room.
    Full,
    /// Writes are refused with [`Fault::Stopped`] until the log comes back.
    Stopped {
        /// What failed.
        what: String,
    },
    /// The engine or its log is closed.
    Closed,
}

impl Readiness {
    /// Why the engine is not ready, in a word or two; `None` where it is.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::Behind => Some("the ticket list is behind the log".to_owned()),
            Self::Full => Some("full".to_owned()),
            Self::Stopped { what } => Some(format!("stopped: {what}")),
            Self::Closed => Some("closed".to_owned()),
        }
    }
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthProblem {
    /// There is no such token or user, or the secret is wrong.
    #[error("the credential is not valid")]
    Invalid,
    /// The token has ended.
    #[error("the access token has expired")]
    Expired,
    /// The token was taken back.
    #[error("the access token was revoked")]
    Revoked,
    /// The user is no longer active.
    #[error("the user is not active")]
    UserInactive,
    /// The directory that the user stands in cannot be read.
    #[error("the directory of this user cannot be read from the log")]
    DirectoryUnreadable,
}

impl AuthProblem {
    /// The stable code (contract: errors).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "token_invalid",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
            Self::UserInactive => "user_inactive",
            Self::DirectoryUnreadable => "stored_data_unreadable",
        }
    }
}

/// Why an operator's request was turned down; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorRefusal {
    /// By the directory's rules.
    #[error(transparent)]
    Account(#[from] crate::account::decide::Refusal),
    /// By the rules of workflows.
    #[error(transparent)]
    Workflow(#[from] crate::workflow::decide::Refusal),
    /// The file is no directory; every problem at once.
    #[error("the directory has {} problem(s): {}", .problems.len(), sentences(.problems))]
    InvalidDirectory {
        /// At least one.
        problems: Vec<crate::account::import::ImportProblem>,
    },
    /// There is no such tenant.
    #[error("tenant `{id}` was not found")]
    TenantNotFound {
        /// As asked for.
        id: String,
    },
}

fn sentences(problems: &[crate::account::import::ImportProblem]) -> String {
    problems
        .iter()
        .take(5)
        .map(|problem| problem.message.clone())
        .collect::<Vec<_>>()
        .join("; ")
}

impl OperatorRefusal {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Account(refusal) => refusal.code(),
            Self::Workflow(refusal) => refusal.code(),
            Self::InvalidDirectory { .. } => "invalid_directory",
            Self::TenantNotFound { .. } => "tenant_not_found",
        }
    }
}
