//! Tool `ticket_handle`: how it is listed. What it takes and answers is `call::ticket_handle`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::ticket_handle;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_handle",
    title: "Handle a ticket",
    description: "Use to act on a ticket after ticket_prepare_handle: agree, reject, accept, forward, comment and the \
                  rest. Call with dry_run true first and show the preview to the user.",
    input: &[
        property("ticket_id", Kind::Required, "Ticket id, from ticket_list."),
        property(
            "action_type",
            Kind::Text,
            "type of an action that ticket_prepare_handle offers: agree, reject, other, accept, forward, consult, \
             consult_submit, add_comment, withdraw, discard, force_forward, force_close, force_alter_node, retry_hook, skip, abstain, \
             add_signer, take_back, return_to, undo, give_back.",
        ),
        property("action_id", Kind::Text, "id of that action."),
        property(
            "action_props",
            Kind::AnyObject,
            "comment; node_id where several fit; what the action's needs name, as target_assignee_id or target_node_id; position (with, \
             before, after) of a signer; resume with return_to.",
        ),
        property(
            "fields",
            Kind::AnyObject,
            "Field values by component_key; only agree, reject and other take them.",
        ),
        property(
            "dry_run",
            Kind::Boolean(false),
            "True rehearses: nothing is written, the answer has a preview.",
        ),
        property(
            "handle_request",
            Kind::Object(&[
                property("action_type", Kind::Text, "As above."),
                property("action_id", Kind::Text, "As above."),
                property("action_props", Kind::AnyObject, "As above."),
                property("fields", Kind::AnyObject, "As above."),
            ]),
            "The same in one object; its values win.",
        ),
        property(
            "expected_version",
            Kind::Integer(0, Some(0), None),
            "Refuse if the ticket changed since; 0 for any.",
        ),
        property(
            "idempotency_key",
            Kind::Text,
            "Your name for this call: a repeat answers the first result.",
        ),
    ],
    output: rows::HANDLED,
    effect: Effect::Changes,
    whole: "call `ticket_detail` with the ticket id, and with `whole_field` for a long value",
    run: |context, mut arguments| {
        async move {
            let params = ticket_handle::Params::parse(&mut arguments)?;
            object(context, &ticket_handle::run(context, params).await?)
        }
        .boxed()
    },
};
