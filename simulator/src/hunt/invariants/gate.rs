//! The matrix of offers: every user, every action, every node.

use loonflow_engine::id::{NodeId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Act, ActState, Action, Command, Draw, Refusal};

use crate::world::World;

/// Whether the gate, rather than values or arguments, turned a request down.
#[must_use]
pub fn is_gate(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::ActionNotAvailable { .. } | Refusal::PermissionDenied { .. } | Refusal::TicketNotFound { .. }
    )
}

/// Offered equals allowed: what a user is offered on a ticket passes the gate, and whatever it is not offered, of all
/// actions and edges at all nodes with a token, is refused by it.
pub fn offered_equals_allowed(world: &World, idx: usize, user: &UserId) -> Result<(), String> {
    let ticket = &world.tickets[idx].ticket;
    let Some(workflow) = world.workflow_of(ticket) else {
        return Err(format!("the version of {ticket:?} is gone"));
    };
    let offers = offered(ticket, user, &world.context(workflow, Draw::Preview));
    let mut nodes: Vec<&NodeId> = ticket.tokens.iter().map(|token| &token.node).collect();
    nodes.sort();
    nodes.dedup();
    for kind in ActionKind::ALL {
        let ids: Vec<&str> = if kind.is_edge() {
            workflow.edges.iter().map(|edge| edge.id.as_str()).collect()
        } else {
            vec![kind.word()]
        };
        for id in ids {
            let has = offers.iter().any(|one| one.kind == kind && one.id == id);
            let passes = nodes.iter().any(|node| {
                let refused = world
                    .rehearse(Some(idx), workflow, &request(user, kind, id, node))
                    .err();
                refused.is_none_or(|refusal| !is_gate(&refusal))
            });
            if has != passes {
                let (has, passes) = (
                    if has { "is" } else { "is not" },
                    if passes { "works" } else { "is refused" },
                );
                let word = kind.word();
                return Err(format!("`{word}` with id `{id}` {has} offered to {user}, and {passes}"));
            }
        }
    }
    let only_comments = offers.iter().all(|action| action.kind == ActionKind::AddComment);
    if ticket.is_final() && !only_comments {
        return Err(format!(
            "more than comments is offered to {user} on a ticket that is over"
        ));
    }
    if ticket.act_state == ActState::InDraft && offers.iter().next().is_some() && *user != ticket.creator {
        return Err(format!("{user} is offered something on a draft of {}", ticket.creator));
    }
    Ok(())
}

fn request(user: &UserId, kind: ActionKind, id: &str, node: &NodeId) -> Command {
    Command::Act(Act {
        closes_children: false,
        at: Some(node.clone()),
        comment: Some("said".into()),
        ..Act::new(user.clone(), Action::of(kind, id, None, None))
    })
}
