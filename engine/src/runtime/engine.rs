//! [`Engine`]: the only door to a running engine. Cheap to clone; every method may be called from anywhere.
//!
//! Data methods answer `Result<Result<T, Refusal>, Fault>`: `?` lifts faults, a refusal must be looked at.
//! Here: starting and closing, and what the services share. What can be done is in their rooms: `tickets`, `workflows`,
//! `directories`, `access_tokens`, `effects`.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loonflow_storage::{EventLog, LogStatus};
use ractor::{Actor, ActorRef};
use tokio::sync::oneshot;

use crate::account::permission;
use crate::id::{AccessTokenId, TenantId, TicketId, UserId, VersionName};
use crate::limits;
use crate::runtime::admission::{Admission, Permit};
use crate::runtime::call_backs::CallBacks;
use crate::runtime::commit::{self, Origin};
use crate::runtime::deliveries::Deliveries;
use crate::runtime::fault::{Fault, Readiness};
use crate::runtime::history::Histories;
use crate::runtime::idempotency::{self, InFlight};
use crate::runtime::kept_files::Kept;
use crate::runtime::options::{EngineOptions, Ports};
use crate::runtime::outbox::hold::Holding;
use crate::runtime::outbox::keeper::{self, Keeper};
use crate::runtime::outbox::runner::{Of, Pulse};
use crate::runtime::outbox::{Door, Outbox, Parts};
use crate::runtime::outside::{Asking, Outsides};
use crate::runtime::projection::{self, Projection, Projections};
use crate::runtime::registry::{self, Registry, RegistryActor, TenantState};
use crate::runtime::request::{ActAnswer, Caller, Done};
use crate::runtime::router::Router;
use crate::runtime::sessions::Sessions;
use crate::runtime::slot::{Lease, Message, Published, Request, Shared, Taken};
use crate::runtime::supervisor::Supervisor;
use crate::runtime::ticket_lists::TicketLists;
use crate::runtime::unreadable::{Unreadable, Unreadables};
use crate::runtime::{Answer, OperatorAnswer, janitor, streams};
use crate::ticket::{
    Argument, Command, Context, Draw, Files, Refusal, Replies, Ticket, Verdict, decide_or_ask, visibility,
};
use crate::time::Timestamp;
use crate::view::preview::preview;
use crate::workflow::WorkflowVersion;

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
    pub(crate) tokens_used: Mutex<HashMap<AccessTokenId, Timestamp>>,
    pub(crate) sessions: Sessions,
    /// What carrying effects out stands on.
    pub(crate) carrying: Arc<Parts>,
    /// What keeps the runner of effects alive; `None` where nobody runs them.
    runner: Mutex<Option<ActorRef<keeper::Message>>>,
    pulse: Arc<Pulse>,
}

/// A ticket that a caller may see, with what it stands on.
pub(crate) struct Viewable {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) workflow: Arc<WorkflowVersion>,
    pub(crate) tenant: Arc<TenantState>,
    pub(crate) lease: Lease,
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
        let outbox = Arc::new(Outbox::new());
        let projections = {
            let (registry, log, unreadable) = (registry.clone(), log.clone(), unreadable.clone());
            let all: Vec<Arc<dyn Projection>> = vec![lists.clone(), outbox.clone()];
            let load = move || {
                registry
                    .load(&*log)
                    .and_then(|()| Projections::restore(&*log, all, unreadable))
            };
            let loaded = tokio::task::spawn_blocking(load).await;
            Arc::new(loaded.map_err(|_| Fault::WorkerDied)??)
        };
        let sessions = Sessions::load(&log).await?;
        let call_backs = {
            let (log, random, public_url) = (log.clone(), ports.random.clone(), options.public_url.clone());
            let load = move || CallBacks::load(&*log, &random, public_url);
            tokio::task::spawn_blocking(load)
                .await
                .map_err(|_| Fault::WorkerDied)??
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
        let files = ports.blobs.clone().map(|blobs| {
            let kept = Kept::new(blobs, log.clone(), options.file_bytes_of_tenant_max);
            Arc::new(kept)
        });
        let shared = Arc::new(Shared {
            log,
            files,
            outsides: Outsides::new(ports.outside.clone(), ports.clock.clone()),
            ports,
            registry: registry.clone(),
            unreadable,
            snapshot_events: options.snapshot_events,
        });
        let carrying = Arc::new(Parts {
            clock: shared.ports.clock.clone(),
            outside: shared.ports.outside.clone(),
            outbox,
            call_backs,
            deliveries: Deliveries::default(),
            holding: Holding::default(),
            link_url: options.link_url.clone(),
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
            sessions,
            carrying,
            runner: Mutex::default(),
            pulse: Arc::default(),
        });
        tokio::spawn(housekeeping);
        if inner.options.runs_effects {
            let inner_door: Arc<dyn Door> = inner.clone();
            let keeper = Of {
                door: Arc::downgrade(&inner_door),
                parts: inner.carrying.clone(),
                pulse: inner.pulse.clone(),
            };
            let (keeper, _) = Actor::spawn(None, Keeper, keeper).await.map_err(|_| Fault::Closed)?;
            *inner.runner.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        }
        let engine = Self { inner };
        engine.directories().review_owed();
        Ok(engine)
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
        /// Calls to others that are under way may end; those that do not are made again by the next start.
        const EFFECTS_MAX: Duration = Duration::from_secs(2);
        inner.pulse.stop();
        let _ = tokio::time::timeout(EFFECTS_MAX, inner.pulse.idle()).await;
        if !inner.admission.close() {
            return Ok(());
        }
        inner.stop_runner();
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
        self.load_settled(tenant, ticket).await
    }

    /// The ticket with every commit that the log showed before this was asked: those who follow the log may see a commit
    /// before its actor has published it, and an actor does so before it takes its next message.
    pub(crate) async fn load_settled(
        &self,
        tenant: &TenantId,
        ticket: TicketId,
    ) -> Result<Option<(Arc<Ticket>, Lease)>, Fault> {
        let now = self.inner.shared.ports.clock.now();
        let lease = self.inner.router.lease(tenant, ticket, now)?;
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

    pub(crate) async fn parent_of(&self, tenant: &TenantId, ticket: &Ticket) -> Result<Option<Arc<Ticket>>, Fault> {
        match &ticket.parent {
            Some((parent, _)) => Ok(self.load(tenant, *parent).await?.map(|(ticket, _)| ticket)),
            None => Ok(None),
        }
    }

    /// The same decision without the append, on what was published last.
    pub(crate) async fn rehearse(
        &self,
        tenant: &TenantState,
        workflow: &WorkflowVersion,
        ticket: Option<&Ticket>,
        command: &Command,
        parent: Option<&Ticket>,
    ) -> Answer<ActAnswer> {
        let shared = &self.inner.shared;
        let now = commit::decided_at(shared.ports.clock.now(), ticket);
        let drafts = shared
            .drafts(&tenant.directory.tenant.id, workflow, command, now)
            .await?;
        let directory = &*tenant.directory;
        // A rehearsal asks nobody: it says who would be asked.
        let unasked = Replies::default();
        let context = Context {
            now,
            directory,
            workflow,
            draw: Draw::Preview,
            parent,
            migrate_to: None,
            replies: Some(&unasked),
            files: drafts.as_ref().map_or(Files::Unkept, Files::Drafts),
        };
        let (events, asks) = match decide_or_ask(ticket, command, &context) {
            Ok(Verdict::Events { events, .. }) => (events, Vec::new()),
            Ok(Verdict::Needs { questions, events }) => (events, questions),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let meta = command.meta(&context);
        let preview = preview(ticket, &events, &meta, &context);
        Ok(Ok(ActAnswer::Preview(Box::new(preview.asking(asks)))))
    }

    pub(crate) async fn idempotency(
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

    /// Sends a command to a ticket's actor and waits until the list shows what it did. What has to be asked outside is
    /// asked here, while the actor goes on with others, and the command is decided anew on the state of that moment.
    pub(crate) async fn command(&self, mut lease: Lease, request: Request) -> Answer<Done> {
        let mut request = Box::new(request);
        let mut asking = Asking::default();
        let (done, position) = loop {
            let (reply, answer) = oneshot::channel();
            let actor = lease.slot().actor.clone();
            let published = lease.slot().published.clone();
            let message = Message::Command { request, reply, lease };
            actor.send_message(message).map_err(|_| Fault::WorkerDied)?;
            match answer.await.map_err(|_| died(&published))?? {
                Ok(Taken::Done(done, position)) => break (done, position),
                Ok(Taken::Needs(questions, returned, held)) => {
                    (request, lease) = (returned, held);
                    let outsides = &self.inner.shared.outsides;
                    if let Err(refusal) = outsides.answer(&mut asking, questions, &mut request.replies).await {
                        return Ok(Err(refusal));
                    }
                }
                Err(refusal) => return Ok(Err(refusal)),
            }
        };
        if position > 0 {
            let at_most = Duration::from_millis(self.inner.options.list_wait_ms);
            self.inner.projections.caught_up(position, at_most).await;
        }
        Ok(Ok(done))
    }

    /// The tenant of a ticket; only the engine and its operator may ask over all tenants.
    pub(crate) async fn tenant_of(&self, ticket: TicketId) -> Result<Option<TenantId>, Fault> {
        let (log, tenants) = (self.inner.shared.log.clone(), self.inner.registry.tenant_ids());
        let find = tokio::task::spawn_blocking(move || -> Result<Option<TenantId>, Fault> {
            for tenant in tenants {
                if log.head(&streams::ticket(&tenant, ticket))?.is_some() {
                    return Ok(Some(tenant));
                }
            }
            Ok(None)
        });
        find.await.map_err(|_| Fault::WorkerDied)?
    }

    pub(crate) async fn engine_command(&self, tenant: &TenantId, ticket: TicketId, command: Command) -> Answer<Done> {
        self.system_command(tenant, ticket, command, None, Replies::default())
            .await
    }

    pub(crate) async fn system_command(
        &self,
        tenant: &TenantId,
        ticket_id: TicketId,
        command: Command,
        migrate_to: Option<VersionName>,
        replies: Replies,
    ) -> Answer<Done> {
        let permit = self.admit(tenant, None).await?;
        let Some((ticket, lease)) = self.load(tenant, ticket_id).await? else {
            return Ok(Err(not_found(ticket_id)));
        };
        if let Some(version) = &migrate_to
            && let Some(tenant) = self.inner.registry.tenant(tenant)
            && let Some(workflow) = tenant.workflows.get(&ticket.workflow_id)
            && (workflow.version_named(version).is_none() || *version == ticket.version_name)
        {
            let versions = limits::listed(workflow.versions.keys()).unwrap_or_default();
            let is_on = if *version == ticket.version_name {
                "the ticket is on it already; "
            } else {
                ""
            };
            let problem = format!("{is_on}workflow `{}` has the versions {versions}", ticket.workflow_id);
            return Ok(Err(Refusal::argument(Argument::Version, version, problem)));
        }
        let parent = match &ticket.parent {
            Some((parent, _)) => self.load(tenant, *parent).await?.map(|(parent, _)| parent),
            None => None,
        };
        let request = Request {
            command,
            create_on: None,
            migrate_to,
            parent,
            origin: Origin::default(),
            expected_version: None,
            replies,
            _permit: permit,
            idempotency: None,
        };
        self.command(lease, request).await
    }

    pub(crate) async fn change(&self, change: registry::Change) -> OperatorAnswer<registry::Outcome> {
        let _permit = self.admit(change.tenant(), None).await?;
        let (reply, answer) = oneshot::channel();
        let sent = self
            .inner
            .registry_actor
            .send_message(registry::Message { change, reply });
        sent.map_err(|_| Fault::WorkerDied)?;
        answer.await.map_err(|_| Fault::WorkerDied)?
    }
}

pub(crate) fn origin_of(caller: &Caller) -> Origin {
    Origin {
        app: Some(caller.app.clone()),
        access_token: caller.access_token.clone(),
    }
}

/// The refusal of a ticket that is not there.
pub(crate) fn not_found(ticket: TicketId) -> Refusal {
    Refusal::TicketNotFound { id: ticket.to_string() }
}

/// An actor that dropped a request is dead or dying: the next call starts another.
fn died(published: &Published) -> Fault {
    published.is_gone.store(true, Ordering::Release);
    Fault::WorkerDied
}

impl Inner {
    fn stop_runner(&self) {
        if let Some(keeper) = self.runner.lock().unwrap_or_else(PoisonError::into_inner).take() {
            keeper.get_cell().stop_children(None);
            keeper.stop(None);
        }
    }
}

impl Drop for Inner {
    /// The last handle is gone: nothing may hold the log any longer.
    fn drop(&mut self) {
        self.stop_runner();
        self.supervisor.get_cell().stop_children(None);
        self.supervisor.stop(None);
        self.registry_actor.stop(None);
        self.projections.stop_storing();
        if let Some(follower) = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take() {
            follower.abort();
        }
    }
}
