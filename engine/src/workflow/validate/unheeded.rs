//! What a definition asks for that nothing acts on yet: timers do not fire by themselves, nothing is posted, notices are
//! not sent, outside addresses are not asked for assignees, sub-tickets do nothing to their parents. Whoever publishes
//! it should know before a ticket waits for ever.
//!
//! Not part of `check`: the definition is right, the program is not there yet. Each warning goes when its effect runs.

use crate::workflow::problem::Problem;
use crate::workflow::{AssigneeRule, Node, NodeKind, WorkflowVersion};

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
    for hook in &version.event_hooks {
        let name = if hook.name.is_empty() { &hook.id } else { &hook.name };
        let sentence = format!("event hook `{name}` is not posted yet: nobody is told");
        problems.push(Problem::warning("hook_not_posted", sentence));
    }
    problems
}

fn of_node(node: &Node, problems: &mut Vec<Problem>) {
    let id = &node.id;
    let mut warn = |code, sentence: String| problems.push(Problem::warning(code, sentence).at_node(id));
    if let NodeKind::Timer(_) = &node.kind {
        warn(
            "timer_not_fired",
            format!("timer node `{id}` does not fire by itself yet: a ticket waits there until an admin closes it"),
        );
    }
    if let NodeKind::Hook(_) = &node.kind {
        warn(
            "hook_not_posted",
            format!("hook node `{id}` is not posted yet: a ticket waits there until an admin closes it"),
        );
    }
    if let NodeKind::Normal(props) = &node.kind {
        if matches!(props.assignee, AssigneeRule::External(_)) {
            let sentence = "is to ask an outside address for its assignees, and none is asked yet: \
                            an action that leads there is refused";
            warn("assignees_not_asked", format!("node `{id}` {sentence}"));
        }
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
