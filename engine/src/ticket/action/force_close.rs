//! `force_close`: all tokens go, one is put on end (semantics: actions).

use crate::ticket::ActState;
use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::Decision;
use crate::ticket::refusal::Refusal;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    decision.emit_action(action, &handle.action, None);
    let end = decision.context.workflow.end().id.clone();
    decision.replace_tokens(&end)?;
    decision.set_state(ActState::Closed);
    Ok(())
}
