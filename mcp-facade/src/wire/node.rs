//! Nodes that a ticket is at.

use loonflow_engine::limits::ROW_ASSIGNEES_MAX;
use loonflow_engine::ticket::CurrentNode;
use serde_json::Value;

use super::account::{first, people};
use super::object;

/// Where a ticket is, and who can act there: the first ones, and how many there are.
pub(crate) fn current_nodes(nodes: &[CurrentNode]) -> Value {
    nodes
        .iter()
        .map(|node| {
            object([
                ("node_id", node.node_id.as_str().into()),
                ("name", node.name.as_str().into()),
                ("assignees", people(first(&node.assignees, ROW_ASSIGNEES_MAX))),
                ("n_assignees", node.n_assignees.into()),
            ])
        })
        .collect()
}
