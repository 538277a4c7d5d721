//! `force_close`: all tokens go, one is put on end (semantics: actions).

use crate::ticket::ActState;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, interveners};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::refusal::Refusal;
use crate::ticket::{flow, sub_ticket};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::ForceClose,
    title: "Force close",
    needs: &[],
    is_destructive: true,
    is_admin: true,
    offer: Offering::Ticket(|_| true),
    who_may: interveners,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    let end = decision.context.workflow.end().id.clone();
    if taking.closes_children {
        sub_ticket::close(decision, taking.by, None);
    }
    flow::replace_tokens(decision, &end)?;
    decision.set_state(ActState::Closed);
    Ok(())
}
