//! `forward`: another person takes the operator's place (semantics: actions).
//!
//! Where everyone acts, only an open share moves, and not to someone who holds one.

use crate::ticket::act::Taking;
use crate::ticket::action::{
    Chosen, Offering, Rule, acts_for, check_not_excluded, emit_action, holders, record_stand_in, target_user,
};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::voting;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Forward,
    title: "Forward",
    needs: &[Argument::TargetUser],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|_, standing| standing.may_give),
    who_may: holders,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let named = target_user(decision, taking)?;
    check_not_excluded(decision, &action.node, &named)?;
    let to = acts_for(decision, &action.node, &named);
    let argument = Argument::TargetUser;
    if to == *taking.by {
        return Err(Refusal::argument(
            argument,
            &named,
            "you hold the node already, or stand in for this user; name someone else",
        ));
    }
    let token = decision.ticket.token(action.token);
    if token
        .and_then(|token| voting::ballot(&token.rest))
        .is_some_and(|ballot| ballot.of(&to).is_some())
    {
        return Err(Refusal::argument(
            argument,
            &named,
            "this user, or whoever stands in for them, has a share of the node already",
        ));
    }
    emit_action(decision, action, taking);
    decision.emit(Event::Forwarded {
        token: action.token,
        from: taking.by.clone(),
        to: to.clone(),
    });
    record_stand_in(decision, action.token, named, to);
    Ok(())
}
