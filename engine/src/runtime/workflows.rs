//! Workflows: publishing versions, what each is for, and which of them somebody may start.
//!
//! Not here: what makes a definition right (`workflow::validate`). Who may publish is asked by the decision.

use std::sync::Arc;

use crate::account::permission;
use crate::id::{NodeId, TenantId, UserId, VersionName, WorkflowId};
use crate::runtime::engine::Engine;
use crate::runtime::fault::OperatorRefusal;
use crate::runtime::registry::Change;
use crate::runtime::request::{Caller, Page, PublishReport, PublishRequest};
use crate::runtime::{Answer, OperatorAnswer};
use crate::text::Needle;
use crate::workflow::validate::{self, KnownWorkflows, ValidationContext};
use crate::workflow::{self, VersionState, Workflow, WorkflowVersion};

/// Definitions of workflows, and their versions.
#[derive(Clone, Copy, Debug)]
pub struct Workflows<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// Definitions of workflows, and their versions.
    #[must_use]
    pub fn workflows(&self) -> Workflows<'_> {
        Workflows { engine: self }
    }
}

impl Workflows<'_> {
    /// Publishes a version of a workflow, or rehearses it; the same content again changes nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn publish(self, request: PublishRequest) -> OperatorAnswer<PublishReport> {
        let PublishRequest {
            tenant_id,
            source,
            file_stem,
            state,
            operator,
            dry_run,
        } = request;
        let tenant = &tenant_id;
        let Some(known) = self.engine.inner.registry.find(tenant)? else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        let ids = KnownWorkflows::of(known.workflows.values().map(|one| &**one));
        let context = ValidationContext {
            directory: Some(&known.directory),
            known_workflows: Some(&ids),
        };
        let (checked, problems) = validate::check(&source, file_stem.as_deref(), &context);
        let Some(checked) = checked else {
            return Ok(Err(workflow::decide::Refusal::Invalid { problems }.into()));
        };
        let has_public_url = self.engine.inner.options.link_url.is_some();
        let unheeded = validate::unheeded(&checked, has_public_url);
        let warnings = problems.into_iter().chain(unheeded).collect();
        let (workflow_id, version_name) = (checked.workflow_id, checked.version_name);
        let command = workflow::command::Command::Publish {
            source,
            file_stem,
            state,
        };
        let change = Change::Workflow {
            tenant: tenant.clone(),
            id: workflow_id.clone(),
            command: Box::new(command),
            operator,
            dry_run,
        };
        let outcome = match self.engine.change(change).await? {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.state(tenant, &workflow_id, &version_name);
        Ok(Ok(PublishReport {
            state: now.filter(|_| outcome.n_events == 0).unwrap_or(state),
            workflow_id,
            version_name,
            is_new: outcome.n_events > 0,
            warnings,
        }))
    }

    /// Makes a version of a workflow the default, a candidate or archived; once more changes nothing. The former default
    /// becomes a candidate. Says whether anything changed.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn set_state(
        self,
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
        Ok(self.engine.change(change).await?.map(|outcome| outcome.n_events > 0))
    }

    /// What a version of a workflow is for now; `None` where there is none of that name.
    #[must_use]
    pub fn state(self, tenant: &TenantId, workflow: &WorkflowId, version: &VersionName) -> Option<VersionState> {
        let tenant = self.engine.inner.registry.tenant(tenant)?;
        let version = tenant.workflows.get(workflow)?.versions.get(version)?;
        Some(version.state)
    }

    /// A version of a workflow, in whatever state.
    #[must_use]
    pub fn version(
        self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        version: &VersionName,
    ) -> Option<Arc<WorkflowVersion>> {
        self.engine
            .inner
            .registry
            .tenant(tenant)?
            .version(workflow, version)
            .cloned()
    }

    /// A tenant's workflows, by id, with all versions.
    #[must_use]
    pub fn of(self, tenant: &TenantId) -> Vec<Arc<Workflow>> {
        let tenant = self.engine.inner.registry.tenant(tenant);
        tenant
            .map(|tenant| tenant.workflows.values().cloned().collect())
            .unwrap_or_default()
    }

    /// Workflows the caller may start, by id: their default versions, whose name, id or description holds `search`
    /// whatever the case.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn startable(
        self,
        caller: &Caller,
        search: &str,
        page: u32,
        per_page: u32,
    ) -> Answer<Page<Arc<WorkflowVersion>>> {
        let needle = Needle::of(search.trim());
        let Some(tenant) = self.engine.inner.registry.find(&caller.tenant_id)? else {
            return Ok(Ok(Page::cut(&[], page, per_page)));
        };
        let holds = |text: &str| needle.is_in(text);
        let defaults = tenant
            .workflows
            .values()
            .filter_map(|workflow| workflow.default_version());
        let startable = defaults.filter(|version| {
            permission::application_allows(&tenant.directory, &caller.app, version)
                && (holds(version.workflow_id.as_str()) || holds(&version.name) || holds(&version.description))
        });
        let all: Vec<Arc<WorkflowVersion>> = startable.cloned().collect();
        Ok(Ok(Page::cut(&all, page, per_page)))
    }

    /// Whether there is a workflow of this id that the caller's application may use.
    #[must_use]
    pub fn has(self, caller: &Caller, workflow: &WorkflowId) -> bool {
        self.has_version(caller, |version| version.workflow_id == *workflow)
    }

    /// Whether a workflow that the caller's application may use has a node of this id.
    #[must_use]
    pub fn has_node(self, caller: &Caller, node: &NodeId) -> bool {
        self.has_version(caller, |version| version.node(node).is_some())
    }

    fn has_version(self, caller: &Caller, is_meant: impl Fn(&WorkflowVersion) -> bool) -> bool {
        let Some(tenant) = self.engine.inner.registry.tenant(&caller.tenant_id) else {
            return false;
        };
        let workflows = tenant.workflows.values();
        let mut versions = workflows.flat_map(|workflow| workflow.versions.values());
        versions.any(|version| {
            is_meant(&version.definition)
                && permission::application_allows(&tenant.directory, &caller.app, &version.definition)
        })
    }
}
