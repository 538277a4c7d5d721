//! Tokens of the game on a workflow's graph: where they are, which forks they belong to, what they wait for
//! (semantics: game, merges, strategies).
//!
//! Not here: how they move (`flow`).

use serde::{Deserialize, Serialize};

use crate::id::{EdgeId, NodeId, TokenId, UserId};
use crate::ticket::ballot::{Ballot, BallotShare, ShareState};
use crate::ticket::path::Path;
use crate::time::Timestamp;
use crate::workflow::Approval;

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
    /// Its stay: the ticket's version with the event that brought it to rest there. Another assignee, another due time,
    /// another try of a hook are the same stay.
    pub visit: u64,
    /// When that stay began.
    pub since: Timestamp,
    /// Who may accept the node when whoever did gives it back; nobody where it was not accepted, or is somebody else's by
    /// now.
    pub candidates: Vec<UserId>,
    /// Where it has been.
    pub path: Path,
    /// That it was sent back, and comes straight back to where it was.
    pub back: Option<Box<Back>>,
}

/// That a token was sent back to come again. Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Back {
    /// The next edge that is no reject leads straight to where it was.
    ToCome {
        /// The node.
        to: NodeId,
        /// Whom it is for there; nobody where it waited for nobody.
        people: Vec<UserId>,
    },
    /// It has come: its stay goes on with what the last one there had left.
    HasCome,
}

impl Token {
    /// Whether it has come straight back to a node that had returned it.
    #[must_use]
    pub fn has_come_back(&self) -> bool {
        matches!(self.back.as_deref(), Some(Back::HasCome))
    }

    /// One on its way into a node, as it comes to be.
    pub(crate) fn new(id: TokenId, node: &NodeId, forks: Vec<ForkId>, visit: u64, since: Timestamp) -> Self {
        Self {
            id,
            node: node.clone(),
            forks,
            rest: Rest::Moving,
            visit,
            since,
            candidates: Vec::new(),
            path: Path::default(),
            back: None,
        }
    }
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
    /// Everyone acts, each on a share: only in logs that were written before votes had rules. A ticket folds it to a vote
    /// that takes everybody's, which is what it was.
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
    /// Everyone votes, each with a share.
    Voting(Box<Ballot>),
}

/// That a holder asked someone, who holds the node until it gives an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consult {
    /// Who asked.
    pub by: UserId,
    /// Who was asked.
    pub to: UserId,
}

/// One person's part in a node where everyone acts, as older logs have it.
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

    /// How it rests by the rules of today: see [`Shared`](Self::Shared).
    pub(crate) fn read(&self) -> Self {
        let Self::Shared { shares } = self else {
            return self.clone();
        };
        let shares = shares.iter().map(|share| BallotShare {
            holder: share.holder.clone(),
            state: match &share.vote {
                Some(edge) => ShareState::Voted {
                    edge: edge.clone(),
                    version: 0,
                },
                None => ShareState::Open,
            },
            consulted: share.consulted.clone(),
            after: None,
        });
        Self::Voting(Box::new(Ballot {
            shares: shares.collect(),
            ..Ballot::new(Vec::new(), Approval::default())
        }))
    }

    /// Whether it is people that it waits for, or would be were there any.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        match self {
            Self::Unassigned | Self::Held { .. } | Self::Offered { .. } | Self::Shared { .. } | Self::Voting(_) => true,
            Self::Moving | Self::Joining | Self::Timer { .. } | Self::Hook { .. } | Self::Ended => false,
        }
    }

    /// Who can act now, in the order of assignment: holders, the one consulted, candidates, shares whose turn it is.
    pub fn waiting(&self) -> impl Iterator<Item = &UserId> + Clone {
        let (users, shares, ballot): (&[UserId], &[Share], _) = match self {
            Self::Held {
                consult: Some(consult), ..
            } => (std::slice::from_ref(&consult.to), &[], None),
            Self::Held { holders, consult: None } => (holders, &[], None),
            Self::Offered { candidates } => (candidates, &[], None),
            Self::Shared { shares } => (&[], shares, None),
            Self::Voting(ballot) => (&[], &[], Some(ballot)),
            Self::Moving | Self::Joining | Self::Unassigned | Self::Timer { .. } | Self::Hook { .. } | Self::Ended => {
                (&[], &[], None)
            }
        };
        let open = shares.iter().filter(|share| share.vote.is_none());
        let open = open.map(|share| share.consulted.as_ref().unwrap_or(&share.holder));
        let votes = ballot.into_iter().flat_map(|ballot| ballot.actionable());
        let votes = votes.map(|share| share.consulted.as_ref().unwrap_or(&share.holder));
        users.iter().chain(open).chain(votes)
    }

    /// The same, kept.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<UserId> {
        self.waiting().cloned().collect()
    }

    /// Everyone who is assigned here, whether it is their turn or not, each once.
    pub fn assignees(&self) -> impl Iterator<Item = &UserId> {
        let (users, consult, shares, ballot): (&[UserId], _, &[Share], _) = match self {
            Self::Held { holders, consult } => (holders, consult.as_ref(), &[], None),
            Self::Offered { candidates } => (candidates, None, &[], None),
            Self::Shared { shares } => (&[], None, shares, None),
            Self::Voting(ballot) => (&[], None, &[], Some(ballot)),
            Self::Moving | Self::Joining | Self::Unassigned | Self::Timer { .. } | Self::Hook { .. } | Self::Ended => {
                (&[], None, &[], None)
            }
        };
        let asked = consult.map(|consult| &consult.to).filter(|to| !users.contains(to));
        let with_share = shares.iter().map(|share| &share.holder);
        // Nobody is asked twice at a time, but a share may be given to someone who was asked for another.
        let asked_by_one = shares
            .iter()
            .filter_map(|share| share.consulted.as_ref())
            .filter(|asked| shares.iter().all(|share| share.holder != **asked));
        let voters = ballot.into_iter().flat_map(|ballot| ballot.parts());
        users
            .iter()
            .chain(asked)
            .chain(with_share)
            .chain(asked_by_one)
            .chain(voters)
    }
}
