//! What happened to a ticket, one entry per command.

use loonflow_engine::account::directory::Directory;
use loonflow_engine::view::flow_history::HistoryEntry;
use serde_json::{Value, json};

use super::account::person;
use super::action::{field_changes, moves};

/// A row of `ticket_history`. Keys without anything to say are left out, for histories are long.
pub(crate) fn entry(entry: &HistoryEntry, directory: &Directory) -> Value {
    let mut answer = json!({
        "version": entry.version,
        "created_at": entry.at.to_answer(directory.zone()),
        "processor": entry.processor,
        "action_type": entry.action_type,
        "action_id": entry.action_id,
        "act_state": entry.act_state.word(),
        "field_changes": field_changes(&entry.field_changes),
        "moves": moves(&entry.moves),
    });
    let optional = [
        ("operator", entry.by.as_ref().map(person)),
        (
            "action_name",
            Some(&entry.action_name)
                .filter(|name| !name.is_empty())
                .map(|name| json!(name)),
        ),
        (
            "node",
            entry
                .node
                .as_ref()
                .map(|(node, name)| json!({ "node_id": node.as_str(), "name": name })),
        ),
        ("target", entry.target.as_ref().map(person)),
        ("comment", entry.comment.as_ref().map(|comment| json!(comment))),
        ("app_name", entry.app.as_ref().map(|app| json!(app.as_str()))),
        (
            "token_id",
            entry.access_token.as_ref().map(|token| json!(token.as_str())),
        ),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            answer[key] = value;
        }
    }
    answer
}
