//! Which tickets may be opened below a node of another (semantics: sub-tickets).
//!
//! Not here: whether the parent is open and at that node (`decide`), which is asked of the parent's state; this is asked of
//! its version, which a decision about the child does not have.

use crate::id::{NodeId, WorkflowId};
use crate::limits;
use crate::ticket::refusal::{Argument, Refusal};
use crate::workflow::WorkflowVersion;

/// Whether a node of the parent's version takes sub-tickets of a workflow: of those it names, of any where it names none.
///
/// # Errors
/// The refusal of another workflow, with those that would do.
pub fn check(parent: &WorkflowVersion, node: &NodeId, child: &WorkflowId) -> Result<(), Refusal> {
    let Some(props) = parent.node(node).and_then(|node| node.kind.as_normal()) else {
        return Ok(());
    };
    match limits::listed(&props.sub_workflows) {
        Some(allowed) if !props.sub_workflows.contains(child) => Err(Refusal::argument(
            Argument::WorkflowId,
            child,
            format!("node `{node}` of the parent takes sub-tickets of {allowed} only"),
        )),
        Some(_) | None => Ok(()),
    }
}
