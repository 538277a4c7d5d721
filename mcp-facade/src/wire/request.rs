//! A tool's arguments as requests to the engine: texts become ids, words become kinds, and what cannot be one is refused.
//!
//! Not here: types and names of arguments (`mcp::tools`), whether a request may be carried out (the engine). An id that
//! could not exist is treated as one that does not: nothing is told about ids.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{EdgeId, FieldKey, NodeId, TicketId, UserId};
use loonflow_engine::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use loonflow_engine::runtime::{
    Caller, Category, CreateRequest, HandleRequest, HistoryQuery, Idempotency, ListQuery, UserQuery,
};
use loonflow_engine::text::is_blank;
use loonflow_engine::ticket::{ActState, ActionKind, ActionRequest, Refusal};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value as FieldValue;
use loonflow_engine::workflow::decide::digest;
use serde_json::{Map, Value, json};

use crate::arguments::names::{nearest, unknown_key};
use crate::arguments::time_bound::{self, Side};
use crate::arguments::{Page, distinct, quoted, shortened, wrong_type};
use crate::error::ApiError;
use crate::mcp::tools::{ticket_create, ticket_handle, ticket_history, ticket_list, user_list};

/// Without a bound a list goes back so many days (contract: ticket_list).
const LIST_DAYS: i64 = 3 * 365 + 1;
/// Without a bound a list goes ahead so far (contract: ticket_list): clocks differ.
const LIST_AHEAD_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The ticket that a text names.
///
/// # Errors
/// `ticket_not_found`.
pub(crate) fn ticket_id(text: &str) -> Result<TicketId, ApiError> {
    TicketId::parse(text).ok_or_else(|| Refusal::TicketNotFound { id: shortened(text) }.into())
}

/// The kind of action that is asked for and its id; `None` for a word that is no action. The id of an action that takes
/// no edge is its word, so it may be left out.
pub(crate) fn action(action_type: &str, action_id: &str) -> Option<(ActionKind, String)> {
    let word = ActionKind::ALL.into_iter().find(|kind| kind.word() == action_type)?;
    let action_id = if action_id.is_empty() && !word.is_edge() {
        word.word()
    } else {
        action_id
    };
    Some((ActionKind::parse(action_type, action_id)?, action_id.to_owned()))
}

/// `ticket_handle`.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn handle(
    params: &ticket_handle::Params,
    ticket_id: TicketId,
    (kind, action_id): (ActionKind, String),
    caller: &Caller,
) -> Result<HandleRequest, ApiError> {
    let mut props = Props::new(&params.action_props, HANDLE_PROPS)?;
    let action = ActionRequest {
        kind,
        action_id: action_id.clone(),
        node_id: props.text("node_id")?.map(NodeId::from),
        comment: props.text("comment")?,
        target_assignee_id: props.text("target_assignee_id")?.map(UserId::from),
        target_node_id: props.text("target_node_id")?.map(NodeId::from),
    };
    let fields = fields(&params.fields);
    let understood = || {
        json!({
            "ticket_id": ticket_id.to_string(),
            "action": [kind.word(), action.action_id],
            "node_id": action.node_id,
            "comment": action.comment,
            "target_assignee_id": action.target_assignee_id,
            "target_node_id": action.target_node_id,
            "fields": fields,
            "expected_version": params.expected_version,
        })
    };
    let sent = || {
        json!({
            "ticket_id": ticket_id.to_string(),
            "action_type": params.action_type,
            "action_id": action_id,
            "action_props": params.action_props,
            "fields": params.fields,
            "expected_version": params.expected_version,
        })
    };
    let call = Call {
        tool: "ticket_handle",
        caller,
        key: params.idempotency_key.as_deref(),
    };
    Ok(HandleRequest {
        ticket_id,
        idempotency: call.idempotency(understood, sent)?,
        action,
        fields,
        dry_run: params.dry_run,
        expected_version: params.expected_version,
    })
}

/// `ticket_create`. People in copy may be named beside `action_props` or in them.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn create(params: &ticket_create::Params, caller: &Caller) -> Result<CreateRequest, ApiError> {
    let mut props = Props::new(&params.action_props, CREATE_PROPS)?;
    let mut cc: Vec<UserId> = params
        .cc_to_user_ids
        .iter()
        .map(|id| UserId::from(id.as_str()))
        .collect();
    cc.extend(props.texts("cc_to_user_id_list")?.into_iter().map(UserId::from));
    let parent = match (&params.parent_ticket_id, &params.parent_ticket_node_id) {
        (None, None) => None,
        (Some(parent), Some(node)) => Some((ticket_id(parent)?, NodeId::from(node.as_str()))),
        (Some(_), None) => return Err(missing("parent_ticket_node_id", "parent_ticket_id")),
        (None, Some(_)) => return Err(missing("parent_ticket_id", "parent_ticket_node_id")),
    };
    let fields = fields(&params.fields);
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
    let call = Call {
        tool: "ticket_create",
        caller,
        key: params.idempotency_key.as_deref(),
    };
    Ok(CreateRequest {
        idempotency: call.idempotency(understood, sent)?,
        workflow_id: params.workflow_id.as_str().into(),
        version_name: params.version_name.as_deref().map(Into::into),
        action_id: params.action_id.as_deref().map(EdgeId::from),
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

/// `ticket_list`. Times without a zone are in the tenant's.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn list(params: &ticket_list::Params, directory: &Directory, now: Timestamp) -> Result<ListQuery, ApiError> {
    let bound = |name: &str, text: Option<&str>, side| {
        text.map(|text| time_bound::parse(name, text, directory.zone(), side))
            .transpose()
            .map(|moment| moment.map(|moment| Timestamp(moment.as_millisecond())))
    };
    let mut created_from = bound("create_start", params.create_start.as_deref(), Side::Start)?;
    let mut created_to = bound("create_end", params.create_end.as_deref(), Side::End)?;
    if created_from.is_none() && created_to.is_none() {
        created_from = Some(now.plus_ms(-LIST_DAYS * DAY_MS));
        created_to = Some(now.plus_ms(LIST_AHEAD_MS));
    }
    let ticket_ids = (!params.ticket_ids.is_empty()).then(|| {
        params
            .ticket_ids
            .iter()
            .filter_map(|id| TicketId::parse(id))
            .collect::<BTreeSet<_>>()
    });
    let parent_ticket_id = params.parent_ticket_id.as_deref().map(TicketId::parse);
    // A parent that could not exist has no children.
    let ticket_ids = if parent_ticket_id == Some(None) {
        Some(BTreeSet::new())
    } else {
        ticket_ids
    };
    let (page, per_page) = numbers(params.page);
    Ok(ListQuery {
        category: Category::parse(&params.category).unwrap_or_default(),
        search: params.search_value.clone().unwrap_or_default(),
        created_from,
        created_to,
        workflow_ids: ids(&params.workflow_ids),
        node_ids: ids(&params.node_ids),
        ticket_ids,
        act_state: params.act_state.as_deref().map(act_state).transpose()?,
        creator_id: params.creator_id.as_deref().map(UserId::from),
        parent_ticket_id: parent_ticket_id.flatten(),
        newest_first: params.reverse,
        page,
        per_page,
    })
}

/// The word of a state; a hyphen counts as an underscore, for some write `on-going`.
fn act_state(word: &str) -> Result<ActState, ApiError> {
    ActState::parse(&word.to_lowercase().replace('-', "_")).ok_or_else(|| {
        let allowed = ActState::ALL.map(ActState::word);
        let hint = match nearest(word, &allowed) {
            Some(nearest) => format!("did you mean `{nearest}`? if not, send one of {}", quoted(&allowed)),
            None => format!("send one of {}", quoted(&allowed)),
        };
        ApiError::invalid_argument(
            "act_state",
            format!(
                "argument `act_state` must be one of {}, got `{}`",
                quoted(&allowed),
                shortened(word)
            ),
        )
        .with_hint(hint)
        .with_details(json!({ "argument": "act_state", "allowed": allowed }))
    })
}

/// `user_list`.
pub(crate) fn users(params: &user_list::Params) -> UserQuery {
    let (page, per_page) = numbers(params.page);
    UserQuery {
        search: params.search_value.clone().unwrap_or_default(),
        user_ids: (!params.user_ids.is_empty())
            .then(|| params.user_ids.iter().map(|id| UserId::from(id.as_str())).collect()),
        dept_id: params.dept_id.as_deref().map(Into::into),
        page,
        per_page,
    }
}

/// `ticket_history`.
pub(crate) fn history(params: &ticket_history::Params) -> HistoryQuery {
    let (page, per_page) = numbers(params.page);
    HistoryQuery {
        from_version: params.from_version,
        page,
        per_page,
        reverse: params.reverse,
    }
}

/// `page` and `per_page` as the engine takes them; a page beyond counting is past the end anyway.
pub(crate) fn numbers(page: Page) -> (u32, u32) {
    (u32::try_from(page.page).unwrap_or(u32::MAX), page.per_page)
}

fn ids<T: Ord + for<'a> From<&'a str>>(texts: &[String]) -> BTreeSet<T> {
    texts.iter().map(|text| T::from(text.as_str())).collect()
}

fn fields(sent: &Map<String, Value>) -> BTreeMap<FieldKey, FieldValue> {
    sent.iter()
        .map(|(key, value)| (FieldKey::from(key.as_str()), FieldValue::from(value)))
        .collect()
}

/// A call that changes something, for its key.
struct Call<'a> {
    tool: &'static str,
    caller: &'a Caller,
    key: Option<&'a str>,
}

impl Call<'_> {
    /// The key with a digest of everything that makes it this call: who sends it through what, and what is asked for as
    /// it was `understood`, so that `null`, an empty text or another spelling of the same is the same call. Keys from
    /// before that are known by the digest of what was `sent`.
    fn idempotency(
        &self,
        understood: impl FnOnce() -> Value,
        sent: impl FnOnce() -> Value,
    ) -> Result<Option<Idempotency>, ApiError> {
        let Some(key) = self.key else { return Ok(None) };
        if key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
            let message = format!(
                "argument `idempotency_key` may have {IDEMPOTENCY_KEY_BYTES_MAX} bytes, got {}",
                key.len()
            );
            return Err(
                ApiError::invalid_argument("idempotency_key", message).with_hint("send a shorter one, as a UUID")
            );
        }
        Ok(Some(Idempotency {
            key: key.to_owned(),
            fingerprint: self.fingerprint("understood", understood()),
            older: Some(self.fingerprint("arguments", sent())),
        }))
    }

    fn fingerprint(&self, name: &str, asked: Value) -> [u8; 32] {
        let mut call = json!({
            "tool": self.tool,
            "tenant_id": self.caller.tenant_id.as_str(),
            "user_id": self.caller.user_id.as_str(),
            "app_name": self.caller.app.as_str(),
        });
        call[name] = asked;
        digest(&call)
    }
}

const HANDLE_PROPS: &[&str] = &["comment", "node_id", "target_assignee_id", "target_node_id"];
const CREATE_PROPS: &[&str] = &["comment", "cc_to_user_id_list"];

/// `action_props`: what is sent must be known, so that a misspelt comment is not lost without a word.
struct Props<'a>(&'a Map<String, Value>);

impl<'a> Props<'a> {
    fn new(sent: &'a Map<String, Value>, known: &[&str]) -> Result<Self, ApiError> {
        let unknown = sent
            .iter()
            .find(|(name, value)| !value.is_null() && !known.contains(&name.as_str()));
        match unknown {
            Some((name, _)) => {
                let message = format!("`action_props` has no key `{}`", shortened(name));
                Err(unknown_key(name, known, &message))
            }
            None => Ok(Self(sent)),
        }
    }

    /// A text; `None` where it was not sent or is blank.
    fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !is_blank(text))),
            Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
                Err(wrong_type(&format!("action_props.{name}"), "a string", other))
            }
        }
    }

    /// A list of texts, or a comma separated one.
    fn texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let argument = format!("action_props.{name}");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => distinct(&argument, text.split(',')),
            Some(Value::Array(values)) if values.iter().all(Value::is_string) => {
                distinct(&argument, values.iter().filter_map(Value::as_str))
            }
            Some(other) => Err(wrong_type(&argument, "an array of strings", other)),
        }
    }
}

#[cfg(test)]
mod tests;
