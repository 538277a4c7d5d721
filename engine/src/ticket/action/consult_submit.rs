//! `consult_submit`: the node returns to those who held it (semantics: actions).

use crate::id::UserId;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Rest, Token};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::ConsultSubmit,
    title: "Answer the consultation",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| asked(standing.token).any(|user| user == asking.user)),
    who_may: |denied| denied.waits_for(|token| asked(token).next().is_some()),
    carry_out,
};

/// Those who are asked at a token.
fn asked(token: &Token) -> impl Iterator<Item = &UserId> {
    let (one, shares) = match &token.rest {
        Rest::Held { consult, .. } => (consult.as_ref().map(|consult| &consult.to), [].as_slice()),
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
    one.into_iter()
        .chain(shares.iter().filter_map(|share| share.consulted.as_ref()))
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    decision.emit(Event::ConsultSubmitted {
        token: action.token,
        by: taking.by.clone(),
    });
    Ok(())
}
