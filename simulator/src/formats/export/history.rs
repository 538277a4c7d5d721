//! What logs are made of: tickets with everything that happened to them, recorded by a server or played here.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{NodeId, TenantId, TicketId, UserId, VersionName, WorkflowId};
use loonflow_engine::ticket::{Cause, Event, Meta, Processor, Step};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_storage::EventLog;

use crate::record::recorded;

/// A ticket with its whole past.
#[derive(Clone, Debug)]
pub struct History {
    /// Which.
    pub ticket: TicketId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The version it was created on.
    pub version_name: VersionName,
    /// That version, where it is known: it has the names of nodes and edges.
    pub version: Option<Arc<WorkflowVersion>>,
    /// Who created it.
    pub creator: UserId,
    /// Its parent, if it has one.
    pub parent: Option<TicketId>,
    /// Every commit, oldest first.
    pub commits: Vec<(Meta, Vec<Event>)>,
}

/// What the events of a log are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activities {
    /// Every move of a token: creation, edges (by id), forks and joins. Such a log fits the definition's net.
    Moves,
    /// What people, timers and hooks did, by the names that people see.
    Actions,
}

/// One event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// What was done.
    pub activity: String,
    /// When.
    pub at: Timestamp,
    /// Who or what did it.
    pub by: String,
    /// At which node, by id.
    pub node: Option<NodeId>,
    /// The name that people see, where the activity is an edge's id; the edges of a fork's branches.
    pub name: Option<String>,
}

/// Who or what did something, in one word.
#[must_use]
pub fn resource(processor: &Processor) -> &str {
    match processor {
        Processor::User(user) => user.as_str(),
        Processor::Timer => "timer",
        Processor::Hook => "hook",
        Processor::System => "system",
    }
}

/// The tickets of a recording in the order of creation; `workflow` leaves those of others out.
///
/// # Errors
/// Where the log cannot be read.
pub fn recorded(log: &dyn EventLog, workflow: Option<&WorkflowId>) -> anyhow::Result<Vec<History>> {
    let mut places: BTreeMap<(TenantId, TicketId), usize> = BTreeMap::new();
    let mut found: Vec<History> = Vec::new();
    recorded::walk(log, &mut |moment| {
        let ticket = moment.after;
        if workflow.is_some_and(|workflow| *workflow != ticket.workflow_id) {
            return Ok(());
        }
        let place = *places.entry((ticket.tenant_id.clone(), ticket.id)).or_insert_with(|| {
            found.push(History {
                ticket: ticket.id,
                tenant: ticket.tenant_id.clone(),
                workflow: ticket.workflow_id.clone(),
                version_name: ticket.version_name.clone(),
                version: moment.version.cloned(),
                creator: ticket.creator.clone(),
                parent: ticket.parent.as_ref().map(|(parent, _)| *parent),
                commits: Vec::new(),
            });
            found.len() - 1
        });
        found[place].commits.push((moment.meta.clone(), moment.events.to_vec()));
        Ok(())
    })?;
    Ok(found)
}

impl History {
    /// The events of a log, in order.
    #[must_use]
    pub fn events(&self, activities: Activities) -> Vec<LogEvent> {
        let mut found = Vec::new();
        for (meta, events) in &self.commits {
            for event in events {
                let said = match activities {
                    Activities::Moves => self.move_of(event),
                    Activities::Actions => self.action_of(event),
                };
                found.extend(said.map(|(activity, node, name)| LogEvent {
                    activity,
                    at: meta.at,
                    by: resource(&meta.by).to_owned(),
                    node,
                    name,
                }));
            }
        }
        found
    }

    fn edge_name(&self, edge: &loonflow_engine::id::EdgeId) -> Option<String> {
        let edge = self.version.as_ref()?.edge(edge)?;
        Some(edge.name.clone()).filter(|name| !name.trim().is_empty())
    }

    fn node_name(&self, node: &NodeId) -> String {
        let version = self.version.as_ref();
        let found = version.and_then(|version| version.node(node));
        found.map_or_else(|| node.to_string(), |node| node.name.clone())
    }

    /// Activity, node and shown name of a move.
    fn move_of(&self, event: &Event) -> Option<(String, Option<NodeId>, Option<String>)> {
        match event.step()? {
            Step::Created(created) => Some(("create".to_owned(), Some(created.start.clone()), None)),
            Step::Edge { edge, from, .. } => Some((edge.to_string(), Some(from.clone()), self.edge_name(edge))),
            Step::Forked { fork, branches, .. } => {
                // Which branches were taken stands in no event of its own.
                let branches: Vec<&str> = branches.iter().map(|branch| branch.edge.as_str()).collect();
                let name = Some(branches.join(", "));
                Some((format!("fork:{}", fork.split), Some(fork.split.clone()), name))
            }
            Step::Joined { fork, node, .. } => Some((format!("join:{}", fork.split), Some(node.clone()), None)),
            Step::ForkLeft { fork, .. } => Some((format!("leave:{}", fork.split), Some(fork.split.clone()), None)),
            Step::Replaced { node, .. } => Some((format!("put:{node}"), Some(node.clone()), None)),
            Step::Migrated { to, .. } => Some((format!("migrate:{to}"), None, None)),
            Step::Discarded => Some(("discard".to_owned(), None, None)),
            Step::Returned { from, to, .. } => Some((format!("return:{to}"), Some(from.clone()), None)),
            Step::Undone(_) => Some(("undo".to_owned(), None, None)),
        }
    }

    /// Activity, node and shown name of what somebody did.
    fn action_of(&self, event: &Event) -> Option<(String, Option<NodeId>, Option<String>)> {
        match event.cause()? {
            Cause::Created(created) => Some(("Create".to_owned(), Some(created.start.clone()), None)),
            Cause::Action(taken) => {
                let edge = loonflow_engine::id::EdgeId::from(taken.action_id.as_str());
                let name = taken.kind.is_edge().then(|| self.edge_name(&edge)).flatten();
                let word = name.unwrap_or_else(|| taken.action_id.clone());
                let node = taken.node.as_ref().map(|node| self.node_name(node));
                let activity = node.map_or(word.clone(), |node| format!("{node}: {word}"));
                Some((activity, taken.node.clone(), None))
            }
            Cause::TimerFired { node, .. } | Cause::HookSucceeded { node, .. } => {
                Some((self.node_name(node), Some(node.clone()), None))
            }
            Cause::DeadlineReached { node, step, .. } => Some((
                format!("{}: step {step} of the deadline", self.node_name(node)),
                Some(node.clone()),
                None,
            )),
            Cause::HookFailed { node, .. } => {
                Some((format!("{}: failed", self.node_name(node)), Some(node.clone()), None))
            }
            // Bookkeeping of effects is no activity of the process, nor is that somebody left.
            Cause::HookAccepted { .. }
            | Cause::EffectDone { .. }
            | Cause::EffectParked { .. }
            | Cause::FileErased { .. }
            | Cause::Dropped { .. } => None,
            Cause::ChildOpened { node, .. } => Some((
                format!("{}: sub-ticket opened", self.node_name(node)),
                Some(node.clone()),
                None,
            )),
            Cause::HandedOver { .. } => Some(("Handed over".to_owned(), None, None)),
            Cause::ChildEnded { .. } => Some(("Sub-ticket ended".to_owned(), None, None)),
            Cause::Migrated { to } => Some((format!("Migrate to {to}"), None, None)),
        }
    }
}
