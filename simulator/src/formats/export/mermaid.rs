//! A definition as a Mermaid flowchart: for a page that renders Mermaid, or for a story that marks a path.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use loonflow_engine::id::{EdgeId, NodeId};
use loonflow_engine::workflow::{EdgeKind, NodeKind, WorkflowVersion};

use crate::formats::expression;

/// What is marked in a flowchart.
#[derive(Clone, Debug, Default)]
pub struct Marked {
    /// Nodes on a path.
    pub nodes: BTreeSet<NodeId>,
    /// Edges on a path.
    pub edges: BTreeSet<EdgeId>,
    /// Nodes where the path has come to: marked more.
    pub now: BTreeSet<NodeId>,
}

/// The version as a flowchart.
#[must_use]
pub fn mermaid(version: &WorkflowVersion, marked: &Marked) -> String {
    let mut text = String::from("flowchart LR\n");
    for (idx, node) in version.nodes.iter().enumerate() {
        let (open, sign, close) = match node.kind {
            NodeKind::Start | NodeKind::End => ("([", "", "])"),
            NodeKind::Normal(_) => ("[", "", "]"),
            NodeKind::Exclusive { .. } => ("{", "x ", "}"),
            NodeKind::Parallel => ("{", "+ ", "}"),
            NodeKind::Inclusive { .. } => ("{", "o ", "}"),
            NodeKind::Timer(_) => ("((", "", "))"),
            NodeKind::Hook(_) => ("[[", "", "]]"),
        };
        let name = format!("{sign}{}", node.name);
        line(&mut text, &format!("n{idx}{open}\"{}\"{close}", shown(&name)));
    }
    let mut on_path = Vec::new();
    for (idx, edge) in version.edges.iter().enumerate() {
        let ends = (
            version.graph.node_idx[&edge.source],
            version.graph.node_idx[&edge.target],
        );
        let arrow = if edge.kind == EdgeKind::Reject { "-.->" } else { "-->" };
        let label = label(version, edge);
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", shown(&label))
        };
        line(&mut text, &format!("n{} {arrow}{label} n{}", ends.0, ends.1));
        if marked.edges.contains(&edge.id) {
            on_path.push(idx.to_string());
        }
    }
    let mut class = |name: &str, style: &str, is_of: &dyn Fn(&NodeId) -> bool| {
        let nodes = version.nodes.iter().enumerate().filter(|(_, node)| is_of(&node.id));
        let nodes: Vec<String> = nodes.map(|(idx, _)| format!("n{idx}")).collect();
        if !nodes.is_empty() {
            line(&mut text, &format!("classDef {name} {style}"));
            line(&mut text, &format!("class {} {name}", nodes.join(",")));
        }
    };
    class("marked", "stroke:#c60,stroke-width:3px", &|id| {
        marked.nodes.contains(id) && !marked.now.contains(id)
    });
    class("now", "fill:#fc9,stroke:#c60,stroke-width:4px,color:#000", &|id| {
        marked.now.contains(id)
    });
    if !on_path.is_empty() {
        line(
            &mut text,
            &format!("linkStyle {} stroke:#c60,stroke-width:3px", on_path.join(",")),
        );
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "  {line}");
}

/// What an edge says: its name, else what it asks; that of an action its id at least, for people take it by that.
fn label(version: &WorkflowVersion, edge: &loonflow_engine::workflow::Edge) -> String {
    if !edge.name.trim().is_empty() {
        return edge.name.clone();
    }
    if edge.conditions.is_empty() {
        return match edge.kind {
            EdgeKind::Condition => String::new(),
            EdgeKind::Agree | EdgeKind::Reject | EdgeKind::Other => edge.id.as_str().to_owned(),
        };
    }
    expression::write(edge.conditions.groups(), &version.form)[1..].to_owned()
}

/// Text between quotes: Mermaid reads references of HTML there, and nothing else is special once these are.
fn shown(text: &str) -> String {
    let mut done = String::new();
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | '`' | '\\' | '|' | '[' | ']' | '{' | '}' | '(' | ')' => {
                let _ = write!(done, "#{};", u32::from(c));
            }
            c if c.is_control() => done.push(' '),
            c => done.push(c),
        }
    }
    done
}
