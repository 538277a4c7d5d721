//! Nodes that a ticket is at.

use loonflow_engine::id::NodeId;
use loonflow_engine::limits::ROW_ASSIGNEES_MAX;
use loonflow_engine::ticket;
use serde::Serialize;

use super::account::{Person, first};

/// Where a ticket is, and who can act there: the first ones, and how many there are.
#[derive(Debug, Clone, Serialize)]
pub struct CurrentNode {
    /// The node.
    pub node_id: NodeId,
    /// Its name.
    pub name: String,
    /// Who can act there: the first ones.
    pub assignees: Vec<Person>,
    /// How many can act there.
    pub n_assignees: usize,
}

impl From<ticket::CurrentNode> for CurrentNode {
    fn from(node: ticket::CurrentNode) -> Self {
        Self {
            node_id: node.node_id,
            name: node.name,
            assignees: first(node.assignees, ROW_ASSIGNEES_MAX),
            n_assignees: node.n_assignees,
        }
    }
}

/// The same for several.
pub(crate) fn current_nodes(nodes: Vec<ticket::CurrentNode>) -> Vec<CurrentNode> {
    nodes.into_iter().map(CurrentNode::from).collect()
}

/// The id of a node, or nothing as a text.
pub(crate) fn id_or_empty(node: Option<&NodeId>) -> String {
    node.map(|node| node.as_str().to_owned()).unwrap_or_default()
}

/// A node with its name.
#[derive(Debug, Clone, Serialize)]
pub struct NamedNode {
    /// The node.
    pub node_id: NodeId,
    /// Its name.
    pub name: String,
}

impl From<(NodeId, String)> for NamedNode {
    fn from((node_id, name): (NodeId, String)) -> Self {
        Self { node_id, name }
    }
}
