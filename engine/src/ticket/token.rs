//! Tokens of the game on a workflow's graph: where they are, which forks they belong to, what they wait for
//! (semantics 3 and 4).
//!
//! Not here: how they move (`flow`).

use serde::{Deserialize, Serialize};

use crate::id::{EdgeId, NodeId, TokenId, UserId};
use crate::time::Timestamp;

/// A fork: the split that opened it, and the ticket's version at which it did. Derived, never drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ForkId {
    /// The ticket's version with the event that opened it: tells two passes of one split apart.
    pub version: u64,
    /// The split.
    pub split: NodeId,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id; lower is older.
    pub id: TokenId,
    /// Where it is.
    pub node: NodeId,
    /// The forks it belongs to, outermost first.
    pub forks: Vec<ForkId>,
    /// How it rests there.
    pub rest: Rest,
}

/// How a token rests on its node. Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rest {
    /// On its way into the node; only ever inside one command.
    Moving,
    /// Waits at a merge for the other tokens of its fork; nobody can act on it.
    Joining,
    /// Nobody could be assigned; needs intervention.
    Unassigned,
    /// Any one of the holders acts; in consult only the one asked does.
    Held {
        /// At least one, no duplicates.
        holders: Vec<UserId>,
        /// Who asked whom.
        consult: Option<Consult>,
    },
    /// All candidates see it; one must accept first.
    Offered {
        /// At least two, no duplicates.
        candidates: Vec<UserId>,
    },
    /// Everyone acts, each on a share.
    Shared {
        /// At least two, one per person.
        shares: Vec<Share>,
    },
    /// Waits for an instant.
    Timer {
        /// When.
        due: Timestamp,
    },
    /// Waits for an outside system.
    Hook {
        /// The request's number, see `Event::HookRequested`.
        attempt: u32,
        /// Why it failed for good, where it did.
        failed: Option<String>,
    },
    /// At end.
    Ended,
}

/// That a holder asked someone, who holds the node until it gives an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consult {
    /// Who asked.
    pub by: UserId,
    /// Who was asked.
    pub to: UserId,
}

/// One person's part in a node where everyone acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Whose it is.
    pub holder: UserId,
    /// The edge chosen, once acted.
    pub vote: Option<EdgeId>,
    /// Who was asked and holds this share for now.
    pub consulted: Option<UserId>,
}

impl Rest {
    /// Held by one or several, nobody being asked.
    #[must_use]
    pub fn held(holders: Vec<UserId>) -> Self {
        Self::Held { holders, consult: None }
    }

    /// Who can act now, in the order of assignment: holders, the one consulted, candidates, open shares.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<UserId> {
        match self {
            Self::Held {
                consult: Some(consult), ..
            } => vec![consult.to.clone()],
            Self::Held { holders, consult: None } => holders.clone(),
            Self::Offered { candidates } => candidates.clone(),
            Self::Shared { shares } => {
                let open = shares.iter().filter(|share| share.vote.is_none());
                open.map(|share| share.consulted.as_ref().unwrap_or(&share.holder).clone())
                    .collect()
            }
            Self::Moving | Self::Joining | Self::Unassigned | Self::Timer { .. } | Self::Hook { .. } | Self::Ended => {
                Vec::new()
            }
        }
    }

    /// Everyone who is assigned here, whether it is their turn or not.
    #[must_use]
    pub fn assignees(&self) -> Vec<UserId> {
        match self {
            Self::Held { holders, consult } => {
                let asked = consult
                    .iter()
                    .map(|consult| &consult.to)
                    .filter(|to| !holders.contains(to));
                holders.iter().chain(asked).cloned().collect()
            }
            Self::Shared { shares } => {
                let mut all: Vec<UserId> = shares.iter().map(|share| share.holder.clone()).collect();
                for asked in shares.iter().filter_map(|share| share.consulted.as_ref()) {
                    if !all.contains(asked) {
                        all.push(asked.clone());
                    }
                }
                all
            }
            Self::Offered { .. }
            | Self::Moving
            | Self::Joining
            | Self::Unassigned
            | Self::Timer { .. }
            | Self::Hook { .. }
            | Self::Ended => self.waiting_for(),
        }
    }
}
