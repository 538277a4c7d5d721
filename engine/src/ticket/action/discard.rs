//! `discard`: the creator throws a draft away; from then on it answers as if it did not exist (semantics: drafts).

use crate::ticket::ActState;
use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, nobody};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Discard,
    title: "Discard the draft",
    needs: &[],
    is_destructive: true,
    is_admin: false,
    offer: Offering::Ticket(|asking| {
        asking.ticket.act_state == ActState::InDraft && asking.ticket.creator == *asking.user
    }),
    who_may: nobody,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    emit_action(decision, action, taking);
    decision.emit(Event::Discarded);
    Ok(())
}
