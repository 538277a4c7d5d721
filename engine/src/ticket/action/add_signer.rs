//! `add_signer`: somebody else has to act at the node as well, before, beside or after the operator (semantics: signers).

use crate::limits::SIGNERS_ADDED_MAX;
use crate::ticket::act::{Action, Taking};
use crate::ticket::action::{
    Asking, Chosen, Offering, Rule, Standing, acts_for, check_not_excluded, emit_action, holders, record_stand_in,
    target_user,
};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::{Event, SignerPosition};
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Rest;
use crate::ticket::voting;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::AddSigner,
    title: "Add a signer",
    needs: &[Argument::TargetUser],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(is_offered),
    who_may: |denied| {
        let workflow = denied.asking.context.workflow;
        let props = workflow.nodes.iter().filter_map(|node| node.kind.as_normal());
        props
            .into_iter()
            .any(|props| props.allow_add_signer)
            .then(|| holders(denied))
            .flatten()
    },
    carry_out,
};

/// By who can act alone: the only holder, or whoever has a share whose turn it is.
fn is_offered(asking: &Asking<'_>, standing: &Standing<'_>) -> bool {
    let node = asking.context.workflow.node(&standing.token.node);
    let props = node.and_then(|node| node.kind.as_normal());
    let rest = &standing.token.rest;
    let is_alone = voting::ballot(rest).is_some() || matches!(rest, Rest::Held { holders, .. } if holders.len() == 1);
    standing.may_give && is_alone && props.is_some_and(|props| props.allow_add_signer)
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let named = target_user(decision, taking)?;
    check_not_excluded(decision, &action.node, &named)?;
    let user = acts_for(decision, &action.node, &named);
    let has_place = decision.ticket.token(action.token).is_some_and(|token| {
        let has_share = voting::ballot(&token.rest).is_some_and(|ballot| ballot.of(&user).is_some());
        has_share || matches!(&token.rest, Rest::Held { holders, .. } if holders.contains(&user))
    });
    if has_place {
        let problem = "this user, or whoever stands in for them, acts at the node already; name someone else";
        return Err(Refusal::argument(Argument::TargetUser, &named, problem));
    }
    if decision.ticket.signers.n_added(action.token) >= SIGNERS_ADDED_MAX {
        let problem = format!("{SIGNERS_ADDED_MAX} people were added here, and no more can be");
        return Err(Refusal::argument(Argument::TargetUser, &named, problem));
    }
    let position = if let Action::AddSigner { position, .. } = taking.action {
        *position
    } else {
        SignerPosition::With
    };
    emit_action(decision, action, taking);
    decision.emit(Event::SignerAdded {
        token: action.token,
        by: taking.by.clone(),
        user: user.clone(),
        position,
    });
    record_stand_in(decision, action.token, named, user);
    Ok(())
}
