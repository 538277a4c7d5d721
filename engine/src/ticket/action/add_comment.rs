//! `add_comment`: history only, for whoever may view (semantics: actions). A comment that says nothing is refused.

use crate::ticket::action::Chosen;
use crate::ticket::command::Handle;
use crate::ticket::decide::{Decision, comment_of};
use crate::ticket::refusal::{Argument, Refusal};

pub(crate) fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, handle: &Handle) -> Result<(), Refusal> {
    if comment_of(handle.action.comment.as_deref()).is_none() {
        return Err(Refusal::argument(Argument::Comment, "", "a comment must say something"));
    }
    decision.emit_action(action, &handle.action, None);
    Ok(())
}
