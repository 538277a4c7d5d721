//! `add_comment`: history only, for whoever may view (semantics: actions). A comment that says nothing is refused.

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, comment_of, emit_action, nobody};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::refusal::{Argument, Refusal};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::AddComment,
    title: "Comment",
    needs: &[Argument::Comment],
    is_destructive: false,
    is_admin: false,
    offer: Offering::Viewer,
    who_may: nobody,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    if comment_of(taking.comment).is_none() {
        return Err(Refusal::argument(Argument::Comment, "", "a comment must say something"));
    }
    emit_action(decision, action, taking);
    Ok(())
}
