//! Who may do what, as far as the directory and a workflow's rights say (semantics 1, 2, 7): total functions, no I/O.
//!
//! Not here: rights that come from having to do with a ticket (creator, assignee, processor, cc: `ticket`), what an
//! assignee may do (`ticket::action`). Inactive and unknown users have no right at all.

use super::directory::Directory;
use super::{AppWorkflows, User, UserType};
use crate::id::{AppName, UserId, WorkflowId};
use crate::workflow::WorkflowVersion;

/// The application that may use every workflow (semantics 1).
pub const OWN_APPLICATION: &str = "loonflow";

/// A user's rights on all tickets of a workflow, whatever it has to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rights {
    /// Sees them.
    pub view: bool,
    /// May move them by force.
    pub intervene: bool,
}

/// Whether an application may use a workflow: it is our own, its entry names the workflow, or the workflow's list
/// names it; either suffices (semantics 2). An application that the tenant does not have may use nothing.
#[must_use]
pub fn application_allows(directory: &Directory, app: &AppName, version: &WorkflowVersion) -> bool {
    is_application(directory, app)
        && (application_names(directory, app, &version.workflow_id) || version.authorized_apps.contains(app))
}

/// Whether the tenant has an application; its own it always has.
#[must_use]
pub fn is_application(directory: &Directory, app: &AppName) -> bool {
    app.as_str() == OWN_APPLICATION || directory.applications.contains_key(app)
}

fn application_names(directory: &Directory, app: &AppName, workflow: &WorkflowId) -> bool {
    app.as_str() == OWN_APPLICATION
        || directory
            .applications
            .get(app)
            .is_some_and(|entry| match &entry.workflows {
                AppWorkflows::All => true,
                AppWorkflows::Only(ids) => ids.contains(workflow),
            })
}

/// Both rights at once.
#[must_use]
pub fn rights(directory: &Directory, user: &UserId, version: &WorkflowVersion) -> Rights {
    Rights {
        view: may_view_workflow(directory, user, version),
        intervene: may_intervene(directory, user, version),
    }
}

/// Whether a user may force a workflow's tickets on (semantics 5, 7): tenant admins, the workflow's admins and
/// dispatchers. User type `workflow_admin` gives no such right by itself.
#[must_use]
pub fn may_intervene(directory: &Directory, user: &UserId, version: &WorkflowVersion) -> bool {
    let Some(user) = directory.active_user(user) else {
        return false;
    };
    let permission = &version.permission;
    is_tenant_admin(user) || permission.admins.contains(&user.id) || permission.dispatchers.contains(&user.id)
}

/// Whether a user sees all tickets of a workflow (semantics 7): whoever may intervene, its viewers, and members of its
/// viewer departments and their descendants.
#[must_use]
pub fn may_view_workflow(directory: &Directory, user: &UserId, version: &WorkflowVersion) -> bool {
    let permission = &version.permission;
    directory.active_user(user).is_some()
        && (may_intervene(directory, user, version)
            || permission.viewers.contains(user)
            || permission
                .viewer_depts
                .iter()
                .any(|dept| directory.is_member(user, dept)))
}

/// Whether a user may publish workflows (semantics 2): active, and of type `admin` or `workflow_admin`.
#[must_use]
pub fn may_publish(user: &User) -> bool {
    user.is_active && matches!(user.user_type, UserType::Admin | UserType::WorkflowAdmin)
}

/// Whether a user administers the tenant: active, and of type `admin`.
#[must_use]
pub fn is_tenant_admin(user: &User) -> bool {
    user.is_active && user.user_type == UserType::Admin
}
