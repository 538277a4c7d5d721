//! What the operator at the machine does, and a user with its own tokens: directories, workflows, tokens, migration,
//! completion of timers and hooks. No rights are asked here but those the decisions ask themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::account::import::DirectoryFile;
use crate::account::token::{self, Secret};
use crate::account::{self, Tenant};
use crate::id::{AccessTokenId, NodeId, TenantId, TicketId, TokenId, UserId, VersionName, WorkflowId};
use crate::limits;
use crate::runtime::Answer;
use crate::runtime::commit::Origin;
use crate::runtime::engine::{Engine, TOKEN_USED};
use crate::runtime::fault::{Fault, OperatorRefusal};
use crate::runtime::registry::{Change, Message, Outcome};
use crate::runtime::request::{AccessTokenInfo, Caller, Done, ImportOptions, ImportReport, OpenEffect, PublishReport};
use crate::runtime::slot::Request;
use crate::runtime::streams;
use crate::ticket::{Argument, Command, HookOutcome, Refusal};
use crate::time::Timestamp;
use crate::workflow::validate::{self, ValidationContext};
use crate::workflow::{self, VersionState, Workflow, WorkflowVersion};

type OperatorAnswer<T> = Result<Result<T, OperatorRefusal>, Fault>;

impl Engine {
    /// Makes a personal access token for the caller; its text is shown this once.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create_own_access_token(
        &self,
        caller: &Caller,
        label: &str,
        days: Option<u32>,
    ) -> OperatorAnswer<(AccessTokenId, Secret)> {
        self.create_access_token(&caller.tenant_id, &caller.user_id, label, days)
            .await
    }

    /// The caller's personal access tokens, by id, revoked and expired ones included.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list_own_access_tokens(&self, caller: &Caller) -> OperatorAnswer<Vec<AccessTokenInfo>> {
        self.list_access_tokens(&caller.tenant_id, &caller.user_id).await
    }

    /// Takes one of the caller's personal access tokens back; once more changes nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn revoke_own_access_token(&self, caller: &Caller, id: &AccessTokenId) -> OperatorAnswer<()> {
        self.revoke_access_token(&caller.tenant_id, &caller.user_id, id).await
    }

    /// All tenants, by id.
    #[must_use]
    pub fn tenants(&self) -> Vec<Tenant> {
        self.inner
            .registry
            .tenants()
            .values()
            .map(|tenant| tenant.directory.tenant.clone())
            .collect()
    }

    /// A tenant by its domain, whatever the case; `None` where several have it, which only logs have that were written
    /// before a domain had to be one tenant's own.
    #[must_use]
    pub fn tenant_by_domain(&self, domain: &str) -> Option<TenantId> {
        let domain = domain.trim().to_lowercase();
        let tenants = self.tenants().into_iter();
        let mut found = tenants.filter(|tenant| tenant.domain.to_lowercase() == domain);
        match (found.next(), found.next()) {
            (Some(tenant), None) => Some(tenant.id),
            (Some(_) | None, _) => None,
        }
    }

    /// A tenant's workflows, by id, with all versions.
    #[must_use]
    pub fn workflows_of(&self, tenant: &TenantId) -> Vec<Arc<Workflow>> {
        let tenant = self.inner.registry.tenant(tenant);
        tenant
            .map(|tenant| tenant.workflows.values().cloned().collect())
            .unwrap_or_default()
    }

    /// A version of a workflow, in whatever state.
    #[must_use]
    pub fn workflow_version(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        version: &VersionName,
    ) -> Option<Arc<WorkflowVersion>> {
        self.inner.registry.tenant(tenant)?.version(workflow, version).cloned()
    }

    /// Brings a tenant's directory to what a file's JSON says; the tenant is made where it is new. Once more changes
    /// nothing. Tickets that only a user held who is no longer active are marked (semantics: intervention).
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn import_directory(&self, file: &serde_json::Value) -> OperatorAnswer<ImportReport> {
        self.import_directory_as(file.clone(), ImportOptions::default()).await
    }

    /// The same, as a rehearsal or with whoever the file leaves out.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn import_directory_as(
        &self,
        file: serde_json::Value,
        options: ImportOptions,
    ) -> OperatorAnswer<ImportReport> {
        // A large file takes a while.
        let parsed = tokio::task::spawn_blocking(move || DirectoryFile::parse(&file));
        let file = match parsed.await.map_err(|_| Fault::WorkerDied)? {
            Ok(file) => file,
            Err(problems) => return Ok(Err(OperatorRefusal::InvalidDirectory { problems })),
        };
        let (tenant_id, domain) = (file.tenant.id.clone(), file.tenant.domain.clone());
        let warnings = file.warnings.clone();
        let file = Box::new(file);
        let outcome = match self.change(Change::Import { file, options }).await? {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut n_reviewed = 0;
        // Those who went leave tickets that nobody can act on; those who came back can act again.
        for user in &outcome.flipped {
            n_reviewed += self.review_holders(&tenant_id, user).await?;
        }
        Ok(Ok(ImportReport {
            tenant_id,
            domain,
            n_changed: outcome.n_events,
            n_reviewed,
            missing: outcome.missing,
            warnings,
        }))
    }

    /// Looks again at every ticket a user holds.
    async fn review_holders(&self, tenant: &TenantId, user: &UserId) -> Result<usize, Fault> {
        let held = self
            .inner
            .lists
            .ask(tenant, |index| index.held_by(user))
            .unwrap_or_default();
        for ticket in &held {
            // A ticket that refuses has nothing to review.
            let _refused = self.engine_command(tenant, *ticket, Command::ReviewHolders).await?;
        }
        Ok(held.len())
    }

    /// Publishes a version of a workflow; the same content again changes nothing. `operator` is the user who asks,
    /// `None` the operator at the machine.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn publish_workflow(
        &self,
        tenant: &TenantId,
        source: Arc<serde_json::Value>,
        file_stem: Option<&str>,
        state: VersionState,
        operator: Option<&UserId>,
    ) -> OperatorAnswer<PublishReport> {
        self.publish(tenant, source, file_stem, state, operator, false).await
    }

    /// What `publish_workflow` by the operator at the machine would come to; changes nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn rehearse_publishing(
        &self,
        tenant: &TenantId,
        source: Arc<serde_json::Value>,
        file_stem: Option<&str>,
        state: VersionState,
    ) -> OperatorAnswer<PublishReport> {
        self.publish(tenant, source, file_stem, state, None, true).await
    }

    async fn publish(
        &self,
        tenant: &TenantId,
        source: Arc<serde_json::Value>,
        file_stem: Option<&str>,
        state: VersionState,
        operator: Option<&UserId>,
        dry_run: bool,
    ) -> OperatorAnswer<PublishReport> {
        let Some(known) = self.inner.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        let ids = known.workflows.keys().cloned().collect();
        let context = ValidationContext {
            directory: Some(&known.directory),
            known_workflows: Some(&ids),
        };
        let (checked, problems) = validate::check(&source, file_stem, &context);
        let Some(checked) = checked else {
            return Ok(Err(workflow::decide::Refusal::Invalid { problems }.into()));
        };
        let warnings = problems.into_iter().chain(validate::unheeded(&checked)).collect();
        let (workflow_id, version_name) = (checked.workflow_id, checked.version_name);
        let command = workflow::command::Command::Publish {
            source,
            file_stem: file_stem.map(str::to_owned),
            state,
        };
        let change = Change::Workflow {
            tenant: tenant.clone(),
            id: workflow_id.clone(),
            command: Box::new(command),
            operator: operator.cloned(),
            dry_run,
        };
        let outcome = match self.change(change).await? {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.version_state(tenant, &workflow_id, &version_name);
        Ok(Ok(PublishReport {
            state: now.filter(|_| outcome.n_events == 0).unwrap_or(state),
            workflow_id,
            version_name,
            is_new: outcome.n_events > 0,
            warnings,
        }))
    }

    /// What a version of a workflow is for now; `None` where there is none of that name.
    #[must_use]
    pub fn version_state(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        version: &VersionName,
    ) -> Option<VersionState> {
        let tenant = self.inner.registry.tenant(tenant)?;
        let version = tenant.workflows.get(workflow)?.versions.get(version)?;
        Some(version.state)
    }

    /// Makes a version of a workflow the default, a candidate or archived; once more changes nothing. The former default
    /// becomes a candidate. Says whether anything changed.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn set_version_state(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        version: &VersionName,
        state: VersionState,
        operator: Option<&UserId>,
    ) -> OperatorAnswer<bool> {
        let command = workflow::command::Command::SetVersionState {
            name: version.clone(),
            state,
        };
        let change = Change::Workflow {
            tenant: tenant.clone(),
            id: workflow.clone(),
            command: Box::new(command),
            operator: operator.cloned(),
            dry_run: false,
        };
        Ok(self.change(change).await?.map(|outcome| outcome.n_events > 0))
    }

    /// Makes a personal access token for a user; its text is shown this once.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create_access_token(
        &self,
        tenant: &TenantId,
        user: &UserId,
        label: &str,
        days: Option<u32>,
    ) -> OperatorAnswer<(AccessTokenId, Secret)> {
        let random = &self.inner.shared.ports.random;
        let id = AccessTokenId::new(token::hex(&random.secret_bytes()[..8]));
        let text = token::compose(&id, random.secret_bytes());
        let Some((_, secret)) = token::split(text.expose()) else {
            return Err(Fault::Inconsistent {
                what: "a token that does not read".into(),
            });
        };
        let command = account::command::Command::CreateAccessToken {
            id: id.clone(),
            user: user.clone(),
            label: label.to_owned(),
            sha256: token::digest(secret),
            expires_in_days: days,
        };
        let change = Change::Account {
            tenant: tenant.clone(),
            command: Box::new(command),
        };
        Ok(self.change(change).await?.map(|_| (id, text)))
    }

    /// A user's personal access tokens, by id, revoked and expired ones included.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list_access_tokens(&self, tenant: &TenantId, user: &UserId) -> OperatorAnswer<Vec<AccessTokenInfo>> {
        let Some(directory) = self.directory(tenant) else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        let log = self.inner.shared.log.clone();
        let own: Vec<_> = directory.access_tokens_of(user).cloned().collect();
        let read = tokio::task::spawn_blocking(move || -> Result<Vec<AccessTokenInfo>, Fault> {
            let tokens = own.iter().map(|one| {
                let used = log.kv_get(TOKEN_USED, one.id.as_str().as_bytes())?;
                let used = used.and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)));
                Ok(AccessTokenInfo {
                    id: one.id.clone(),
                    label: one.label.clone(),
                    created_at: one.created_at,
                    expires_at: one.expires_at,
                    revoked_at: one.revoked_at,
                    last_used_at: used.map(Timestamp),
                })
            });
            tokens.collect()
        });
        Ok(Ok(read.await.map_err(|_| Fault::WorkerDied)??))
    }

    /// Takes a user's personal access token back; once more changes nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn revoke_access_token(
        &self,
        tenant: &TenantId,
        user: &UserId,
        id: &AccessTokenId,
    ) -> OperatorAnswer<()> {
        let command = account::command::Command::RevokeAccessToken {
            id: id.clone(),
            by: user.clone(),
        };
        let change = Change::Account {
            tenant: tenant.clone(),
            command: Box::new(command),
        };
        Ok(self.change(change).await?.map(|_| ()))
    }

    /// Takes a running ticket to another version of its workflow. `nodes` maps nodes whose id changed; `operator` is
    /// the user who asks, `None` the operator at the machine.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn migrate_ticket(
        &self,
        tenant: &TenantId,
        ticket_id: TicketId,
        version_name: &VersionName,
        nodes: BTreeMap<NodeId, NodeId>,
        operator: Option<&UserId>,
    ) -> Answer<Done> {
        let command = Command::Migrate {
            operator: operator.cloned(),
            nodes,
        };
        self.system_command(tenant, ticket_id, command, Some(version_name.clone()))
            .await
    }

    /// A timer came due.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn fire_timer(&self, ticket_id: TicketId, token: TokenId) -> Answer<Done> {
        match self.tenant_of(ticket_id).await? {
            Some(tenant) => {
                self.engine_command(&tenant, ticket_id, Command::FireTimer { token })
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
        &self,
        ticket_id: TicketId,
        token: TokenId,
        attempt: u32,
        outcome: HookOutcome,
    ) -> Answer<Done> {
        match self.tenant_of(ticket_id).await? {
            Some(tenant) => {
                self.engine_command(
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

    /// Timers and hooks that a ticket waits for.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn open_effects(&self, ticket_id: TicketId) -> Answer<Vec<OpenEffect>> {
        let Some(tenant) = self.tenant_of(ticket_id).await? else {
            return Ok(Err(not_found(ticket_id)));
        };
        let Some((ticket, _)) = self.load(&tenant, ticket_id).await? else {
            return Ok(Err(not_found(ticket_id)));
        };
        Ok(Ok(OpenEffect::of(&ticket)))
    }

    /// The tenant of a ticket; only the engine and its operator may ask over all tenants.
    async fn tenant_of(&self, ticket: TicketId) -> Result<Option<TenantId>, Fault> {
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

    async fn engine_command(&self, tenant: &TenantId, ticket: TicketId, command: Command) -> Answer<Done> {
        self.system_command(tenant, ticket, command, None).await
    }

    async fn system_command(
        &self,
        tenant: &TenantId,
        ticket_id: TicketId,
        command: Command,
        migrate_to: Option<VersionName>,
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
            _permit: permit,
            idempotency: None,
        };
        self.command(lease, request).await
    }

    async fn change(&self, change: Change) -> OperatorAnswer<Outcome> {
        let _permit = self.admit(change.tenant(), None).await?;
        let (reply, answer) = oneshot::channel();
        let sent = self.inner.registry_actor.send_message(Message { change, reply });
        sent.map_err(|_| Fault::WorkerDied)?;
        answer.await.map_err(|_| Fault::WorkerDied)?
    }
}

fn not_found(ticket: TicketId) -> Refusal {
    Refusal::TicketNotFound { id: ticket.to_string() }
}
