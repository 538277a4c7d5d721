//! Who has agreed in the present round: since the ticket left start, or was rejected, returned, withdrawn or forced, whatever
//! came last (semantics: going back).
//!
//! Folded from events, which do not say of an edge whether it is a reject edge. Where one turns the ticket `rejected`, its
//! state says so. A ticket that is rejected already may be so again without a word of it: then agreement counts no more
//! unless the same commit says that the ticket is on its way.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::ticket::event::{Event, Meta};
use crate::ticket::{ActState, ActionKind, Ticket};

/// Who agreed, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The ticket's version with the action by which each took or voted an agree edge last.
    agreed: BTreeMap<UserId, u64>,
    /// The version of an edge that was taken while the ticket was rejected, and is a reject edge unless the state changes.
    rejected_again: Option<u64>,
}

impl Round {
    /// The ticket's version with the action by which somebody agreed last in this round.
    #[must_use]
    pub fn agreed(&self, user: &UserId) -> Option<u64> {
        let version = self.agreed.get(user).copied();
        version.filter(|version| self.rejected_again.is_none_or(|again| *version > again))
    }

    fn note(&mut self, user: &UserId, version: u64) {
        if let Some(again) = self.rejected_again.take() {
            self.agreed.retain(|_, version| *version > again);
        }
        self.agreed.insert(user.clone(), version);
    }
}

impl Ticket {
    /// Notes who agrees, and where another round begins; before the event moves a token.
    pub(super) fn note_round(&mut self, event: &Event, meta: &Meta) {
        if let Event::ActionTaken(taken) = event
            && let (ActionKind::Agree, Some(user)) = (taken.kind, meta.by.user())
        {
            Arc::make_mut(&mut self.round).note(user, self.version);
        } else if let Event::VoteTakenBack { user, .. } = event {
            // An earlier agreement of the same round has gone when this one was noted.
            if self.round.agreed.contains_key(user) {
                Arc::make_mut(&mut self.round).agreed.remove(user);
            }
        } else if let Event::EdgeTaken { token, from, .. } | Event::Resumed { token, from, .. } = event {
            let is_peoples = self.token(*token).is_some_and(|token| token.rest.is_for_people());
            if is_peoples && *from == self.start {
                self.begin_round();
            } else if is_peoples && self.act_state == ActState::Rejected {
                Arc::make_mut(&mut self.round).rejected_again = Some(self.version);
            }
        } else if let Event::StateChanged { to } = event {
            if *to == ActState::Rejected {
                self.begin_round();
            } else if self.round.rejected_again.is_some() {
                Arc::make_mut(&mut self.round).rejected_again = None;
            }
        } else if matches!(event, Event::TokenReturned { .. } | Event::TokensReplaced { .. }) {
            self.begin_round();
        }
    }

    fn begin_round(&mut self) {
        if *self.round != Round::default() {
            self.round = Arc::default();
        }
    }
}
