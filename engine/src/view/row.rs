//! A ticket in one line: what lists, headers and answers to actions show of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::directory::Directory;
use crate::id::{NodeId, TenantId, TicketId, UserId, WorkflowId};
use crate::limits;
use crate::ticket::{ActState, Rest, Ticket};
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
    /// Who can act there now; empty at end, merges, timers and hooks. In a row the first ones of them.
    pub assignees: Vec<Person>,
    /// How many can act there now.
    pub n_assignees: usize,
}

/// Who a token waits for, in the order of assignment. Where one of several acts, people who are no longer active are
/// left out as long as somebody else can; where everyone acts, they are what it waits for.
pub(crate) fn waited_for<'t>(rest: &'t Rest, directory: &Directory) -> Vec<&'t UserId> {
    let is_active = |user: &&UserId| directory.active_user(user).is_some();
    let is_one_enough = !matches!(rest, Rest::Shared { .. });
    if is_one_enough && rest.waiting().any(|user| is_active(&user)) {
        rest.waiting().filter(is_active).collect()
    } else {
        rest.waiting().collect()
    }
}

/// The nodes with a token, by age of the oldest token on each; one entry per node.
#[must_use]
pub fn current_nodes(ticket: &Ticket, workflow: &WorkflowVersion, directory: &Directory) -> Vec<CurrentNode> {
    let mut found: Vec<CurrentNode> = Vec::new();
    let mut places: BTreeMap<&NodeId, usize> = BTreeMap::new();
    let mut known: BTreeSet<(usize, &UserId)> = BTreeSet::new();
    for token in &ticket.tokens {
        let idx = *places.entry(&token.node).or_insert_with(|| {
            found.push(CurrentNode {
                node_id: token.node.clone(),
                name: workflow
                    .node(&token.node)
                    .map(|node| node.name.clone())
                    .unwrap_or_default(),
                assignees: Vec::new(),
                n_assignees: 0,
            });
            found.len() - 1
        });
        for user in waited_for(&token.rest, directory) {
            if known.insert((idx, user)) {
                found[idx].assignees.push(Person::of(user, directory));
                found[idx].n_assignees += 1;
            }
        }
    }
    found
}

/// The same with the first people of each node.
fn shortened(mut nodes: Vec<CurrentNode>) -> Vec<CurrentNode> {
    for node in &mut nodes {
        node.assignees.truncate(limits::ROW_ASSIGNEES_MAX);
    }
    nodes
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
    /// Its parent, where the viewer may view that too (semantics: sub-tickets); [`of`](Self::of) cannot know and leaves
    /// it out.
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
            parent_ticket_id: None,
            current_nodes: shortened(current_nodes(ticket, workflow, directory)),
            needs_intervention: ticket.intervention.is_some(),
        }
    }
}
