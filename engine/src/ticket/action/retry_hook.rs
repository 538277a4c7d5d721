//! `retry_hook`: a failed hook is posted again, as a new request (semantics: actions, hooks).

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, interveners};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::Rest;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::RetryHook,
    title: "Retry the hook",
    needs: &[],
    is_destructive: false,
    is_admin: true,
    offer: Offering::Token(|_, standing| matches!(standing.token.rest, Rest::Hook { failed: Some(_), .. })),
    who_may: interveners,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let attempt = decision.ticket.n_hook_requests + 1;
    emit_action(decision, action, taking);
    decision.emit(Event::HookRequested {
        token: action.token,
        node: action.node.clone(),
        attempt,
    });
    Ok(())
}
