//! Tool `ticket_detail`: how it is listed. What it takes and answers is `call::ticket_detail`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::ticket_detail;
use crate::mcp::schema::{Kind, property};

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
    run: |context, mut arguments| {
        async move {
            let params = ticket_detail::Params::parse(&mut arguments)?;
            object(context, &ticket_detail::run(context, params).await?)
        }
        .boxed()
    },
};
