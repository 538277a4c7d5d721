//! People who act at a node because somebody who acts there had them act as well (semantics: signers).
//!
//! Not here: who may add whom (`action/add_signer`), taking that back (`action/take_back`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::ticket::ballot::{Ballot, BallotShare, ShareState};
use crate::ticket::event::{Event, SignerPosition};
use crate::ticket::token::{Rest, Token};
use crate::ticket::voting;
use crate::workflow::Approval;

/// Who was added by whom, at the tokens of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signers {
    /// The number of the share, and who added it; by token, in the order in which they were added.
    of_token: BTreeMap<TokenId, Vec<(u32, UserId)>>,
}

impl Signers {
    /// How many were added at a token since it came to its node.
    #[must_use]
    pub fn n_added(&self, token: TokenId) -> usize {
        self.of_token.get(&token).map_or(0, Vec::len)
    }

    /// The open shares of a vote that a person added.
    pub(crate) fn added_by<'t>(&'t self, token: &'t Token, by: &'t UserId) -> impl Iterator<Item = &'t BallotShare> {
        let ballot = voting::ballot(&token.rest).into_iter();
        let added = self.of_token.get(&token.id).into_iter().flatten();
        let added = added.filter(move |(_, one)| one == by).map(|(number, _)| *number);
        let shares = ballot.flat_map(move |ballot| added.clone().filter_map(|number| ballot.numbered(number)));
        shares.filter(|share| share.is_open())
    }

    /// Whether an event can change anything.
    pub(crate) fn is_changed_by(&self, event: &Event) -> bool {
        let adds = matches!(event, Event::SignerAdded { .. });
        adds || !self.of_token.is_empty()
            && (event.step().is_some()
                || matches!(
                    event,
                    Event::ForceForwarded { .. } | Event::Escalated { .. } | Event::NodeEntered { .. }
                ))
    }

    /// Folds one event; `tokens` are those after it.
    pub(crate) fn apply(&mut self, event: &Event, tokens: &[Token]) {
        if let Event::SignerAdded { token, by, .. } = event {
            let ballot = tokens.iter().find(|known| known.id == *token);
            let ballot = ballot.and_then(|token| voting::ballot(&token.rest));
            if let Some(number) = ballot.and_then(|ballot| u32::try_from(ballot.shares.len()).ok()) {
                self.of_token.entry(*token).or_default().push((number, by.clone()));
            }
        }
        if let Event::ForceForwarded { token, .. } | Event::Escalated { token, .. } | Event::NodeEntered { token, .. } =
            event
        {
            self.of_token.remove(token);
        }
        if let Some(step) = event.step() {
            for token in step.ended_stays() {
                self.of_token.remove(token);
            }
        }
    }
}

/// Adds a share beside that of whoever adds it. What one person held is a vote of all from then on, whatever the node says
/// of votes: both are to act.
pub(crate) fn add(rest: &mut Rest, by: &UserId, user: &UserId, position: SignerPosition) {
    if let Rest::Held { holders, .. } = rest {
        *rest = Rest::Voting(Box::new(Ballot::new(std::mem::take(holders), Approval::default())));
    }
    let Rest::Voting(ballot) = rest else { return };
    let own = ballot
        .shares
        .iter()
        .position(|share| share.is_kept() && share.holder == *by);
    let Some(own) = own else { return };
    let number = |idx: usize| u32::try_from(idx + 1).ok();
    let mut after = None;
    match position {
        SignerPosition::With => {}
        SignerPosition::Before => ballot.shares[own].after = number(ballot.shares.len()),
        SignerPosition::After => after = number(own),
    }
    ballot.shares.push(BallotShare {
        holder: user.clone(),
        state: ShareState::Open,
        consulted: None,
        after,
    });
}
