//! Tenants: nothing crosses.

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::UserId;
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Act, Action, Command, Context, Draw, Refusal, decide, visibility};

use crate::world::World;

/// Another tenant whose people have the very same ids: the hardest to keep out.
#[must_use]
pub fn namesakes(directory: &Directory) -> Arc<Directory> {
    let mut other = directory.clone();
    other.tenant.id = "another tenant".into();
    Arc::new(other)
}

/// No tenant sees or moves a ticket of another: its users are offered nothing, may not view it, and whatever they ask
/// for answers as if the ticket did not exist.
pub fn other_tenants_are_kept_out(world: &World, other: &Directory, idx: usize, user: &UserId) -> Result<(), String> {
    let ticket = &world.tickets[idx].ticket;
    let Some(workflow) = world.workflow_of(ticket) else {
        return Err(format!("the version of {ticket:?} is gone"));
    };
    let context = Context {
        directory: other,
        ..world.context(workflow, Draw::Preview)
    };
    if visibility::may_view(ticket, user, other, workflow) {
        return Err(format!("{user} of another tenant may view it"));
    }
    if offered(ticket, user, &context).iter().next().is_some() {
        return Err(format!("{user} of another tenant is offered something"));
    }
    let edges = workflow.edges.iter();
    let edges = edges.filter_map(|edge| Some((ActionKind::of_edge(edge)?, edge.id.as_str())));
    let words = ActionKind::ALL.into_iter().filter(|kind| !kind.is_edge());
    for (kind, id) in edges.chain(words.map(|kind| (kind, kind.word()))) {
        let command = Command::Act(Act {
            closes_children: false,
            comment: Some("let me in".into()),
            ..Act::new(user.clone(), Action::of(kind, id, None, None))
        });
        match decide(Some(ticket), &command, &context) {
            Err(Refusal::TicketNotFound { .. }) => {}
            other => return Err(format!("{user} of another tenant tries `{id}` and gets {other:?}")),
        }
    }
    Ok(())
}
