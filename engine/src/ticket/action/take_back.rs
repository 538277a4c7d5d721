//! `take_back`: whoever asked somebody goes on without the answer (semantics: going back).

use crate::id::UserId;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Denied, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Rest, Token};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::TakeBack,
    title: "Take the question back",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| askers(standing.token).any(|user| user == asking.user)),
    who_may,
    carry_out,
};

/// Those who have asked somebody at a token.
fn askers(token: &Token) -> impl Iterator<Item = &UserId> {
    let (one, shares) = match &token.rest {
        Rest::Held { consult, .. } => (consult.as_ref().map(|consult| &consult.by), [].as_slice()),
        Rest::Voting(ballot) => (None, ballot.shares.as_slice()),
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => (None, [].as_slice()),
    };
    let asking = shares.iter().filter(|share| share.consulted.is_some());
    one.into_iter().chain(asking.map(|share| &share.holder))
}

fn who_may(denied: &Denied<'_>) -> Option<String> {
    let (taking, ticket) = (denied.taking, denied.asking.ticket);
    let is_there = |token: &&Token| taking.at.is_none_or(|node| token.node == *node);
    let token = ticket
        .tokens
        .iter()
        .filter(is_there)
        .find(|token| askers(token).next().is_some())?;
    Some(format!("only who asked may, {}", denied.names(askers(token))))
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    decision.emit(Event::ConsultTakenBack {
        token: action.token,
        by: taking.by.clone(),
    });
    Ok(())
}
