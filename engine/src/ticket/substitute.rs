//! Who stands in for whom on a ticket: recorded where work goes to somebody because another is absent, so that a history
//! names both; and handing over what somebody held when they went (semantics: absence).
//!
//! Not here: who stands in for whom in general (`account::absence`), where people are found (`assignee`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::ticket::ActState;
use crate::ticket::assignee::finding::Finding;
use crate::ticket::ballot::Ballot;
use crate::ticket::decision::Decision;
use crate::ticket::event::{DropReason, Event};
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Rest, Token};
use crate::ticket::voting;

/// Who stands in for whom at the tokens of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandIns {
    /// Who is absent, and who acts for them; by token, in the order in which it came about. Never empty.
    of_token: BTreeMap<TokenId, Vec<(UserId, UserId)>>,
}

impl StandIns {
    /// For whom a person acts at a token.
    pub fn for_whom<'t>(&'t self, token: TokenId, by: &'t UserId) -> impl Iterator<Item = &'t UserId> {
        let pairs = self.of_token.get(&token).into_iter().flatten();
        pairs.filter(move |(_, acts)| acts == by).map(|(absent, _)| absent)
    }

    /// Whether an event can change anything, so that whoever shares them need not copy them for the others.
    pub(crate) fn is_changed_by(&self, event: &Event) -> bool {
        !self.of_token.is_empty() || matches!(event, Event::Substituted { .. })
    }

    /// Folds one event; `tokens` are those after it. Whoever has no part in a node any more acts there for nobody, and whom
    /// a node is given to by force acts for themselves.
    pub(crate) fn apply(&mut self, event: &Event, tokens: &[Token]) {
        if let Event::NodeEntered { token, .. } | Event::ForceForwarded { token, .. } | Event::Escalated { token, .. } =
            event
        {
            self.of_token.remove(token);
        }
        if let Event::Substituted { token, pairs } = event {
            let known = self.of_token.entry(*token).or_default();
            for pair in pairs {
                if !known.contains(pair) {
                    known.push(pair.clone());
                }
            }
        }
        if let Some(step) = event.step() {
            for token in step.ended_stays() {
                self.of_token.remove(token);
            }
        }
        self.of_token.retain(|id, pairs| {
            let token = tokens.iter().find(|token| token.id == *id);
            pairs.retain(|(_, by)| token.is_some_and(|token| token.rest.assignees().any(|one| one == by)));
            !pairs.is_empty()
        });
    }
}

/// Records who stands in for whom, where anybody does.
pub(super) fn record(decision: &mut Decision<'_>, token: TokenId, pairs: Vec<(UserId, UserId)>) {
    if !pairs.is_empty() {
        decision.emit(Event::Substituted { token, pairs });
    }
}

/// Gives what a person who is absent holds to whoever stands in for them, at every node where that can be: their place,
/// their open share, what they were asked.
///
/// # Errors
/// Why none of it can be; `not_waiting` where there is nothing, or the absence is not for this ticket.
pub(super) fn hand_over(decision: &mut Decision<'_>, user: &UserId, by: Option<&UserId>) -> Result<(), Refusal> {
    let nothing = Refusal::NotWaiting {
        what: format!("what `{user}` holds"),
    };
    if decision.ticket.is_final() || decision.ticket.act_state == ActState::InDraft {
        return Err(nothing);
    }
    let mut refused = None;
    let mut is_moved = false;
    let tokens: Vec<TokenId> = decision.ticket.tokens.iter().map(|token| token.id).collect();
    for token in tokens {
        // The vote of one may have moved others.
        let Some(at) = decision.ticket.token(token).filter(|at| has_place(at, user)) else {
            continue;
        };
        let finding = Finding::at(&decision.ticket, &at.node, decision.context);
        if !finding.is_absent(user) {
            continue;
        }
        let to = finding.acts_for(user);
        let outcome = taking_over(at, user, &to, decision).and_then(|merges| {
            let before = decision.mark();
            give(decision, token, user, (&to, by), merges).inspect_err(|_| decision.return_to(before))
        });
        match outcome {
            Ok(()) => is_moved = true,
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    match refused {
        _ if is_moved => Ok(()),
        Some(why) => Err(why),
        None => Err(nothing),
    }
}

/// Whether a person can act on a token, could once it is their turn, or is asked there.
#[must_use]
pub fn has_place(token: &Token, user: &UserId) -> bool {
    match &token.rest {
        Rest::Held { holders, consult } => {
            holders.contains(user) || consult.as_ref().is_some_and(|consult| consult.to == *user)
        }
        Rest::Offered { candidates } => candidates.contains(user),
        Rest::Voting(ballot) => {
            let is_theirs = |ballot: &Ballot| ballot.of(user).is_some_and(|share| share.is_open());
            let mut asked = ballot.kept().filter_map(|share| share.consulted.as_ref());
            is_theirs(ballot) || asked.any(|one| one == user)
        }
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => false,
    }
}

/// Whether a person's share goes into the one that whoever takes over has already.
///
/// # Errors
/// Why nobody can take over.
fn taking_over(at: &Token, user: &UserId, to: &UserId, decision: &Decision<'_>) -> Result<bool, Refusal> {
    let refuse = |reason: &str| {
        let node = decision.context.workflow.node(&at.node);
        Err(Refusal::NoAssignee {
            node: at.node.clone(),
            name: node.map(|node| node.name.clone()).unwrap_or_default(),
            reason: reason.to_owned(),
        })
    };
    if to == user {
        return refuse("nobody stands in who is active and may act there");
    }
    match &at.rest {
        Rest::Held {
            consult: Some(consult), ..
        } if consult.to == *user && consult.by == *to => refuse("whoever stands in has asked the question themselves"),
        Rest::Voting(ballot) => {
            let is_asked = ballot.kept().any(|share| share.consulted.as_ref() == Some(user));
            let is_merged = ballot.of(user).is_some_and(|share| share.is_open()) && ballot.of(to).is_some();
            if is_asked && ballot.has_part(to) {
                refuse("whoever stands in has a part in the vote already")
            } else if is_merged && !ballot.may_drop_one() {
                refuse("whoever stands in has a share already, and the vote takes as many people as there are")
            } else {
                Ok(is_merged)
            }
        }
        Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => Ok(false),
    }
}

fn give(
    decision: &mut Decision<'_>,
    token: TokenId,
    user: &UserId,
    (to, by): (&UserId, Option<&UserId>),
    merges: bool,
) -> Result<(), Refusal> {
    // Whom they stood in for is stood in for by the next.
    let known = decision.ticket.stand_ins.for_whom(token, user).cloned();
    let absent: Vec<UserId> = known.filter(|absent| absent != to).chain([user.clone()]).collect();
    let pairs = absent.into_iter().map(|absent| (absent, to.clone())).collect();
    decision.emit(Event::HandedOver {
        token,
        from: user.clone(),
        to: to.clone(),
        by: by.cloned(),
    });
    if merges {
        decision.emit(Event::Substituted { token, pairs });
        return voting::drop_share(decision, token, user.clone(), DropReason::HandedOver);
    }
    decision.emit(Event::Substituted { token, pairs });
    Ok(())
}
