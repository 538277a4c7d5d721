//! `force_forward`: the target becomes the node's sole assignee; ends a consult, an accept wait, and discards votes
//! (semantics: actions, strategies).

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::{Decision, check_not_excluded, target_user};
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    let to = target_user(decision, handle)?;
    check_not_excluded(decision, &action.node, &to)?;
    decision.emit_action(action, &handle.action, Some(&to));
    decision.emit(Event::ForceForwarded {
        token: action.token,
        to,
    });
    Ok(())
}
