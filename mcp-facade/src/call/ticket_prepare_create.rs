//! The form of a ticket that is not yet there.
//!
//! Not here: the form and its permissions at the start node (the engine's view).

use std::collections::BTreeMap;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{VersionName, WorkflowId};
use loonflow_engine::view::ticket_detail::CreateForm;
use serde::Serialize;

use super::CallContext;
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::wire::action::{OfferedAction, actions};
use crate::wire::form::{Filling, Form};
use crate::wire::workflow::Example;

/// Which workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The workflow's id, as sent.
    pub workflow_id: String,
    /// A version's name; `None` for the default version.
    pub version_name: Option<String>,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            workflow_id: arguments.required_string("workflow_id")?,
            version_name: arguments.optional_string("version_name")?,
        })
    }
}

/// The empty form, and how to send it in.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// The form at the start node.
    #[serde(flatten)]
    pub form: Form,
    /// The edges out of start.
    pub actions: Vec<OfferedAction>,
    /// The start node.
    pub action_base_node_id: String,
    /// A whole call of `ticket_create` that passes as a rehearsal.
    pub example: Example,
}

impl Answer {
    fn of(form: CreateForm, directory: &Directory) -> Self {
        let filling = Filling {
            permissions: &form.permissions,
            values: BTreeMap::new(),
            errors: BTreeMap::new(),
            directory,
        };
        let workflow = &form.workflow;
        let first = form.actions.first();
        let example = Example {
            workflow_id: workflow.workflow_id.clone(),
            version_name: workflow.version_name.clone(),
            action_id: first.map(|action| action.id.clone()).unwrap_or_default(),
            fields: form.example_fields,
            dry_run: true,
        };
        Self {
            form: Form::of(workflow, workflow.name.clone(), filling),
            actions: actions(form.actions),
            action_base_node_id: workflow.start().id.as_str().to_owned(),
            example,
        }
    }
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let workflow = WorkflowId::from(params.workflow_id);
    let version = params.version_name.map(VersionName::from);
    let form = context
        .engine()
        .tickets()
        .prepare_create(&context.caller, &workflow, version.as_ref())
        .await;
    let form = context.answered(form)?;
    Ok(Answer::of(form, &*context.directory()?))
}
