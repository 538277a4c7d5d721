//! Tickets: as a row of a list, and what each of their tokens waits for.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::person;
use loonflow_engine::id::{EdgeId, NodeId, TenantId, TicketId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::time::Timestamp;
use loonflow_engine::view::row::TicketRow;
use loonflow_engine::view::{ticket_detail, vote};
use serde::Serialize;
use serde_json::{Map, Value};

use super::account::{Acting, Person};
use super::node::{CurrentNode, NamedNode, current_nodes};
use super::workflow::WorkflowInfo;

/// A row of `ticket_list`.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The ticket.
    pub id: TicketId,
    /// Its title.
    pub title: String,
    /// Its state.
    pub act_state: &'static str,
    /// Who created it.
    pub creator_info: Person,
    /// Its workflow.
    pub workflow_info: WorkflowInfo,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Labels: tickets carry none of their own, so it is empty.
    pub label: Map<String, Value>,
    /// When it was created.
    pub created_at: String,
    /// When something last happened to it.
    pub updated_at: String,
    /// Its version.
    pub version: u64,
    /// Its parent, or empty.
    pub parent_ticket_id: String,
    /// Where it is.
    pub current_nodes: Vec<CurrentNode>,
    /// Whether nobody can act without help.
    pub needs_intervention: bool,
    /// Since when it has waited for people, or empty where nobody can act.
    pub waiting_since: String,
    /// When its first deadline is due, or empty where none is, and while all stand.
    pub due: String,
    /// Whether that has passed.
    pub overdue: bool,
    /// Whether the clocks of all of its deadlines stand.
    pub paused: bool,
}

impl Row {
    /// The row of a ticket.
    pub(crate) fn of(row: TicketRow, directory: &Directory, now: Timestamp) -> Self {
        let shown = |at: Option<Timestamp>| at.map(|at| at.to_answer(directory.zone())).unwrap_or_default();
        Self {
            overdue: row.is_overdue(now),
            waiting_since: shown(row.waiting_since),
            due: shown(row.due),
            paused: row.paused,
            id: row.id,
            title: row.title,
            act_state: row.act_state.word(),
            creator_info: row.creator.into(),
            workflow_info: WorkflowInfo {
                id: row.workflow_id,
                name: row.workflow_name,
                description: row.workflow_description,
            },
            tenant_id: row.tenant_id,
            label: Map::new(),
            created_at: row.created_at.to_answer(directory.zone()),
            updated_at: row.updated_at.to_answer(directory.zone()),
            version: row.version,
            parent_ticket_id: row.parent_ticket_id.map(|id| id.to_string()).unwrap_or_default(),
            current_nodes: current_nodes(row.current_nodes),
            needs_intervention: row.needs_intervention,
        }
    }
}

/// One token's wait.
#[derive(Debug, Clone, Serialize)]
pub struct WaitingFor {
    /// Where it is.
    pub node_id: NodeId,
    /// The node's name.
    pub name: String,
    /// What kind of waiting.
    pub kind: &'static str,
    /// Who can act now: the first ones.
    pub people: Vec<Acting>,
    /// How many can act now.
    pub n_people: usize,
    /// Only for a merge: the nodes whose tokens are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<NamedNode>,
    /// Only for what waits for an instant: when it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Only for a deadline: whether its clock stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Only for a deadline: working milliseconds until it is due, below 0 once that has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<i64>,
    /// Only for a deadline: what comes next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<DeadlineStep>,
    /// Only for a hook: how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    /// Only for a vote: how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vote: Option<Vote>,
}

impl WaitingFor {
    /// The wait of one token.
    pub(crate) fn of(waiting: ticket_detail::WaitingFor, directory: &Directory) -> Self {
        let (mut paused, mut remaining_ms, mut steps) = (None, None, Vec::new());
        if let Some(clock) = waiting.clock {
            paused = Some(clock.paused);
            remaining_ms = clock.remaining_ms;
            let shown = clock.steps.into_iter().map(|(step, does, due)| DeadlineStep {
                step,
                does,
                due: due.to_answer(directory.zone()),
            });
            steps.extend(shown);
        }
        Self {
            paused,
            remaining_ms,
            steps,
            node_id: waiting.node_id,
            name: waiting.name,
            kind: waiting.kind.word(),
            people: waiting
                .people
                .into_iter()
                .map(|person| Acting::of(person, &waiting.stand_ins))
                .collect(),
            n_people: waiting.n_people,
            missing: waiting.missing.into_iter().map(NamedNode::from).collect(),
            due: waiting.due.map(|due| due.to_answer(directory.zone())),
            hook: waiting.hook.map(|hook| Hook {
                state: hook.state,
                attempt: hook.attempt,
            }),
            vote: waiting.vote.map(|vote| Vote::of(vote, &waiting.stand_ins)),
        }
    }
}

/// A step of a deadline that is to come.
#[derive(Debug, Clone, Serialize)]
pub struct DeadlineStep {
    /// Its place in the definition, from 0.
    pub step: u32,
    /// `remind`, `escalate` or `take_edge`.
    #[serde(rename = "do")]
    pub does: &'static str,
    /// When.
    pub due: String,
}

/// How far a hook is.
#[derive(Debug, Clone, Serialize)]
pub struct Hook {
    /// `posted`, `accepted` or `failed`.
    pub state: &'static str,
    /// The request's number.
    pub attempt: u32,
}

/// A parent or a sub-ticket.
#[derive(Debug, Clone, Serialize)]
pub struct Relative {
    /// The ticket.
    pub id: TicketId,
    /// Its title.
    pub title: String,
    /// Its state.
    pub act_state: &'static str,
    /// Its workflow's name.
    pub workflow_name: String,
}

impl From<ticket_detail::Relative> for Relative {
    fn from(relative: ticket_detail::Relative) -> Self {
        Self {
            id: relative.id,
            title: relative.title,
            act_state: relative.act_state.word(),
            workflow_name: relative.workflow_name,
        }
    }
}

/// How far a vote is.
#[derive(Debug, Clone, Serialize)]
pub struct Vote {
    /// `all`, `any`, `majority`, `percent` or `count`.
    pub rule: &'static str,
    /// How many votes for it take.
    pub needed: u32,
    /// Votes for it.
    #[serde(rename = "for")]
    pub n_for: u32,
    /// Votes against it.
    pub against: u32,
    /// Votes that are still to come.
    pub open: u32,
    /// By number, from 1: the first ones.
    pub shares: Vec<VoteShare>,
}

/// One person's part in a vote.
#[derive(Debug, Clone, Serialize)]
pub struct VoteShare {
    /// Whose it is, and for whom they vote.
    pub person: Acting,
    /// `open`, `voted` or `dropped`.
    pub state: &'static str,
    /// The edge chosen, once voted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeId>,
    /// Only in order: the number of the share before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

impl Vote {
    fn of(vote: vote::VoteView, stand_ins: &[(UserId, person::Person)]) -> Self {
        let shares = vote.shares.into_iter().map(|share| VoteShare {
            person: Acting::of(share.person, stand_ins),
            state: share.state,
            edge: share.edge,
            after: share.after,
        });
        Self {
            rule: vote.rule,
            needed: vote.n_needed,
            n_for: vote.n_for,
            against: vote.n_against,
            open: vote.n_open,
            shares: shares.collect(),
        }
    }
}

/// An effect that failed for good.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    /// Its id, for `action_props.effect`.
    pub effect: String,
    /// What kind of thing.
    pub kind: &'static str,
    /// What it is about.
    pub target: String,
    /// The node that it holds up; absent where it holds none up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// Since when nobody tries it any more.
    pub since: String,
    /// How often it was tried; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_tries: Option<u32>,
    /// What went wrong last.
    pub last_error: String,
    /// What can be done about it.
    pub can: [&'static str; 2],
}

impl Incident {
    pub(crate) fn of(incident: ticket_detail::Incident, directory: &Directory) -> Self {
        Self {
            effect: incident.effect.to_string(),
            kind: incident.work.kind(),
            target: incident.work.target(),
            node_id: incident.work.node().cloned(),
            since: incident.since.to_answer(directory.zone()),
            n_tries: incident.n_tries,
            last_error: incident.last_error,
            can: [ActionKind::RetryHook.word(), ActionKind::Skip.word()],
        }
    }
}
