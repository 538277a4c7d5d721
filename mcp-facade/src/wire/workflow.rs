//! Workflows: beside a ticket, as a row of `workflow_list`, and as an example of a call that starts one.

use std::collections::BTreeMap;

use loonflow_engine::id::{FieldKey, VersionName, WorkflowId};
use loonflow_engine::workflow::WorkflowVersion;
use serde::Serialize;
use serde_json::Value;

/// The workflow of a ticket.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowInfo {
    /// Its id.
    pub id: WorkflowId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
}

/// A row of `workflow_list`. A version has no id beside its name.
#[derive(Debug, Clone, Serialize)]
pub struct WorkflowRow {
    /// The workflow's id.
    pub id: WorkflowId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The name of its default version.
    pub version_id: VersionName,
    /// The same.
    pub version_name: VersionName,
}

impl From<&WorkflowVersion> for WorkflowRow {
    fn from(workflow: &WorkflowVersion) -> Self {
        Self {
            id: workflow.workflow_id.clone(),
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            version_id: workflow.version_name.clone(),
            version_name: workflow.version_name.clone(),
        }
    }
}

/// A whole call of `ticket_create` that passes as a rehearsal.
#[derive(Debug, Clone, Serialize)]
pub struct Example {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its version.
    pub version_name: VersionName,
    /// An edge out of start; empty where there is none.
    pub action_id: String,
    /// A value of the right form for each field that may be written.
    pub fields: BTreeMap<FieldKey, Value>,
    /// True.
    pub dry_run: bool,
}
