//! Inclusive gateway: a token on every way out whose conditions hold, the default if none does; its merge waits for
//! just those.
//!
//! Source: (semantics: game); BPMN 2.0.2 §13.4.3.

use crate::id::EdgeId;
use crate::ticket::decision::Decision;
use crate::ticket::flow::{self, exclusive::is_asked};
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
    let asked = ways.iter().filter(|edge| is_asked(edge, default_branch));
    let mut chosen: Vec<&Edge> = asked.filter(|edge| flow::holds(decision, edge)).copied().collect();
    if chosen.is_empty() {
        chosen.extend(ways.iter().find(|edge| Some(&edge.id) == default_branch));
    }
    match chosen.as_slice() {
        [] => {
            return Err(Refusal::NoBranchMatches {
                node: node.id.clone(),
                name: node.name.clone(),
            });
        }
        // One way out is no split and has no merge.
        [only] if ways.len() == 1 => flow::take(decision, token.id, only),
        chosen => flow::fork(decision, token, chosen),
    }
    Ok(())
}
