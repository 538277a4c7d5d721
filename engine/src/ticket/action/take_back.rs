//! `take_back`: whoever asked somebody goes on without the answer (semantics: going-back), or somebody whom the operator
//! added to those who act need not act any more (semantics: signers).

use crate::id::UserId;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Denied, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::{DropReason, Event};
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{Ticket, voting};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::TakeBack,
    title: "Take back",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| {
        let (ticket, token, user) = (asking.ticket, standing.token, asking.user);
        consulted(token, user).is_some() || !added(ticket, token, user).is_empty()
    }),
    who_may,
    carry_out,
};

/// Those who have asked somebody at a token, and whom.
fn askers(token: &Token) -> impl Iterator<Item = (&UserId, &UserId)> {
    let one = if let Rest::Held { consult, .. } = &token.rest {
        consult.as_ref()
    } else {
        None
    };
    let one = one.into_iter().map(|consult| (&consult.by, &consult.to));
    let shares = voting::ballot(&token.rest).into_iter().flat_map(|ballot| ballot.kept());
    let asking = shares.filter_map(|share| share.consulted.as_ref().map(|to| (&share.holder, to)));
    one.chain(asking)
}

/// Whom a person has asked at a token.
fn consulted<'t>(token: &'t Token, by: &UserId) -> Option<&'t UserId> {
    askers(token).find(|(asker, _)| *asker == by).map(|(_, to)| to)
}

/// Whom a person added and can take out again: their votes are still to come, and enough are left without one.
fn added<'t>(ticket: &'t Ticket, token: &'t Token, by: &'t UserId) -> Vec<&'t UserId> {
    if !voting::ballot(&token.rest).is_some_and(|ballot| ballot.may_drop_one()) {
        return Vec::new();
    }
    let shares = ticket.signers.added_by(token, by);
    shares.map(|share| &share.holder).collect()
}

fn who_may(denied: &Denied<'_>) -> Option<String> {
    let (taking, ticket) = (denied.taking, denied.asking.ticket);
    let is_there = |token: &&Token| taking.at.is_none_or(|node| token.node == *node);
    let token = ticket
        .tokens
        .iter()
        .filter(is_there)
        .find(|token| askers(token).next().is_some())?;
    let asking = askers(token).map(|(asker, _)| asker);
    Some(format!("only who asked may, {}", denied.names(asking)))
}

/// Without a name, what was asked goes before whom was added: that one waits for the answer.
fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let named = taking.action.to_user();
    let token = decision.ticket.token(action.token);
    let asked = token.and_then(|token| consulted(token, taking.by));
    if let Some(to) = asked.filter(|asked| named.is_none_or(|named| named == *asked)).cloned() {
        emit_action(decision, action, taking);
        decision.emit(Event::ConsultTakenBack {
            token: action.token,
            by: taking.by.clone(),
            to,
        });
        return Ok(());
    }
    let added = token.map_or_else(Vec::new, |token| added(&decision.ticket, token, taking.by));
    let user = match (named, added.as_slice()) {
        (Some(named), added) if added.contains(&named) => named.clone(),
        (None, [only]) => UserId::clone(only),
        (named, added) => {
            let known: Vec<String> = asked
                .into_iter()
                .chain(added.iter().copied())
                .map(|user| format!("`{user}`"))
                .take(10)
                .collect();
            let named = named.map_or("", |named| named.as_str());
            let problem = format!(
                "name the one whom you asked, or one of those whom you added and who have not voted: {}",
                known.join(", ")
            );
            return Err(Refusal::argument(Argument::TargetUser, named, problem));
        }
    };
    emit_action(decision, action, taking);
    voting::drop_share(decision, action.token, user, DropReason::TakenBack)
}
