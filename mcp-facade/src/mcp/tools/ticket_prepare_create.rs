//! Tool `ticket_prepare_create`: the form of a ticket that is not yet there.
//!
//! Not here: the form and its permissions at the start node (the engine's view).

use futures::FutureExt;
use loonflow_engine::id::{VersionName, WorkflowId};

use super::{CallContext, Declaration, Effect};
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::mcp::schema::{Kind, property};
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

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_prepare_create",
    title: "Prepare to create a ticket",
    description: "Use before ticket_create: the form, which fields are required, the actions of the start node, and an \
                  example body.",
    input: &[
        property("workflow_id", Kind::Required, "Workflow id, from workflow_list."),
        property("version_name", Kind::Text, "Version; empty for the default."),
    ],
    output: &[
        property(
            "form_schema",
            Kind::AnyObject,
            "component_info_list (rows, children) and workflow_metadata.",
        ),
        property(
            "field_permissions",
            Kind::AnyObject,
            "Key to readonly, optional, required or hidden.",
        ),
        property("required_fields", Kind::Texts, "Keys that must be filled in."),
        property("optional_fields", Kind::Texts, "Keys that may be."),
        property("readonly_fields", Kind::Texts, "Keys that may not."),
        property(
            "actions",
            Kind::AnyRows,
            "Ways on: id, name, type, props, node_id, destructive, needs.",
        ),
        property("action_base_node_id", Kind::Text, "The start node."),
        property("example", Kind::AnyObject, "Arguments for ticket_create."),
        property("notes", Kind::Texts, "What of the workflow does not run yet."),
    ],
    effect: Effect::Reads,
    whole: "tell the workflow's admin that its form is too large to be shown",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    let workflow = WorkflowId::from(params.workflow_id);
    let version = params.version_name.map(VersionName::from);
    let form = context
        .engine()
        .prepare_create(&context.caller, &workflow, version.as_ref())
        .await;
    let form = context.answered(form)?;
    Ok(wire::workflow::create_form(&form, &*context.directory()?))
}
