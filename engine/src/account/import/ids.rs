//! The rule for ids (`id::problem_of`) on a file's entries, and the bound on what one entry may hold.
//!
//! An id that the directory has already stays in use, whatever it looks like: logs written before the rule hold such
//! ids, and their people and departments must go on being changed.

use super::{Directory, DirectoryFile, ImportProblem};
use crate::id;

pub(super) fn check(file: &DirectoryFile, directory: &Directory, problems: &mut Vec<ImportProblem>) {
    let tenant = (directory.version == 0).then_some(("the tenant", file.tenant.id.as_str()));
    let users = file.users.iter().map(|entry| &entry.user.id);
    let users = users.filter(|id| directory.user(id).is_none());
    let depts = file.depts.iter().map(|dept| &dept.id);
    let depts = depts.filter(|id| !directory.depts.contains_key(*id));
    let roles = file.roles.iter().map(|role| &role.id);
    let roles = roles.filter(|id| !directory.roles.contains_key(*id));
    let apps = file.applications.iter().map(|app| &app.name);
    let apps = apps.filter(|name| !directory.applications.contains_key(*name));
    let calendars = file.calendars.iter().flatten().map(|calendar| &calendar.id);
    let calendars = calendars.filter(|id| directory.calendar(id).is_none());
    let channels = file.channels.iter().flatten().map(|channel| &channel.id);
    let channels = channels.filter(|id| directory.channel(id).is_none());
    let ids = tenant
        .into_iter()
        .chain(users.map(|id| ("a user", id.as_str())))
        .chain(depts.map(|id| ("a department", id.as_str())))
        .chain(roles.map(|id| ("a role", id.as_str())))
        .chain(apps.map(|name| ("an application", name.as_str())))
        .chain(calendars.map(|id| ("a calendar", id.as_str())))
        .chain(channels.map(|id| ("a channel", id.as_str())));
    for (what, id) in ids {
        if let Some(problem) = id::problem_of(id) {
            let word = if what == "an application" { "name" } else { "id" };
            let sentence = format!("{what} has the {word} {problem}");
            problems.push(ImportProblem::new("bad_id", sentence));
        }
    }
}
