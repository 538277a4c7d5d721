//! `consult`: someone else holds the node until it answers; whoever asked keeps sight of it (semantics: actions).
//!
//! Where everyone acts, it suspends the operator's share alone, and whoever has a part in the node cannot be asked:
//! the one consulted would have two roles at one node.

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, acts_for, emit_action, holders, record_stand_in, target_user};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::voting;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Consult,
    title: "Consult",
    needs: &[Argument::TargetUser],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|_, standing| standing.may_give),
    who_may: holders,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let named = target_user(decision, taking)?;
    let to = acts_for(decision, &action.node, &named);
    let argument = Argument::TargetUser;
    if to == *taking.by {
        return Err(Refusal::argument(
            argument,
            &named,
            "you cannot consult yourself, and you stand in for this user where it is another; name someone else",
        ));
    }
    let token = decision.ticket.token(action.token);
    if token
        .and_then(|token| voting::ballot(&token.rest))
        .is_some_and(|ballot| ballot.has_part(&to))
    {
        return Err(Refusal::argument(
            argument,
            &named,
            "this user, or whoever stands in for them, has a part in the node already",
        ));
    }
    emit_action(decision, action, taking);
    decision.emit(Event::Consulted {
        token: action.token,
        by: taking.by.clone(),
        to: to.clone(),
    });
    record_stand_in(decision, action.token, named, to);
    Ok(())
}
