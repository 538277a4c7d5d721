//! What happened to a ticket as a row of transitions of its definition's net.
//!
//! Withdrawals, returns and what is undone, what admins do by force and edges that leave a fork early have no place in a
//! plain net.

use std::collections::BTreeMap;

use loonflow_engine::id::TokenId;
use loonflow_engine::ticket::{Event, Step as Taken};

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
        match event.step() {
            Some(Taken::Created(_)) => {
                contexts.insert(TokenId(1), Context::new());
                add(Step::Create, &Context::new())?;
            }
            Some(Taken::Edge { .. }) if matches!(event, Event::Resumed { .. }) => {
                return Err(format!("{event:?} leads where no edge does"));
            }
            Some(Taken::Edge { token, edge, .. }) => {
                let context = contexts.get(&token).cloned().unwrap_or_default();
                add(Step::Edge(edge.clone()), &context)?;
            }
            Some(Taken::Forked { token, fork, branches }) => {
                let context = contexts.remove(&token).unwrap_or_default();
                add(Step::Fork(fork.split.clone()), &context)?;
                for (idx, branch) in branches.iter().enumerate() {
                    let mut inner = context.clone();
                    inner.push((fork.split.clone(), idx));
                    contexts.insert(branch.token, inner);
                }
            }
            Some(Taken::Joined { fork, tokens, into, .. }) => {
                let mut outer = contexts.get(&into).cloned().unwrap_or_default();
                outer.pop();
                for token in tokens {
                    contexts.remove(token);
                }
                add(Step::Join(fork.split.clone()), &outer)?;
                contexts.insert(into, outer);
            }
            Some(Taken::ForkLeft { .. } | Taken::Replaced { .. } | Taken::Migrated { .. }) => {
                return Err(format!("{event:?} takes tokens from wherever they are"));
            }
            Some(Taken::Returned { .. } | Taken::Undone(_)) => {
                return Err(format!("{event:?} goes back without an edge"));
            }
            Some(Taken::Discarded) | None => {}
        }
    }
    Ok(found)
}
