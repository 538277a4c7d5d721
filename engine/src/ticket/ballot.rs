//! A vote of several people at one node: the shares they have in it, and how far it is (semantics: votes).
//!
//! The rule is recorded with the shares when the token comes to rest, so that neither a migration nor another definition
//! changes a vote under way. Which side a vote is on is said by the type of the edge that it chose.
//!
//! Invariants: a person has one share at most that is not dropped; shares keep their places, which are their numbers
//! (from 1); at least one is not dropped. Not here: when a share is dropped and what a decision does (`voting`).

use serde::{Deserialize, Serialize};

use crate::id::{EdgeId, UserId};
use crate::ticket::ballot::count::{Outcome, Tally, outcome};
use crate::workflow::{Approval, ApprovalRule, EdgeKind, WorkflowVersion};

pub mod count;

/// A vote under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    /// How many votes for it take.
    pub rule: ApprovalRule,
    /// Whether one vote against ends it.
    pub veto: bool,
    /// Whether people may go without a vote.
    pub abstain: bool,
    /// By number, from 1.
    pub shares: Vec<BallotShare>,
}

/// One person's part in a vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BallotShare {
    /// Whose it is.
    pub holder: UserId,
    /// What became of it.
    pub state: ShareState,
    /// Who was asked and holds this share for now.
    pub consulted: Option<UserId>,
    /// The number of the share that comes before it.
    pub after: Option<u32>,
}

/// What became of a share. Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShareState {
    /// Its vote is still to come.
    Open,
    /// Its holder has voted.
    Voted {
        /// The edge chosen.
        edge: EdgeId,
        /// The ticket's version with the vote: the latest one names the edge that is taken.
        version: u64,
    },
    /// It counts no longer.
    Dropped,
}

impl BallotShare {
    /// The edge chosen, once voted.
    #[must_use]
    pub fn vote(&self) -> Option<&EdgeId> {
        match &self.state {
            ShareState::Voted { edge, .. } => Some(edge),
            ShareState::Open | ShareState::Dropped => None,
        }
    }

    /// Whether its vote is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == ShareState::Open
    }

    /// Whether it counts.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.state != ShareState::Dropped
    }
}

impl Ballot {
    /// A vote of these people that nobody has cast yet.
    #[must_use]
    pub fn new(users: Vec<UserId>, approval: Approval) -> Self {
        let shares = (0..).zip(users).map(|(before, holder)| BallotShare {
            holder,
            state: ShareState::Open,
            consulted: None,
            after: (approval.in_order && before > 0).then_some(before),
        });
        Self {
            rule: approval.rule,
            veto: approval.veto,
            abstain: approval.abstain,
            shares: shares.collect(),
        }
    }

    /// Whether it is the turn of a share: it is open, and the one before it is not.
    #[must_use]
    pub fn is_actionable(&self, share: &BallotShare) -> bool {
        let before = share.after.and_then(|number| self.numbered(number));
        share.is_open() && before.is_none_or(|before| !before.is_open())
    }

    pub(crate) fn numbered(&self, number: u32) -> Option<&BallotShare> {
        self.shares.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The shares whose turn it is.
    pub fn actionable(&self) -> impl Iterator<Item = &BallotShare> + Clone {
        self.shares.iter().filter(|share| self.is_actionable(share))
    }

    /// The shares that count.
    pub fn kept(&self) -> impl Iterator<Item = &BallotShare> + Clone {
        self.shares.iter().filter(|share| share.is_kept())
    }

    /// The share of a person.
    #[must_use]
    pub fn of(&self, user: &UserId) -> Option<&BallotShare> {
        self.kept().find(|share| share.holder == *user)
    }

    /// The share of a person, to change it.
    pub(crate) fn of_mut(&mut self, user: &UserId) -> Option<&mut BallotShare> {
        self.shares
            .iter_mut()
            .find(|share| share.is_kept() && share.holder == *user)
    }

    /// Whether somebody has a share, or is asked about one.
    #[must_use]
    pub fn has_part(&self, user: &UserId) -> bool {
        self.kept()
            .any(|share| share.holder == *user || share.consulted.as_ref() == Some(user))
    }

    /// Everybody who has a share, and everybody who is asked about one, each once.
    pub fn parts(&self) -> impl Iterator<Item = &UserId> {
        // Nobody is asked twice at a time, but a share may be given to someone who was asked for another.
        let asked = self.kept().filter_map(|share| share.consulted.as_ref());
        let asked = asked.filter(|asked| self.of(asked).is_none());
        self.kept().map(|share| &share.holder).chain(asked)
    }

    /// Whether enough people are left when one share goes.
    #[must_use]
    pub fn may_drop_one(&self) -> bool {
        let n_left = self.kept().count().saturating_sub(1);
        n_left >= self.rule.n_people_min() as usize
    }

    /// How many have voted which way.
    #[must_use]
    pub fn tally(&self, workflow: &WorkflowVersion) -> Tally {
        let mut tally = Tally::default();
        for share in self.kept() {
            tally.n_shares += 1;
            match share.vote() {
                Some(edge) if is_against(edge, workflow) => tally.n_against += 1,
                Some(_) => tally.n_for += 1,
                None => {}
            }
        }
        tally
    }

    /// What was decided, and the edge that is taken: the one of the latest vote on that side.
    #[must_use]
    pub fn decided(&self, workflow: &WorkflowVersion) -> Option<(Outcome, &EdgeId)> {
        let outcome = outcome(self.rule, self.veto, self.tally(workflow))?;
        let votes = self.shares.iter().filter_map(|share| match &share.state {
            ShareState::Voted { edge, version } => Some((version, edge)),
            ShareState::Open | ShareState::Dropped => None,
        });
        let of_side = votes.filter(|(_, edge)| is_against(edge, workflow) == (outcome == Outcome::Against));
        let (_, edge) = of_side.max_by_key(|(version, _)| **version)?;
        Some((outcome, edge))
    }
}

/// Whether a vote for an edge is one against.
fn is_against(edge: &EdgeId, workflow: &WorkflowVersion) -> bool {
    workflow.edge(edge).is_some_and(|edge| edge.kind == EdgeKind::Reject)
}
