//! [`EngineHandle`]: the only door to a running engine. Cheap to clone; every method may be called from anywhere.
//!
//! Data methods answer `Result<Result<T, Refusal>, Fault>`: `?` lifts faults, a refusal must be looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_storage::EventLog;

use crate::account::Tenant;
use crate::account::User;
use crate::account::directory::Directory;
use crate::account::token::Secret;
use crate::id::{AccessTokenId, AppName, NodeId, TenantId, TicketId, TokenId, UserId, VersionName, WorkflowId};
use crate::runtime::fault::{AuthProblem, Fault, OperatorRefusal};
use crate::runtime::options::{EngineOptions, Ports};
use crate::runtime::request::{
    AccessTokenInfo, Caller, CreateRequest, Done, HandleAnswer, HandleRequest, HistoryQuery, ImportReport, ListQuery,
    OpenEffect, Page, PublishReport, UserQuery,
};
use crate::ticket::{HookOutcome, Refusal};
use crate::view::flow_history::HistoryEntry;
use crate::view::row::TicketRow;
use crate::view::ticket_detail::{CreateForm, TicketDetail};
use crate::workflow::{VersionState, Workflow, WorkflowVersion};

/// The door to a running engine.
#[derive(Clone, Debug)]
pub struct EngineHandle {}

#[expect(
    unused_variables,
    clippy::unused_async,
    reason = "signatures first, the bodies follow"
)]
impl EngineHandle {
    /// Starts an engine over a log: folds directories and workflows, catches the list up, then serves.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn start(log: Arc<dyn EventLog>, ports: Ports, options: EngineOptions) -> Result<Self, Fault> {
        Err(Fault::Closed)
    }

    /// Whether calls can be answered: the log is open and the list is caught up.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        false
    }

    /// Finishes the calls under way, stores what makes the next start fast, and closes the log.
    ///
    /// # Errors
    /// When the log could not be closed well.
    pub async fn close(&self) -> Result<(), Fault> {
        Err(Fault::Closed)
    }

    // Who is calling.

    /// Whose a personal access token is. Wait-free.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn identify_access_token(
        &self,
        id: &str,
        secret: &str,
    ) -> Result<(TenantId, UserId, AccessTokenId), AuthProblem> {
        Err(AuthProblem::Invalid)
    }

    /// The active user with an e-mail address, over all tenants, whatever the case. Wait-free.
    ///
    /// # Errors
    /// `Invalid` or `UserInactive`.
    pub fn identify_email(&self, email: &str) -> Result<(TenantId, UserId), AuthProblem> {
        Err(AuthProblem::Invalid)
    }

    /// Whether a tenant has an application; its own it always has.
    #[must_use]
    pub fn application(&self, tenant: &TenantId, app: &AppName) -> bool {
        false
    }

    /// A tenant's directory as it is now.
    #[must_use]
    pub fn directory(&self, tenant: &TenantId) -> Option<Arc<Directory>> {
        None
    }

    // Tickets.

    /// Takes an action on a ticket, or rehearses it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn handle(
        &self,
        caller: &Caller,
        request: HandleRequest,
    ) -> Result<Result<HandleAnswer, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// Creates a ticket, or rehearses it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create(
        &self,
        caller: &Caller,
        request: CreateRequest,
    ) -> Result<Result<HandleAnswer, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// A ticket as the caller sees it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn detail(&self, caller: &Caller, ticket_id: TicketId) -> Result<Result<TicketDetail, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// What happened to a ticket, as far as the caller may see it.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn history(
        &self,
        caller: &Caller,
        ticket_id: TicketId,
        query: HistoryQuery,
    ) -> Result<Result<Page<HistoryEntry>, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// Finds tickets.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list(&self, caller: &Caller, query: ListQuery) -> Result<Result<Page<TicketRow>, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    // Before a ticket is there.

    /// The start form of a workflow, of its default version where none is named.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn prepare_create(
        &self,
        caller: &Caller,
        workflow_id: &WorkflowId,
        version_name: Option<&VersionName>,
    ) -> Result<Result<CreateForm, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// Workflows the caller may start, by id: their default versions, whose name, id or description holds `search`
    /// whatever the case.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn workflows(
        &self,
        caller: &Caller,
        search: &str,
        page: u32,
        per_page: u32,
    ) -> Result<Result<Page<Arc<WorkflowVersion>>, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// Users of the caller's tenant, by id, inactive ones included.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn users(&self, caller: &Caller, query: UserQuery) -> Result<Result<Page<Arc<User>>, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    // A user's own tokens.

    /// Makes a personal access token for the caller; its text is shown this once.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create_own_access_token(
        &self,
        caller: &Caller,
        label: &str,
        days: Option<u32>,
    ) -> Result<Result<(AccessTokenId, Secret), OperatorRefusal>, Fault> {
        Err(Fault::Closed)
    }

    /// The caller's personal access tokens, by id, revoked and expired ones included.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list_own_access_tokens(
        &self,
        caller: &Caller,
    ) -> Result<Result<Vec<AccessTokenInfo>, OperatorRefusal>, Fault> {
        Err(Fault::Closed)
    }

    /// Takes one of the caller's personal access tokens back; once more changes nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn revoke_own_access_token(
        &self,
        caller: &Caller,
        id: &AccessTokenId,
    ) -> Result<Result<(), OperatorRefusal>, Fault> {
        Err(Fault::Closed)
    }

    // The operator at the machine: no caller, no rights asked.

    /// All tenants, by id.
    #[must_use]
    pub fn tenants(&self) -> Vec<Tenant> {
        Vec::new()
    }

    /// A tenant by its domain, whatever the case.
    #[must_use]
    pub fn tenant_by_domain(&self, domain: &str) -> Option<TenantId> {
        None
    }

    /// A tenant's workflows, by id, with all versions.
    #[must_use]
    pub fn workflows_of(&self, tenant: &TenantId) -> Vec<Arc<Workflow>> {
        Vec::new()
    }

    /// A version of a workflow, in whatever state.
    #[must_use]
    pub fn workflow_version(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        version: &VersionName,
    ) -> Option<Arc<WorkflowVersion>> {
        None
    }

    /// Brings a tenant's directory to what a file's JSON says; the tenant is made where it is new. Once more changes
    /// nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn import_directory(
        &self,
        file: &serde_json::Value,
    ) -> Result<Result<ImportReport, OperatorRefusal>, Fault> {
        Err(Fault::Closed)
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
    ) -> Result<Result<PublishReport, OperatorRefusal>, Fault> {
        Err(Fault::Closed)
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
    ) -> Result<Result<(AccessTokenId, Secret), OperatorRefusal>, Fault> {
        Err(Fault::Closed)
    }

    /// A user's personal access tokens, by id, revoked and expired ones included.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list_access_tokens(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Result<Vec<AccessTokenInfo>, OperatorRefusal>, Fault> {
        Err(Fault::Closed)
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
    ) -> Result<Result<(), OperatorRefusal>, Fault> {
        Err(Fault::Closed)
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
    ) -> Result<Result<Done, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// A timer came due.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn fire_timer(&self, ticket_id: TicketId, token: TokenId) -> Result<Result<Done, Refusal>, Fault> {
        Err(Fault::Closed)
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
    ) -> Result<Result<Done, Refusal>, Fault> {
        Err(Fault::Closed)
    }

    /// Timers and hooks that a ticket waits for.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn open_effects(&self, ticket_id: TicketId) -> Result<Result<Vec<OpenEffect>, Refusal>, Fault> {
        Err(Fault::Closed)
    }
}
