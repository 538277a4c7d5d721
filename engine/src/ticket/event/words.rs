//! Words in events: by what, why, in which order.

use serde::{Deserialize, Serialize};

/// In which order somebody who is added acts. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignerPosition {
    /// In any.
    With,
    /// Before whoever added them.
    Before,
    /// After them.
    After,
}

impl SignerPosition {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 3] = [(Self::With, "with"), (Self::Before, "before"), (Self::After, "after")];
}

/// By what something was done in somebody's name. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// A node of the parent opened the ticket.
    Spawn,
}

impl Via {
    /// Its stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
        }
    }
}

/// Why a share was dropped. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DropReason {
    /// Its holder goes without a vote.
    Abstained,
    /// Its holder is no longer active.
    Deactivated,
    /// Its holder is absent, and whoever stands in has a share of their own: the two are one.
    HandedOver,
    /// Whoever added its holder took that back.
    TakenBack,
}
