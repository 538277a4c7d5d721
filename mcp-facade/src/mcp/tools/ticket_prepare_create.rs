//! Tool `ticket_prepare_create`: how it is listed. What it takes and answers is `call::ticket_prepare_create`.

use futures::FutureExt;

use super::{Declaration, Effect, object};
use crate::call::ticket_prepare_create;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_prepare_create",
    title: "Prepare to create a ticket",
    description: "Use before ticket_create: the form, which fields are required, the actions of the start node, and an \
                  example body.",
    input: &[
        property("workflow_id", Kind::Required, "Workflow id, from workflow_list."),
        property("version_name", Kind::Text, "Version; empty for the default."),
    ],
    output: &[
        property(
            "form_schema",
            Kind::AnyObject,
            "component_info_list (rows, children) and workflow_metadata.",
        ),
        property(
            "field_permissions",
            Kind::AnyObject,
            "Key to readonly, optional, required or hidden.",
        ),
        property("required_fields", Kind::Texts, "Keys that must be filled in."),
        property("optional_fields", Kind::Texts, "Keys that may be."),
        property("readonly_fields", Kind::Texts, "Keys that may not."),
        property(
            "actions",
            Kind::AnyRows,
            "Ways on: id, name, type, props, node_id, destructive, needs.",
        ),
        property("action_base_node_id", Kind::Text, "The start node."),
        property("example", Kind::AnyObject, "Arguments for ticket_create."),
    ],
    effect: Effect::Reads,
    whole: "tell the workflow's admin that its form is too large to be shown",
    run: |context, mut arguments| {
        async move {
            let params = ticket_prepare_create::Params::parse(&mut arguments)?;
            object(context, &ticket_prepare_create::run(context, params).await?)
        }
        .boxed()
    },
};
