//! Sub-tickets: who may open one below a node, what a node opens by itself, what follows when they end
//! (semantics: sub-tickets).
//!
//! A sub-ticket is opened in its parent's stream first and created then, so a parent that waits can never slip through.
//! Not here: creating it, and telling its parent (the runtime's `outbox`); what is asked of the child itself (`decide`).

use sha2::{Digest, Sha256};

use crate::account::permission;
use crate::id::{EdgeId, NodeId, TicketId, TokenId, UserId, WorkflowId};
use crate::limits::{CHILDREN_DEPTH_MAX, CHILDREN_OPEN_MAX, listed};
use crate::ticket::command::OpenChild;
use crate::ticket::decision::Decision;
use crate::ticket::event::{ChildEnd, Event, OwedChild, OwedEffect};
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Token;
use crate::ticket::{Child, Ticket, flow};
use crate::time::Timestamp;
use crate::value::Value;
use crate::workflow::node::{Many, Spawn, SpawnCreator, SpawnValue};
use crate::workflow::{Node, NormalProps, WorkflowVersion};

/// Whether a node of the parent's version takes sub-tickets of a workflow that somebody opens: of those it names alone.
///
/// # Errors
/// The refusal of another workflow, with those that would do.
pub fn check(parent: &WorkflowVersion, node: &NodeId, child: &WorkflowId) -> Result<(), Refusal> {
    let allowed = parent
        .node(node)
        .and_then(|node| node.kind.as_normal())
        .map_or(&[][..], |props| &props.sub_workflows);
    if allowed.contains(child) {
        return Ok(());
    }
    Err(Refusal::SubWorkflowNotAllowed {
        node: node.clone(),
        workflow: child.to_string(),
        allowed: listed(allowed).unwrap_or_else(|| "none".to_owned()),
    })
}

/// Somebody opens a sub-ticket.
pub(super) fn open(decision: &mut Decision<'_>, open: &OpenChild) -> Result<(), Refusal> {
    let context = decision.context;
    let token = at(&decision.ticket, &open.node)?;
    let may_act = token.rest.waiting().any(|user| *user == open.by);
    if !may_act && !permission::may_intervene(context.directory, &open.by, context.workflow) {
        return Err(Refusal::PermissionDenied {
            what: format!("a sub-ticket at node `{}`", open.node),
            who_may: "whoever can act there may, and those who may intervene".to_owned(),
        });
    }
    check(context.workflow, &open.node, &open.workflow_id)?;
    if decision.ticket.n_open_children() >= CHILDREN_OPEN_MAX || open.depth >= CHILDREN_DEPTH_MAX {
        return Err(too_many());
    }
    let event = Event::ChildOpened {
        child: open.child,
        token: token.id,
        node: open.node.clone(),
        workflow_id: open.workflow_id.clone(),
        by: Some(open.by.clone()),
    };
    decision.emit(event);
    Ok(())
}

/// The oldest token that rests with people at a node of an open ticket.
fn at<'t>(ticket: &'t Ticket, node: &NodeId) -> Result<&'t Token, Refusal> {
    let is_there = |token: &&Token| token.node == *node;
    let token = ticket.tokens.iter().find(is_there).filter(|_| !ticket.is_final());
    token.ok_or_else(|| Refusal::argument(Argument::ParentNode, node, "the parent must be open and at this node"))
}

/// The refusal of one more.
#[must_use]
pub fn too_many() -> Refusal {
    Refusal::SubTicketLimit {
        open_max: CHILDREN_OPEN_MAX,
        depth_max: CHILDREN_DEPTH_MAX,
    }
}

/// Opens what a node opens by itself, when a token has come to it. Whether it opened none at all though it opens some as a
/// rule: then there is nothing to wait for.
pub(super) fn spawn(decision: &mut Decision<'_>, token: TokenId, node: &Node, props: &NormalProps) -> bool {
    let mut n = 0;
    for spawn in &props.spawn {
        for entry in entries(&decision.ticket, spawn, decision.context.workflow) {
            let child = child_id(&decision.ticket, decision.meta.at);
            decision.emit(Event::ChildOpened {
                child,
                token,
                node: node.id.clone(),
                workflow_id: spawn.workflow.clone(),
                by: None,
            });
            let owed = owed_child(decision, spawn, child, (token, node), entry.as_ref());
            decision.owed.push(OwedEffect::Child(Box::new(owed)));
            n += 1;
        }
    }
    !props.spawn.is_empty() && n == 0
}

fn entries(ticket: &Ticket, spawn: &Spawn, workflow: &WorkflowVersion) -> Vec<Option<Value>> {
    match &spawn.many {
        Many::Count(count) => vec![None; *count as usize],
        Many::Each(key) => match ticket.value_of(key, &workflow.form).as_deref() {
            Some(Value::List(entries)) => entries.iter().cloned().map(Some).collect(),
            Some(value) if !value.is_empty() => vec![Some(value.clone())],
            Some(_) | None => Vec::new(),
        },
    }
}

fn owed_child(
    decision: &Decision<'_>,
    spawn: &Spawn,
    child: TicketId,
    (token, node): (TokenId, &Node),
    entry: Option<&Value>,
) -> OwedChild {
    let ticket = &decision.ticket;
    let form = &decision.context.workflow.form;
    let fields = spawn.fields.iter().filter_map(|(key, value)| {
        let value = match value {
            SpawnValue::Entry => entry.cloned(),
            SpawnValue::Field(from) => ticket.value_of(from, form).map(|value| value.into_owned()),
            SpawnValue::Fixed(value) => Some(value.clone()),
        };
        Some((key.clone(), value?))
    });
    let actor = decision.meta.by.user().filter(|_| spawn.creator == SpawnCreator::Actor);
    OwedChild {
        child,
        workflow_id: spawn.workflow.clone(),
        creator: actor.unwrap_or(&ticket.creator).clone(),
        action_id: spawn.action_id.clone(),
        fields: fields.collect(),
        token,
        node: node.id.clone(),
    }
}

/// The id of a sub-ticket that a node opens: a UUIDv7 of the instant, whose random part comes from the parent and its
/// version, so that a decision made again gives the same.
fn child_id(parent: &Ticket, at: Timestamp) -> TicketId {
    let digest = Sha256::digest(format!("child {} {}", parent.id, parent.version));
    let random: [u8; 10] = digest.first_chunk().copied().unwrap_or_default();
    let ms = u64::try_from(at.0).unwrap_or(0);
    TicketId(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
}

/// A sub-ticket ended, or will never be there.
pub(super) fn end(decision: &mut Decision<'_>, child: TicketId, state: ChildEnd) -> Result<(), Refusal> {
    let known = decision
        .ticket
        .children
        .get(&child)
        .filter(|known| known.state.is_none());
    let Some(known) = known.cloned() else {
        return Err(Refusal::NotWaiting {
            what: format!("sub-ticket {child}"),
        });
    };
    decision.emit(Event::ChildEnded { child, state });
    let token = decision.ticket.tokens.iter().find(|token| token.visit == known.visit);
    if let Some(token) = token.map(|token| token.id) {
        leave_after_last(decision, token);
    }
    Ok(())
}

/// Takes the edge that follows the last sub-ticket of a stay, where the node names one; where that cannot be taken the
/// ticket stays.
pub(super) fn leave_after_last(decision: &mut Decision<'_>, token: TokenId) {
    let Some(edge) = edge_after_last(decision, token) else {
        return;
    };
    decision.attempt(|decision| match decision.context.workflow.edge(&edge) {
        Some(edge) => flow::leave_by(decision, token, edge),
        None => Ok(()),
    });
}

fn edge_after_last(decision: &Decision<'_>, token: TokenId) -> Option<EdgeId> {
    let token = decision.ticket.token(token)?;
    let props = decision.context.workflow.node(&token.node)?.kind.as_normal()?;
    let of_visit: Vec<&Child> = decision
        .ticket
        .children_of(token.visit)
        .map(|(_, child)| child)
        .collect();
    if of_visit.iter().any(|child| child.state.is_none()) {
        return None;
    }
    // What somebody went on without is nobody's failure.
    let is_well = |child: &&Child| matches!(child.state, Some(ChildEnd::Finished | ChildEnd::None));
    let edge = if of_visit.iter().all(is_well) {
        &props.auto_edge
    } else {
        &props.auto_edge_failed
    };
    edge.clone()
}

/// The open sub-tickets that a token's node waits for; while there are any, its edges stay.
pub(super) fn waited_for(ticket: &Ticket, token: &Token, workflow: &WorkflowVersion) -> Vec<TicketId> {
    let props = workflow.node(&token.node).and_then(|node| node.kind.as_normal());
    if ticket.children.is_empty() || !props.is_some_and(|props| props.wait_for_sub_tickets) {
        return Vec::new();
    }
    let open = ticket
        .children_of(token.visit)
        .filter(|(_, child)| child.state.is_none());
    open.map(|(id, _)| id).collect()
}

/// Owes that every open sub-ticket is closed with its parent, or every one of a stay.
pub(super) fn close(decision: &mut Decision<'_>, by: &UserId, visit: Option<u64>) {
    let open = decision
        .ticket
        .children
        .iter()
        .filter(|(_, child)| child.state.is_none() && visit.is_none_or(|visit| child.visit == visit));
    let close: Vec<_> = open.map(|(child, _)| *child).collect();
    let owed = close
        .into_iter()
        .map(|child| OwedEffect::CloseChild { child, by: by.clone() });
    decision.owed.extend(owed);
}

impl Ticket {
    /// Sub-tickets of one stay at a node.
    pub(crate) fn children_of(&self, visit: u64) -> impl Iterator<Item = (TicketId, &Child)> {
        let children = self.children.iter().filter(move |(_, child)| child.visit == visit);
        children.map(|(id, child)| (*id, child))
    }

    /// How many sub-tickets are open, of every stay.
    #[must_use]
    pub fn n_open_children(&self) -> usize {
        self.children.values().filter(|child| child.state.is_none()).count()
    }
}
