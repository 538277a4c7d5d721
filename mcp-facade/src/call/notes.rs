//! Notes beside a list: which of its filters name something that is not there, and where the right name is found. A list
//! that is empty for that reason looks like one that is empty in truth.
//!
//! Not here: words that a filter does not take, which are refused (`request`). Invariant: of tickets it is only said that
//! there is none that the caller may view, whether there is one or not.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{DeptId, NodeId, TicketId, UserId, WorkflowId};
use loonflow_engine::runtime::{Caller, EngineHandle};

use crate::arguments::shortened;
use crate::call::{ticket_list, user_list};

/// Names of one filter that are told at most: one shows what is wrong with all.
const NAMED_MAX: usize = 5;

/// What is said about each of the first names of a filter that are not there.
fn each(ids: &[String], is_there: impl Fn(&str) -> bool, say: impl Fn(&str) -> String) -> Vec<String> {
    let missing = ids.iter().filter(|id| !is_there(id));
    missing.take(NAMED_MAX).map(|id| say(&shortened(id))).collect()
}

fn no_user(argument: &str, id: &str) -> String {
    if id.contains('@') {
        format!(
            "`{argument}` takes ids, and `{id}` is an e-mail address: `user_list` with it as `search_value` tells the id"
        )
    } else {
        format!("`{argument}`: there is no user `{id}`; `user_list` finds people and tells their ids")
    }
}

/// About the filters of `ticket_list`.
pub(crate) fn of_tickets(
    params: &ticket_list::Params,
    engine: &EngineHandle,
    caller: &Caller,
    directory: &Directory,
) -> Vec<String> {
    let users: Vec<String> = params.creator_id.iter().cloned().collect();
    let mut notes = each(
        &users,
        |id| directory.user(&UserId::from(id)).is_some(),
        |id| no_user("creator_id", id),
    );
    notes.extend(each(
        &params.workflow_ids,
        |id| engine.has_workflow(caller, &WorkflowId::from(id)),
        |id| format!("`workflow_ids`: there is no workflow `{id}` for you; `workflow_list` tells the ids of those you may start"),
    ));
    notes.extend(each(
        &params.node_ids,
        |id| engine.has_node(caller, &NodeId::from(id)),
        |id| {
            format!("`node_ids`: no workflow has a node `{id}`; `current_nodes` of a ticket tells the ids of its nodes")
        },
    ));
    let is_id = |id: &str| TicketId::parse(id).is_some();
    notes.extend(each(&params.ticket_ids, is_id, |id| {
        format!("`ticket_ids`: `{id}` is no id of a ticket; the rows of `ticket_list` have them in `id`")
    }));
    notes
}

/// About a parent whose children are asked for: said where nothing was found.
pub(crate) fn of_parent(id: &str) -> String {
    let id = shortened(id);
    format!(
        "`parent_ticket_id`: there is no ticket `{id}` that you may view; `ticket_list` tells the ids of those you may"
    )
}

/// About the filters of `user_list`.
pub(crate) fn of_users(params: &user_list::Params, directory: &Directory) -> Vec<String> {
    let mut notes = each(
        &params.user_ids,
        |id| directory.user(&UserId::from(id)).is_some(),
        |id| no_user("user_ids", id),
    );
    let depts: Vec<String> = params.dept_id.iter().cloned().collect();
    notes.extend(each(
        &depts,
        |id| directory.depts.contains_key(&DeptId::from(id)),
        |id| format!("`dept_id`: there is no department `{id}`; `dept_info_list` of a user tells the ids of theirs"),
    ));
    notes
}
