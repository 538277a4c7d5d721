//! Tool `ticket_create`: creates a ticket, or a draft of one, or rehearses it.
//!
//! Not here: whether the fields fit (the engine's decision, the same for a rehearsal and the real call).

use futures::FutureExt;
use loonflow_engine::runtime::HandleAnswer;
use serde_json::{Map, Value};

use super::{CallContext, Declaration, Effect, rows};
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::mcp::schema::{Kind, property};
use crate::wire::action::{Asked, CREATE};
use crate::wire::{self, request};

/// What to create.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// The workflow's id, as sent.
    pub workflow_id: String,
    /// A version's name; `None` for the default version.
    pub version_name: Option<String>,
    /// The edge to take from start; `None` for a draft.
    pub action_id: Option<String>,
    /// Field values by key, as sent.
    pub fields: Map<String, Value>,
    /// `comment` and the like, as sent.
    pub action_props: Map<String, Value>,
    /// Users who may view the ticket.
    pub cc_to_user_ids: Vec<String>,
    /// The parent ticket.
    pub parent_ticket_id: Option<String>,
    /// The parent's node.
    pub parent_ticket_node_id: Option<String>,
    /// Rehearse only.
    pub dry_run: bool,
    /// Names the call, so that a repeat is answered and not done again.
    pub idempotency_key: Option<String>,
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
            action_id: arguments.optional_string("action_id")?,
            fields: arguments.object("fields")?,
            action_props: arguments.object("action_props")?,
            cc_to_user_ids: arguments.texts("cc_to_user_id_list")?,
            parent_ticket_id: arguments.optional_string("parent_ticket_id")?,
            parent_ticket_node_id: arguments.optional_string("parent_ticket_node_id")?,
            dry_run: arguments.boolean("dry_run", false)?,
            idempotency_key: arguments.optional_string("idempotency_key")?,
        })
    }
}

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_create",
    title: "Create a ticket",
    description: "Use after ticket_prepare_create to create a ticket, first with dry_run true. Without action_id it stays \
                  a draft that only its creator sees.",
    input: &[
        property("workflow_id", Kind::Required, "Workflow id, from workflow_list."),
        property("version_name", Kind::Text, "Version; empty for the default."),
        property(
            "action_id",
            Kind::Text,
            "Id of the action to take from start; empty for a draft.",
        ),
        property("fields", Kind::AnyObject, "Field values by component_key."),
        property("action_props", Kind::AnyObject, "comment."),
        property("cc_to_user_id_list", Kind::Texts, "User ids that may view it."),
        property("parent_ticket_id", Kind::Text, "Parent ticket."),
        property("parent_ticket_node_id", Kind::Text, "Node the parent is at."),
        property("dry_run", Kind::Boolean(false), "True rehearses: nothing is written."),
        property(
            "idempotency_key",
            Kind::Text,
            "Your name for this call: a repeat answers the first result.",
        ),
    ],
    output: rows::HANDLED,
    effect: Effect::Adds,
    whole: "call `ticket_detail` with the ticket id, and with `whole_field` for a long value",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    let request = request::create(&params, &context.caller)?;
    let asked = Asked {
        action_type: CREATE,
        action_id: params.action_id.as_deref().unwrap_or_default(),
        action_props: &params.action_props,
        fields: params.fields.keys().map(String::as_str).collect(),
    };
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let answer = context
        .finish(async move { engine.create(&caller, request).await })
        .await?;
    Ok(match answer {
        HandleAnswer::Preview(preview) => wire::action::rehearsed(None, &asked, &preview),
        HandleAnswer::Done(done) => wire::action::handled(&asked, &done),
    })
}
