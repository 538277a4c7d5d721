//! One try of what is carried out by a command to another ticket: creating a sub-ticket, telling a parent, closing with it.
//!
//! Each can be done again without harm: a ticket that is there is not created twice, an end that is known moves nothing.
//! Not here: when it is tried (`runner`), calls to the outside (`attempt`).

use crate::id::{TenantId, TicketId};
use crate::runtime::fault::Fault;
use crate::runtime::outbox::attempt::{self, Failure, Tried};
use crate::runtime::outbox::{Hands, Key};
use crate::runtime::{commit, streams};
use crate::ticket::effect_table::Work;
use crate::ticket::event::{Event, OwedChild, OwedEffect};
use crate::ticket::{Act, Action, Command, EffectId, EffectOutcome, Refusal};

/// What the history of a ticket says that was closed with its parent.
const CLOSED_WITH_PARENT: &str = "closed with its parent";

/// Tries once and closes the effect, or says when it is tried again.
pub(crate) async fn send(hands: &Hands, tenant: &TenantId, key: Key, n_before: u32) -> Result<Tried, Fault> {
    let (ticket_id, effect) = key;
    let current = hands.door.clone().current(tenant, ticket_id).await?;
    let open = current.and_then(|(ticket, _)| ticket.effects.get(effect).filter(|open| open.is_owed()).cloned());
    let Some(open) = open else {
        return Ok(Tried::Ended);
    };
    let sent = match open.work {
        Work::Child { .. } => create(hands, tenant, key).await?,
        Work::TellParent { parent, state } => {
            let child = ticket_id;
            told(hands, tenant, parent, Command::EndChild { child, state }).await?
        }
        Work::CloseChild { child, by } => {
            let mut act = Act::new(by, Action::ForceClose);
            act.comment = Some(CLOSED_WITH_PARENT.to_owned());
            act.closes_children = true;
            told(hands, tenant, child, Command::Act(act)).await?
        }
        Work::Timer { .. }
        | Work::Deadline { .. }
        | Work::Hook { .. }
        | Work::NoCallBack { .. }
        | Work::EventHook { .. }
        | Work::Reserved { .. }
        | Work::Notice(_) => return Ok(Tried::Ended),
    };
    let failure = match sent {
        Ok(note) => match attempt::close(hands, tenant, key, EffectOutcome::Succeeded { note }).await? {
            Ok(()) => return Ok(Tried::Ended),
            Err(refusal) => Failure::for_good(refusal.to_string()),
        },
        // Whoever is asked for the next people may be there in a while; nothing else changes by waiting.
        Err(refusal @ Refusal::OutsideUnavailable { .. }) => Failure::of(refusal.to_string()),
        Err(refusal) => Failure::for_good(format!("{}: {refusal}", refusal.code())),
    };
    attempt::park_or_wait(hands, tenant, key, None, n_before + 1, failure).await
}

/// Sends a command to another ticket; what no longer applies there, or may not be, is noted and nothing more.
async fn told(
    hands: &Hands,
    tenant: &TenantId,
    to: TicketId,
    command: Command,
) -> Result<Result<Option<String>, Refusal>, Fault> {
    Ok(match hands.door.clone().command(tenant, to, command).await? {
        Ok(_) => Ok(None),
        Err(
            refusal @ (Refusal::NotWaiting { .. }
            | Refusal::TicketNotFound { .. }
            | Refusal::PermissionDenied { .. }
            | Refusal::ActionNotAvailable { .. }),
        ) => Ok(Some(format!("not done: {}", refusal.code()))),
        Err(refusal) => Err(refusal),
    })
}

async fn create(hands: &Hands, tenant: &TenantId, key: Key) -> Result<Result<Option<String>, Refusal>, Fault> {
    let (parent, effect) = key;
    let Some(owed) = owed_child(hands, tenant, key).await? else {
        return Err(Fault::Inconsistent {
            what: format!("ticket `{parent}` owes no sub-ticket as {effect}"),
        });
    };
    let created = hands.door.clone().create(tenant, parent, owed).await?;
    Ok(created.map(|()| None))
}

/// What the creation takes, from the event that owes it.
async fn owed_child(
    hands: &Hands,
    tenant: &TenantId,
    (parent, EffectId { version, index }): Key,
) -> Result<Option<OwedChild>, Fault> {
    let (log, stream) = (hands.door.log(), streams::ticket(tenant, parent));
    let read = tokio::task::spawn_blocking(move || commit::event_at(&*log, &stream, version));
    let event = read.await.map_err(|_| Fault::WorkerDied)??;
    let Some(Event::EffectsOwed { effects }) = event else {
        return Ok(None);
    };
    let owed = effects.into_iter().nth(index as usize);
    Ok(owed.and_then(|owed| {
        if let OwedEffect::Child(child) = owed {
            Some(*child)
        } else {
            None
        }
    }))
}
