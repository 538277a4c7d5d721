//! `retry_hook`: what failed for good is tried again: a hook of a node as a new request, anything else as it was owed
//! (semantics: actions, effects). Also on a ticket that is over: a debt does not end with it.

use crate::ticket::act::Taking;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, interveners};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::effect_table::Work;
use crate::ticket::event::{EffectId, Event};
use crate::ticket::refusal::{Argument, Refusal};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::RetryHook,
    title: "Retry the hook",
    needs: &[],
    is_destructive: false,
    is_admin: true,
    offer: Offering::Ticket(|asking| asking.ticket.effects.iter().any(|(_, effect)| effect.parked.is_some())),
    who_may: interveners,
    carry_out,
};

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    let parked = decision
        .ticket
        .effects
        .iter()
        .filter(|(_, effect)| effect.parked.is_some());
    let mut meant: Vec<(EffectId, Work)> = parked.map(|(id, effect)| (id, effect.work.clone())).collect();
    if let Some(effect) = taking.action.effect() {
        meant.retain(|(id, _)| *id == effect);
        if meant.is_empty() {
            return Err(not_parked(decision, effect));
        }
    } else if let Some(node) = taking.at {
        meant.retain(|(_, work)| work.node() == Some(node));
        if meant.is_empty() {
            return Err(Refusal::argument(
                Argument::Node,
                node,
                "nothing has failed at this node",
            ));
        }
    }
    emit_action(decision, &at_first(action, &meant), taking);
    for (effect, work) in meant {
        match work {
            Work::Hook { token, node, .. } => {
                let attempt = decision.ticket.n_hook_requests + 1;
                decision.emit(Event::HookRequested { token, node, attempt });
            }
            Work::Timer { .. }
            | Work::Deadline { .. }
            | Work::NoCallBack { .. }
            | Work::EventHook { .. }
            | Work::Child { .. }
            | Work::Reserved { .. }
            | Work::TellParent { .. }
            | Work::CloseChild { .. }
            | Work::Notice(_) => {
                decision.emit(Event::EffectRetried { effect });
            }
        }
    }
    Ok(())
}

/// The action at the node that it is about, where it is about one.
fn at_first<'w>(action: &Chosen<'w>, meant: &[(EffectId, Work)]) -> Chosen<'w> {
    let first = meant
        .iter()
        .find_map(|(_, work)| work.node().cloned().zip(work.token()));
    let (node, token) = first.unwrap_or((action.node.clone(), action.token));
    Chosen {
        node,
        token,
        ..action.clone()
    }
}

/// Refuses an effect that has not failed, and names those that have.
pub(super) fn not_parked(decision: &Decision<'_>, effect: EffectId) -> Refusal {
    let parked = decision.ticket.effects.parked();
    let known: Vec<String> = parked.iter().map(|(id, ..)| id.to_string()).take(10).collect();
    let problem = if known.is_empty() {
        "no effect of this ticket has failed".to_owned()
    } else {
        format!("no effect that failed has this id: take one of {}", known.join(", "))
    };
    Refusal::argument(Argument::Effect, effect, problem)
}
