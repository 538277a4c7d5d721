//! What clients ask, in the form that is stored with a failure, and made ready for the engine.
//!
//! Not here: what goes wrong with a call (`trouble`), who carries it out (`boundary`, `actors`).

use std::sync::Arc;

use loonflow_engine::effect::{Awaited, Effect};
use loonflow_engine::id::{TicketId, UserId};
use loonflow_engine::runtime::{Caller, Idempotency};
use loonflow_engine::ticket::{Command, HookOutcome};
use loonflow_engine::workflow::WorkflowVersion;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::world::World;
use crate::world::case::CaseStep;
use crate::world::replay::command_of;

/// One call of a client, of a timer or of a hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What is asked.
    pub step: CaseStep,
    /// The idempotency key it is sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether it names the version that the ticket has at that moment; timers and hooks never do.
    #[serde(default)]
    pub expects: bool,
}

/// A call, ready to be carried out.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The ticket; `None` where it is to be created.
    pub ticket: Option<TicketId>,
    /// The version it runs on.
    pub workflow: Arc<WorkflowVersion>,
    /// What is asked. Of a creation the id is still to be given.
    pub command: Command,
    /// Who asks; `None` for timers and hooks.
    pub caller: Option<Caller>,
    /// The key, with the fingerprint of what is asked.
    pub asked: Option<Idempotency>,
    /// The version that the ticket must have.
    pub expected: Option<u64>,
}

impl Prepared {
    /// Makes a call ready in the world as it stands; `None` where there is nothing to ask there.
    #[must_use]
    pub fn new(world: &World, call: &Call) -> Option<Self> {
        let translated = command_of(world, &call.step)?;
        let ticket = translated.ticket.map(|idx| &world.tickets[idx].ticket);
        let caller = user_of(&translated.command).map(|user| Caller {
            tenant_id: world.directory.tenant.id.clone(),
            user_id: user.clone(),
            app: "loonflow".into(),
            access_token: None,
        });
        let asked = call.key.as_ref().filter(|_| caller.is_some()).map(|key| Idempotency {
            key: key.clone(),
            fingerprint: Sha256::digest(serde_json::to_vec(&call.step).unwrap_or_default()).into(),
            older: None,
        });
        Some(Self {
            ticket: ticket.map(|ticket| ticket.id),
            workflow: translated.workflow,
            // Timers and hooks speak of a token, not of a version.
            expected: ticket
                .filter(|_| call.expects && caller.is_some())
                .map(|ticket| ticket.version),
            command: translated.command,
            caller,
            asked,
        })
    }

    /// The effect that a timer or hook speaks of.
    #[must_use]
    pub fn effect<'a>(&self, open: &'a [Awaited]) -> Option<&'a Awaited> {
        let is_meant = |one: &&Awaited| {
            if let (Effect::Timer { token, .. }, Command::FireTimer { token: fired }) = (&one.effect, &self.command) {
                return token == fired;
            }
            let Command::ReportHook {
                token: reported,
                attempt: answered,
                outcome,
            } = &self.command
            else {
                return false;
            };
            if let Effect::Hook { token, attempt, .. } = &one.effect {
                let is_news = one.failed.is_none() || matches!(outcome, HookOutcome::Succeeded);
                return (token, attempt) == (reported, answered) && is_news;
            }
            false
        };
        open.iter().find(is_meant)
    }

    /// The same arguments changed a little, under the same key.
    #[must_use]
    pub fn with_other_arguments(&self) -> Self {
        let mut other = self.clone();
        if let Some(asked) = &mut other.asked {
            asked.fingerprint[0] ^= 1;
        }
        other
    }
}

/// Who asks, where it is a person.
fn user_of(command: &Command) -> Option<&UserId> {
    match command {
        Command::Create(create) => Some(&create.by),
        Command::Act(act) => Some(&act.by),
        Command::FireTimer { .. }
        | Command::ReachDeadline { .. }
        | Command::ReviewDeadlines { .. }
        | Command::ReportHook { .. }
        | Command::CloseEffect { .. }
        | Command::OpenChild(_)
        | Command::EndChild { .. }
        | Command::EraseFile { .. }
        | Command::Migrate { .. }
        | Command::ReviewHolders
        | Command::HandOver { .. } => None,
    }
}
