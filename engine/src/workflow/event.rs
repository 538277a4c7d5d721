//! What can have happened to a workflow: one variant per fact, past tense (semantics: versions).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_a_positional_codec() {
        let published = Event::VersionPublished {
            version_name: "1.0".into(),
            source: "{}".to_owned(),
            digest: [7; 32],
            state: VersionState::Candidate,
            at: Timestamp(1),
            by: None,
        };
        let changed = Event::VersionStateChanged {
            version_name: "1.0".into(),
            state: VersionState::Archived,
            at: Timestamp(2),
            by: Some("u".into()),
        };
        for event in [published, changed] {
            let bytes = bincode::serde::encode_to_vec(&event, bincode::config::standard()).unwrap();
            let (read, n_read) =
                bincode::serde::decode_from_slice::<Event, _>(&bytes, bincode::config::standard()).unwrap();
            assert_eq!((read, n_read), (event, bytes.len()));
        }
    }
}
