//! `abstain`: the operator goes without a vote, and the others decide (semantics: votes).

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::DropReason;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::Token;
use crate::ticket::{sub_ticket, voting};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Abstain,
    title: "Abstain",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| {
        let waited_for = || sub_ticket::waited_for(asking.ticket, standing.token, asking.context.workflow);
        standing.acts && goes_without(standing.token) && waited_for().is_empty()
    }),
    who_may: |denied| denied.waits_for(goes_without),
    carry_out,
};

/// Whether the vote at a token lets one go without, and enough are left then.
fn goes_without(token: &Token) -> bool {
    voting::ballot(&token.rest).is_some_and(|ballot| ballot.abstain && ballot.may_drop_one())
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    voting::drop_share(decision, action.token, taking.by.clone(), DropReason::Abstained)
}
