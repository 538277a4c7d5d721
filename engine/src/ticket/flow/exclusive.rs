//! Exclusive gateway: the first way out whose conditions hold, in definition order, else the default.
//!
//! Source: (semantics: game); BPMN 2.0.2 §13.4.2, where an exception is raised when none holds and there is no default.

use crate::id::EdgeId;
use crate::ticket::decision::Decision;
use crate::ticket::flow;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::Token;
use crate::workflow::{Edge, Node};

pub(super) fn enter(
    decision: &mut Decision<'_>,
    token: &Token,
    node: &Node,
    default_branch: Option<&EdgeId>,
) -> Result<(), Refusal> {
    let workflow = decision.context.workflow;
    let ways: Vec<&Edge> = workflow.ways_out(&node.id).collect();
    let fitting = ways
        .iter()
        .find(|edge| is_asked(edge, default_branch) && flow::holds(decision, edge));
    let Some(edge) = fitting.or_else(|| ways.iter().find(|edge| Some(&edge.id) == default_branch)) else {
        return Err(Refusal::NoBranchMatches {
            node: node.id.clone(),
            name: node.name.clone(),
        });
    };
    flow::take(decision, token.id, edge);
    Ok(())
}

/// A default without conditions is taken only when nothing else fits.
pub(super) fn is_asked(edge: &Edge, default_branch: Option<&EdgeId>) -> bool {
    Some(&edge.id) != default_branch || !edge.conditions.is_empty()
}
