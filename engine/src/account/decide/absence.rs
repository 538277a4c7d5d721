//! Absences set and taken back (semantics: absence).

use super::Refusal;
use crate::account::absence::{SetAbsence, of, period};
use crate::account::delegate::may_set;
use crate::account::directory::Directory;
use crate::account::event::Event;
use crate::id::{AbsenceId, UserId};
use crate::limits::{ABSENCE_WORKFLOWS_MAX, ABSENCES_OF_USER_MAX};
use crate::time::Timestamp;

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
            problem: format!(
                "there is no absence `{id}` that is not over and yours to clear: look at those that are set"
            ),
        });
    };
    Ok(vec![Event::AbsenceCleared {
        id: id.clone(),
        user: absence.user.clone(),
        by: by.cloned(),
        at: now,
    }])
}

#[cfg(test)]
mod tests;
