//! Directories and workflows of all tenants: snapshots that anybody reads without a mailbox, and the one actor that
//! changes them.
//!
//! E-mail addresses are unique over all tenants, which only the one writer can promise. The names of the streams
//! stand in a small tree, written with each stream's commits, so a start reads these streams and not the whole log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use loonflow_storage::{EventLog, KvWrite, NewCommit, StoredEvent, StreamId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::account::directory::Directory;
use crate::account::import::DirectoryFile;
use crate::account::{self, Tenant};
use crate::codec;
use crate::id::{AccessTokenId, TenantId, UserId, VersionName, WorkflowId};
use crate::runtime::fault::{AuthProblem, Fault, OperatorRefusal};
use crate::runtime::options::Ports;
use crate::runtime::streams;
use crate::runtime::unreadable::Unreadables;
use crate::ticket::event::{Meta, Processor};
use crate::workflow::{self, Workflow, WorkflowVersion};

mod load;

/// The tree of stream names: key = stream, value = what it is.
const TREE: &str = "registry";
const SCHEMA: u16 = 1;

/// What a stream of the registry holds. Stored by position: only ever append.
#[derive(serde::Serialize, serde::Deserialize)]
enum Entry {
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
        index.emails.get(&email.trim().to_lowercase()).cloned()
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

    /// Addresses of users of other tenants.
    fn foreign_emails(&self, tenant: &TenantId) -> BTreeSet<String> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let foreign = index.emails.iter().filter(|(_, (owner, _))| owner != tenant);
        foreign.map(|(email, _)| email.clone()).collect()
    }

    fn put_directory(&self, directory: Directory) {
        let id = directory.tenant.id.clone();
        self.put_index(&directory);
        let mut tenants = Tenants::clone(&self.tenants.load());
        let workflows = tenants
            .get(&id)
            .map(|tenant| tenant.workflows.clone())
            .unwrap_or_default();
        tenants.insert(
            id,
            Arc::new(TenantState {
                directory: Arc::new(directory),
                workflows,
            }),
        );
        self.tenants.store(Arc::new(tenants));
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

    fn put_workflow(&self, tenant: &TenantId, workflow: Workflow) {
        let mut tenants = Tenants::clone(&self.tenants.load());
        let mut state = match tenants.get(tenant) {
            Some(state) => TenantState::clone(state),
            None => TenantState {
                directory: Arc::new(Directory::new(unnamed(tenant))),
                workflows: BTreeMap::new(),
            },
        };
        state.workflows.insert(workflow.id.clone(), Arc::new(workflow));
        tenants.insert(tenant.clone(), Arc::new(state));
        self.tenants.store(Arc::new(tenants));
    }
}

/// A tenant of which nothing is known but its id; the first event of its stream tells the rest.
fn unnamed(id: &TenantId) -> Tenant {
    Tenant {
        id: id.clone(),
        name: String::new(),
        domain: String::new(),
        time_zone: "UTC".into(),
    }
}

/// A change to a directory or workflow.
pub(crate) enum Change {
    Import {
        file: Box<DirectoryFile>,
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
    },
}

type Changed = Result<Result<usize, OperatorRefusal>, Fault>;

/// A change and where its answer goes: how many events it caused.
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
            Change::Import { file } => state.import(file).await,
            Change::Account { tenant, command } => state.change_account(&tenant, *command).await,
            Change::Workflow {
                tenant,
                id,
                command,
                operator,
            } => state.change_workflow(&tenant, &id, &command, operator.as_ref()).await,
        };
        // Whoever asked may have gone; the change stands.
        let _ = message.reply.send(answer);
        Ok(())
    }
}

impl State {
    /// Hashing passwords takes its time, so it leaves the actor's thread.
    async fn import(&self, file: Box<DirectoryFile>) -> Changed {
        let tenant = file.tenant.id.clone();
        self.registry.check_tenant(&tenant)?;
        let directory = self.registry.tenant(&tenant).map(|state| state.directory.clone());
        let before = directory.unwrap_or_else(|| Arc::new(Directory::new(file.tenant.clone())));
        let random = self.ports.random.clone();
        let (file, hashes) = tokio::task::spawn_blocking(move || {
            let mut salt = || {
                let mut salt = [0u8; 16];
                salt.copy_from_slice(&random.secret_bytes()[..16]);
                salt
            };
            let hashes = account::password::missing_hashes(&file, &before, &mut salt);
            (file, hashes)
        })
        .await
        .map_err(|_| Fault::WorkerDied)?;
        // The first event of a new tenant's stream says whose it is.
        let mut first = Vec::new();
        let before = match self.registry.tenant(&tenant) {
            Some(state) => Directory::clone(&state.directory),
            None => {
                let event = account::event::Event::TenantChanged(file.tenant.clone());
                let directory = account::apply::apply(Directory::new(file.tenant.clone()), &event);
                first.push(event);
                directory
            }
        };
        self.decide_account(before, first, &account::command::Command::Import { file, hashes })
            .await
    }

    async fn change_account(&self, tenant: &TenantId, command: account::command::Command) -> Changed {
        let Some(state) = self.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        self.decide_account(Directory::clone(&state.directory), Vec::new(), &command)
            .await
    }

    async fn decide_account(
        &self,
        before: Directory,
        first: Vec<account::event::Event>,
        command: &account::command::Command,
    ) -> Changed {
        let now = self.ports.clock.now();
        let tenant = before.tenant.id.clone();
        let version = before.version - first.len() as u64;
        let foreign_emails = match command {
            account::command::Command::Import { .. } | account::command::Command::PutUser { .. } => {
                self.registry.foreign_emails(&tenant)
            }
            account::command::Command::CreateAccessToken { .. }
            | account::command::Command::RevokeAccessToken { .. } => BTreeSet::new(),
        };
        let context = account::command::Context {
            now,
            foreign_emails: &foreign_emails,
        };
        let caused = match account::decide::decide(&before, command, &context) {
            Ok(caused) => caused,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let after = caused.iter().fold(before, account::apply::apply);
        let events: Vec<_> = first.into_iter().chain(caused).collect();
        if events.is_empty() {
            return Ok(Ok(0));
        }
        let stored = events.iter().map(|event| StoredEvent {
            kind: codec::account_kind(event).into(),
            schema: codec::ACCOUNT_SCHEMA,
            payload: codec::encode(event),
        });
        let stream = streams::directory(&tenant);
        self.append(stream, version, None, stored.collect(), &Entry::Directory(tenant))
            .await?;
        self.registry.put_directory(after);
        Ok(Ok(events.len()))
    }

    async fn change_workflow(
        &self,
        tenant: &TenantId,
        id: &WorkflowId,
        command: &workflow::command::Command,
        operator: Option<&UserId>,
    ) -> Changed {
        let Some(state) = self.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        self.registry.check_workflow(tenant, id)?;
        let before = state.workflows.get(id).map_or_else(
            || Workflow::new(tenant.clone(), id.clone()),
            |workflow| Workflow::clone(workflow),
        );
        let known: BTreeSet<WorkflowId> = state.workflows.keys().cloned().chain([id.clone()]).collect();
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
        if events.is_empty() {
            return Ok(Ok(0));
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
        Ok(Ok(events.len()))
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
