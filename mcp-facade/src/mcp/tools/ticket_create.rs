//! Tool `ticket_create`: how it is listed. What it takes and answers is `call::ticket_create`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::ticket_create;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_create",
    title: "Create a ticket",
    description: "Use after ticket_prepare_create to create a ticket, first with dry_run true. Without action_id it stays \
                  a draft that only its creator sees.",
    input: &[
        property("workflow_id", Kind::Required, "Workflow id, from workflow_list."),
        property("version_name", Kind::Text, "Version; empty for the default."),
        property(
            "action_id",
            Kind::Text,
            "Id of the action to take from start; empty for a draft.",
        ),
        property("fields", Kind::AnyObject, "Field values by component_key."),
        property("action_props", Kind::AnyObject, "comment."),
        property("cc_to_user_id_list", Kind::Texts, "User ids that may view it."),
        property("parent_ticket_id", Kind::Text, "Parent ticket."),
        property("parent_ticket_node_id", Kind::Text, "Node the parent is at."),
        property("dry_run", Kind::Boolean(false), "True rehearses: nothing is written."),
        property(
            "idempotency_key",
            Kind::Text,
            "Your name for this call: a repeat answers the first result.",
        ),
    ],
    output: rows::HANDLED,
    effect: Effect::Adds,
    whole: "call `ticket_detail` with the ticket id, and with `whole_field` for a long value",
    run: |context, mut arguments| {
        async move {
            let params = ticket_create::Params::parse(&mut arguments)?;
            object(context, &ticket_create::run(context, params).await?)
        }
        .boxed()
    },
};
