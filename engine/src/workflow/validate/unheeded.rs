//! What a definition asks for that nothing acts on yet: notices are not sent, sub-tickets
//! do nothing to their parents. Whoever publishes it should know before a ticket waits for ever.
//!
//! Not part of `check`: the definition is right, the program is not there yet. Each warning goes when its effect runs.

use crate::workflow::problem::Problem;
use crate::workflow::{Node, NodeKind, WorkflowVersion};

/// Warnings, in the order of the definition.
#[must_use]
pub fn unheeded(version: &WorkflowVersion) -> Vec<Problem> {
    let mut problems = Vec::new();
    for node in &version.nodes {
        of_node(node, &mut problems);
    }
    if !version.notification.channels.is_empty() {
        let sentence = "`notification_info` names channels, and no notices are sent yet: people look into their lists";
        problems.push(Problem::warning("notices_not_sent", sentence));
    }
    problems
}

fn of_node(node: &Node, problems: &mut Vec<Problem>) {
    let id = &node.id;
    let mut warn = |code, sentence: String| problems.push(Problem::warning(code, sentence).at_node(id));
    if let NodeKind::Normal(props) = &node.kind {
        let keys = [
            ("sub_workflows", !props.sub_workflows.is_empty()),
            ("wait_for_sub_tickets", props.wait_for_sub_tickets),
            ("auto_edge", props.auto_edge.is_some()),
        ];
        for (key, _) in keys.iter().filter(|(_, is_there)| *is_there) {
            let sentence = format!("node `{id}` has `{key}`, and sub-tickets do nothing to their parents yet");
            warn("sub_tickets_not_heeded", sentence);
        }
    }
}
