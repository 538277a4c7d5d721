//! Absences: set, cleared and listed; and what somebody holds handed over to whoever stands in for them, ticket by ticket.
//!
//! Not here: the rules (`account::absence`, `ticket::substitute`).

use tokio::task::JoinSet;

use crate::account;
use crate::account::absence::{Absence, SetAbsence};
use crate::account::delegate;
use crate::account::token;
use crate::id::{AbsenceId, TenantId, TicketId, UserId, WorkflowId};
use crate::limits::HAND_OVER_TICKETS_MAX;
use crate::runtime::OperatorAnswer;
use crate::runtime::engine::Engine;
use crate::runtime::fault::{Fault, OperatorRefusal};
use crate::runtime::registry::Change;
use crate::ticket::{Command, substitute};

/// Tickets that are handed over at once: several commits share one sync of the log, and others still get their turn.
const AT_ONCE: usize = 16;

/// Absences of people.
#[derive(Clone, Copy, Debug)]
pub struct Absences<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// Absences of people.
    #[must_use]
    pub fn absences(&self) -> Absences<'_> {
        Absences { engine: self }
    }
}

/// A request for an absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsenceRequest {
    /// Who is absent.
    pub user: UserId,
    /// Who stands in.
    pub delegate: UserId,
    /// A time, or the first day; without an offset in the tenant's zone.
    pub from: String,
    /// A time, or the last day.
    pub to: String,
    /// For which workflows; empty for all.
    pub workflows: Vec<WorkflowId>,
    /// Whether what the person holds goes to whoever stands in now; only for an absence that runs.
    pub hand_over: bool,
}

/// What came of a request for an absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsenceReport {
    /// The absence: a new one, or the one that said the same.
    pub absence: Absence,
    /// What was handed over, where that was asked for.
    pub handed_over: Option<HandOverReport>,
}

/// What was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandOverReport {
    /// Tickets on which something was.
    pub n_moved: usize,
    /// Tickets on which something stayed, and the code that says why; by id.
    pub left: Vec<(TicketId, &'static str)>,
    /// Whether there are tickets that were not looked at: the same request goes on with them.
    pub has_more: bool,
}

impl Absences<'_> {
    /// Says that somebody will be absent, and hands over what they hold where that is asked for; the same once more
    /// changes nothing, and goes on with handing over. `by` is who asks, `None` the operator at the machine.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn set(
        self,
        tenant: &TenantId,
        by: Option<&UserId>,
        request: AbsenceRequest,
    ) -> OperatorAnswer<AbsenceReport> {
        let Some(state) = self.engine.inner.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        if let Some(unknown) = request.workflows.iter().find(|id| !state.workflows.contains_key(*id)) {
            let problem = format!("there is no workflow `{unknown}`: name those that the tenant has");
            let refusal = account::decide::Refusal::InvalidAbsence { problem };
            return Ok(Err(refusal.into()));
        }
        let secret = self.engine.inner.shared.ports.random.secret_bytes();
        let wanted = SetAbsence {
            id: AbsenceId::new(token::hex(&secret[..8])),
            by: by.cloned(),
            user: request.user,
            delegate: request.delegate,
            from: request.from,
            to: request.to,
            workflows: request.workflows,
            must_run: request.hand_over,
        };
        let command = account::command::Command::SetAbsence(Box::new(wanted.clone()));
        if let Err(refusal) = self.change(tenant, command).await? {
            return Ok(Err(refusal));
        }
        let directory = self.engine.directories().of(tenant);
        let known = directory.and_then(|directory| delegate::known(&directory, &wanted).cloned());
        let Some(absence) = known else {
            // Somebody cleared it in the meantime.
            let problem = "the absence was cleared at once".to_owned();
            return Ok(Err(account::decide::Refusal::InvalidAbsence { problem }.into()));
        };
        let handed_over = if request.hand_over {
            Some(self.hand_over(tenant, &absence.user, by).await?)
        } else {
            None
        };
        Ok(Ok(AbsenceReport { absence, handed_over }))
    }

    /// Takes an absence back; work that went to whoever stood in stays with them.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn clear(self, tenant: &TenantId, by: Option<&UserId>, id: &AbsenceId) -> OperatorAnswer<()> {
        let (id, by) = (id.clone(), by.cloned());
        self.change(tenant, account::command::Command::ClearAbsence { id, by })
            .await
    }

    /// Absences of a person that are not over, and those in which they stand in, by their beginning.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list(self, tenant: &TenantId, by: Option<&UserId>, user: &UserId) -> OperatorAnswer<Vec<Absence>> {
        let Some(state) = self.engine.inner.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        let directory = &state.directory;
        if !delegate::may_set(directory, by, user) {
            return Ok(Err(account::decide::Refusal::AbsenceNotYours.into()));
        }
        let now = self.engine.inner.shared.ports.clock.now();
        let concerns = |absence: &&Absence| absence.to > now && (absence.user == *user || absence.delegate == *user);
        let mut found: Vec<Absence> = directory.absences().filter(concerns).cloned().collect();
        found.sort_by(|one, other| (one.from, &one.id).cmp(&(other.from, &other.id)));
        Ok(Ok(found))
    }

    async fn change(self, tenant: &TenantId, command: account::command::Command) -> OperatorAnswer<()> {
        let change = Change::Account {
            tenant: tenant.clone(),
            command: Box::new(command),
        };
        Ok(self.engine.change(change).await?.map(|_| ()))
    }

    /// Gives what a person holds to whoever stands in for them, on so many tickets. What was given on one is not there
    /// any more when it is asked again, so that a repeat goes on where the last one ended.
    async fn hand_over(self, tenant: &TenantId, user: &UserId, by: Option<&UserId>) -> Result<HandOverReport, Fault> {
        let held = self.engine.inner.lists.ask(tenant, |index| index.held_by(user));
        let mut held = held.unwrap_or_default();
        // The list may be a moment behind; the oldest first.
        held.sort_unstable();
        let mut report = HandOverReport {
            has_more: held.len() > HAND_OVER_TICKETS_MAX,
            ..HandOverReport::default()
        };
        held.truncate(HAND_OVER_TICKETS_MAX);
        for some in held.chunks(AT_ONCE) {
            let mut under_way = JoinSet::new();
            for ticket in some {
                let (engine, tenant, ticket) = (self.engine.clone(), tenant.clone(), *ticket);
                let (user, by) = (user.clone(), by.cloned());
                under_way.spawn(async move { (ticket, engine.hand_over_one(&tenant, ticket, user, by).await) });
            }
            while let Some(done) = under_way.join_next().await {
                let (ticket, outcome) = done.map_err(|_| Fault::WorkerDied)?;
                let (is_moved, left) = outcome?;
                report.n_moved += usize::from(is_moved);
                report.left.extend(left.map(|code| (ticket, code)));
            }
        }
        report.left.sort_unstable();
        Ok(report)
    }
}

impl Engine {
    /// Whether something was given, and why something stayed.
    async fn hand_over_one(
        &self,
        tenant: &TenantId,
        ticket: TicketId,
        user: UserId,
        by: Option<UserId>,
    ) -> Result<(bool, Option<&'static str>), Fault> {
        let command = Command::HandOver { user: user.clone(), by };
        if let Err(refusal) = self.engine_command(tenant, ticket, command.clone()).await? {
            let code = refusal.code();
            return Ok((false, Some(code).filter(|code| *code != "not_waiting")));
        }
        // At one node it could be, at another perhaps not.
        let after = self.load(tenant, ticket).await?;
        let stays =
            after.is_some_and(|(after, _)| after.tokens.iter().any(|token| substitute::has_place(token, &user)));
        if !stays {
            return Ok((true, None));
        }
        let again = self.engine_command(tenant, ticket, command).await?;
        let why = again.err().map(|refusal| refusal.code());
        Ok((true, why.filter(|code| *code != "not_waiting")))
    }
}
