//! What the caller may do to a ticket now, and what each action needs.
//!
//! Not here: which actions are open (the engine's gate, the same that `ticket_handle` passes).

pub use super::ticket_detail::Answer;
use super::{CallContext, ticket_detail};
use crate::arguments::Arguments;
use crate::error::ApiError;

/// Which ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The ticket's id, as sent.
    pub ticket_id: String,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            ticket_id: arguments.required_string("ticket_id")?,
        })
    }
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    ticket_detail::shown(context, &params.ticket_id, None).await
}
