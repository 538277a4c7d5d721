//! A vote as it is shown: how it is counted, how far it is, and what became of each share.

use crate::account::directory::Directory;
use crate::account::person::Person;
use crate::id::{EdgeId, TokenId};
use crate::limits::WAITED_FOR_MAX;
use crate::ticket::ballot::count::Outcome;
use crate::ticket::{Ballot, Event, Rest, ShareState, Step, Ticket, voting};
use crate::workflow::{EdgeKind, WorkflowVersion};

/// A vote under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoteView {
    /// The rule's word.
    pub rule: &'static str,
    /// How many votes for it take.
    pub n_needed: u32,
    /// Votes for it so far.
    pub n_for: u32,
    /// Votes against it so far.
    pub n_against: u32,
    /// Votes that are still to come.
    pub n_open: u32,
    /// By number, from 1: the first `limits::WAITED_FOR_MAX`.
    pub shares: Vec<ShareView>,
}

/// One person's part in a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShareView {
    /// Whose it is.
    pub person: Person,
    /// `open`, `voted` or `dropped`.
    pub state: &'static str,
    /// The edge chosen.
    pub edge: Option<EdgeId>,
    /// The number of the share that comes before it.
    pub after: Option<u32>,
}

impl VoteView {
    /// The vote that a token rests with, where it does.
    pub(super) fn of(rest: &Rest, workflow: &WorkflowVersion, directory: &Directory) -> Option<Self> {
        let ballot = voting::ballot(rest)?;
        let tally = ballot.tally(workflow);
        let shares = ballot.shares.iter().take(WAITED_FOR_MAX).map(|share| ShareView {
            person: Person::of(&share.holder, directory),
            state: match share.state {
                ShareState::Open => "open",
                ShareState::Voted { .. } => "voted",
                ShareState::Dropped => "dropped",
            },
            edge: share.vote().cloned(),
            after: share.after,
        });
        Some(Self {
            rule: ballot.rule.word(),
            n_needed: ballot.rule.n_needed(tally.n_shares),
            n_for: tally.n_for,
            n_against: tally.n_against,
            n_open: tally.n_open(),
            shares: shares.collect(),
        })
    }
}

/// What a command would make of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoteOutlook {
    /// How many votes for it take.
    pub n_needed: u32,
    /// Votes for it, with what the command brings.
    pub n_for: u32,
    /// What it would decide, if it does.
    pub decides: Option<Outcome>,
}

impl VoteOutlook {
    /// What an event makes of the vote that it is about; `after` is the ticket with it.
    pub(super) fn of(event: &Event, after: Option<&Ticket>, workflow: &WorkflowVersion) -> Option<Self> {
        let (Event::VoteCast { token, .. } | Event::ShareDropped { token, .. }) = event else {
            return None;
        };
        let ballot: &Ballot = voting::ballot(&after?.token(*token)?.rest)?;
        let tally = ballot.tally(workflow);
        Some(Self {
            n_needed: ballot.rule.n_needed(tally.n_shares),
            n_for: tally.n_for,
            decides: ballot.decided(workflow).map(|(outcome, _)| outcome),
        })
    }
}

/// Whether a commit has a vote in it, and what was decided by it, read off its events.
pub(super) fn told(events: &[Event], workflow: &WorkflowVersion) -> (bool, Option<Outcome>) {
    let is_vote = events.iter().any(|event| matches!(event, Event::VoteCast { .. }));
    let voted = |event: &Event| {
        if let Event::VoteCast { token, .. } | Event::ShareDropped { token, .. } = event {
            return Some(*token);
        }
        None
    };
    let taken = |of: TokenId| {
        let mut steps = events.iter().filter_map(Event::step);
        steps.find_map(|step| {
            if let Step::Edge { token, edge, .. } = step {
                return (token == of).then(|| workflow.edge(edge)).flatten();
            }
            None
        })
    };
    let decided = events.iter().filter_map(voted).find_map(taken);
    let outcome = decided.map(|edge| {
        if edge.kind == EdgeKind::Reject {
            Outcome::Against
        } else {
            Outcome::For
        }
    });
    (is_vote, outcome)
}
