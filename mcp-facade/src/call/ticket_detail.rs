//! One ticket with its form, values and what the caller may do.
//!
//! Not here: which fields the caller sees (the engine's view).

use loonflow_engine::id::FieldKey;
use loonflow_engine::limits::LISTED_MAX;
use loonflow_engine::view::ticket_detail::TicketDetail;
use serde_json::Value;

use super::CallContext;
use crate::arguments::{Arguments, quoted, shortened};
use crate::error::ApiError;
use crate::wire::{self, request};

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

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Value, ApiError> {
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
) -> Result<Value, ApiError> {
    let directory = context.directory()?;
    let ticket_id = request::ticket_id(ticket_id)?;
    let mut detail = context.answered(context.engine().tickets().detail(&context.caller, ticket_id).await)?;
    if let Some(key) = whole_field {
        leave_whole(&mut detail, key)?;
    }
    Ok(wire::ticket::detail(&detail, &directory))
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
        if let Some(short) = value.as_str().and_then(|text| wire::clipped(text, BESIDE_WHOLE_CHARS)) {
            *value = Value::String(short);
        }
    }
    Ok(())
}
