//! A ticket in one line: what lists, headers and answers to actions show of it.

use crate::account::directory::Directory;
use crate::account::person::Person;
use crate::id::{TenantId, TicketId, WorkflowId};
use crate::limits;
use crate::ticket::place::{CurrentNode, current_nodes};
use crate::ticket::{ActState, Ticket};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// The same with the first people of each node.
fn shortened(mut nodes: Vec<CurrentNode>) -> Vec<CurrentNode> {
    for node in &mut nodes {
        node.assignees.truncate(limits::ROW_ASSIGNEES_MAX);
    }
    nodes
}

/// A ticket in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TicketRow {
    /// The ticket.
    pub id: TicketId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its title; the workflow's name where it has none, so that it can be told apart.
    pub title: String,
    /// Its state.
    pub act_state: ActState,
    /// Who created it.
    pub creator: Person,
    /// Its workflow's id.
    pub workflow_id: WorkflowId,
    /// Its workflow's name.
    pub workflow_name: String,
    /// Its workflow's description.
    pub workflow_description: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// Its events so far.
    pub version: u64,
    /// Its parent, where the viewer may view that too (semantics: sub-tickets); [`of`](Self::of) cannot know and leaves
    /// it out.
    pub parent_ticket_id: Option<TicketId>,
    /// Where it is and who can act.
    pub current_nodes: Vec<CurrentNode>,
    /// Whether nobody can act without help.
    pub needs_intervention: bool,
    /// Since when it has waited for people, where somebody can act.
    pub waiting_since: Option<Timestamp>,
    /// When the first of its deadlines is due whose clock runs.
    pub due: Option<Timestamp>,
    /// Whether it has deadlines, and the clocks of all of them stand.
    pub paused: bool,
}

impl TicketRow {
    /// The row of a ticket; of its fields it looks at the title alone.
    #[must_use]
    pub fn of(ticket: &Ticket, workflow: &WorkflowVersion, directory: &Directory) -> Self {
        Self {
            id: ticket.id,
            tenant_id: ticket.tenant_id.clone(),
            title: if ticket.title.is_empty() {
                workflow.name.clone()
            } else {
                ticket.title.clone()
            },
            act_state: ticket.act_state,
            creator: Person::of(&ticket.creator, directory),
            workflow_id: ticket.workflow_id.clone(),
            workflow_name: workflow.name.clone(),
            workflow_description: workflow.description.clone(),
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            version: ticket.version,
            parent_ticket_id: None,
            current_nodes: shortened(current_nodes(ticket, workflow, directory)),
            needs_intervention: ticket.intervention.is_some(),
            waiting_since: ticket
                .tokens
                .iter()
                .filter(|token| token.rest.waiting().next().is_some())
                .map(|token| token.since)
                .min(),
            due: ticket.clocks.due(),
            paused: ticket.clocks.are_all_standing(),
        }
    }

    /// Whether a deadline has passed by an instant.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}
