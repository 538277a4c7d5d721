//! One ticket with its form, values and what the caller may do.
//!
//! Not here: which fields the caller sees (the engine's view).

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::FieldKey;
use loonflow_engine::limits::LISTED_MAX;
use loonflow_engine::time::Timestamp;
use loonflow_engine::view::ticket_detail::TicketDetail;
use serde::Serialize;
use serde_json::Value;

use super::CallContext;
use crate::arguments::{Arguments, quoted, shortened};
use crate::error::ApiError;
use crate::wire::action::{OfferedAction, actions};
use crate::wire::form::{Filling, Form};
use crate::wire::node::id_or_empty;
use crate::wire::ticket::{Incident, Relative, Row, WaitingFor};
use crate::wire::{clipped, request};

/// Which ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The ticket's id, as sent.
    pub ticket_id: String,
    /// The field whose value is not to be cut.
    pub whole_field: Option<String>,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            ticket_id: arguments.required_string("ticket_id")?,
            whole_field: arguments.optional_string("whole_field")?,
        })
    }
}

/// The ticket, as whoever asks sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Its form, filled in.
    #[serde(flatten)]
    pub form: Form,
    /// What the caller can do.
    pub actions: Vec<OfferedAction>,
    /// The first node where they can do something, or empty.
    pub action_base_node_id: String,
    /// What the caller can force.
    pub admin_actions: Vec<OfferedAction>,
    /// The first node where they can force something, or empty.
    pub admin_action_base_node_id: String,
    /// The ticket as in a list.
    pub ticket: Row,
    /// Its version.
    pub version: u64,
    /// What each of its tokens waits for.
    pub waiting_for: Vec<WaitingFor>,
    /// Why it needs intervention; absent where it does not, and for those who cannot intervene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervention: Option<String>,
    /// What failed for good; absent where nothing did, and for those who cannot intervene.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
    /// The parent; absent where there is none, and for those who may not view it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Relative>,
    /// Sub-tickets that the caller may view; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Relative>,
    /// How many there are that the caller may not view; absent where there are none.
    #[serde(skip_serializing_if = "is_none")]
    pub n_children_hidden: u64,
}

fn is_none(n: &u64) -> bool {
    *n == 0
}

impl Answer {
    fn of(detail: TicketDetail, directory: &Directory, now: Timestamp) -> Self {
        let filling = Filling {
            permissions: &detail.permissions,
            values: detail.values,
            errors: detail.field_errors,
            directory,
        };
        let offered = detail.offered;
        let waiting = detail.waiting_for.into_iter();
        Self {
            form: Form::of(&detail.workflow, detail.row.title.clone(), filling),
            action_base_node_id: id_or_empty(offered.base_node()),
            admin_action_base_node_id: id_or_empty(offered.admin_base_node()),
            intervention: detail.intervention.filter(|_| !offered.admin_actions.is_empty()),
            actions: actions(offered.actions),
            admin_actions: actions(offered.admin_actions),
            incidents: detail
                .incidents
                .into_iter()
                .map(|one| Incident::of(one, directory))
                .collect(),
            parent: detail.parent.map(Relative::from),
            children: detail.children.into_iter().map(Relative::from).collect(),
            n_children_hidden: detail.n_children_hidden,
            version: detail.row.version,
            ticket: Row::of(detail.row, directory, now),
            waiting_for: waiting.map(|one| WaitingFor::of(one, directory)).collect(),
        }
    }
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    shown(context, &params.ticket_id, params.whole_field.as_deref()).await
}

/// A ticket as the caller sees it: `ticket_detail` and `ticket_prepare_handle` are one question. With `whole_field`, the
/// values of all other fields are short, so that this one is not cut.
///
/// # Errors
/// `ticket_not_found`, `invalid_argument` for a field that is not shown, and as [`CallContext::answered`].
pub(super) async fn shown(
    context: &CallContext,
    ticket_id: &str,
    whole_field: Option<&str>,
) -> Result<Answer, ApiError> {
    let directory = context.directory()?;
    let ticket_id = request::ticket_id(ticket_id)?;
    let mut detail = context.answered(context.engine().tickets().detail(&context.caller, ticket_id).await)?;
    if let Some(key) = whole_field {
        leave_whole(&mut detail, key)?;
    }
    Ok(Answer::of(detail, &directory, context.state.now()))
}

/// Characters of the values of other fields, where one is asked for whole.
const BESIDE_WHOLE_CHARS: usize = 200;

/// Shortens the values of all fields but one.
fn leave_whole(detail: &mut TicketDetail, key: &str) -> Result<(), ApiError> {
    if !detail.values.contains_key(&FieldKey::from(key)) {
        let keys: Vec<&str> = detail.values.keys().map(FieldKey::as_str).take(LISTED_MAX).collect();
        let message = format!("no field `{}` with a value is shown to you", shortened(key));
        return Err(ApiError::invalid_argument("whole_field", message).with_hint(format!(
            "send the key of a field that has a value, as {}",
            quoted(&keys)
        )));
    }
    for (_, value) in detail.values.iter_mut().filter(|(one, _)| one.as_str() != key) {
        if let Some(short) = value.as_str().and_then(|text| clipped(text, BESIDE_WHOLE_CHARS)) {
            *value = Value::String(short);
        }
    }
    Ok(())
}
