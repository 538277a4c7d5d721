//! Absences, and what was handed over.

use loonflow_engine::account::absence;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::person;
use loonflow_engine::id::{AbsenceId, UserId, WorkflowId};
use loonflow_engine::runtime::HandOverReport;
use loonflow_engine::time::Timestamp;
use serde::Serialize;

use super::account::Person;

/// That somebody is absent, and who stands in for them.
#[derive(Debug, Clone, Serialize)]
pub struct Absence {
    /// Its id.
    pub id: AbsenceId,
    /// Who is absent.
    pub user: Person,
    /// Who stands in.
    pub delegate: Person,
    /// From when.
    pub from: String,
    /// Until when, not any more at that instant.
    pub to: String,
    /// For which workflows; empty for all.
    pub workflow_ids: Vec<WorkflowId>,
    /// Whether it runs now.
    pub is_running: bool,
    /// Who said so; null for the operator of the server.
    pub set_by: Option<Person>,
    /// When.
    pub set_at: String,
}

impl Absence {
    pub(crate) fn of(absence: &absence::Absence, directory: &Directory, now: Timestamp) -> Self {
        let person = |id: &UserId| Person::from(person::Person::of(id, directory));
        let time = |at: Timestamp| at.to_answer(directory.zone());
        Self {
            id: absence.id.clone(),
            user: person(&absence.user),
            delegate: person(&absence.delegate),
            from: time(absence.from),
            to: time(absence.to),
            workflow_ids: absence.workflows.clone(),
            is_running: absence.is_running(now),
            set_by: absence.by.as_ref().map(person),
            set_at: time(absence.set_at),
        }
    }
}

/// What was handed over to whoever stands in.
#[derive(Debug, Clone, Serialize)]
pub struct HandedOver {
    /// How many tickets something was handed over on.
    pub moved: usize,
    /// Tickets on which something stayed.
    pub left: Vec<Left>,
    /// Whether there are more: the same call goes on with them.
    pub has_more: bool,
}

/// A ticket on which something stayed.
#[derive(Debug, Clone, Serialize)]
pub struct Left {
    /// The ticket.
    pub ticket_id: String,
    /// Why, as a code.
    pub code: &'static str,
}

impl From<HandOverReport> for HandedOver {
    fn from(report: HandOverReport) -> Self {
        let left = report.left.into_iter().map(|(ticket, code)| Left {
            ticket_id: ticket.to_string(),
            code,
        });
        Self {
            moved: report.n_moved,
            left: left.collect(),
            has_more: report.has_more,
        }
    }
}
