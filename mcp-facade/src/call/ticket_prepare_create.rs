//! The form of a ticket that is not yet there.
//!
//! Not here: the form and its permissions at the start node (the engine's view).

use loonflow_engine::id::{VersionName, WorkflowId};
use serde_json::Value;

use super::CallContext;
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::wire;

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

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Value, ApiError> {
    let workflow = WorkflowId::from(params.workflow_id);
    let version = params.version_name.map(VersionName::from);
    let form = context
        .engine()
        .tickets()
        .prepare_create(&context.caller, &workflow, version.as_ref())
        .await;
    let form = context.answered(form)?;
    Ok(wire::workflow::create_form(&form, &*context.directory()?))
}
