//! `return_to`: a token goes back to a start or normal node that it has been on, to whoever acted there, and perhaps comes
//! straight back with the next edge (semantics: going-back).
//!
//! Who acts at a node may send it back where the node says so; those who may intervene from wherever it waits. Somebody who
//! may do both does it as the one who acts, where that will do.

use crate::account::permission;
use crate::id::{NodeId, UserId};
use crate::limits;
use crate::ticket::act::{Action, Taking};
use crate::ticket::action::{
    Asking, Chosen, Denied, Offering, Rule, Standing, comment_of, emit_action, holders, interveners,
};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::{Decision, GoesBack};
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{ActState, flow, sub_ticket, voting};
use crate::workflow::{NormalProps, WorkflowVersion};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::ReturnTo,
    title: "Return to an earlier node",
    needs: &[Argument::TargetNode, Argument::Comment],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Token(|asking, standing| {
        let workflow = asking.context.workflow;
        let is_free = || sub_ticket::waited_for(asking.ticket, standing.token, workflow).is_empty();
        is_offered(asking, standing) && is_free()
    }),
    who_may,
    carry_out,
};

/// The same, for those who may intervene.
pub(super) const BY_FORCE: Rule = Rule {
    is_admin: true,
    offer: Offering::Token(|asking, standing| {
        is_waiting(standing.token) && reached(standing.token, asking.context.workflow).next().is_some()
    }),
    ..RULE
};

/// Whether somebody may send a token back as the one who acts, sub-tickets aside.
pub(in crate::ticket) fn is_offered(asking: &Asking<'_>, standing: &Standing<'_>) -> bool {
    standing.may_give && allowed(standing.token, asking.context.workflow).next().is_some()
}

/// Whether a token waits at its node: at a merge it has arrived, and its stay is over.
fn is_waiting(token: &Token) -> bool {
    token.rest.is_for_people() || matches!(token.rest, Rest::Timer { .. } | Rest::Hook { .. })
}

/// The nodes that a token can go back to: start and normal nodes where it has been since its innermost fork was opened, so
/// that no other token is concerned.
pub(in crate::ticket) fn reached<'t>(token: &'t Token, workflow: &WorkflowVersion) -> impl Iterator<Item = &'t NodeId> {
    let been = token.path.since_fork(token.forks.len());
    been.filter(move |id| {
        let is_peoples = workflow.node(id).is_some_and(|node| node.kind.is_left_by_people());
        is_peoples && **id != token.node && flow::is_within(token, id, workflow)
    })
}

/// Those of them that whoever acts may choose.
pub(in crate::ticket) fn allowed<'t>(token: &'t Token, workflow: &WorkflowVersion) -> impl Iterator<Item = &'t NodeId> {
    let props = props_of(token, workflow);
    let lets = |id: &&NodeId| props.is_some_and(|props| props.allow_return.allows(id));
    reached(token, workflow).filter(lets).collect::<Vec<_>>().into_iter()
}

/// What is said of a return that is offered: where to, and whether it may come straight back.
pub(in crate::ticket) fn props(token: &Token, workflow: &WorkflowVersion, by_force: bool) -> serde_json::Value {
    let nodes: Vec<&str> = if by_force {
        reached(token, workflow).map(NodeId::as_str).collect()
    } else {
        allowed(token, workflow).map(NodeId::as_str).collect()
    };
    serde_json::json!({ "target_node_ids": nodes, "resume": may_resume(token, workflow) })
}

/// Whether a token may be sent back so that it comes straight back.
pub(in crate::ticket) fn may_resume(token: &Token, workflow: &WorkflowVersion) -> bool {
    props_of(token, workflow).is_none_or(|props| props.allow_resume)
}

fn props_of<'w>(token: &Token, workflow: &'w WorkflowVersion) -> Option<&'w NormalProps> {
    workflow.node(&token.node)?.kind.as_normal()
}

fn who_may(denied: &Denied<'_>) -> Option<String> {
    let Asking { ticket, context, .. } = denied.asking;
    let workflow = context.workflow;
    let can_go = |token: &Token| is_waiting(token) && reached(token, workflow).next().is_some();
    if !ticket.tokens.iter().any(can_go) {
        return None;
    }
    let is_allowed = ticket
        .tokens
        .iter()
        .any(|token| allowed(token, workflow).next().is_some());
    let by_holders = if is_allowed { holders(denied) } else { None };
    by_holders.or_else(|| interveners(denied))
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let workflow = decision.context.workflow;
    if comment_of(taking.comment).is_none() {
        return Err(Refusal::argument(Argument::Comment, "", "say why it is returned"));
    }
    let Some(token) = decision.ticket.token(action.token).cloned() else {
        return Err(Refusal::NotWaiting {
            what: format!("token {}", action.token.0),
        });
    };
    let asking = Asking {
        ticket: &decision.ticket,
        user: taking.by,
        context: decision.context,
    };
    let acts = (RULE.offer).holds(&asking, &asking.standing(&token));
    let may_intervene = permission::may_intervene(decision.context.directory, taking.by, workflow);
    let mut own: Vec<&NodeId> = if acts {
        allowed(&token, workflow).collect()
    } else {
        Vec::new()
    };
    let named = taking.action.to_node();
    let is_own = named.is_some_and(|named| own.contains(&named));
    let by_force = !is_own && may_intervene;
    if by_force {
        own = reached(&token, workflow).collect();
    }
    let Some(to) = named.filter(|named| own.contains(named)).cloned() else {
        let nodes = limits::listed(own).unwrap_or_else(|| "none".to_owned());
        let problem = format!("it can be returned to one of {nodes}");
        let named = named.map_or("", NodeId::as_str);
        return Err(Refusal::argument(Argument::TargetNode, named, problem));
    };
    let resumes = matches!(taking.action, Action::ReturnTo { resume: true, .. });
    if resumes && !may_resume(&token, workflow) {
        let problem = format!("node `{}` is not come straight back to", token.node);
        return Err(Refusal::argument(Argument::Resume, "true", problem));
    }
    if taking.closes_children && !by_force {
        let problem = "only those who may intervene close sub-tickets with it";
        return Err(Refusal::argument(Argument::Children, "close", problem));
    }
    emit_action(decision, action, taking);
    if taking.closes_children {
        sub_ticket::close(decision, taking.by, Some(token.visit));
    }
    let resume = resumes.then(|| people(&token, taking.by, by_force));
    decision.emit(Event::TokenReturned {
        token: token.id,
        from: token.node,
        to,
        resume,
    });
    decision.goes_back = Some(GoesBack::ToLast);
    flow::settle(decision)?;
    decision.set_state(if by_force {
        ActState::OnGoing
    } else {
        ActState::Rejected
    });
    Ok(())
}

/// Whom a token is for that comes straight back: all who have a share of the vote, else whoever sends it back, or those
/// from whom it is taken.
fn people(token: &Token, by: &UserId, by_force: bool) -> Vec<UserId> {
    if let Some(ballot) = voting::ballot(&token.rest) {
        return ballot.kept().map(|share| share.holder.clone()).collect();
    }
    match &token.rest {
        Rest::Held { .. } if !by_force => vec![by.clone()],
        Rest::Held { holders, .. } => holders.clone(),
        Rest::Offered { candidates } => candidates.clone(),
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Voting(_)
        | Rest::Ended => Vec::new(),
    }
}
