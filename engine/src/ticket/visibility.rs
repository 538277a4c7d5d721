//! Who may see a ticket, and which of its fields (semantics: visibility, hidden-values).
//!
//! Not here: rights by workflow alone (`account::permission`), lists (`view::ticket_list`).

use std::collections::BTreeMap;

use crate::account::directory::Directory;
use crate::account::permission;
use crate::id::{FieldKey, NodeId, UserId};
use crate::ticket::{ActState, Ticket};
use crate::workflow::{FieldPermission, WorkflowVersion};

/// Whether a user may see a ticket: a tenant admin, whoever may view its workflow's tickets, whoever is or was
/// related. A draft is its creator's alone; a discarded one is nobody's.
#[must_use]
pub fn may_view(ticket: &Ticket, user: &UserId, directory: &Directory, workflow: &WorkflowVersion) -> bool {
    if ticket.is_discarded || ticket.tenant_id != directory.tenant.id || directory.user(user).is_none() {
        return false;
    }
    if ticket.act_state == ActState::InDraft {
        return ticket.creator == *user;
    }
    ticket.is_related(user) || permission::may_view_workflow(directory, user, workflow)
}

/// What a viewer may do with each field of the form: whoever may act on a node, which is `acting`, has that node's
/// permissions, other viewers see, read-only, every field that at least one node does not hide. Every key of the form is in the map.
#[must_use]
pub fn field_permissions(workflow: &WorkflowVersion, acting: Option<&NodeId>) -> BTreeMap<FieldKey, FieldPermission> {
    let acting = acting.and_then(|node| workflow.node(node));
    let keys = workflow.form.components().map(|component| component.key.clone());
    keys.map(|key| {
        let permission = match acting {
            Some(node) => workflow.form.permission_at(node, &key),
            None => {
                let shown = |node| workflow.form.permission_at(node, &key) != FieldPermission::Hidden;
                if workflow.nodes.iter().any(shown) {
                    FieldPermission::Readonly
                } else {
                    FieldPermission::Hidden
                }
            }
        };
        (key, permission)
    })
    .collect()
}
