//! Tickets: as a row of a list, and in full.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::view::row::TicketRow;
use loonflow_engine::view::ticket_detail::{TicketDetail, WaitingFor};
use serde_json::{Map, Value, json};

use super::account::{people, person};
use super::action::{actions, node_or_empty};
use super::form::{Filling, put_form};
use super::node::current_nodes;
use super::object;

/// A row of `ticket_list`. Tickets carry no labels of their own, so `label` is empty.
pub(crate) fn row(row: &TicketRow, directory: &Directory) -> Value {
    let workflow = json!({
        "id": row.workflow_id.as_str(),
        "name": row.workflow_name,
        "description": row.workflow_description,
    });
    let parent = row.parent_ticket_id.map(|id| id.to_string()).unwrap_or_default();
    object([
        ("id", row.id.to_string().into()),
        ("title", row.title.as_str().into()),
        ("act_state", row.act_state.word().into()),
        ("creator_info", person(&row.creator)),
        ("workflow_info", workflow),
        ("tenant_id", row.tenant_id.as_str().into()),
        ("label", json!({})),
        ("created_at", row.created_at.to_answer(directory.zone()).into()),
        ("updated_at", row.updated_at.to_answer(directory.zone()).into()),
        ("version", row.version.into()),
        ("parent_ticket_id", parent.into()),
        ("current_nodes", current_nodes(&row.current_nodes)),
        ("needs_intervention", row.needs_intervention.into()),
    ])
}

/// The answer of `ticket_detail` and `ticket_prepare_handle`. Why a ticket needs intervention is for those who can
/// intervene.
pub(crate) fn detail(detail: &TicketDetail, directory: &Directory) -> Value {
    let mut answer = Map::new();
    let filling = Filling {
        permissions: &detail.permissions,
        values: &detail.values,
        errors: &detail.field_errors,
        directory,
    };
    put_form(&mut answer, &detail.workflow, &detail.row.title, &filling);
    let offered = &detail.offered;
    let waiting: Value = detail
        .waiting_for
        .iter()
        .map(|one| waiting_for(one, directory))
        .collect();
    let rest = [
        ("actions", actions(&offered.actions)),
        ("action_base_node_id", node_or_empty(offered.base_node())),
        ("admin_actions", actions(&offered.admin_actions)),
        ("admin_action_base_node_id", node_or_empty(offered.admin_base_node())),
        ("ticket", row(&detail.row, directory)),
        ("version", json!(detail.row.version)),
        ("waiting_for", waiting),
    ];
    answer.extend(rest.map(|(key, value)| (key.to_owned(), value)));
    if let (Some(reason), false) = (&detail.intervention, offered.admin_actions.is_empty()) {
        answer.insert("intervention".to_owned(), json!(reason));
    }
    Value::Object(answer)
}

/// One token's wait; `missing` only for a merge, `due` only for a timer, `note` only for what does not run yet.
fn waiting_for(waiting: &WaitingFor, directory: &Directory) -> Value {
    let mut one = object([
        ("node_id", waiting.node_id.as_str().into()),
        ("name", waiting.name.as_str().into()),
        ("kind", waiting.kind.word().into()),
        ("people", people(&waiting.people)),
        ("n_people", waiting.n_people.into()),
    ]);
    if !waiting.missing.is_empty() {
        one["missing"] = waiting
            .missing
            .iter()
            .map(|(node, name)| json!({ "node_id": node.as_str(), "name": name }))
            .collect();
    }
    if let Some(due) = waiting.due {
        one["due"] = json!(due.to_answer(directory.zone()));
    }
    if let Some(note) = waiting.not_running {
        one["note"] = json!(note);
    }
    one
}
