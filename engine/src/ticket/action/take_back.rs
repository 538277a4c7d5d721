//! `take_back`: somebody whom the operator added to those who act need not act any more (semantics: signers).

use crate::id::UserId;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, nobody};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::DropReason;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Token;
use crate::ticket::{Ticket, voting};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::TakeBack,
    title: "Take back",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| !added(asking.ticket, standing.token, asking.user).is_empty()),
    who_may: nobody,
    carry_out,
};

/// Whom a person added and can take out again: their votes are still to come, and enough are left without one.
fn added<'t>(ticket: &'t Ticket, token: &'t Token, by: &'t UserId) -> Vec<&'t UserId> {
    if !voting::ballot(&token.rest).is_some_and(|ballot| ballot.may_drop_one()) {
        return Vec::new();
    }
    let shares = ticket.signers.added_by(token, by);
    shares.map(|share| &share.holder).collect()
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let token = decision.ticket.token(action.token);
    let added = token.map_or_else(Vec::new, |token| added(&decision.ticket, token, taking.by));
    let user = match (taking.action.to_user(), added.as_slice()) {
        (Some(named), added) if added.contains(&named) => named.clone(),
        (None, [only]) => UserId::clone(only),
        (named, added) => {
            let known: Vec<String> = added.iter().map(|user| format!("`{user}`")).take(10).collect();
            let named = named.map_or("", |named| named.as_str());
            let problem = format!(
                "name one of those whom you added and who have not voted: {}",
                known.join(", ")
            );
            return Err(Refusal::argument(Argument::TargetUser, named, problem));
        }
    };
    emit_action(decision, action, taking);
    voting::drop_share(decision, action.token, user, DropReason::TakenBack)
}
