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
//! - What is refused is told, and the shadow goes on from where the recorded ticket was after it, taken over to the
//!   candidate as a migration would take it; so one change does not hide the others. Where the ticket does not fit, the
//!   shadow of that ticket ends.
//! - Where nothing but fields that the caller assumes values for is missing, it goes on with these values.
//!
//! Nothing is written. Not here: reading the recording (`recorded`), the text of the report (`report`).

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::ensure;
use loonflow_engine::id::{FieldKey, TenantId, TicketId, VersionName, WorkflowId};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_storage::EventLog;

use crate::record::recorded;

mod follow;
pub mod report;
mod words;

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
    /// Who did what.
    pub done: String,
    /// What was done, whoever did it.
    pub what: String,
    /// What changes, in words that are the same for all tickets with this change.
    pub change: String,
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
    /// The commit, from 1, after which it could not be followed any more; none where it was followed to its end.
    pub lost_at: Option<usize>,
}

/// Differences kept of one ticket; a detour makes one at each step.
pub const DIFFERENCES_MAX: usize = 20;

/// One change, with all tickets that meet it.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// Where it was met first.
    pub first: &'a Difference,
    /// In the order of creation, none twice; at least one.
    pub tickets: Vec<&'a TicketReport>,
}

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

    /// The same change on several tickets is one group: the gravest first, then the most frequent.
    #[must_use]
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut places = BTreeMap::new();
        for ticket in &self.tickets {
            for difference in &ticket.differences {
                let key = (
                    difference.outcome,
                    difference.code,
                    &difference.what,
                    &difference.change,
                );
                let place = *places.entry(key).or_insert_with(|| {
                    groups.push(Group {
                        first: difference,
                        tickets: Vec::new(),
                    });
                    groups.len() - 1
                });
                // A ticket that comes by twice is one of the group all the same.
                if groups[place].tickets.last().is_none_or(|last| last.id != ticket.id) {
                    groups[place].tickets.push(ticket);
                }
            }
        }
        // Stable: else in the order of creation.
        groups.sort_by_key(|group| std::cmp::Reverse((group.first.outcome, group.tickets.len())));
        groups
    }

    /// The gravest outcome; none where there are no tickets.
    #[must_use]
    pub fn worst(&self) -> Option<Outcome> {
        self.tickets.iter().map(|ticket| ticket.outcome).max()
    }
}

/// What tickets are followed on.
#[derive(Clone, Copy, Debug)]
struct On<'a> {
    candidate: &'a WorkflowVersion,
    assume: &'a BTreeMap<FieldKey, Value>,
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
    shadow_assuming(log, workflow, candidate, tenant, &BTreeMap::new())
}

/// As [`shadow`], with values for fields that the candidate requires and nobody filled in.
///
/// # Errors
/// Where the log cannot be read, or the candidate's form does not have such a field.
pub fn shadow_assuming(
    log: &dyn EventLog,
    workflow: &WorkflowId,
    candidate: &Arc<WorkflowVersion>,
    tenant: Option<&TenantId>,
    assume: &BTreeMap<FieldKey, Value>,
) -> anyhow::Result<Report> {
    for key in assume.keys() {
        ensure!(
            candidate.form.component(key).is_some(),
            "a value is assumed for `{key}`, which the candidate's form does not have: take one of its fields"
        );
    }
    let on = On { candidate, assume };
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
            shadow.follow(moment, &on);
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
