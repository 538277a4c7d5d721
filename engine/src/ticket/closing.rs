//! Closing effects: what a timer that came due, an answer of an outside system, or a failure for good does to a ticket.
//!
//! What no longer applies is `not_waiting` and appends nothing, so whoever carries effects out may be late, or say a thing
//! twice. Not here: what is owed (`effect_table`), what people do about what is parked (`action/retry_hook`, `action/skip`).

use crate::id::{NodeId, TokenId};
use crate::ticket::command::{EffectOutcome, HookOutcome};
use crate::ticket::decision::Decision;
use crate::ticket::effect_table::Work;
use crate::ticket::event::{ChildEnd, EffectId, Event};
use crate::ticket::refusal::Refusal;
use crate::ticket::room::Room;
use crate::ticket::{deadline, flow, sub_ticket};
use crate::workflow::NodeKind;

/// Closes an effect, or notes what became of it.
pub(super) fn close(decision: &mut Decision<'_>, id: EffectId, outcome: &EffectOutcome) -> Result<(), Refusal> {
    let Some(effect) = decision.ticket.effects.get(id).cloned() else {
        return Err(not_waiting(id));
    };
    let is_parked = effect.parked.is_some();
    if let (EffectOutcome::CameDue, Some(due)) = (outcome, effect.work.due())
        && decision.context.now < due
    {
        return Err(Refusal::NotWaiting {
            what: format!("{} of `{}` is due at {due}", effect.work.kind(), effect.work.target()),
        });
    }
    match (effect.work, outcome) {
        (Work::Timer { token, node, .. }, EffectOutcome::CameDue) => {
            Room::check(&decision.ticket, None)?;
            decision.emit(Event::TimerFired {
                token,
                node: node.clone(),
            });
            leave(decision, token, &node)
        }
        (Work::Deadline { token, step, .. }, EffectOutcome::CameDue) => deadline::reach(decision, id, token, step),
        (Work::NoCallBack { token, node, .. }, EffectOutcome::CameDue) => {
            let reason = "no call-back in time".to_owned();
            decision.emit(Event::HookFailed { token, node, reason });
            Ok(())
        }
        // A success is one, whatever the attempt and however late: the visit is still there.
        (Work::Hook { token, node, .. }, EffectOutcome::Succeeded { .. }) => {
            Room::check(&decision.ticket, None)?;
            decision.emit(Event::HookSucceeded {
                token,
                node: node.clone(),
            });
            leave(decision, token, &node)
        }
        (
            Work::Hook {
                token,
                node,
                attempt: open,
                is_accepted: false,
                ..
            },
            EffectOutcome::Accepted { attempt },
        ) if !is_parked && open == *attempt => {
            let due = call_back_due(decision, &node);
            decision.emit(Event::HookAccepted {
                token,
                node,
                attempt: open,
                due,
            });
            Ok(())
        }
        (
            Work::Hook {
                token,
                node,
                attempt: open,
                ..
            },
            EffectOutcome::Failed { reason, attempt, .. },
        ) if !is_parked && attempt.is_none_or(|attempt| attempt == open) => {
            let reason = reason.clone();
            decision.emit(Event::HookFailed { token, node, reason });
            Ok(())
        }
        // Nobody came to create it.
        (Work::Reserved { child, .. }, EffectOutcome::CameDue) => sub_ticket::end(decision, child, ChildEnd::None),
        (
            Work::EventHook { .. }
            | Work::Child { .. }
            | Work::Reserved { .. }
            | Work::TellParent { .. }
            | Work::CloseChild { .. }
            | Work::Notice(_),
            EffectOutcome::Succeeded { note },
        ) => {
            decision.emit(Event::EffectDone {
                effect: id,
                note: note.clone(),
            });
            Ok(())
        }
        (
            Work::EventHook { .. }
            | Work::Timer { .. }
            | Work::Deadline { .. }
            | Work::NoCallBack { .. }
            | Work::Child { .. }
            | Work::Reserved { .. }
            | Work::TellParent { .. }
            | Work::CloseChild { .. }
            | Work::Notice(_),
            EffectOutcome::Failed { reason, n_tries, .. },
        ) if !is_parked => {
            decision.emit(Event::EffectParked {
                effect: id,
                reason: reason.clone(),
                n_tries: *n_tries,
            });
            Ok(())
        }
        (
            Work::Timer { .. }
            | Work::Deadline { .. }
            | Work::NoCallBack { .. }
            | Work::Hook { .. }
            | Work::EventHook { .. }
            | Work::Child { .. }
            | Work::Reserved { .. }
            | Work::TellParent { .. }
            | Work::CloseChild { .. }
            | Work::Notice(_),
            _,
        ) => Err(not_waiting(id)),
    }
}

/// The timer that a token waits at came due.
pub(super) fn fire_timer(decision: &mut Decision<'_>, of: TokenId) -> Result<(), Refusal> {
    let is_it = |work: &Work| matches!(work, Work::Timer { token, .. } if *token == of);
    let Some(id) = open(decision, is_it) else {
        return Err(none_of("timer", of));
    };
    close(decision, id, &EffectOutcome::CameDue)
}

/// A step of the deadline of a token's stay came due.
pub(super) fn reach_deadline(decision: &mut Decision<'_>, of: TokenId, step: u32) -> Result<(), Refusal> {
    let is_it = |work: &Work| matches!(work.step(), Some((token, idx, _)) if token == of && idx == step);
    let Some(id) = open(decision, is_it) else {
        return Err(none_of("step of the deadline", of));
    };
    close(decision, id, &EffectOutcome::CameDue)
}

/// The hook that a token waits at answered, or failed for good.
pub(super) fn report_hook(
    decision: &mut Decision<'_>,
    of: TokenId,
    attempt: u32,
    outcome: &HookOutcome,
) -> Result<(), Refusal> {
    let is_it = |work: &Work| match work {
        Work::Hook {
            token,
            attempt: open,
            first_attempt,
            ..
        } => *token == of && (*first_attempt..=*open).contains(&attempt),
        Work::Timer { .. }
        | Work::Deadline { .. }
        | Work::NoCallBack { .. }
        | Work::EventHook { .. }
        | Work::Child { .. }
        | Work::Reserved { .. }
        | Work::TellParent { .. }
        | Work::CloseChild { .. }
        | Work::Notice(_) => false,
    };
    let Some(id) = open(decision, is_it) else {
        return Err(none_of("hook", of));
    };
    let outcome = match outcome {
        HookOutcome::Succeeded => EffectOutcome::Succeeded { note: None },
        HookOutcome::Failed(reason) => EffectOutcome::Failed {
            reason: reason.clone(),
            n_tries: 1,
            attempt: Some(attempt),
        },
    };
    close(decision, id, &outcome)
}

/// Takes the one way out of a timer or hook node.
pub(super) fn leave(decision: &mut Decision<'_>, token: TokenId, node: &NodeId) -> Result<(), Refusal> {
    let Some(edge) = decision.context.workflow.ways_out(node).next() else {
        return Err(none_of("way out", token));
    };
    flow::take(decision, token, edge);
    flow::settle(decision)?;
    let state = decision.ticket.act_state;
    flow::settle_state(decision, state);
    Ok(())
}

/// When a hook that was taken on now must have called back.
fn call_back_due(decision: &Decision<'_>, node: &NodeId) -> Option<crate::time::Timestamp> {
    let node = decision.context.workflow.node(node)?;
    let NodeKind::Hook(props) = &node.kind else { return None };
    let within = props.callback_within.as_ref()?;
    let zone = decision.context.directory.zone();
    Some(decision.context.now.plus_span(within, zone))
}

fn open(decision: &Decision<'_>, is_it: impl Fn(&Work) -> bool) -> Option<EffectId> {
    let mut open = decision.ticket.effects.iter();
    open.find(|(_, effect)| is_it(&effect.work)).map(|(id, _)| id)
}

fn none_of(what: &str, token: TokenId) -> Refusal {
    Refusal::NotWaiting {
        what: format!("{what} of token {}", token.0),
    }
}

fn not_waiting(effect: EffectId) -> Refusal {
    Refusal::NotWaiting {
        what: format!("effect {effect}"),
    }
}
