//! Tool `ticket_prepare_handle`: how it is listed. What it takes and answers is `call::ticket_prepare_handle`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::ticket_prepare_handle;
use crate::mcp::schema::{Kind, property};

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
    run: |context, mut arguments| {
        async move {
            let params = ticket_prepare_handle::Params::parse(&mut arguments)?;
            object(context, &ticket_prepare_handle::run(context, params).await?)
        }
        .boxed()
    },
};
