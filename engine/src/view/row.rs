//! A ticket in one line: what lists, headers and answers to actions show of it.

use crate::account::directory::Directory;
use crate::id::{NodeId, TenantId, TicketId, UserId, WorkflowId};
use crate::ticket::{ActState, Ticket};
use crate::time::Timestamp;
use crate::workflow::WorkflowVersion;

/// A person as shown beside an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: UserId,
    /// Account name; empty for a user that is gone.
    pub name: String,
    /// Name shown to people.
    pub alias: String,
}

impl Person {
    /// Looks a user up; the id alone where it is unknown.
    #[must_use]
    pub fn of(id: &UserId, directory: &Directory) -> Self {
        match directory.user(id) {
            Some(user) => Self {
                id: id.clone(),
                name: user.name.clone(),
                alias: user.alias.clone(),
            },
            None => Self {
                id: id.clone(),
                name: String::new(),
                alias: String::new(),
            },
        }
    }

    /// Alias, else name, else id.
    #[must_use]
    pub fn shown(&self) -> &str {
        [&self.alias, &self.name]
            .into_iter()
            .find(|one| !one.is_empty())
            .map_or(self.id.as_str(), |one| one.as_str())
    }
}

/// A node with a token, and who is assigned there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentNode {
    /// The node.
    pub node_id: NodeId,
    /// Its name.
    pub name: String,
    /// Who can act there now; empty at end, merges, timers and hooks.
    pub assignees: Vec<Person>,
}

/// The nodes with a token, by age of the oldest token on each; one entry per node.
#[must_use]
pub fn current_nodes(ticket: &Ticket, workflow: &WorkflowVersion, directory: &Directory) -> Vec<CurrentNode> {
    let mut found: Vec<CurrentNode> = Vec::new();
    for token in &ticket.tokens {
        let idx = found
            .iter()
            .position(|one| one.node_id == token.node)
            .unwrap_or_else(|| {
                let name = workflow
                    .node(&token.node)
                    .map(|node| node.name.clone())
                    .unwrap_or_default();
                found.push(CurrentNode {
                    node_id: token.node.clone(),
                    name,
                    assignees: Vec::new(),
                });
                found.len() - 1
            });
        for user in token.rest.waiting_for() {
            if !found[idx].assignees.iter().any(|person| person.id == user) {
                found[idx].assignees.push(Person::of(&user, directory));
            }
        }
    }
    found
}

/// A ticket in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Its parent.
    pub parent_ticket_id: Option<TicketId>,
    /// Where it is and who can act.
    pub current_nodes: Vec<CurrentNode>,
    /// Whether nobody can act without help.
    pub needs_intervention: bool,
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
            parent_ticket_id: ticket.parent.as_ref().map(|(id, _)| *id),
            current_nodes: current_nodes(ticket, workflow, directory),
            needs_intervention: ticket.intervention.is_some(),
        }
    }
}
