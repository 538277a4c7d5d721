//! What a definition asks for that nothing acts on yet: notices are not sent. Whoever publishes it should know before
//! somebody waits for one.
//!
//! Not part of `check`: the definition is right, the program is not there yet. Each warning goes when its effect runs.

use crate::workflow::WorkflowVersion;
use crate::workflow::problem::Problem;

/// Warnings, in the order of the definition.
#[must_use]
pub fn unheeded(version: &WorkflowVersion) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !version.notification.channels.is_empty() {
        let sentence = "`notification_info` names channels, and no notices are sent yet: people look into their lists";
        problems.push(Problem::warning("notices_not_sent", sentence));
    }
    problems
}
