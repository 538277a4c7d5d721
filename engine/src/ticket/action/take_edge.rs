//! `agree`, `reject`, `other`: fields are checked and stored, then the edge is taken (semantics: actions, strategies).
//!
//! Where everyone acts (`whole`) it is a vote, and the one that decides takes the edge (`voting`).

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Denied, Offering, Rule, emit_action, is_held};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::{ActState, field_rules, flow, voting};

pub(super) const AGREE: Rule = rule(ActionKind::Agree, "Agree");
pub(super) const REJECT: Rule = rule(ActionKind::Reject, "Reject");
pub(super) const OTHER: Rule = rule(ActionKind::Other, "Go on");

const fn rule(kind: ActionKind, title: &'static str) -> Rule {
    Rule {
        kind,
        title,
        needs: &[],
        is_destructive: false,
        is_admin: false,
        offer: Offering::Edges,
        who_may,
        carry_out,
    }
}

/// Whoever acts where the edge leads out.
fn who_may(denied: &Denied<'_>) -> Option<String> {
    denied.waits_for(|token| {
        let mut ways = denied.asking.context.workflow.ways_out(&token.node);
        is_held(token)
            && ways.any(|edge| {
                edge.id.as_str() == denied.taking.id() && ActionKind::of_edge(edge) == Some(denied.taking.kind)
            })
    })
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let workflow = decision.context.workflow;
    let (Some(edge), Some(node)) = (action.edge, workflow.node(&action.node)) else {
        return Err(Refusal::argument(
            Argument::ActionId,
            action.id(),
            "there is no such edge",
        ));
    };
    let demand_required = !edge.skip_fields_required_check;
    let changes = field_rules::check(&decision.ticket, decision.context, node, taking.fields, demand_required)?;
    // Sending a ticket is its creation to everybody else.
    if node.allow_undo && decision.ticket.act_state != ActState::InDraft {
        decision.emit(Event::UndoKept);
    }
    emit_action(decision, action, taking);
    field_rules::store(decision, changes);

    let is_vote = decision
        .ticket
        .token(action.token)
        .is_some_and(|token| voting::ballot(&token.rest).is_some());
    if is_vote {
        return voting::cast(decision, action.token, taking.by.clone(), edge);
    }
    flow::leave_by(decision, action.token, edge)
}
