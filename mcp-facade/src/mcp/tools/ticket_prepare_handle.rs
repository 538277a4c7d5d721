//! Tool `ticket_prepare_handle`: what the caller may do to a ticket now, and what each action needs.
//!
//! Not here: which actions are open (the engine's gate, the same that `ticket_handle` passes).

use futures::FutureExt;

use super::{CallContext, Declaration, Effect, rows};
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::mcp::schema::{Kind, property};

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

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_prepare_handle",
    title: "Prepare to handle a ticket",
    description: "Use before ticket_handle: the actions open to the caller, the action_props each needs, and the fields \
                  to fill in. What is offered here works.",
    input: &[property("ticket_id", Kind::Required, "Ticket id, from ticket_list.")],
    output: rows::FORM,
    effect: Effect::Reads,
    whole: "call `ticket_detail` with `whole_field` set to the key of one field",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    context.detail(&params.ticket_id, None).await
}
