//! `discard`: the creator throws a draft away; from then on it answers as if it did not exist (semantics: drafts).

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    decision.emit_action(action, &handle.action, None);
    decision.emit(Event::Discarded);
    Ok(())
}
