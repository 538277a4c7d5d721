//! One error for programs that do not want to look at a refusal and a fault apart.

use crate::runtime::fault::{Fault, OperatorRefusal};
use crate::ticket::Refusal;

/// Why a call gave nothing. Whatever a method of the engine answers, `?` makes one of these of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rules say no; nothing changed. The caller can do something else.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of directories, workflows or tokens say no; nothing changed.
    #[error(transparent)]
    NotTaken(#[from] OperatorRefusal),
    /// Something is wrong with the machine or with what is stored.
    #[error(transparent)]
    Failed(#[from] Fault),
}

impl Error {
    /// The refusal, where the rules of tickets said no.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::NotTaken(_) | Self::Failed(_) => None,
        }
    }

    /// Whether the same call may well succeed in a moment.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Failed(fault) => fault.is_retryable(),
            Self::Refused(_) | Self::NotTaken(_) => false,
        }
    }
}

impl From<loonflow_storage::Error> for Error {
    fn from(error: loonflow_storage::Error) -> Self {
        Self::Failed(error.into())
    }
}
