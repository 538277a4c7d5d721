//! Who acts for whom, by the absences of a directory (semantics: absence).
//!
//! Not here: what may be set (`decide::absence`), where people are found (`ticket::assignee`).

use super::absence::{self, Absence, SetAbsence};
use super::directory::Directory;
use super::permission::is_tenant_admin;
use crate::id::{UserId, WorkflowId};
use crate::limits::DELEGATES_MAX;
use crate::time::Timestamp;

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
    let (from, to) = absence::period(&wanted.from, &wanted.to, directory.zone()).ok()?;
    let wanted = absence::of(wanted, (from, to), Timestamp(0));
    let mut known = directory.absences_of(&wanted.user).iter();
    known.find(|known| known.says_the_same(&wanted))
}
