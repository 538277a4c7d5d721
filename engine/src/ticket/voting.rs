//! Votes cast and shares dropped, and what comes of them: a vote that is decided takes its edge in the same commit
//! (semantics: votes).
//!
//! Not here: when it is decided (`ballot`).

use crate::id::{TokenId, UserId};
use crate::ticket::ballot::Ballot;
use crate::ticket::decision::Decision;
use crate::ticket::event::{DropReason, Event};
use crate::ticket::flow;
use crate::ticket::refusal::Refusal;
use crate::ticket::round::{self, When};
use crate::ticket::token::Rest;
use crate::workflow::Edge;

/// The vote at a token, where there is one.
pub(crate) fn ballot(rest: &Rest) -> Option<&Ballot> {
    match rest {
        Rest::Voting(ballot) => Some(ballot),
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => None,
    }
}

/// Casts a vote, and takes the edge that it decides for.
///
/// # Errors
/// Why the token cannot move on.
pub(crate) fn cast(decision: &mut Decision<'_>, token: TokenId, user: UserId, edge: &Edge) -> Result<(), Refusal> {
    decision.emit(Event::VoteCast {
        token,
        user,
        edge: edge.id.clone(),
    });
    go_on(decision, token, When::NextTurn)
}

/// Drops a share, and takes the edge that this decides for. The caller has seen that enough people are left.
///
/// # Errors
/// Why the token cannot move on.
pub(crate) fn drop_share(
    decision: &mut Decision<'_>,
    token: TokenId,
    user: UserId,
    why: DropReason,
) -> Result<(), Refusal> {
    decision.emit(Event::ShareDropped { token, user, why });
    go_on(decision, token, When::NextTurn)
}

/// Takes the edge of a vote that is decided; until it is, casts the votes of those who need not act.
///
/// # Errors
/// Why the token cannot move on.
pub(crate) fn go_on(decision: &mut Decision<'_>, token: TokenId, when: When) -> Result<(), Refusal> {
    let workflow = decision.context.workflow;
    loop {
        let at = decision.ticket.token(token);
        let decided = at.and_then(|at| ballot(&at.rest)?.decided(workflow));
        if let Some(edge) = decided.and_then(|(_, edge)| workflow.edge(edge)) {
            return flow::leave_by(decision, token, edge);
        }
        let Some((user, edge)) = round::skip_one(decision, token, when) else {
            return Ok(());
        };
        let edge = edge.id;
        decision.emit(Event::VoteCast { token, user, edge });
    }
}
