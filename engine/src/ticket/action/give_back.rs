//! `give_back`: whoever accepted a node gives it back to all who could have (semantics: going-back).

use crate::account::directory::Directory;
use crate::id::UserId;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Rest, Token};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::GiveBack,
    title: "Give back",
    needs: &[],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| {
        // Somebody else has to be there to accept it.
        standing.acts && candidates(standing.token, asking.context.directory).len() > 1
    }),
    who_may: |denied| {
        let directory = denied.asking.context.directory;
        denied.waits_for(|token| candidates(token, directory).len() > 1)
    },
    carry_out,
};

/// Who could accept a node that somebody has accepted: those who could have, and are still active; nobody while a
/// consultation is open.
fn candidates(token: &Token, directory: &Directory) -> Vec<UserId> {
    if !matches!(token.rest, Rest::Held { consult: None, .. }) {
        return Vec::new();
    }
    let active = token
        .candidates
        .iter()
        .filter(|user| directory.active_user(user).is_some());
    active.cloned().collect()
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let directory = decision.context.directory;
    let candidates = decision
        .ticket
        .token(action.token)
        .map(|token| candidates(token, directory));
    emit_action(decision, action, taking);
    decision.emit(Event::GivenBack {
        token: action.token,
        candidates: candidates.unwrap_or_default(),
    });
    Ok(())
}
