//! Creating a ticket, or a draft of one, or rehearsing it.
//!
//! Not here: whether the fields fit (the engine's decision, the same for a rehearsal and the real call).

use loonflow_engine::id::{EdgeId, NodeId, UserId};
use loonflow_engine::runtime::{Caller, CreateRequest};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

use super::CallContext;
pub use super::ticket_handle::Answer;
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::wire::action::{Asked, CREATE};
use crate::wire::request::{self, Keyed, Props};

/// Keys of `action_props`.
const PROPS: &[&str] = &["comment", "cc_to_user_id_list"];

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

/// `ticket_create`. People in copy may be named beside `action_props` or in them.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn request_of(params: &Params, caller: &Caller) -> Result<CreateRequest, ApiError> {
    let mut props = Props::new(&params.action_props, PROPS)?;
    let mut cc: Vec<UserId> = params
        .cc_to_user_ids
        .iter()
        .map(|id| UserId::from(id.as_str()))
        .collect();
    cc.extend(props.texts("cc_to_user_id_list")?.into_iter().map(UserId::from));
    let parent = match (&params.parent_ticket_id, &params.parent_ticket_node_id) {
        (None, None) => None,
        (Some(parent), Some(node)) => Some((request::ticket_id(parent)?, NodeId::from(node.as_str()))),
        (Some(_), None) => return Err(missing("parent_ticket_node_id", "parent_ticket_id")),
        (None, Some(_)) => return Err(missing("parent_ticket_id", "parent_ticket_node_id")),
    };
    let fields = request::fields(&params.fields);
    let comment = props.text("comment")?;
    let understood = || {
        json!({
            "workflow_id": params.workflow_id,
            "version_name": params.version_name,
            "action_id": params.action_id,
            "fields": fields,
            "comment": comment,
            "cc": cc.iter().collect::<BTreeSet<_>>(),
            "parent": parent.as_ref().map(|(ticket, node)| (ticket.to_string(), node)),
        })
    };
    let sent = || {
        json!({
            "workflow_id": params.workflow_id,
            "version_name": params.version_name,
            "action_id": params.action_id,
            "action_props": params.action_props,
            "fields": params.fields,
            "cc_to_user_id_list": params.cc_to_user_ids,
            "parent_ticket_id": params.parent_ticket_id,
            "parent_ticket_node_id": params.parent_ticket_node_id,
        })
    };
    let call = Keyed {
        tool: "ticket_create",
        caller,
        key: params.idempotency_key.as_deref(),
    };
    Ok(CreateRequest {
        idempotency: call.idempotency(understood, sent)?,
        workflow_id: params.workflow_id.as_str().into(),
        version_name: params.version_name.as_deref().map(Into::into),
        take: params.action_id.as_deref().map(EdgeId::from),
        fields,
        comment,
        cc,
        parent,
        dry_run: params.dry_run,
    })
}

fn missing(argument: &str, other: &str) -> ApiError {
    ApiError::invalid_argument(argument, format!("argument `{argument}` is required beside `{other}`"))
        .with_hint(format!("send both `{argument}` and `{other}`, or neither"))
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let request = request_of(&params, &context.caller)?;
    let asked = Asked {
        action_type: CREATE.to_owned(),
        action_id: params.action_id.unwrap_or_default(),
        action_props: params.action_props,
    };
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let answer = context
        .finish(async move { engine.tickets().create(&caller, request).await })
        .await?;
    Ok(Answer::of(None, asked, params.fields, answer))
}
