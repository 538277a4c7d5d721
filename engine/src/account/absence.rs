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

use super::decide::Refusal;
use super::directory::Directory;
use super::event::Event;
use super::permission::is_tenant_admin;
use crate::id::{AbsenceId, UserId, WorkflowId};
use crate::limits::{ABSENCE_DAYS_MAX, ABSENCE_WORKFLOWS_MAX, ABSENCES_OF_USER_MAX, DELEGATES_MAX};
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

    fn is_for(&self, workflow: &WorkflowId) -> bool {
        self.workflows.is_empty() || self.workflows.contains(workflow)
    }

    /// Whether two of one person say something about the same workflow at the same instant. One for all workflows and one
    /// for some do not: the latter counts for those.
    fn contradicts(&self, other: &Self) -> bool {
        let is_common = if self.workflows.is_empty() || other.workflows.is_empty() {
            self.workflows.is_empty() && other.workflows.is_empty()
        } else {
            self.workflows.iter().any(|one| other.workflows.contains(one))
        };
        is_common && self.from < other.to && other.from < self.to
    }

    /// Whether the other is the same but for who said it, when, and its name.
    fn says_the_same(&self, other: &Self) -> bool {
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

/// Whether somebody may set, clear and see the absences of a person: that person and tenant admins. `None` is the operator
/// at the machine, who may.
#[must_use]
pub fn may_set(directory: &Directory, by: Option<&UserId>, user: &UserId) -> bool {
    by.is_none_or(|by| {
        let by = directory.active_user(by);
        by.is_some_and(|by| by.id == *user || is_tenant_admin(by))
    })
}

/// The absence of a person that counts at an instant: one for the workflow, else one for all.
#[must_use]
pub fn in_force<'d>(
    directory: &'d Directory,
    user: &UserId,
    at: Timestamp,
    workflow: &WorkflowId,
) -> Option<&'d Absence> {
    let of_user = directory.absences_of(user).iter();
    let running = of_user.filter(|absence| absence.is_running(at) && absence.is_for(workflow));
    running.min_by_key(|absence| absence.workflows.is_empty())
}

/// Who acts for a person at an instant: from each who is absent to whoever stands in, while that one is active, may act, and
/// was not met before. The last one reached; the person, where nobody stands in.
#[must_use]
pub fn follow(
    directory: &Directory,
    user: &UserId,
    at: Timestamp,
    workflow: &WorkflowId,
    may_act: impl Fn(&UserId) -> bool,
) -> UserId {
    let mut met = vec![user];
    for _ in 0..DELEGATES_MAX {
        let last = met[met.len() - 1];
        let Some(absence) = in_force(directory, last, at, workflow) else {
            break;
        };
        let next = &absence.delegate;
        if directory.active_user(next).is_none() || !may_act(next) || met.contains(&next) {
            break;
        }
        met.push(next);
    }
    met[met.len() - 1].clone()
}

/// An absence that is set already and says what is asked for.
#[must_use]
pub fn known<'d>(directory: &'d Directory, wanted: &SetAbsence) -> Option<&'d Absence> {
    let (from, to) = period(&wanted.from, &wanted.to, directory.zone()).ok()?;
    let wanted = of(wanted, (from, to), Timestamp(0));
    let mut known = directory.absences_of(&wanted.user).iter();
    known.find(|known| known.says_the_same(&wanted))
}

pub(super) fn set(directory: &Directory, wanted: &SetAbsence, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    if !may_set(directory, wanted.by.as_ref(), &wanted.user) {
        return Err(Refusal::AbsenceNotYours);
    }
    for user in [&wanted.user, &wanted.delegate] {
        if directory.active_user(user).is_none() {
            return Err(Refusal::UserNotFound { id: user.clone() });
        }
    }
    let invalid = |problem: String| Err(Refusal::InvalidAbsence { problem });
    if wanted.user == wanted.delegate {
        return invalid("nobody stands in for themselves: name somebody else".to_owned());
    }
    if wanted.workflows.len() > ABSENCE_WORKFLOWS_MAX {
        return invalid(format!(
            "an absence is for {ABSENCE_WORKFLOWS_MAX} workflows at most: name none, for all of them"
        ));
    }
    let (from, to) =
        period(&wanted.from, &wanted.to, directory.zone()).map_err(|problem| Refusal::InvalidAbsence { problem })?;
    if to <= now {
        return invalid("the absence is over already: give a later `to`".to_owned());
    }
    let absence = of(wanted, (from, to), now);
    if wanted.must_run && !absence.is_running(now) {
        return invalid(
            "the absence has not begun, and nothing is handed over before: leave `hand_over` out, and repeat the call \
             with it once it has"
                .to_owned(),
        );
    }
    let open = || {
        directory
            .absences_of(&absence.user)
            .iter()
            .filter(|known| known.to > now)
    };
    if open().any(|known| known.says_the_same(&absence)) {
        return Ok(Vec::new());
    }
    if let Some(other) = open().find(|known| known.contradicts(&absence)) {
        return Err(Refusal::AbsenceOverlaps { id: other.id.clone() });
    }
    if open().count() >= ABSENCES_OF_USER_MAX {
        return invalid(format!(
            "there are {ABSENCES_OF_USER_MAX} absences that are not over, and a user has no more: clear one"
        ));
    }
    Ok(vec![Event::AbsenceSet(absence)])
}

fn of(wanted: &SetAbsence, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Absence {
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

pub(super) fn clear(
    directory: &Directory,
    id: &AbsenceId,
    by: Option<&UserId>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let found = directory
        .absences()
        .find(|absence| absence.id == *id && absence.to > now);
    // Another's looks like one that is not there.
    let Some(absence) = found.filter(|absence| may_set(directory, by, &absence.user)) else {
        return Err(Refusal::InvalidAbsence {
            problem: format!("there is no absence `{id}` that is not over and yours to clear: see `absence_list`"),
        });
    };
    Ok(vec![Event::AbsenceCleared {
        id: id.clone(),
        user: absence.user.clone(),
        by: by.cloned(),
        at: now,
    }])
}

/// The instants from which and until which an absence is, read in a zone. A day as its end is within it.
fn period(from: &str, to: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp), String> {
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

#[cfg(test)]
mod tests;
