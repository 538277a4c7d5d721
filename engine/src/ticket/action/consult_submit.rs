//! `consult_submit`: the node returns to those who held it (semantics: actions).

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    decision.emit_action(action, &handle.action, None);
    decision.emit(Event::ConsultSubmitted {
        token: action.token,
        by: handle.operator.clone(),
    });
    Ok(())
}
