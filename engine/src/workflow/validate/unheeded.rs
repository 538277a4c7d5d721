//! What a definition asks for that nothing acts on yet: notices are not sent. Whoever publishes it should know before
//! somebody waits for one.
//!
//! Not part of `check`: the definition is right, the program is not there yet. Each warning goes when its effect runs.

use crate::workflow::WorkflowVersion;
use crate::workflow::problem::Problem;
use crate::workflow::{Node, StepDoes};

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
    let steps = node.deadline.iter().flat_map(|deadline| &deadline.steps);
    if steps.clone().any(|step| matches!(step.does, StepDoes::Remind { .. })) {
        let sentence = format!("node `{id}` has a deadline that reminds people, and no notices are sent yet");
        warn("reminders_not_sent", sentence);
    }
}
