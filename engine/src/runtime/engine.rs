//! [`Engine`]: the only door to a running engine. Cheap to clone; every method may be called from anywhere.
//!
//! Data methods answer `Result<Result<T, Refusal>, Fault>`: `?` lifts faults, a refusal must be looked at.
//! Here: starting and closing, who is calling, actions on tickets. Questions are in `queries`, what the operator at
//! the machine does is in `operator`.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loonflow_storage::{EventLog, LogStatus};
use ractor::{Actor, ActorRef};
use tokio::sync::oneshot;

use crate::account::{permission, token};
use crate::id::{AccessTokenId, AppName, TenantId, TicketId, UserId};
use crate::runtime::admission::{Admission, Permit};
use crate::runtime::commit::{self, Origin};
use crate::runtime::fault::{AuthProblem, Fault, Readiness};
use crate::runtime::history::Histories;
use crate::runtime::idempotency::{self, InFlight};
use crate::runtime::options::{EngineOptions, Ports};
use crate::runtime::projection::{self, Projection, Projections};
use crate::runtime::registry::{self, Registry, RegistryActor, TenantState};
use crate::runtime::request::{ActAnswer, ActRequest, Caller, CreateRequest, Done};
use crate::runtime::router::Router;
use crate::runtime::slot::{Lease, Message, Published, Request, Shared};
use crate::runtime::supervisor::Supervisor;
use crate::runtime::ticket_lists::TicketLists;
use crate::runtime::unreadable::{Unreadable, Unreadables};
use crate::runtime::{Answer, janitor};
use crate::ticket::{Act, Argument, Command, Context, Create, Draw, Refusal, Ticket, decide, sub_ticket, visibility};
use crate::time::Timestamp;
use crate::view::preview::preview;
use crate::workflow::WorkflowVersion;

/// The tree of when tokens were last used.
pub(crate) const TOKEN_USED: &str = "token_used";
/// A token's last use is written at most this often (semantics: access-tokens).
const TOKEN_USED_EVERY_MS: i64 = 60_000;

/// The door to a running engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("n_live", &self.inner.router.n_live())
            .finish_non_exhaustive()
    }
}

/// The parts of a running engine.
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: EngineOptions,
    pub(crate) registry: Arc<Registry>,
    pub(crate) registry_actor: ActorRef<registry::Message>,
    pub(crate) router: Arc<Router>,
    pub(crate) projections: Arc<Projections>,
    pub(crate) lists: Arc<TicketLists>,
    supervisor: ActorRef<()>,
    follower: Mutex<Option<tokio::task::JoinHandle<()>>>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) histories: Histories,
    admission: Arc<Admission>,
    /// When each token's use was last written down.
    tokens_used: Mutex<HashMap<AccessTokenId, Timestamp>>,
}

/// A ticket that a caller may see, with what it stands on.
pub(crate) struct Viewable {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) workflow: Arc<WorkflowVersion>,
    pub(crate) tenant: Arc<TenantState>,
    lease: Lease,
}

impl Engine {
    /// Starts an engine over a log: folds directories and workflows, catches the list up, then serves.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn start(log: Arc<dyn EventLog>, ports: Ports, options: EngineOptions) -> Result<Self, Fault> {
        let unreadable = Arc::new(Unreadables::default());
        let registry = Arc::new(Registry::new(unreadable.clone()));
        let lists = Arc::new(TicketLists::new(unreadable.clone()));
        let projections = {
            let (registry, log, unreadable) = (registry.clone(), log.clone(), unreadable.clone());
            let all: Vec<Arc<dyn Projection>> = vec![lists.clone()];
            let load = move || {
                registry
                    .load(&*log)
                    .and_then(|()| Projections::restore(&*log, all, unreadable))
            };
            let loaded = tokio::task::spawn_blocking(load).await;
            Arc::new(loaded.map_err(|_| Fault::WorkerDied)??)
        };
        let follower = projection::start(&projections, &log, lists.tenants(), options.checkpoint_commits).await?;
        let state = registry::State {
            log: log.clone(),
            ports: ports.clone(),
            registry: registry.clone(),
        };
        let (registry_actor, _) = Actor::spawn(None, RegistryActor, state)
            .await
            .map_err(|_| Fault::Closed)?;
        let (supervisor, _) = Actor::spawn(None, Supervisor, ()).await.map_err(|_| Fault::Closed)?;
        let shared = Arc::new(Shared {
            log,
            ports,
            registry: registry.clone(),
            unreadable,
            snapshot_events: options.snapshot_events,
        });
        let router = Arc::new(Router::new(
            shared.clone(),
            supervisor.get_cell(),
            options.live_tickets_max.max(1),
        ));
        let in_flight: Arc<InFlight> = Arc::default();
        let housekeeping = janitor::work(Arc::downgrade(&router), in_flight.clone(), options.idle_ms);
        let admission = Admission::new(options.calls_max);
        let inner = Arc::new(Inner {
            shared,
            options,
            registry,
            registry_actor,
            router,
            projections,
            lists,
            supervisor,
            follower: Mutex::new(Some(follower)),
            in_flight,
            histories: Histories::default(),
            admission,
            tokens_used: Mutex::default(),
        });
        tokio::spawn(housekeeping);
        Ok(Self { inner })
    }

    /// Whether calls can be answered, reads and writes: the log takes appends, and the list is caught up but for what
    /// is on its way. Asks the file system once at most: an async caller runs it off its thread.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        /// Commits that may be on their way to the list at any moment under load.
        const ON_THE_WAY: u64 = 10_000;
        let inner = &self.inner;
        if inner.admission.is_closed() {
            return Readiness::Closed;
        }
        match inner.shared.log.status() {
            LogStatus::Open => {}
            LogStatus::Full => return Readiness::Full,
            LogStatus::Stopped { what } => return Readiness::Stopped { what },
            LogStatus::Closed => return Readiness::Closed,
        }
        let behind = inner
            .shared
            .log
            .last_position()
            .saturating_sub(inner.projections.position());
        if inner.projections.is_following() && behind <= ON_THE_WAY {
            Readiness::Ready
        } else {
            Readiness::Behind
        }
    }

    /// Whether [`readiness`](Self::readiness) is [`Readiness::Ready`].
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness() == Readiness::Ready
    }

    /// What of the log cannot be read and is not served, by stream; at most a thousand are named. Everything else is
    /// served as ever, so the engine is ready all the same.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        self.inner.shared.unreadable.all()
    }

    /// Finishes the calls under way, stores what makes the next start fast, and closes the log.
    ///
    /// # Errors
    /// When the log could not be closed well.
    pub async fn close(&self) -> Result<(), Fault> {
        let inner = &self.inner;
        if !inner.admission.close() {
            return Ok(());
        }
        /// A stop takes 10 s at the most (contract: limits); the log needs some of it.
        const FINISH_MAX: Duration = Duration::from_secs(5);
        /// Actors and list need their time whatever the calls left of theirs.
        const EACH_MIN: Duration = Duration::from_secs(1);
        /// What changed since the last checkpoint is stored for so long; the next start reads the rest from the log.
        const CHECKPOINT_MAX: Duration = Duration::from_secs(2);
        let finish_by = Instant::now() + FINISH_MAX;
        let left = || finish_by.saturating_duration_since(Instant::now()).max(EACH_MIN);
        let _finished = tokio::time::timeout(FINISH_MAX, inner.admission.drained()).await;
        inner
            .projections
            .caught_up(inner.shared.log.last_position(), EACH_MIN)
            .await;
        // Actors hold the log: they go first, and store what they would have to replay.
        let _ = inner.registry_actor.stop_and_wait(None, Some(left())).await;
        inner
            .supervisor
            .get_cell()
            .stop_children_and_wait(None, Some(left()))
            .await;
        inner.supervisor.stop(None);
        let (projections, log) = (inner.projections.clone(), inner.shared.log.clone());
        let closed = tokio::task::spawn_blocking(move || {
            projections.store_last(&*log, Instant::now() + CHECKPOINT_MAX);
            log.close()
        });
        let closed = closed.await.map_err(|_| Fault::WorkerDied)?;
        let follower = inner.follower.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(follower) = follower {
            // It ends by itself once it has read that the log is closed.
            let _ = tokio::time::timeout(left(), follower).await;
        }
        Ok(closed?)
    }

    /// Whose a personal access token is. No request waits for it: a look-up, one SHA-256.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn identify_access_token(
        &self,
        id: &str,
        secret: &str,
    ) -> Result<(TenantId, UserId, AccessTokenId), AuthProblem> {
        let inner = &self.inner;
        let tenant_id = inner.registry.tenant_of_token(id).ok_or(AuthProblem::Invalid)?;
        let tenant = inner.registry.find(&tenant_id);
        let tenant = tenant
            .map_err(|_| AuthProblem::DirectoryUnreadable)?
            .ok_or(AuthProblem::Invalid)?;
        let found = tenant.directory.access_tokens.get(id).ok_or(AuthProblem::Invalid)?;
        let now = inner.shared.ports.clock.now();
        token::verify(found, secret, now).map_err(|problem| match problem {
            token::TokenProblem::Wrong => AuthProblem::Invalid,
            token::TokenProblem::Expired => AuthProblem::Expired,
            token::TokenProblem::Revoked => AuthProblem::Revoked,
        })?;
        inner.registry.active_user(&tenant_id, &found.user_id)?;
        self.note_token_use(&found.id, now);
        Ok((tenant_id, found.user_id.clone(), found.id.clone()))
    }

    /// The active user with an e-mail address, over all tenants, whatever the case.
    ///
    /// # Errors
    /// `Invalid` or `UserInactive`.
    pub fn identify_email(&self, email: &str) -> Result<(TenantId, UserId), AuthProblem> {
        let (tenant, user) = self.inner.registry.by_email(email).ok_or(AuthProblem::Invalid)?;
        self.inner.registry.active_user(&tenant, &user)?;
        Ok((tenant, user))
    }

    /// Whether a tenant has an application; its own it always has.
    #[must_use]
    pub fn application(&self, tenant: &TenantId, app: &AppName) -> bool {
        let tenant = self.inner.registry.tenant(tenant);
        tenant.is_some_and(|tenant| permission::is_application(&tenant.directory, app))
    }

    /// Takes an action on a ticket, or rehearses it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn act(&self, caller: &Caller, request: ActRequest) -> Answer<ActAnswer> {
        let permit = self.admit(&caller.tenant_id, Some(&caller.user_id)).await?;
        // A repeat is answered from the key alone: what it did may have taken the ticket out of sight.
        let asked = request.idempotency.filter(|_| !request.dry_run);
        let keep = match self.idempotency(caller, asked).await? {
            Ok((keep, None)) => keep,
            Ok((_, Some(done))) => return Ok(Ok(ActAnswer::Done(done))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let seen = match self.viewable(caller, request.ticket_id).await? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let command = Command::Act(Act {
            by: caller.user_id.clone(),
            action: request.action,
            at: request.at,
            comment: request.comment,
            fields: request.fields,
        });
        let parent = self.parent_of(&caller.tenant_id, &seen.ticket).await?;
        if request.dry_run {
            if let Err(refusal) = commit::check_version(request.expected_version, seen.ticket.version) {
                return Ok(Err(refusal));
            }
            let (tenant, workflow) = (&seen.tenant, &seen.workflow);
            return Ok(self.rehearse(tenant, workflow, Some(&seen.ticket), &command, parent.as_deref()));
        }
        let request = Request {
            command,
            create_on: None,
            migrate_to: None,
            parent,
            origin: origin_of(caller),
            expected_version: request.expected_version,
            _permit: permit,
            idempotency: keep,
        };
        Ok(self.command(seen.lease, request).await?.map(ActAnswer::Done))
    }

    /// Creates a ticket, or rehearses it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create(&self, caller: &Caller, request: CreateRequest) -> Answer<ActAnswer> {
        let permit = self.admit(&caller.tenant_id, Some(&caller.user_id)).await?;
        let asked = request.idempotency.clone().filter(|_| !request.dry_run);
        let keep = match self.idempotency(caller, asked).await? {
            Ok((keep, None)) => keep,
            Ok((_, Some(done))) => return Ok(Ok(ActAnswer::Done(done))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (tenant, workflow) = match self.startable(caller, &request.workflow_id, request.version_name.as_ref())? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let parent = match &request.parent {
            None => None,
            Some((parent, node)) => match self.viewable(caller, *parent).await? {
                Ok(seen) => match sub_ticket::check(&seen.workflow, node, &request.workflow_id) {
                    Ok(()) => Some(seen.ticket),
                    Err(refusal) => return Ok(Err(refusal)),
                },
                Err(refusal @ Refusal::TicketNotFound { .. }) => {
                    let problem = format!("{refusal}; name a ticket that you may view");
                    return Ok(Err(Refusal::argument(Argument::ParentTicket, parent, problem)));
                }
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let now = self.inner.shared.ports.clock.now();
        let create = |ticket_id| {
            Command::Create(Create {
                ticket_id,
                by: caller.user_id.clone(),
                app: caller.app.clone(),
                take: request.take.clone(),
                fields: request.fields.clone(),
                comment: request.comment.clone(),
                cc: request.cc.clone(),
                parent: request.parent.clone(),
            })
        };
        if request.dry_run {
            // A rehearsal takes no id from the source: nobody sees the one it has.
            let command = create(TicketId(uuid::Uuid::nil()));
            return Ok(self.rehearse(&tenant, &workflow, None, &command, parent.as_deref()));
        }
        let ticket_id = self.inner.shared.ports.ids.ticket_id(now);
        let lease = self.inner.router.lease(&caller.tenant_id, ticket_id, now)?;
        let request = Request {
            command: create(ticket_id),
            create_on: Some(workflow),
            migrate_to: None,
            parent,
            origin: origin_of(caller),
            expected_version: None,
            _permit: permit,
            idempotency: keep,
        };
        Ok(self.command(lease, request).await?.map(ActAnswer::Done))
    }

    // What follows is shared with `queries` and `operator`.

    /// A place among the calls under way, in fair order, or `Overloaded` at once. `user`: `None` for the operator.
    pub(crate) async fn admit(&self, tenant: &TenantId, user: Option<&UserId>) -> Result<Permit, Fault> {
        self.inner.admission.enter(tenant, user).await
    }

    /// The ticket as of the last answer, read from the log where it is not live; `None` where there is none.
    pub(crate) async fn load(
        &self,
        tenant: &TenantId,
        ticket: TicketId,
    ) -> Result<Option<(Arc<Ticket>, Lease)>, Fault> {
        let now = self.inner.shared.ports.clock.now();
        let lease = self.inner.router.lease(tenant, ticket, now)?;
        if let Some(ticket) = lease.slot().published.ticket.load_full() {
            return Ok(Some((ticket, lease)));
        }
        let (reply, answer) = oneshot::channel();
        let message = Message::Load {
            reply,
            lease: self.inner.router.lease(tenant, ticket, now)?,
        };
        lease
            .slot()
            .actor
            .send_message(message)
            .map_err(|_| Fault::WorkerDied)?;
        let ticket = answer.await.map_err(|_| died(&lease.slot().published))??;
        Ok(ticket.map(|ticket| (ticket, lease)))
    }

    /// A ticket that the caller may see and its application may use. A ticket of another tenant, one that does not
    /// exist and one that may not be seen answer alike.
    pub(crate) async fn viewable(&self, caller: &Caller, ticket_id: TicketId) -> Answer<Viewable> {
        let not_found = || Refusal::TicketNotFound {
            id: ticket_id.to_string(),
        };
        let Some(tenant) = self.inner.registry.find(&caller.tenant_id)? else {
            return Ok(Err(not_found()));
        };
        let Some((ticket, lease)) = self.load(&caller.tenant_id, ticket_id).await? else {
            return Ok(Err(not_found()));
        };
        let workflow = self.inner.registry.version_of(&tenant, &ticket)?;
        if !visibility::may_view(&ticket, &caller.user_id, &tenant.directory, &workflow) {
            return Ok(Err(not_found()));
        }
        if !permission::application_allows(&tenant.directory, &caller.app, &workflow) {
            return Ok(Err(Refusal::AppNotAllowed {
                app: caller.app.to_string(),
            }));
        }
        Ok(Ok(Viewable {
            ticket,
            workflow,
            tenant,
            lease,
        }))
    }

    /// A version that the caller may start a ticket on.
    pub(crate) fn startable(
        &self,
        caller: &Caller,
        workflow: &crate::id::WorkflowId,
        version: Option<&crate::id::VersionName>,
    ) -> Answer<(Arc<TenantState>, Arc<WorkflowVersion>)> {
        let registry = &self.inner.registry;
        let tenant = registry.find(&caller.tenant_id)?;
        registry.check_workflow(&caller.tenant_id, workflow)?;
        let found = tenant.and_then(|tenant| {
            let version = tenant.workflows.get(workflow)?.version_to_start(version)?.clone();
            Some((tenant, version))
        });
        let Some((tenant, found)) = found else {
            return Ok(Err(Refusal::WorkflowNotFound {
                id: version.map_or_else(
                    || workflow.to_string(),
                    |version| format!("{workflow}` in version `{version}"),
                ),
            }));
        };
        if !permission::application_allows(&tenant.directory, &caller.app, &found) {
            return Ok(Err(Refusal::AppNotAllowed {
                app: caller.app.to_string(),
            }));
        }
        Ok(Ok((tenant, found)))
    }

    async fn parent_of(&self, tenant: &TenantId, ticket: &Ticket) -> Result<Option<Arc<Ticket>>, Fault> {
        match &ticket.parent {
            Some((parent, _)) => Ok(self.load(tenant, *parent).await?.map(|(ticket, _)| ticket)),
            None => Ok(None),
        }
    }

    /// The same decision without the append, on what was published last.
    fn rehearse(
        &self,
        tenant: &TenantState,
        workflow: &WorkflowVersion,
        ticket: Option<&Ticket>,
        command: &Command,
        parent: Option<&Ticket>,
    ) -> Result<ActAnswer, Refusal> {
        let now = self.inner.shared.ports.clock.now();
        let directory = &*tenant.directory;
        let context = Context {
            now,
            directory,
            workflow,
            draw: Draw::Preview,
            parent,
            migrate_to: None,
        };
        let events = decide(ticket, command, &context)?;
        let meta = command.meta(&context);
        Ok(ActAnswer::Preview(Box::new(preview(ticket, &events, &meta, &context))))
    }

    async fn idempotency(
        &self,
        caller: &Caller,
        asked: Option<crate::runtime::Idempotency>,
    ) -> Answer<(
        Option<(Caller, crate::runtime::Idempotency, idempotency::Guard)>,
        Option<Done>,
    )> {
        let Some(asked) = asked.filter(|asked| !asked.key.is_empty()) else {
            return Ok(Ok((None, None)));
        };
        let inner = &self.inner;
        let entered = idempotency::enter(&inner.in_flight, &inner.shared.log, caller, &asked).await?;
        Ok(entered.map(|(guard, done)| match done {
            Some(done) => (None, Some(done)),
            None => (Some((caller.clone(), asked, guard)), None),
        }))
    }

    /// Sends a command to a ticket's actor and waits until the list shows what it did.
    pub(crate) async fn command(&self, lease: Lease, request: Request) -> Answer<Done> {
        let (reply, answer) = oneshot::channel();
        let actor = lease.slot().actor.clone();
        let published = lease.slot().published.clone();
        let message = Message::Command {
            request: Box::new(request),
            reply,
            lease,
        };
        actor.send_message(message).map_err(|_| Fault::WorkerDied)?;
        let (done, position) = match answer.await.map_err(|_| died(&published))?? {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if position > 0 {
            let at_most = Duration::from_millis(self.inner.options.list_wait_ms);
            self.inner.projections.caught_up(position, at_most).await;
        }
        Ok(Ok(done))
    }

    /// Writes down, in the background, that a token was used; at most once a minute.
    fn note_token_use(&self, id: &AccessTokenId, now: Timestamp) {
        {
            let mut used = self.inner.tokens_used.lock().unwrap_or_else(PoisonError::into_inner);
            match used.get(id) {
                Some(last) if now.0 - last.0 < TOKEN_USED_EVERY_MS => return,
                Some(_) | None => used.insert(id.clone(), now),
            };
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (log, id) = (self.inner.shared.log.clone(), id.clone());
        runtime.spawn_blocking(move || {
            if let Err(error) = log.kv_put(TOKEN_USED, id.as_str().as_bytes(), Some(&now.0.to_be_bytes())) {
                tracing::warn!(%error, "a token's last use could not be written down");
            }
        });
    }
}

fn origin_of(caller: &Caller) -> Origin {
    Origin {
        app: Some(caller.app.clone()),
        access_token: caller.access_token.clone(),
    }
}

/// An actor that dropped a request is dead or dying: the next call starts another.
fn died(published: &Published) -> Fault {
    published.is_gone.store(true, Ordering::Release);
    Fault::WorkerDied
}

impl Drop for Inner {
    /// The last handle is gone: nothing may hold the log any longer.
    fn drop(&mut self) {
        self.supervisor.get_cell().stop_children(None);
        self.supervisor.stop(None);
        self.registry_actor.stop(None);
        self.projections.stop_storing();
        if let Some(follower) = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take() {
            follower.abort();
        }
    }
}
