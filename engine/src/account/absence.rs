//! Absence: who stands in for whom, from when until when, and for which workflows (semantics: absence).
//!
//! An absence is data of the directory; that work goes to the one who stands in is decided where people are found
//! (`ticket::assignee`, `ticket::substitute`), by the absences at that instant. Nothing moves when one begins or ends.
//!
//! Somebody who is no longer active keeps their absences, and nobody asks for them: who is inactive holds nothing new,
//! and nobody stands in who is inactive. When they are active again, what is set counts again.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::id::{AbsenceId, UserId, WorkflowId};
use crate::limits::ABSENCE_DAYS_MAX;
use crate::time::Timestamp;

/// That somebody is absent, and who stands in for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Its id.
    pub id: AbsenceId,
    /// Who is absent.
    pub user: UserId,
    /// From when.
    pub from: Timestamp,
    /// Until when; not any more at that instant.
    pub to: Timestamp,
    /// Who stands in.
    pub delegate: UserId,
    /// For which workflows, sorted, no duplicates; empty for all.
    pub workflows: Vec<WorkflowId>,
    /// Who said so; `None` for the operator at the machine.
    pub by: Option<UserId>,
    /// When.
    pub set_at: Timestamp,
}

impl Absence {
    /// Whether it runs at an instant.
    #[must_use]
    pub fn is_running(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    pub(super) fn is_for(&self, workflow: &WorkflowId) -> bool {
        self.workflows.is_empty() || self.workflows.contains(workflow)
    }

    /// Whether two of one person say something about the same workflow at the same instant. One for all workflows and one
    /// for some do not: the latter counts for those.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let is_common = if self.workflows.is_empty() || other.workflows.is_empty() {
            self.workflows.is_empty() && other.workflows.is_empty()
        } else {
            self.workflows.iter().any(|one| other.workflows.contains(one))
        };
        is_common && self.from < other.to && other.from < self.to
    }

    /// Whether the other is the same but for who said it, when, and its name.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        (&self.user, self.from, self.to, &self.delegate, &self.workflows)
            == (&other.user, other.from, other.to, &other.delegate, &other.workflows)
    }
}

/// A request for an absence.
#[derive(Clone, Debug)]
pub struct SetAbsence {
    /// Fresh id.
    pub id: AbsenceId,
    /// Who asks; `None` for the operator at the machine.
    pub by: Option<UserId>,
    /// Who is absent.
    pub user: UserId,
    /// Who stands in.
    pub delegate: UserId,
    /// A time, or the first day; without an offset in the tenant's zone.
    pub from: String,
    /// A time, or the last day.
    pub to: String,
    /// For which workflows; empty for all.
    pub workflows: Vec<WorkflowId>,
    /// Whether it must be running: what the person holds is to be handed over.
    pub must_run: bool,
}

pub(super) fn of(wanted: &SetAbsence, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Absence {
    let mut workflows = wanted.workflows.clone();
    workflows.sort();
    workflows.dedup();
    Absence {
        id: wanted.id.clone(),
        user: wanted.user.clone(),
        from,
        to,
        delegate: wanted.delegate.clone(),
        workflows,
        by: wanted.by.clone(),
        set_at: now,
    }
}

/// The instants from which and until which an absence is, read in a zone. A day as its end is within it.
pub(super) fn period(from: &str, to: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp), String> {
    const FORMS: &str =
        "take `2026-12-21`, `2026-12-21 09:00:00` or a time with an offset, as `2026-12-21T09:00:00+01:00`";
    let unread = |name: &str, text: &str| {
        let shown: String = text.chars().take(40).collect();
        format!(
            "`{name}` is `{}`, which is no day and no time: {FORMS}",
            shown.escape_debug()
        )
    };
    let begin = Timestamp::parse(from, zone).ok_or_else(|| unread("from", from))?;
    let is_day = to.trim().len() == 10;
    let after = is_day.then(|| to.trim().parse::<Date>().ok()?.tomorrow().ok());
    let end = match after {
        Some(after) => after.and_then(|after| Timestamp::parse(&after.to_string(), zone)),
        None => Timestamp::parse(to, zone),
    };
    let end = end.ok_or_else(|| unread("to", to))?;
    if end <= begin {
        return Err("`to` is not after `from`".to_owned());
    }
    if end > begin.plus_span(&jiff::Span::new().days(ABSENCE_DAYS_MAX), zone) {
        return Err(format!(
            "an absence lasts {ABSENCE_DAYS_MAX} days at most: give an earlier `to`"
        ));
    }
    Ok((begin, end))
}
