//! Where a ticket is: its nodes with a token, and who can act there.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::directory::Directory;
use crate::account::person::Person;
use crate::id::{NodeId, UserId};
use crate::ticket::{Rest, Ticket};
use crate::workflow::WorkflowVersion;

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
    let is_one_enough = !matches!(rest, Rest::Voting(_));
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
