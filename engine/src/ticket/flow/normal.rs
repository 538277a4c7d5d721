//! Normal node: its assignees are resolved on entering and recorded, so a replay never asks today's directory.
//!
//! Nobody found: the command of a person fails; where no person caused the move, the token rests unassigned.

use crate::id::TokenId;
use crate::ticket::assignee::{self, Resolved};
use crate::ticket::decision::{Decision, GoesBack};
use crate::ticket::event::{Event, Processor};
use crate::ticket::refusal::Refusal;
use crate::ticket::round::{self, When};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{Draw, flow, sub_ticket, substitute, voting};
use crate::workflow::{Node, NormalProps};

pub(super) fn enter(
    decision: &mut Decision<'_>,
    token: &Token,
    node: &Node,
    props: &NormalProps,
    back: Option<&GoesBack>,
) -> Result<(), Refusal> {
    let (rest, pool, remembered, stand_ins) =
        match assignee::resolve(&decision.ticket, token, (node, props), back, decision.context) {
            Resolved::To {
                rest,
                pool,
                remembered,
                stand_ins,
            } => (rest, pool, remembered, stand_ins),
            // What follows is found on the way: all that has to be asked is asked at once.
            Resolved::Asks(question) => {
                decision.questions.push(question);
                (Rest::Unassigned, None, false, Vec::new())
            }
            Resolved::Nobody { reason } => match decision.meta.by {
                Processor::User(_) => {
                    return Err(Refusal::NoAssignee {
                        node: node.id.clone(),
                        name: node.name.clone(),
                        reason,
                    });
                }
                Processor::Timer | Processor::Hook | Processor::System => (Rest::Unassigned, None, false, Vec::new()),
            },
        };
    // Whom of them a draw will find, a rehearsal does not know.
    let is_pool = pool.is_some() && decision.context.draw == Draw::Preview;
    decision.emit(Event::NodeEntered {
        token: token.id,
        node: node.id.clone(),
        rest,
        pool,
        remembered,
    });
    substitute::record(decision, token.id, stand_ins);
    // A node that opens sub-tickets and has nothing to open them for has nothing to wait for.
    if sub_ticket::spawn(decision, token.id, node, props) {
        sub_ticket::leave_after_last(decision, token.id);
    }
    if !is_pool {
        skip(decision, token.id);
    }
    Ok(())
}

/// Lets a token that has come to a node go on for those who agreed before: all of it, or nothing where the ticket could not
/// go on from there.
fn skip(decision: &mut Decision<'_>, token: TokenId) {
    decision.attempt(|decision| {
        let rest = decision.ticket.token(token).map(|token| &token.rest);
        if rest.is_some_and(|rest| voting::ballot(rest).is_some()) {
            return voting::go_on(decision, token, When::Entering);
        }
        match round::skip_one(decision, token, When::Entering) {
            Some((_, edge)) => flow::leave_by(decision, token, &edge),
            None => Ok(()),
        }
    });
}
