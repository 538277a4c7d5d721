//! `withdraw`: the creator takes the ticket back to start (semantics: actions).

use crate::ticket::ActState;
use crate::ticket::act::Taking;
use crate::ticket::action::{Asking, Chosen, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::Rest;
use crate::ticket::{flow, sub_ticket};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Withdraw,
    title: "Withdraw",
    needs: &[],
    is_destructive: true,
    is_admin: false,
    offer: Offering::Ticket(|asking| {
        asking.ticket.act_state != ActState::InDraft
            && asking.ticket.creator == *asking.user
            && is_allowed_everywhere(asking)
    }),
    who_may: |denied| {
        let creator = &denied.asking.ticket.creator;
        let is_other = creator != denied.asking.user;
        is_other.then(|| format!("only the creator may, {}", denied.names(std::iter::once(creator))))
    },
    carry_out,
};

/// Every node with a token allows it, tokens waiting at a merge aside, and the ticket is not at start.
fn is_allowed_everywhere(asking: &Asking<'_>) -> bool {
    let workflow = asking.context.workflow;
    let start = &workflow.start().id;
    asking.ticket.tokens.iter().all(|token| {
        token.node != *start
            && (matches!(token.rest, Rest::Joining)
                || workflow.node(&token.node).is_some_and(|node| node.allow_withdraw))
    })
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    let start = decision.context.workflow.start().id.clone();
    if taking.closes_children {
        sub_ticket::close(decision, taking.by, None);
    }
    flow::replace_tokens(decision, &start)?;
    decision.set_state(ActState::Withdrawn);
    Ok(())
}
