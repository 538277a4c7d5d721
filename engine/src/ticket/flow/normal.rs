//! Normal node: its assignees are resolved on entering and recorded, so a replay never asks today's directory.
//!
//! Nobody found: the command of a person fails; where no person caused the move, the token rests unassigned.

use crate::ticket::assignee::{self, Resolved};
use crate::ticket::decision::{Decision, GoesBack};
use crate::ticket::event::{Event, Processor};
use crate::ticket::refusal::Refusal;
use crate::ticket::sub_ticket;
use crate::ticket::token::{Rest, Token};
use crate::workflow::{Node, NormalProps};

pub(super) fn enter(
    decision: &mut Decision<'_>,
    token: &Token,
    node: &Node,
    props: &NormalProps,
    back: Option<&GoesBack>,
) -> Result<(), Refusal> {
    let resolved = assignee::resolve(&decision.ticket, token, (node, props), back, decision.context);
    let (rest, pool, remembered) = match resolved {
        Resolved::To { rest, pool, remembered } => (rest, pool, remembered),
        // What follows is found on the way: all that has to be asked is asked at once.
        Resolved::Asks(question) => {
            decision.questions.push(question);
            (Rest::Unassigned, None, false)
        }
        Resolved::Nobody { reason } => match decision.meta.by {
            Processor::User(_) => {
                return Err(Refusal::NoAssignee {
                    node: node.id.clone(),
                    name: node.name.clone(),
                    reason,
                });
            }
            Processor::Timer | Processor::Hook | Processor::System => (Rest::Unassigned, None, false),
        },
    };
    decision.emit(Event::NodeEntered {
        token: token.id,
        node: node.id.clone(),
        rest,
        pool,
        remembered,
    });
    // A node that opens sub-tickets and has nothing to open them for has nothing to wait for.
    if sub_ticket::spawn(decision, token.id, node, props) {
        sub_ticket::leave_after_last(decision, token.id);
    }
    Ok(())
}
