//! Parallel gateway: a token on every way out, all carrying a new fork; with one way out the token passes.
//!
//! Not here: the merge, which may be any node (`flow::join`).
//! Source: (semantics: game); BPMN 2.0.2 §13.4.1.

use crate::ticket::decision::Decision;
use crate::ticket::flow;
use crate::ticket::token::Token;
use crate::workflow::Edge;

pub(super) fn enter(decision: &mut Decision<'_>, token: &Token) {
    let workflow = decision.context.workflow;
    let ways: Vec<&Edge> = workflow.ways_out(&token.node).collect();
    match ways.as_slice() {
        [only] => flow::take(decision, token.id, only),
        ways => flow::fork(decision, token, ways),
    }
}
