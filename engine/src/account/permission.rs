//! Who may do what, as far as the directory and a workflow's rights say (semantics: directory, visibility): total
//! functions, no I/O.
//!
//! Not here: rights that come from having to do with a ticket (creator, assignee, processor, cc: `ticket`), what an
//! assignee may do (`ticket::action`). Inactive and unknown users have no right at all.

use super::directory::Directory;
use super::{AppWorkflows, User, UserType};
use crate::id::{AppName, UserId, WorkflowId};
use crate::workflow::WorkflowVersion;

/// The application that may use every workflow (semantics: directory).
pub const OWN_APPLICATION: &str = "loonflow";

/// Whether an application may use a workflow: it is our own, its entry names the workflow, or the workflow's list
/// names it; either suffices (semantics: directory). An application that the tenant does not have may use nothing.
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

/// Whether a user may force a workflow's tickets on (semantics: actions, visibility): tenant admins, the workflow's
/// admins and dispatchers. User type `workflow_admin` gives no such right by itself.
#[must_use]
pub fn may_intervene(directory: &Directory, user: &UserId, version: &WorkflowVersion) -> bool {
    let Some(user) = directory.active_user(user) else {
        return false;
    };
    let permission = &version.permission;
    is_tenant_admin(user) || permission.admins.contains(&user.id) || permission.dispatchers.contains(&user.id)
}

/// Whether a user sees all tickets of a workflow (semantics: visibility): whoever may intervene, its viewers, and
/// members of its viewer departments and their descendants.
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

/// Whether a user may publish workflows (semantics: directory): active, and of type `admin` or `workflow_admin`.
#[must_use]
pub fn may_publish(user: &User) -> bool {
    user.is_active && matches!(user.user_type, UserType::Admin | UserType::WorkflowAdmin)
}

/// Whether a user administers the tenant: active, and of type `admin`.
#[must_use]
pub fn is_tenant_admin(user: &User) -> bool {
    user.is_active && user.user_type == UserType::Admin
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::account::import;

    /// The leave request: admin wes, dispatcher hana, viewer department HR.
    fn leave() -> WorkflowVersion {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/workflows/leave.json");
        WorkflowVersion::load(&serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).unwrap()
    }

    /// Whether a user sees all tickets of a workflow, and whether they may move them by force.
    fn rights(directory: &Directory, user: &UserId, version: &WorkflowVersion) -> (bool, bool) {
        (
            may_view_workflow(directory, user, version),
            may_intervene(directory, user, version),
        )
    }

    #[test]
    fn rights_by_user() {
        let (mut directory, mut leave) = (import::fixture("acme"), leave());
        let id_of = |directory: &Directory, name: &str| {
            directory
                .users
                .values()
                .find(|user| user.name == name)
                .unwrap()
                .id
                .clone()
        };
        leave.permission.viewers.insert(id_of(&directory, "fin"));
        leave
            .permission
            .viewer_depts
            .insert("00000000-0000-7000-8000-000000000202".into());
        let gone = id_of(&directory, "gone");
        leave.permission.admins.insert(gone);
        for (name, view, intervene, publish) in [
            ("ada", true, true, true),
            ("wes", true, true, true),
            ("hana", true, true, false),
            ("hugo", true, false, false),
            ("fin", true, false, false),
            // Of a department below a viewer department.
            ("dev", true, false, false),
            ("faye", false, false, false),
            ("gone", false, false, false),
        ] {
            let id = id_of(&directory, name);
            assert_eq!(rights(&directory, &id, &leave), (view, intervene), "{name}");
            assert_eq!(may_publish(directory.user(&id).unwrap()), publish, "{name}");
        }
        // The type alone gives no right on tickets.
        leave.permission.admins = BTreeSet::new();
        assert_eq!(rights(&directory, &id_of(&directory, "wes"), &leave), (false, false));
        assert_eq!(rights(&directory, &"stranger".into(), &leave), (false, false));
        let ada = id_of(&directory, "ada");
        let inactive = User {
            is_active: false,
            ..User::clone(directory.user(&ada).unwrap())
        };
        directory.users.insert(ada.clone(), Arc::new(inactive));
        assert_eq!(rights(&directory, &ada, &leave), (false, false));
    }

    #[test]
    fn applications_by_either_list() {
        let (directory, mut leave) = (import::fixture("acme"), leave());
        let allows = |leave: &WorkflowVersion, app: &str| application_allows(&directory, &app.into(), leave);
        assert!(allows(&leave, "loonflow"));
        assert!(!allows(&leave, "helpdesk-bot"));
        leave.workflow_id = "incident".into();
        assert!(allows(&leave, "helpdesk-bot"));
        leave.workflow_id = "leave".into();
        leave.authorized_apps = BTreeSet::from(["helpdesk-bot".into(), "stranger".into()]);
        assert!(allows(&leave, "helpdesk-bot"));
        assert!(!allows(&leave, "stranger"), "the tenant does not have it");
    }
}
