//! Shadow replay: what people did on the recorded tickets of a workflow, done again on a new version of its definition
//! by the engine's own `decide`, beside what happened.
//!
//! How it is done, ticket by ticket, in the order of the log:
//! - The directory is the one of that moment; the clock shows the time of the recorded commit.
//! - Each recorded command is put together from its events (`recorded::command`) and decided on the candidate.
//! - Time passes in the shadow too: a timer of the candidate fires when it is due; where the recorded ticket waited for
//!   the same timer, which was due and did not fire, the shadow's is as late.
//! - A hook answers as it did; one that the recorded version does not have answers well at once, and the report says
//!   so.
//! - Where one of several was drawn, the same person is drawn again if the candidate still draws among people with
//!   that person.
//! - Migrations are left out: the shadow is on the candidate from the start.
//! - At the first refusal the shadow of that ticket ends.
//!
//! Nothing is written. Not here: reading the recording (`recorded`), the text of the report (`report`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{TenantId, TicketId, VersionName, WorkflowId};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_storage::EventLog;

use crate::recorded;

mod follow;
pub mod report;

/// How a ticket fares on the candidate, from harmless to grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The same nodes and the same people after every step.
    Same,
    /// The same nodes, and somewhere other people.
    OtherAssignee,
    /// Somewhere other nodes.
    OtherPath,
    /// What somebody did is refused.
    NotAllowed,
    /// Nothing goes on: no branch holds, or nobody is assigned.
    Stuck,
}

impl Outcome {
    /// All, from harmless to grave.
    pub const ALL: [Self; 5] = [
        Self::Same,
        Self::OtherAssignee,
        Self::OtherPath,
        Self::NotAllowed,
        Self::Stuck,
    ];

    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::OtherAssignee => "other_assignee",
            Self::OtherPath => "other_path",
            Self::NotAllowed => "not_allowed",
            Self::Stuck => "stuck",
        }
    }

    /// Whether people are worse off.
    #[must_use]
    pub fn is_grave(self) -> bool {
        matches!(self, Self::NotAllowed | Self::Stuck)
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it comes to.
    pub outcome: Outcome,
    /// Counts the ticket's commits, from 1.
    pub step: usize,
    /// When it was.
    pub at: Timestamp,
    /// What was done.
    pub done: String,
    /// The refusal's code, where the candidate refuses it.
    pub code: Option<&'static str>,
    /// What was so in the recording.
    pub recorded: String,
    /// What is so on the candidate.
    pub candidate: String,
}

/// One ticket beside its shadow.
#[derive(Clone, Debug)]
pub struct TicketReport {
    /// Which.
    pub id: TicketId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The version it was created on.
    pub version: VersionName,
    /// The gravest of its differences.
    pub outcome: Outcome,
    /// Commits in the recording.
    pub n_steps: usize,
    /// Commits that the candidate could follow.
    pub n_followed: usize,
    /// In order; at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// What had to be assumed, for people.
    pub assumed: Vec<String>,
}

/// Differences kept of one ticket; a detour makes one at each step.
pub const DIFFERENCES_MAX: usize = 20;

/// All tickets of a workflow.
#[derive(Clone, Debug)]
pub struct Report {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The candidate's name.
    pub candidate: VersionName,
    /// In the order of creation.
    pub tickets: Vec<TicketReport>,
}

impl Report {
    /// How many tickets fare so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.tickets.iter().filter(|ticket| ticket.outcome == outcome).count()
    }

    /// The gravest outcome; none where there are no tickets.
    #[must_use]
    pub fn worst(&self) -> Option<Outcome> {
        self.tickets.iter().map(|ticket| ticket.outcome).max()
    }
}

/// Follows every recorded ticket of a workflow on a candidate.
///
/// `tenant` leaves those of others out.
///
/// # Errors
/// Where the log cannot be read.
pub fn shadow(
    log: &dyn EventLog,
    workflow: &WorkflowId,
    candidate: &Arc<WorkflowVersion>,
    tenant: Option<&TenantId>,
) -> anyhow::Result<Report> {
    let mut order: Vec<(TenantId, TicketId)> = Vec::new();
    let mut shadows: BTreeMap<(TenantId, TicketId), follow::Shadow> = BTreeMap::new();
    recorded::walk(log, &mut |moment| {
        let ticket = moment.after;
        let is_meant = ticket.workflow_id == *workflow && tenant.is_none_or(|tenant| ticket.tenant_id == *tenant);
        if is_meant {
            let key = (ticket.tenant_id.clone(), ticket.id);
            let shadow = shadows.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                follow::Shadow::new(moment)
            });
            shadow.follow(moment, candidate);
        }
        Ok(())
    })?;
    let tickets = order
        .iter()
        .filter_map(|key| shadows.remove(key).map(follow::Shadow::finish));
    Ok(Report {
        workflow: workflow.clone(),
        candidate: candidate.version_name.clone(),
        tickets: tickets.collect(),
    })
}
