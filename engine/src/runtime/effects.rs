//! Timers and hooks that tickets wait for, and what became of them.
//!
//! Not here: who fires and posts them.

use crate::effect::{Awaited, awaited};
use crate::id::{TicketId, TokenId};
use crate::runtime::Answer;
use crate::runtime::engine::{Engine, not_found};
use crate::runtime::request::Done;
use crate::ticket::{Command, HookOutcome};

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
