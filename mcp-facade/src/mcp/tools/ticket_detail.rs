//! Tool `ticket_detail`: one ticket with its form, values and what the caller may do.
//!
//! Not here: which fields the caller sees (the engine's view).

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

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_detail",
    title: "Read a ticket",
    description: "Use to read one ticket: its form with values, state, who can act now, and the caller's actions.",
    input: &[
        property("ticket_id", Kind::Required, "Ticket id, from ticket_list."),
        property(
            "whole_field",
            Kind::Text,
            "Key of a field whose value is shown whole and the others short, where a long one was cut.",
        ),
    ],
    output: rows::FORM,
    effect: Effect::Reads,
    whole: "call `ticket_detail` with `whole_field` set to the key of one field, and for long lists `ticket_history`",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    context.detail(&params.ticket_id, params.whole_field.as_deref()).await
}
