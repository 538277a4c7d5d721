//! Actions that are open, and what became of one: a rehearsal or the real thing.

use loonflow_engine::id::NodeId;
use loonflow_engine::limits::WAITED_FOR_MAX;
use loonflow_engine::runtime::Done;
use loonflow_engine::ticket::event::FieldChange;
use loonflow_engine::ticket::{ActState, Argument, OfferedAction};
use loonflow_engine::view::preview::{Move, Preview};
use serde_json::{Map, Value, json};

use super::account::{first, people};
use super::node::current_nodes;
use super::object;
use crate::spelling;

/// A list of open actions.
pub(crate) fn actions(offered: &[OfferedAction]) -> Value {
    offered.iter().map(|action| one(action, offered)).collect()
}

/// `needs` names the node too where the same action is open at another.
fn one(action: &OfferedAction, offered: &[OfferedAction]) -> Value {
    let mut needs: Vec<&str> = action.kind.needs().iter().map(|one| spelling::key(*one)).collect();
    let is_elsewhere =
        |other: &OfferedAction| (other.kind, &other.id) == (action.kind, &action.id) && other.node != action.node;
    if offered.iter().any(is_elsewhere) {
        needs.push(spelling::key(Argument::Node));
    }
    object([
        ("id", action.id.as_str().into()),
        ("name", action.name.as_str().into()),
        ("type", action.kind.word().into()),
        ("props", action.props.clone()),
        ("node_id", action.node.as_str().into()),
        ("destructive", action.is_destructive.into()),
        ("needs", needs.into()),
    ])
}

/// The node, or nothing as a text.
pub(crate) fn node_or_empty(node: Option<&NodeId>) -> Value {
    json!(node.map_or("", |node| node.as_str()))
}

/// `action_type` of a creation, which is none of the actions on a ticket.
pub(crate) const CREATE: &str = "create";

/// An action as it was asked for.
pub(crate) struct Asked<'a> {
    /// `action_type`.
    pub(crate) action_type: &'a str,
    /// `action_id`.
    pub(crate) action_id: &'a str,
    /// `action_props`.
    pub(crate) action_props: &'a Map<String, Value>,
    /// Keys of the fields sent.
    pub(crate) fields: Vec<&'a str>,
}

/// The answer of a rehearsal. `ticket_id` is absent where the ticket is not there yet.
pub(crate) fn rehearsed(ticket_id: Option<&str>, asked: &Asked<'_>, preview: &Preview) -> Value {
    let required: Vec<&str> = preview.required_fields.iter().map(|key| key.as_str()).collect();
    let action = json!({
        "action_type": asked.action_type,
        "action_id": asked.action_id,
        "action_props": asked.action_props,
    });
    let mut answer = object([
        ("dry_run", true.into()),
        ("status", "validated".into()),
        ("validated_action", action),
        ("provided_fields", asked.fields.as_slice().into()),
        ("required_fields", required.into()),
        ("missing_required_fields", json!([])),
        ("version", preview.version.into()),
        ("preview", preview_of(preview)),
    ]);
    if let Some(ticket_id) = ticket_id {
        answer["ticket_id"] = json!(ticket_id);
    }
    answer
}

/// The answer of a real call. A draft that is created is not handled: only its creator sees it until it leaves start.
pub(crate) fn handled(asked: &Asked<'_>, done: &Done) -> Value {
    let is_draft = asked.action_type == CREATE && done.act_state == ActState::InDraft;
    json!({
        "dry_run": false,
        "ticket_id": done.ticket_id.to_string(),
        "status": if is_draft { "draft" } else { "handled" },
        "action_type": asked.action_type,
        "action_id": asked.action_id,
        "version": done.version,
        "act_state": done.act_state.word(),
        "current_nodes": current_nodes(&done.current_nodes),
        "replayed": done.replayed,
    })
}

/// What a rehearsed command would do. `pools` is there only where somebody will be drawn.
pub(crate) fn preview_of(preview: &Preview) -> Value {
    let effects: Value = preview
        .effects
        .iter()
        .map(|effect| json!({ "kind": effect.kind(), "target": effect.target() }))
        .collect();
    let mut answer = object([
        ("act_state", preview.act_state.word().into()),
        ("field_changes", field_changes(&preview.field_changes)),
        ("moves", moves(&preview.moves)),
        ("current_nodes", current_nodes(&preview.current_nodes)),
        ("effects", effects),
        ("events", preview.events.as_slice().into()),
    ]);
    if !preview.pools.is_empty() {
        answer["pools"] = preview
            .pools
            .iter()
            .map(|(node, pool)| {
                let shown = people(first(pool, WAITED_FOR_MAX));
                json!({ "node_id": node.as_str(), "people": shown, "n_people": pool.len() })
            })
            .collect();
    }
    answer
}

/// `key`, `from`, `to`.
pub(crate) fn field_changes(changes: &[FieldChange]) -> Value {
    changes
        .iter()
        .map(|change| {
            let from = change.from.as_ref().map(Value::from);
            json!({ "key": change.key.as_str(), "from": from, "to": Value::from(&change.to) })
        })
        .collect()
}

/// `from`, `to`, `via`.
pub(crate) fn moves(moves: &[Move]) -> Value {
    moves
        .iter()
        .map(|step| json!({ "from": step.from.as_str(), "to": step.to.as_str(), "via": step.via }))
        .collect()
}
