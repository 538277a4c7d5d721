//! Taking an action on a ticket, or rehearsing it.
//!
//! Not here: whether the action is open and the fields fit (the engine's decision, the same for a rehearsal and the real
//! call), and which node an action without `action_props.node_id` means.

use loonflow_engine::id::{NodeId, TicketId, UserId};
use loonflow_engine::runtime::{ActAnswer, ActRequest, Caller};
use loonflow_engine::ticket::{Action, ActionKind, Argument, Available, EffectId, Refusal, SignerPosition};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::CallContext;
use crate::arguments::names::unknown_key;
use crate::arguments::{Arguments, into_object, shortened, wrong_type};
use crate::error::ApiError;
use crate::wire::action::{Asked, Handled, Rehearsed};
use crate::wire::request::{self, Keyed, Props};

/// Keys of `action_props`.
const PROPS: &[&str] = &[
    "children",
    "comment",
    "effect",
    "node_id",
    "position",
    "resume",
    "target_assignee_id",
    "target_node_id",
];
/// The keys of `handle_request`.
const REQUEST_KEYS: &[&str] = &["action_type", "action_id", "action_props", "fields"];

/// What to do. The values of `handle_request` are already merged in.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// The ticket's id, as sent.
    pub ticket_id: String,
    /// The action's type; a word that is none, or empty, is refused with the list of those open.
    pub action_type: String,
    /// The action's id; may be empty where the action takes no edge.
    pub action_id: String,
    /// Its properties by name, as sent; what it reads is held to the list of those there are.
    pub action_props: Map<String, Value>,
    /// Field values by key, as sent.
    pub fields: Map<String, Value>,
    /// Rehearse only.
    pub dry_run: bool,
    /// The version that the caller looked at; `None` for any.
    pub expected_version: Option<u64>,
    /// Names the call, so that a repeat is answered and not done again.
    pub idempotency_key: Option<String>,
}

impl Params {
    /// Reads the arguments. `handle_request` holds the same four keys and wins; objects are merged key by key.
    ///
    /// # Errors
    /// `invalid_argument`; inside `handle_request` the argument is named `handle_request.<key>`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        let ticket_id = arguments.required_string("ticket_id")?;
        let mut action_type = arguments.optional_string("action_type")?;
        let mut action_id = arguments.optional_string("action_id")?;
        let mut action_props = arguments.object("action_props")?;
        let mut fields = arguments.object("fields")?;
        for (key, value) in arguments.object("handle_request")? {
            let name = format!("handle_request.{key}");
            match (key.as_str(), value) {
                (_, Value::Null) => {}
                ("action_type", value) => action_type = nested_text(&name, value)?.or(action_type),
                ("action_id", value) => action_id = nested_text(&name, value)?.or(action_id),
                ("action_props", value) => action_props.extend(nested_object(&name, value)?),
                ("fields", value) => fields.extend(nested_object(&name, value)?),
                (key, _) => {
                    let message = format!("`handle_request` has no key `{}`", shortened(key));
                    return Err(unknown_key(key, REQUEST_KEYS, &message));
                }
            }
        }
        Ok(Self {
            ticket_id,
            action_type: action_type.unwrap_or_default(),
            action_id: action_id.unwrap_or_default(),
            action_props,
            fields,
            dry_run: arguments.boolean("dry_run", false)?,
            expected_version: Some(arguments.integer("expected_version", 0, 0..=i64::MAX)?.unsigned_abs())
                .filter(|version| *version != 0),
            idempotency_key: arguments.optional_string("idempotency_key")?,
        })
    }
}

/// A text without surrounding blanks; `None` where it is blank.
fn nested_text(name: &str, value: Value) -> Result<Option<String>, ApiError> {
    match value {
        Value::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(wrong_type(name, "a string", &other))
        }
    }
}

fn nested_object(name: &str, value: Value) -> Result<Map<String, Value>, ApiError> {
    into_object(value).map_err(|value| wrong_type(name, "an object", &value))
}

/// The kind of action that is asked for and its id; `None` for a word that is no action. The id of an action that takes
/// no edge is its word, so it may be left out; `accept` with another id is the agree edge of that id
/// (semantics: actions).
pub(crate) fn action(action_type: &str, action_id: &str) -> Option<(ActionKind, String)> {
    let kind = ActionKind::parse(action_type)?;
    if action_id.is_empty() && !kind.is_edge() {
        return Some((kind, kind.word().to_owned()));
    }
    let is_edge = kind == ActionKind::Accept && action_id != kind.word();
    Some((if is_edge { ActionKind::Agree } else { kind }, action_id.to_owned()))
}

/// `ticket_handle`.
///
/// # Errors
/// `invalid_argument`.
pub(crate) fn request_of(
    params: &Params,
    ticket_id: TicketId,
    (kind, action_id): (ActionKind, String),
    caller: &Caller,
) -> Result<ActRequest, ApiError> {
    let mut props = Props::new(&params.action_props, PROPS)?;
    let at = props.text("node_id")?.map(NodeId::from);
    let comment = props.text("comment")?;
    let to_user = props.text("target_assignee_id")?.map(UserId::from);
    let to_node = props.text("target_node_id")?.map(NodeId::from);
    let effect = props.text("effect")?.map(|text| effect(&text)).transpose()?;
    let closes_children = match props.text("children")?.as_deref() {
        None | Some("keep") => false,
        Some("close") => true,
        Some(other) => {
            let problem = "take `keep` or `close`";
            return Err(Refusal::argument(Argument::Children, other, problem).into());
        }
    };
    let position = props.text("position")?.map(|text| position(&text)).transpose()?;
    let resume = props.flag("resume")?;
    let fields = request::fields(&params.fields);
    let understood = || {
        let mut understood = json!({
            "ticket_id": ticket_id.to_string(),
            "action": [kind.word(), action_id],
            "node_id": at,
            "comment": comment,
            "target_assignee_id": to_user,
            "target_node_id": to_node,
            "fields": fields,
            "expected_version": params.expected_version,
        });
        // Only where it is sent: keys that are kept from before it could be stay what they are.
        if let Some(effect) = effect {
            understood["effect"] = effect.to_string().into();
        }
        if let Some((word, _)) = position {
            understood["position"] = word.into();
        }
        if closes_children {
            understood["children"] = "close".into();
        }
        if resume {
            understood["resume"] = true.into();
        }
        understood
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
    let call = Keyed {
        tool: "ticket_handle",
        caller,
        key: params.idempotency_key.as_deref(),
    };
    Ok(ActRequest {
        ticket_id,
        idempotency: call.idempotency(understood, sent)?,
        action: with_position(
            with_effect(Action::of(kind, &action_id, to_user, to_node), effect),
            position,
        )
        .resuming(resume),
        at,
        comment,
        fields,
        dry_run: params.dry_run,
        expected_version: params.expected_version,
        closes_children,
    })
}

/// The effect that `action_props.effect` names.
fn effect(text: &str) -> Result<EffectId, ApiError> {
    text.parse().map_err(|()| {
        let problem = "it must be an effect's id, as `12.0`";
        Refusal::argument(Argument::Effect, text, problem).into()
    })
}

/// The order that `action_props.position` says, and its word.
fn position(text: &str) -> Result<(&'static str, SignerPosition), ApiError> {
    let found = SignerPosition::ALL.into_iter().find(|(_, word)| *word == text);
    let (position, word) = found.ok_or_else(|| {
        let problem = "take `with`, `before` or `after`";
        ApiError::from(Refusal::argument(Argument::Position, text, problem))
    })?;
    Ok((word, position))
}

/// The action in that order, where it is one that has one.
fn with_position(action: Action, position: Option<(&str, SignerPosition)>) -> Action {
    match (action, position) {
        (Action::AddSigner { to, .. }, Some((_, position))) => Action::AddSigner { to, position },
        (action, _) => action,
    }
}

/// The action on one effect, where it is one that can be.
fn with_effect(action: Action, effect: Option<EffectId>) -> Action {
    if let Action::RetryHook { .. } = action {
        Action::RetryHook { effect }
    } else if let Action::Skip { .. } = action {
        Action::Skip { effect }
    } else {
        action
    }
}

/// What became of it. Which of the two is told by `dry_run`.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// What the call would do.
    Rehearsed(Box<Rehearsed>),
    /// What it did.
    Handled(Handled),
}

impl Answer {
    /// The answer to an action with these fields; `ticket_id` is that of a ticket which is there already.
    pub(super) fn of(
        ticket_id: Option<TicketId>,
        asked: Asked,
        fields: Map<String, Value>,
        answered: ActAnswer,
    ) -> Self {
        match answered {
            ActAnswer::Preview(preview) => {
                let fields = fields.into_iter().map(|(key, _)| key).collect();
                Self::Rehearsed(Box::new(Rehearsed::of(ticket_id, asked, fields, *preview)))
            }
            ActAnswer::Done(done) => Self::Handled(Handled::of(asked, done)),
        }
    }
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let ticket_id = request::ticket_id(&params.ticket_id)?;
    let Some((kind, action_id)) = action(&params.action_type, &params.action_id) else {
        return Err(no_such_action(context, ticket_id, &params).await?);
    };
    let request = request_of(&params, ticket_id, (kind, action_id.clone()), &context.caller)?;
    let asked = Asked {
        action_type: params.action_type,
        action_id,
        action_props: params.action_props,
    };
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let answer = context
        .finish(async move { engine.tickets().act(&caller, request).await })
        .await?;
    Ok(Answer::of(Some(ticket_id), asked, params.fields, answer))
}

/// The refusal of a word that is no action: like one of an action that is not open now, with those that are.
async fn no_such_action(context: &CallContext, ticket: TicketId, params: &Params) -> Result<ApiError, ApiError> {
    let detail = context.answered(context.engine().tickets().detail(&context.caller, ticket).await)?;
    let available = detail.offered.iter();
    let mut error = ApiError::from(Refusal::ActionNotAvailable {
        action_type: "",
        action_id: String::new(),
        available: available
            .map(|one| Available {
                kind: one.kind,
                edge: one.kind.is_edge().then(|| one.id.as_str().into()),
                node: one.node.clone(),
            })
            .collect(),
    });
    let meant = detail.offered.iter().find(|one| one.id == params.action_id);
    error.message = match (params.action_type.as_str(), meant) {
        ("", Some(one)) => format!(
            "`action_type` is missing: that of `{}` is `{}`",
            one.id,
            one.kind.word()
        ),
        ("", None) => "`action_type` is missing".to_owned(),
        (_, _) => format!("there is no `action_type` `{}`", shortened(&params.action_type)),
    };
    Ok(error)
}
