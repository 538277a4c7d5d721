//! `accept`: a candidate of a voluntary node makes it their own (semantics: actions).

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::Rest;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Accept,
    title: "Accept",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(
        |asking, standing| matches!(&standing.token.rest, Rest::Offered { candidates } if candidates.contains(asking.user)),
    ),
    who_may: |denied| denied.waits_for(|token| matches!(token.rest, Rest::Offered { .. })),
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    decision.emit(Event::Accepted {
        token: action.token,
        user: taking.by.clone(),
    });
    Ok(())
}
