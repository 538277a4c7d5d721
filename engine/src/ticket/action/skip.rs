//! `skip`: goes on without what a timer or hook node waits for, as if it had come, or closes an effect that failed without
//! carrying it out (semantics: actions, effects). Also on a ticket that is over.

use crate::id::{NodeId, TokenId};
use crate::ticket::act::Taking;
use crate::ticket::action::retry_hook::not_parked;
use crate::ticket::action::{Chosen, Offering, Rule, emit_action, interveners};
use crate::ticket::action_kind::ActionKind;
use crate::ticket::decision::Decision;
use crate::ticket::event::{ChildEnd, EffectId, Event};
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{Ticket, closing, sub_ticket};

pub(super) const RULE: Rule = Rule {
    kind: ActionKind::Skip,
    title: "Skip the wait",
    needs: &[],
    is_destructive: true,
    is_admin: true,
    offer: Offering::Ticket(|asking| {
        let ticket = asking.ticket;
        ticket.tokens.iter().any(waits) || ticket.effects.iter().any(|(_, effect)| effect.parked.is_some())
    }),
    who_may: interveners,
    carry_out,
};

/// What is gone on without.
enum Skipped {
    Wait(TokenId, NodeId),
    Effect(EffectId),
}

fn carry_out(decision: &mut Decision<'_>, action: &Chosen<'_>, taking: &Taking<'_>) -> Result<(), Refusal> {
    match meant(decision, taking)? {
        Skipped::Wait(token, node) => {
            let at = Chosen {
                node: node.clone(),
                token,
                ..action.clone()
            };
            emit_action(decision, &at, taking);
            decision.emit(Event::WaitSkipped {
                token,
                node: node.clone(),
            });
            closing::leave(decision, token, &node)
        }
        Skipped::Effect(effect) => {
            emit_action(decision, action, taking);
            let child = decision.ticket.effects.get(effect).and_then(|open| open.work.child());
            decision.emit(Event::EffectSkipped { effect });
            match child {
                Some(child) => sub_ticket::end(decision, child, ChildEnd::None),
                None => Ok(()),
            }
        }
    }
}

fn meant(decision: &Decision<'_>, taking: &Taking<'_>) -> Result<Skipped, Refusal> {
    let ticket: &Ticket = &decision.ticket;
    let wait = |token: &Token| Skipped::Wait(token.id, token.node.clone());
    if let Some(id) = taking.action.effect() {
        let effect = ticket.effects.get(id);
        let token = effect.and_then(|effect| ticket.token(effect.work.token()?));
        return match (token.filter(|token| waits(token)), effect) {
            (Some(token), _) => Ok(wait(token)),
            (None, Some(effect)) if effect.parked.is_some() => Ok(Skipped::Effect(id)),
            (None, _) => Err(not_parked(decision, id)),
        };
    }
    let waiting = || ticket.tokens.iter().filter(|token| waits(token));
    if let Some(node) = taking.at {
        let problem = "no timer or hook waits at this node";
        let here = waiting().find(|token| token.node == *node);
        return here
            .map(wait)
            .ok_or_else(|| Refusal::argument(Argument::Node, node, problem));
    }
    let parked = ticket.effects.parked();
    let of_ticket: Vec<EffectId> = parked
        .iter()
        .filter(|(_, effect, _)| {
            !effect
                .work
                .token()
                .and_then(|token| ticket.token(token))
                .is_some_and(waits)
        })
        .map(|(id, ..)| *id)
        .collect();
    let mut nodes: Vec<NodeId> = waiting().map(|token| token.node.clone()).collect();
    nodes.dedup();
    match (waiting().next(), nodes.as_slice(), of_ticket.as_slice()) {
        (Some(token), [_], []) => Ok(wait(token)),
        (None, [], [effect]) => Ok(Skipped::Effect(*effect)),
        (Some(_), [_, _, ..], []) => {
            nodes.sort();
            Err(Refusal::AmbiguousNode {
                action_id: taking.id().to_owned(),
                nodes,
            })
        }
        (_, _, effects) => {
            let ids: Vec<String> = effects.iter().take(10).map(ToString::to_string).collect();
            let nodes: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
            let problem = format!(
                "say which: an effect ({}){}",
                ids.join(", "),
                if nodes.is_empty() {
                    String::new()
                } else {
                    format!(", or a node ({})", nodes.join(", "))
                }
            );
            Err(Refusal::argument(Argument::Effect, "", problem))
        }
    }
}

/// Whether a token waits for what can be gone on without.
fn waits(token: &Token) -> bool {
    matches!(token.rest, Rest::Timer { .. } | Rest::Hook { .. })
}
