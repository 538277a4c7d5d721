//! `forward`: another person takes the operator's place (semantics: actions).
//!
//! Where everyone acts, only an open share moves, and not to someone who holds one.

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::{Decision, check_not_excluded, target_user};
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::Rest;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    let to = target_user(decision, handle)?;
    check_not_excluded(decision, &action.node, &to)?;
    let argument = Argument::TargetUser;
    if to == handle.operator {
        return Err(Refusal::argument(
            argument,
            &to,
            "you hold the node already; name someone else",
        ));
    }
    if let Some(Rest::Shared { shares }) = decision.ticket.token(action.token).map(|token| &token.rest)
        && shares.iter().any(|share| share.holder == to)
    {
        return Err(Refusal::argument(
            argument,
            &to,
            "this user has a share of the node already",
        ));
    }
    decision.emit_action(action, &handle.action, Some(&to));
    decision.emit(Event::Forwarded {
        token: action.token,
        from: handle.operator.clone(),
        to,
    });
    Ok(())
}
