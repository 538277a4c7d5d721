//! State of a ticket as people filter by it (semantics: states).
//!
//! ```text
//!             submit                       edge into end
//!  in_draft ─────────▶ on_going ◀──┐ ─────────────────────▶ finished
//!     │ discard          │ reject   │ any other edge
//!     ▼                  ▼          │        reject into end
//!  (gone)             rejected ─────┘ ─────────────────────▶ rejected, for good
//!                        ▲ withdraw: withdrawn, from start on again
//!  every open state ── force_close ──▶ closed
//! ```

use serde::{Deserialize, Serialize};

/// State of a ticket. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ActState {
    /// Created to start, seen by its creator only.
    InDraft,
    /// On its way.
    OnGoing,
    /// The last edge that a person took was a reject.
    Rejected,
    /// Taken back by its creator.
    Withdrawn,
    /// At end.
    Finished,
    /// Forced to end.
    Closed,
}

impl ActState {
    /// All states, in the order of the semantics.
    pub const ALL: [Self; 6] = [
        Self::InDraft,
        Self::OnGoing,
        Self::Rejected,
        Self::Withdrawn,
        Self::Finished,
        Self::Closed,
    ];

    /// The wire word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::InDraft => "in_draft",
            Self::OnGoing => "on_going",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Finished => "finished",
            Self::Closed => "closed",
        }
    }

    /// Reads the wire word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
