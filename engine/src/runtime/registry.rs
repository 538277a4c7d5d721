//! Directories and workflows of all tenants: snapshots that anybody reads without a mailbox, and the one actor that
//! changes them.
//!
//! E-mail addresses are unique over all tenants, which only the one writer can promise. The names of the streams
//! stand in a small tree, written with each stream's commits, so a start reads these streams and not the whole log.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use loonflow_storage::{EventLog, KvWrite, NewCommit, StoredEvent, StreamId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::account::directory::Directory;
use crate::account::import::DirectoryFile;
use crate::account::{self, email};
use crate::codec;
use crate::id::{AccessTokenId, TenantId, UserId, VersionName, WorkflowId};
use crate::runtime::fault::{AuthProblem, Fault, OperatorRefusal};
use crate::runtime::options::Ports;
use crate::runtime::request::{ImportOptions, MissingUsers};
use crate::runtime::streams;
use crate::runtime::unreadable::Unreadables;
use crate::ticket::event::{Meta, Processor};
use crate::workflow::{self, Workflow, WorkflowVersion};

mod directories;
mod load;

/// The tree of stream names: key = stream, value = what it is.
pub(crate) const TREE: &str = "registry";
pub(crate) const SCHEMA: u16 = 1;

/// What a stream of the registry holds. Stored by position: only ever append.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) enum Entry {
    Directory(TenantId),
    Workflow(TenantId, WorkflowId),
}

/// One tenant, as it is now.
#[derive(Clone, Debug)]
pub(crate) struct TenantState {
    pub(crate) directory: Arc<Directory>,
    pub(crate) workflows: BTreeMap<WorkflowId, Arc<Workflow>>,
}

impl TenantState {
    pub(crate) fn version(&self, workflow: &WorkflowId, version: &VersionName) -> Option<&Arc<WorkflowVersion>> {
        self.workflows.get(workflow)?.version_named(version)
    }
}

type Tenants = BTreeMap<TenantId, Arc<TenantState>>;

/// Look-ups over all tenants: by e-mail, by token.
#[derive(Debug, Default)]
struct Index {
    emails: HashMap<String, (TenantId, UserId)>,
    tokens: HashMap<AccessTokenId, TenantId>,
}

/// The snapshots. Shared by everything that reads.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    tenants: ArcSwap<Tenants>,
    index: RwLock<Index>,
    kept_out: RwLock<load::KeptOut>,
    unreadable: Arc<Unreadables>,
}

impl Registry {
    pub(crate) fn new(unreadable: Arc<Unreadables>) -> Self {
        Self {
            unreadable,
            ..Self::default()
        }
    }

    /// A tenant that is served; see [`find`](Self::find) for whether there is one.
    pub(crate) fn tenant(&self, id: &TenantId) -> Option<Arc<TenantState>> {
        self.tenants.load().get(id).cloned()
    }

    pub(crate) fn tenants(&self) -> Arc<Tenants> {
        self.tenants.load_full()
    }

    pub(crate) fn by_email(&self, email: &str) -> Option<(TenantId, UserId)> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.emails.get(&email::folded(email)).cloned()
    }

    pub(crate) fn tenant_of_token(&self, id: &str) -> Option<TenantId> {
        self.index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .tokens
            .get(id)
            .cloned()
    }

    /// The user, if it may act at all.
    pub(crate) fn active_user(&self, tenant: &TenantId, user: &UserId) -> Result<(), AuthProblem> {
        self.check_tenant(tenant)
            .map_err(|_| AuthProblem::DirectoryUnreadable)?;
        let tenant = self.tenant(tenant).ok_or(AuthProblem::Invalid)?;
        let user = tenant.directory.user(user).ok_or(AuthProblem::Invalid)?;
        if user.is_active {
            Ok(())
        } else {
            Err(AuthProblem::UserInactive)
        }
    }

    /// Which of the names that a tenant is to have are other tenants'.
    fn foreign<'a>(
        &self,
        tenant: &TenantId,
        emails: impl Iterator<Item = &'a str>,
        domain: Option<&str>,
    ) -> account::command::Foreign {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let is_foreign = |email: &String| index.emails.get(email).is_some_and(|(owner, _)| owner != tenant);
        let emails = emails.map(email::folded).filter(is_foreign);
        let tenants = self.tenants.load();
        let others = tenants.values().map(|state| &state.directory.tenant);
        let mut domains = others
            .filter(|other| other.id != *tenant)
            .map(|other| other.domain.to_lowercase());
        account::command::Foreign {
            emails: emails.collect(),
            domains: domain
                .map(|domain| domain.trim().to_lowercase())
                .filter(|domain| domains.any(|other| other == *domain))
                .into_iter()
                .collect(),
        }
    }

    /// Publishes a directory of which nothing was known.
    fn put_directory(&self, directory: Directory) {
        self.put_index(&directory);
        self.publish(Arc::new(directory));
    }

    /// Brings the look-ups over all tenants to what a directory says.
    fn put_index(&self, directory: &Directory) {
        let id = &directory.tenant.id;
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.emails.retain(|_, (tenant, _)| tenant != id);
        let emails = directory
            .users
            .values()
            .map(|user| (user.email.clone(), user.id.clone()));
        index
            .emails
            .extend(emails.map(|(email, user)| (email, (id.clone(), user))));
        let tokens = directory.access_tokens.keys();
        index.tokens.extend(tokens.map(|token| (token.clone(), id.clone())));
    }

    /// Publishes what a directory has become by some events. Touches what they name and no more.
    fn change_directory(&self, before: &Directory, after: Directory, events: &[account::event::Event]) {
        use account::event::Event;

        let id = after.tenant.id.clone();
        self.publish(Arc::new(after));
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let users = || {
            events.iter().filter_map(|event| match event {
                Event::UserPut(user) => Some(user),
                Event::TenantChanged(_)
                | Event::DeptPut(_)
                | Event::RolePut(_)
                | Event::ApplicationPut(_)
                | Event::AccessTokenCreated(_)
                | Event::AccessTokenRevoked { .. }
                | Event::ImportBegun
                | Event::ImportFinished
                | Event::ImportBrokenOff
                | Event::CalendarsPut(_)
                | Event::Reviewed { .. }
                | Event::AbsenceSet(_)
                | Event::AbsenceCleared { .. }
                | Event::ChannelsPut(_)
                | Event::LanguageChanged(_)
                | Event::NoticesChosen(_) => None,
            })
        };
        // All old addresses go before any new one comes: two people may have swapped theirs.
        for before in users().filter_map(|user| before.user(&user.id)) {
            let is_own = |(tenant, user): &(TenantId, UserId)| *tenant == id && *user == before.id;
            if index.emails.get(&before.email).is_some_and(is_own) {
                index.emails.remove(&before.email);
            }
        }
        for user in users() {
            index.emails.insert(user.email.clone(), (id.clone(), user.id.clone()));
        }
        for event in events {
            if let Event::AccessTokenCreated(token) = event {
                index.tokens.insert(token.id.clone(), id.clone());
            }
        }
    }

    fn publish(&self, directory: Arc<Directory>) {
        let mut tenants = Tenants::clone(&self.tenants.load());
        let id = directory.tenant.id.clone();
        let workflows = tenants.get(&id).map(|tenant| tenant.workflows.clone());
        let workflows = workflows.unwrap_or_default();
        tenants.insert(id, Arc::new(TenantState { directory, workflows }));
        self.tenants.store(Arc::new(tenants));
    }

    fn put_workflow(&self, tenant: &TenantId, workflow: Workflow) {
        let mut tenants = Tenants::clone(&self.tenants.load());
        let mut state = match tenants.get(tenant) {
            Some(state) => TenantState::clone(state),
            None => TenantState {
                directory: Arc::new(Directory::empty(tenant.clone())),
                workflows: BTreeMap::new(),
            },
        };
        state.workflows.insert(workflow.id.clone(), Arc::new(workflow));
        tenants.insert(tenant.clone(), Arc::new(state));
        self.tenants.store(Arc::new(tenants));
    }
}

/// A change to a directory or workflow.
pub(crate) enum Change {
    Import {
        file: Box<DirectoryFile>,
        options: ImportOptions,
    },
    Account {
        tenant: TenantId,
        command: Box<account::command::Command>,
    },
    Workflow {
        tenant: TenantId,
        id: WorkflowId,
        command: Box<workflow::command::Command>,
        operator: Option<UserId>,
        /// Decide, and write nothing.
        dry_run: bool,
    },
}

/// What a change came to.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Events that it caused.
    pub(crate) n_events: usize,
    /// Of an import: active people whom the file does not name.
    pub(crate) missing: MissingUsers,
}

impl Change {
    /// Whose it is.
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::Import { file, .. } => &file.tenant.id,
            Self::Account { tenant, .. } | Self::Workflow { tenant, .. } => tenant,
        }
    }
}

type Changed = Result<Result<Outcome, OperatorRefusal>, Fault>;

/// A change and where its answer goes.
pub(crate) struct Message {
    pub(crate) change: Change,
    pub(crate) reply: oneshot::Sender<Changed>,
}

/// The one writer.
pub(crate) struct RegistryActor;

pub(crate) struct State {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) ports: Ports,
    pub(crate) registry: Arc<Registry>,
}

impl Actor for RegistryActor {
    type Msg = Message;
    type State = State;
    type Arguments = State;

    async fn pre_start(&self, _: ActorRef<Message>, state: State) -> Result<State, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let answer = match message.change {
            Change::Import { file, options } => state.import(file, options).await,
            Change::Account { tenant, command } => state.change_account(&tenant, *command).await,
            Change::Workflow {
                tenant,
                id,
                command,
                operator,
                dry_run,
            } => {
                let operator = operator.as_ref();
                state.change_workflow(&tenant, &id, &command, operator, dry_run).await
            }
        };
        // Whoever asked may have gone; the change stands.
        let _ = message.reply.send(answer);
        Ok(())
    }
}

impl State {
    async fn change_workflow(
        &self,
        tenant: &TenantId,
        id: &WorkflowId,
        command: &workflow::command::Command,
        operator: Option<&UserId>,
        dry_run: bool,
    ) -> Changed {
        let Some(state) = self.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        self.registry.check_workflow(tenant, id)?;
        let before = state.workflows.get(id).map_or_else(
            || Workflow::new(tenant.clone(), id.clone()),
            |workflow| Workflow::clone(workflow),
        );
        let known = workflow::validate::KnownWorkflows::of(state.workflows.values().map(|one| &**one));
        let validation = workflow::validate::ValidationContext {
            directory: Some(&state.directory),
            known_workflows: Some(&known),
        };
        let context = workflow::command::Context {
            now: self.ports.clock.now(),
            operator,
            validation,
        };
        let events = match workflow::decide::decide(&before, command, &context) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let outcome = Outcome {
            n_events: events.len(),
            ..Outcome::default()
        };
        if events.is_empty() || dry_run {
            return Ok(Ok(outcome));
        }
        let version = before.version;
        let after = events.iter().fold(before, workflow::apply::apply);
        let stored = events.iter().map(|event| StoredEvent {
            kind: codec::workflow_kind(event).into(),
            schema: codec::WORKFLOW_SCHEMA,
            payload: codec::encode(event),
        });
        let stream = streams::workflow(tenant, id);
        let entry = Entry::Workflow(tenant.clone(), id.clone());
        self.append(stream, version, operator, stored.collect(), &entry).await?;
        self.registry.put_workflow(tenant, after);
        Ok(Ok(outcome))
    }

    async fn append(
        &self,
        stream: StreamId,
        version: u64,
        operator: Option<&UserId>,
        events: Vec<StoredEvent>,
        entry: &Entry,
    ) -> Result<(), Fault> {
        let by = operator.map_or(Processor::System, |user| Processor::User(user.clone()));
        let meta = Meta {
            at: self.ports.clock.now(),
            by,
            app: None,
            access_token: None,
        };
        let key = stream.as_str().as_bytes().to_vec();
        let kv = vec![KvWrite {
            tree: TREE,
            key,
            value: Some(codec::encode(entry)),
        }];
        let expected = streams::expected(version);
        self.log
            .append(NewCommit {
                stream,
                expected,
                meta: codec::encode(&meta),
                events,
                kv,
            })
            .await?;
        Ok(())
    }
}
