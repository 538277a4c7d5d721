//! `consult`: someone else holds the node until it answers; whoever asked keeps sight of it (semantics: actions).
//!
//! Where everyone acts, it suspends the operator's share alone, and whoever has a part in the node cannot be asked:
//! the one consulted would have two roles at one node.

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::{Decision, target_user};
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Rest;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    let to = target_user(decision, handle)?;
    let argument = Argument::TargetUser;
    if to == handle.operator {
        return Err(Refusal::argument(
            argument,
            &to,
            "you cannot consult yourself; name someone else",
        ));
    }
    if let Some(Rest::Shared { shares }) = decision.ticket.token(action.token).map(|token| &token.rest)
        && shares
            .iter()
            .any(|share| share.holder == to || share.consulted.as_ref() == Some(&to))
    {
        return Err(Refusal::argument(
            argument,
            &to,
            "this user has a part in the node already",
        ));
    }
    decision.emit_action(action, &handle.action, Some(&to));
    decision.emit(Event::Consulted {
        token: action.token,
        by: handle.operator.clone(),
        to,
    });
    Ok(())
}
