//! Versions of workflows for an operator: published, listed, made the default or taken back.

use loonflow_engine::id::{VersionName, WorkflowId};
use loonflow_engine::runtime::PublishRequest;
use loonflow_engine::workflow::VersionState;
use serde_json::{Value, json};

use super::{Items, Operator, give, problem, refused};

/// A definition that is to be published, and how.
pub(super) struct Publish {
    pub(super) definition: Value,
    pub(super) file_stem: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) candidate: bool,
    pub(super) dry_run: bool,
}

impl Operator {
    pub(super) async fn publish(&self, what: Publish, items: &Items) -> Result<(), String> {
        let tenant = self.tenant(what.tenant.as_deref())?;
        let asked = if what.candidate {
            VersionState::Candidate
        } else {
            VersionState::Default
        };
        let request = PublishRequest {
            file_stem: what.file_stem,
            state: asked,
            dry_run: what.dry_run,
            ..PublishRequest::new(tenant.clone(), what.definition)
        };
        let published = self.engine()?.workflows().publish(request).await;
        let report = refused(published, items).await?;
        for warning in &report.warnings {
            give(items, problem(warning)).await?;
        }
        let report = json!({
            "workflow_id": report.workflow_id.as_str(),
            "version_name": report.version_name.as_str(),
            "is_new": report.is_new,
            "state": report.state.word(),
            "asked": asked.word(),
            "dry_run": what.dry_run,
        });
        give(items, report).await
    }

    pub(super) async fn set_version_state(
        &self,
        tenant: Option<&str>,
        workflow_id: String,
        version: String,
        state: &str,
        items: &Items,
    ) -> Result<(), String> {
        let tenant = self.tenant(tenant)?;
        let state = VersionState::parse(state)
            .ok_or_else(|| format!("`{state}` is no state: take default, candidate or archived"))?;
        let (workflow, name) = (WorkflowId::from(workflow_id), VersionName::from(version));
        let engine = self.engine()?;
        let workflows = engine.workflows().of(&tenant);
        let Some(known) = workflows.iter().find(|one| one.id == workflow) else {
            let ids: Vec<&str> = workflows.iter().map(|one| one.id.as_str()).collect();
            return Err(format!(
                "there is no workflow `{workflow}`; there are: {}",
                ids.join(", ")
            ));
        };
        if known.version_named(&name).is_none() {
            let names: Vec<&str> = known.versions.keys().map(VersionName::as_str).collect();
            let names = names.join(", ");
            return Err(format!(
                "workflow `{workflow}` has no version `{name}`; there are: {names}"
            ));
        }
        let changed = engine
            .workflows()
            .set_state(&tenant, &workflow, &name, state, None)
            .await;
        let is_new = refused(changed, items).await?;
        let now = engine.workflows().of(&tenant);
        let default = now.iter().find(|one| one.id == workflow);
        let default = default.and_then(|one| one.default_version());
        let report = json!({
            "workflow_id": workflow.as_str(),
            "version_name": name.as_str(),
            "state": state.word(),
            "is_new": is_new,
            "starts_on": default.map(|version| version.version_name.as_str()),
        });
        give(items, report).await
    }

    pub(super) async fn list_versions(&self, tenant: Option<&str>, items: &Items) -> Result<(), String> {
        let tenant = self.tenant(tenant)?;
        let engine = self.engine()?;
        let directory = engine.directories().of(&tenant).ok_or("the tenant is gone")?;
        for workflow in engine.workflows().of(&tenant) {
            for (name, version) in &workflow.versions {
                let row = json!({
                    "workflow_id": workflow.id.as_str(),
                    "version_name": name.as_str(),
                    "state": version.state.word(),
                    "published_at": version.published_at.to_answer(directory.zone()),
                });
                give(items, row).await?;
            }
        }
        Ok(())
    }
}
