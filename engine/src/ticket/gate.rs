//! The gate: of the actions a user is offered, the one a request means; what is not offered is refused here, and only
//! here, in words that say who may or what is open instead.
//!
//! Not here: what is offered (`action`), what the action then does (`action/<name>`).

use std::collections::BTreeSet;

use crate::id::{NodeId, UserId};
use crate::ticket::action::{self, ActionKind, Chosen, Offer, Offers};
use crate::ticket::command::ActionRequest;
use crate::ticket::decide::Decision;
use crate::ticket::refusal::{Argument, Available, Refusal};
use crate::ticket::room::Room;
use crate::ticket::token::Rest;
use crate::view::row::{Person, waited_for};
use crate::workflow::NodeKind;

/// Finds the offered action that is meant.
pub(crate) fn choose<'a>(
    decision: &Decision<'a>,
    operator: &UserId,
    request: &ActionRequest,
) -> Result<Chosen<'a>, Refusal> {
    let ticket = &*decision.ticket;
    let offers = action::offers(ticket, operator, decision.context);
    Room::check(ticket, Some(request.kind))?;
    let refuse = || refuse_action(decision, operator, request, &offers);
    let is_meant = |one: &&Offer<'_, 'a>| one.kind == request.kind && one.id() == request.action_id;
    let is_ticket_wide = matches!(
        request.kind,
        ActionKind::AddComment
            | ActionKind::Withdraw
            | ActionKind::ForceClose
            | ActionKind::ForceAlterNode
            | ActionKind::Discard
    );
    if let (Some(node), true) = (&request.node_id, is_ticket_wide) {
        let Some(one) = offers.iter().find(is_meant) else {
            return Err(refuse());
        };
        let Some(token) = ticket.tokens.iter().find(|token| token.node == *node) else {
            return Err(Refusal::argument(
                Argument::Node,
                node,
                "the ticket is not at this node",
            ));
        };
        return Ok(Chosen {
            kind: one.kind,
            edge: None,
            node: node.clone(),
            token: token.id,
        });
    }
    let is_there = |one: &&Offer<'_, 'a>| request.node_id.as_ref().is_none_or(|node| one.token.node == *node);
    let fitting = || offers.iter().filter(is_meant).filter(is_there);
    // Two tokens on one node: the older acts first (semantics: game).
    let Some(oldest) = fitting().min_by_key(|one| one.token.id) else {
        return Err(refuse());
    };
    let node = &oldest.token.node;
    if fitting().any(|one| one.token.node != *node) {
        let nodes: BTreeSet<&NodeId> = fitting().map(|one| &one.token.node).collect();
        return Err(Refusal::AmbiguousNode {
            action_id: request.action_id.clone(),
            nodes: nodes.into_iter().cloned().collect(),
        });
    }
    Ok(Chosen {
        kind: oldest.kind,
        edge: oldest.edge,
        node: node.clone(),
        token: oldest.token.id,
    })
}

/// Says who may, where somebody else may; else what this user can do.
fn refuse_action(
    decision: &Decision<'_>,
    operator: &UserId,
    request: &ActionRequest,
    offers: &Offers<'_, '_>,
) -> Refusal {
    let context = decision.context;
    let ticket = &decision.ticket;
    let names = |users: &mut dyn Iterator<Item = &UserId>| {
        let shown = users.take(10).map(|user| Person::of(user, context.directory));
        shown
            .map(|person| format!("{} ({})", person.shown(), person.id))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let waiting = |is_meant: &dyn Fn(&Rest, &NodeId) -> bool| {
        let fitting = |node: &NodeId| request.node_id.as_ref().is_none_or(|asked| asked == node);
        ticket
            .tokens
            .iter()
            .filter(|token| fitting(&token.node))
            .find_map(|token| {
                let users = waited_for(&token.rest, context.directory);
                let is_others = !users.is_empty() && users.iter().all(|user| *user != operator);
                (is_meant(&token.rest, &token.node) && is_others)
                    .then(|| format!("node `{}` waits for {}", token.node, names(&mut users.into_iter())))
            })
    };
    let is_person = |rest: &Rest| matches!(rest, Rest::Held { .. } | Rest::Shared { .. });
    let is_word = request.action_id == request.kind.word();
    let who_may = match request.kind {
        _ if ticket.is_final() => None,
        ActionKind::Agree | ActionKind::Reject | ActionKind::Other => waiting(&|rest, node| {
            let mut ways = context.workflow.ways_out(node);
            is_person(rest)
                && ways.any(|edge| {
                    edge.id.as_str() == request.action_id && ActionKind::of_edge(edge) == Some(request.kind)
                })
        }),
        // With another id it is an agree edge (`ActionKind::parse`).
        ActionKind::Accept => waiting(&|rest, _| matches!(rest, Rest::Offered { .. })),
        ActionKind::Forward | ActionKind::Consult if is_word => waiting(&|rest, node| {
            let node = context.workflow.node(node);
            is_person(rest) && node.is_some_and(|node| matches!(node.kind, NodeKind::Normal(_)))
        }),
        ActionKind::ConsultSubmit if is_word => waiting(&|rest, _| match rest {
            Rest::Held { consult, .. } => consult.is_some(),
            Rest::Shared { shares } => shares.iter().any(|share| share.consulted.is_some()),
            Rest::Moving
            | Rest::Joining
            | Rest::Unassigned
            | Rest::Offered { .. }
            | Rest::Timer { .. }
            | Rest::Hook { .. }
            | Rest::Ended => false,
        }),
        ActionKind::Withdraw if is_word && ticket.creator != *operator => Some(format!(
            "only the creator may, {}",
            names(&mut std::iter::once(&ticket.creator))
        )),
        ActionKind::ForceForward | ActionKind::ForceClose | ActionKind::ForceAlterNode | ActionKind::RetryHook
            if is_word && offers.admin_actions.is_empty() =>
        {
            Some("the tenant's admins and the workflow's admins and dispatchers may".into())
        }
        ActionKind::Forward
        | ActionKind::Consult
        | ActionKind::ConsultSubmit
        | ActionKind::Withdraw
        | ActionKind::ForceForward
        | ActionKind::ForceClose
        | ActionKind::ForceAlterNode
        | ActionKind::RetryHook
        | ActionKind::AddComment
        | ActionKind::Discard => None,
    };
    match who_may {
        Some(who_may) => Refusal::PermissionDenied {
            what: format!("action `{}` with id `{}`", request.kind.word(), request.action_id),
            who_may,
        },
        None => Refusal::ActionNotAvailable {
            action_type: request.kind.word(),
            action_id: request.action_id.chars().take(80).collect(),
            available: offers
                .iter()
                .map(|one| Available {
                    kind: one.kind,
                    edge: one.edge.map(|edge| edge.id.clone()),
                    node: one.token.node.clone(),
                })
                .collect(),
        },
    }
}
