//! Effects from outside: what tickets wait for, what an outside system says of it, and what became of calls.
//!
//! Not here: who fires and posts them by itself (`outbox`).

use std::sync::Arc;

use futures::future::BoxFuture;
use loonflow_storage::EventLog;

use crate::account::directory::Directory;
use crate::effect::{Awaited, answer, awaited};
use crate::id::{TenantId, TicketId, TokenId};
use crate::runtime::Answer;
use crate::runtime::deliveries::Delivery;
use crate::runtime::engine::{Engine, Inner, not_found};
use crate::runtime::fault::Fault;
use crate::runtime::outbox::{Current, Door, Hands, message};
use crate::runtime::request::Done;
use crate::ticket::event::OwedChild;
use crate::ticket::{Command, EffectId, EffectOutcome, HookOutcome, Refusal, Replies};

/// What became of a call-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallBack {
    /// It was taken, or said again what was taken.
    Taken,
    /// What it is about is over, or was said otherwise.
    Gone,
    /// Its address was not made here.
    Unknown,
    /// Its body is no JSON object with a whole number `code`; it may call again.
    Unreadable,
    /// The ticket cannot go on now; it may call again.
    NotNow,
}

fn failed(reason: String) -> EffectOutcome {
    EffectOutcome::Failed {
        reason,
        n_tries: 1,
        attempt: None,
    }
}

/// What tickets wait for from outside.
#[derive(Clone, Copy, Debug)]
pub struct Effects<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// What tickets wait for from outside.
    #[must_use]
    pub fn effects(&self) -> Effects<'_> {
        Effects { engine: self }
    }
}

impl Effects<'_> {
    /// Timers and hooks that a ticket waits for.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn awaited(self, ticket_id: TicketId) -> Answer<Vec<Awaited>> {
        let Some(tenant) = self.engine.tenant_of(ticket_id).await? else {
            return Ok(Err(not_found(ticket_id)));
        };
        let Some((ticket, _)) = self.engine.load(&tenant, ticket_id).await? else {
            return Ok(Err(not_found(ticket_id)));
        };
        Ok(Ok(awaited(&ticket)))
    }

    /// Something became of an effect; what no longer applies is refused as `not_waiting`.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn close(self, ticket_id: TicketId, effect: EffectId, outcome: EffectOutcome) -> Answer<Done> {
        match self.engine.tenant_of(ticket_id).await? {
            Some(tenant) => {
                let command = Command::CloseEffect { effect, outcome };
                self.engine.engine_command(&tenant, ticket_id, command).await
            }
            None => Ok(Err(not_found(ticket_id))),
        }
    }

    /// Whether the last part of an address at which a hook calls back was made here. It asks no log, so that whoever guesses
    /// costs next to nothing.
    #[must_use]
    pub fn is_call_back(self, token: &str) -> bool {
        self.engine.inner.carrying.call_backs.read(token).is_some()
    }

    /// An outside system calls back at the address that it was sent; `token` is the last part of it.
    ///
    /// # Errors
    /// A fault: it may call again.
    pub async fn call_back(self, token: &str, body: &[u8]) -> Result<CallBack, Fault> {
        let Some((ticket_id, effect)) = self.engine.inner.carrying.call_backs.read(token) else {
            return Ok(CallBack::Unknown);
        };
        let Some(tenant) = self.engine.tenant_of(ticket_id).await? else {
            return Ok(CallBack::Unknown);
        };
        let said = match answer::read_call_back(body) {
            Ok(()) => Ok(()),
            Err(Some(why)) => Err(why),
            Err(None) => return Ok(CallBack::Unreadable),
        };
        let outcome = match &said {
            Ok(()) => EffectOutcome::Succeeded { note: None },
            Err(why) => failed(why.clone()),
        };
        let command = Command::CloseEffect { effect, outcome };
        match self.engine.engine_command(&tenant, ticket_id, command).await? {
            Ok(_) => Ok(CallBack::Taken),
            Err(Refusal::NotWaiting { .. }) => self.said_already(&tenant, ticket_id, effect, &said).await,
            Err(Refusal::TicketNotFound { .. }) => Ok(CallBack::Gone),
            // Whoever is asked for the next people may be there in a while.
            Err(Refusal::OutsideUnavailable { .. }) => Ok(CallBack::NotNow),
            // The other side did its part; that the ticket cannot go on is for its admins to see.
            Err(refusal) => {
                let command = Command::CloseEffect {
                    effect,
                    outcome: failed(format!("it called back well, but: {refusal}")),
                };
                let parked = self.engine.engine_command(&tenant, ticket_id, command).await?;
                Ok(if parked.is_ok() {
                    CallBack::Taken
                } else {
                    CallBack::Gone
                })
            }
        }
    }

    /// Whether a call-back that moves nothing says what was said before.
    async fn said_already(
        self,
        tenant: &TenantId,
        ticket_id: TicketId,
        effect: EffectId,
        said: &Result<(), String>,
    ) -> Result<CallBack, Fault> {
        let Some((ticket, _)) = self.engine.load(tenant, ticket_id).await? else {
            return Ok(CallBack::Gone);
        };
        let is_same = match said {
            Ok(()) => ticket.answered_hooks.values().any(|answered| *answered == effect),
            Err(why) => {
                let parked = ticket.effects.get(effect).and_then(|open| open.parked.as_ref());
                parked.is_some_and(|parked| parked.reason == *why)
            }
        };
        Ok(if is_same { CallBack::Taken } else { CallBack::Gone })
    }

    /// Tells other tickets now what a ticket owes them, each once: for whoever drives the engine by hand
    /// (`EngineOptions::runs_effects`); else it happens by itself.
    ///
    /// # Errors
    /// A fault; the rest is told by the next call.
    pub async fn deliver(self, ticket_id: TicketId) -> Result<(), Fault> {
        let Some(tenant) = self.engine.tenant_of(ticket_id).await? else {
            return Ok(());
        };
        let Some((ticket, _)) = self.engine.load(&tenant, ticket_id).await? else {
            return Ok(());
        };
        let hands = Hands {
            door: self.engine.inner.clone(),
            parts: self.engine.inner.carrying.clone(),
        };
        let owed = ticket
            .effects
            .iter()
            .filter(|(_, open)| open.is_owed() && open.work.is_internal());
        for (effect, _) in owed {
            message::send(&hands, &tenant, (ticket_id, effect), 0).await?;
        }
        Ok(())
    }

    /// What became of the last tries of calls: of one ticket, or of all of a tenant; the newest first. It begins anew with
    /// the process.
    #[must_use]
    pub fn deliveries(self, tenant: &TenantId, ticket: Option<TicketId>, n_max: usize) -> Vec<Delivery> {
        self.engine.inner.carrying.deliveries.of(tenant, ticket, n_max)
    }

    /// How many effects are open over all tickets, parked ones included.
    #[must_use]
    pub fn n_open(self) -> usize {
        self.engine.inner.carrying.outbox.n_open()
    }

    /// A timer came due.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn fire_timer(self, ticket_id: TicketId, token: TokenId) -> Answer<Done> {
        match self.engine.tenant_of(ticket_id).await? {
            Some(tenant) => {
                self.engine
                    .engine_command(&tenant, ticket_id, Command::FireTimer { token })
                    .await
            }
            None => Ok(Err(not_found(ticket_id))),
        }
    }

    /// A step of a deadline came due.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn reach_deadline(self, ticket_id: TicketId, token: TokenId, step: u32) -> Answer<Done> {
        match self.engine.tenant_of(ticket_id).await? {
            Some(tenant) => {
                self.engine
                    .engine_command(&tenant, ticket_id, Command::ReachDeadline { token, step })
                    .await
            }
            None => Ok(Err(not_found(ticket_id))),
        }
    }

    /// A hook answered, or failed for good.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn report_hook(
        self,
        ticket_id: TicketId,
        token: TokenId,
        attempt: u32,
        outcome: HookOutcome,
    ) -> Answer<Done> {
        match self.engine.tenant_of(ticket_id).await? {
            Some(tenant) => {
                self.engine
                    .engine_command(
                        &tenant,
                        ticket_id,
                        Command::ReportHook {
                            token,
                            attempt,
                            outcome,
                        },
                    )
                    .await
            }
            None => Ok(Err(not_found(ticket_id))),
        }
    }
}

impl Door for Inner {
    fn log(&self) -> Arc<dyn EventLog> {
        self.shared.log.clone()
    }

    fn current<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        ticket: TicketId,
    ) -> BoxFuture<'a, Result<Option<Current>, Fault>> {
        Box::pin(async move {
            let engine = Engine { inner: self };
            let registry = &engine.inner.registry;
            let (Some(found), Some((ticket, _))) = (registry.find(tenant)?, engine.load_settled(tenant, ticket).await?)
            else {
                return Ok(None);
            };
            let workflow = registry.version_of(&found, &ticket)?;
            Ok(Some((ticket, workflow)))
        })
    }

    fn directory(&self, tenant: &TenantId) -> Result<Option<Arc<Directory>>, Fault> {
        Ok(self.registry.find(tenant)?.map(|found| found.directory.clone()))
    }

    fn create<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        parent: TicketId,
        owed: OwedChild,
    ) -> BoxFuture<'a, Answer<()>> {
        Box::pin(async move { Engine { inner: self }.create_spawned(tenant, parent, owed).await })
    }

    fn command_alone<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        ticket: TicketId,
        command: Command,
    ) -> BoxFuture<'a, Answer<Done>> {
        Box::pin(async move {
            let engine = Engine { inner: self };
            engine
                .system_command(tenant, ticket, command, None, Replies::of_nobody())
                .await
        })
    }

    fn command<'a>(
        self: Arc<Self>,
        tenant: &'a TenantId,
        ticket: TicketId,
        command: Command,
    ) -> BoxFuture<'a, Answer<Done>> {
        Box::pin(async move { Engine { inner: self }.engine_command(tenant, ticket, command).await })
    }
}
