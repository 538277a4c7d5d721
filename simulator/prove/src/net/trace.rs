//! What happened to a ticket as a row of transitions of its definition's net.
//!
//! Withdrawals, what admins do by force and edges that leave a fork early have no place in a plain net.

use std::collections::BTreeMap;

use loonflow_engine::id::TokenId;
use loonflow_engine::ticket::Event;

use super::{Context, Net, Step};

/// The transitions of a ticket's events, by label.
///
/// # Errors
/// The event that the net has no transition for.
pub fn trace(net: &Net, events: &[Event]) -> Result<Vec<String>, String> {
    let mut contexts: BTreeMap<TokenId, Context> = BTreeMap::new();
    let mut found = Vec::new();
    let mut add = |step: Step, context: &Context| match net.find(&step, context) {
        Some(transition) => {
            found.push(transition.label.clone());
            Ok(())
        }
        None => Err(format!("the net has no {step:?} in {context:?}")),
    };
    for event in events {
        match event {
            Event::TicketCreated(_) => {
                contexts.insert(TokenId(1), Context::new());
                add(Step::Create, &Context::new())?;
            }
            Event::EdgeTaken { token, edge, .. } => {
                let context = contexts.get(token).cloned().unwrap_or_default();
                add(Step::Edge(edge.clone()), &context)?;
            }
            Event::Forked { token, fork, branches } => {
                let context = contexts.remove(token).unwrap_or_default();
                add(Step::Fork(fork.split.clone()), &context)?;
                for (idx, branch) in branches.iter().enumerate() {
                    let mut inner = context.clone();
                    inner.push((fork.split.clone(), idx));
                    contexts.insert(branch.token, inner);
                }
            }
            Event::Joined { fork, tokens, into, .. } => {
                let mut outer = contexts.get(into).cloned().unwrap_or_default();
                outer.pop();
                for token in tokens {
                    contexts.remove(token);
                }
                add(Step::Join(fork.split.clone()), &outer)?;
                contexts.insert(*into, outer);
            }
            Event::ForkLeft { .. } | Event::TokensReplaced { .. } | Event::Migrated { .. } => {
                return Err(format!("{event:?} takes tokens from wherever they are"));
            }
            Event::ActionTaken(_)
            | Event::FieldsChanged { .. }
            | Event::TitleChanged { .. }
            | Event::JoinAwaited { .. }
            | Event::NodeEntered { .. }
            | Event::TimerSet { .. }
            | Event::TimerFired { .. }
            | Event::HookRequested { .. }
            | Event::HookSucceeded { .. }
            | Event::HookFailed { .. }
            | Event::Accepted { .. }
            | Event::ForceForwarded { .. }
            | Event::Forwarded { .. }
            | Event::Consulted { .. }
            | Event::ConsultSubmitted { .. }
            | Event::VoteCast { .. }
            | Event::StateChanged { .. }
            | Event::InterventionNeeded { .. }
            | Event::InterventionEnded
            | Event::Discarded => {}
        }
    }
    Ok(found)
}
