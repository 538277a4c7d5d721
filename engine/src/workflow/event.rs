//! What can have happened to a workflow: one variant per fact, past tense (semantics 2).
//!
//! Stored by position and field order through `codec`: only ever append variants; a changed variant is a new schema.
//! A definition is stored as JSON text, for a positional codec cannot carry JSON itself.

use serde::{Deserialize, Serialize};

use super::aggregate::VersionState;
use crate::id::{UserId, VersionName};
use crate::time::Timestamp;

/// A fact about one workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A version was published; it never changes from here on.
    VersionPublished {
        /// Its name.
        version_name: VersionName,
        /// The definition as JSON text, unknown keys included.
        source: String,
        /// SHA-256 of its content.
        digest: [u8; 32],
        /// What it is for.
        state: VersionState,
        /// When.
        at: Timestamp,
        /// Who; `None` for the operator at the machine.
        by: Option<UserId>,
    },
    /// A version is for something else from now on.
    VersionStateChanged {
        /// Its name.
        version_name: VersionName,
        /// What it is for now.
        state: VersionState,
        /// When.
        at: Timestamp,
        /// Who; `None` for the operator at the machine.
        by: Option<UserId>,
    },
}

impl Event {
    /// Stable word for the log and for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::VersionPublished { .. } => "version_published",
            Self::VersionStateChanged { .. } => "version_state_changed",
        }
    }
}
