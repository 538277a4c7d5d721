//! A workflow as a Mermaid flowchart with a way marked on it.

use std::collections::BTreeSet;

use loonflow_engine::id::{EdgeId, NodeId};
use loonflow_engine::workflow::{NodeKind, WorkflowVersion};

/// Draws a version: nodes and edges that were passed are marked, those with a token now more so.
#[must_use]
pub fn drawn(
    workflow: &WorkflowVersion,
    passed: &BTreeSet<NodeId>,
    taken: &BTreeSet<EdgeId>,
    now: &BTreeSet<&NodeId>,
) -> String {
    let mut text = String::from("flowchart LR\n");
    let place = |id: &NodeId| workflow.graph.node_idx.get(id).copied().unwrap_or_default();
    for (idx, node) in workflow.nodes.iter().enumerate() {
        let name = quoted(if node.name.trim().is_empty() {
            node.id.as_str()
        } else {
            &node.name
        });
        let shape = match node.kind {
            NodeKind::Start | NodeKind::End => format!("([{name}])"),
            NodeKind::Normal(_) => format!("[{name}]"),
            NodeKind::Exclusive { .. } => format!("{{{name}}}"),
            NodeKind::Parallel => format!("[[{name}]]"),
            NodeKind::Inclusive { .. } => format!("{{{{{name}}}}}"),
            NodeKind::Timer(_) => format!("(({name}))"),
            NodeKind::Hook(_) => format!("[/{name}/]"),
        };
        text += &format!("  n{idx}{shape}\n");
    }
    let mut marked = Vec::new();
    for (idx, edge) in workflow.edges.iter().enumerate() {
        let name = quoted(if edge.name.trim().is_empty() {
            edge.id.as_str()
        } else {
            &edge.name
        });
        text += &format!("  n{} -->|{name}| n{}\n", place(&edge.source), place(&edge.target));
        if taken.contains(&edge.id) {
            marked.push(idx.to_string());
        }
    }
    let class = |name: &str, style: &str, of: &dyn Fn(&NodeId) -> bool| {
        let nodes = workflow.nodes.iter().enumerate().filter(|(_, node)| of(&node.id));
        let nodes: Vec<String> = nodes.map(|(idx, _)| format!("n{idx}")).collect();
        if nodes.is_empty() {
            return String::new();
        }
        format!("  classDef {name} {style}\n  class {} {name}\n", nodes.join(","))
    };
    text += &class("passed", "stroke:#c60,stroke-width:3px", &|id| {
        passed.contains(id) && !now.contains(id)
    });
    text += &class("here", "fill:#fc9,stroke:#c60,stroke-width:4px,color:#000", &|id| {
        now.contains(id)
    });
    if !marked.is_empty() {
        text += &format!("  linkStyle {} stroke:#c60,stroke-width:3px\n", marked.join(","));
    }
    text
}

/// A label: Mermaid takes quotes only as entities.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "#quot;"))
}
