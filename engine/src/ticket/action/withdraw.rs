//! `withdraw`: the creator takes the ticket back to start (semantics: actions).

use crate::ticket::ActState;
use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::Decision;
use crate::ticket::refusal::Refusal;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    decision.emit_action(action, &handle.action, None);
    let start = decision.context.workflow.start().id.clone();
    decision.replace_tokens(&start)?;
    decision.set_state(ActState::Withdrawn);
    Ok(())
}
