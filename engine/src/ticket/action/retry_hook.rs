//! `retry_hook`: a failed hook is posted again, as a new request (semantics: actions, hooks).

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    let attempt = decision.ticket.n_hook_requests + 1;
    decision.emit_action(action, &handle.action, None);
    decision.emit(Event::HookRequested {
        token: action.token,
        node: action.node.clone(),
        attempt,
    });
    Ok(())
}
