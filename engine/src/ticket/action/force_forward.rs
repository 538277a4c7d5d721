//! `force_forward`: the target becomes the node's sole assignee; ends a consult, an accept wait, and discards votes
//! (semantics: actions, strategies).

use crate::ticket::act::Taking;
use crate::ticket::action::{
    Chosen, Offering, Rule, acts_for, check_not_excluded, emit_action, interveners, record_stand_in, target_user,
};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Rest;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::ForceForward,
    title: "Force forward",
    needs: &[Argument::TargetUser],
    is_destructive: false,
    is_admin: true,
    offer: Offering::Token(|_, standing| {
        matches!(
            standing.token.rest,
            Rest::Held { .. } | Rest::Offered { .. } | Rest::Voting(_) | Rest::Unassigned
        )
    }),
    who_may: interveners,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let named = target_user(decision, taking)?;
    check_not_excluded(decision, &action.node, &named)?;
    let to = acts_for(decision, &action.node, &named);
    emit_action(decision, action, taking);
    decision.emit(Event::ForceForwarded {
        token: action.token,
        to: to.clone(),
    });
    record_stand_in(decision, action.token, named, to);
    Ok(())
}
