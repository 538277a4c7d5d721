//! Tool `absence_set`: how it is listed. What it takes and answers is `call::absence_set`.

use futures::FutureExt;

use super::{Declaration, Effect, object};
use crate::call::absence_set;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "absence_set",
    title: "Set an absence",
    description: "Use when somebody will be away: their new work goes to the delegate.",
    input: &[
        property("delegate_id", Kind::Required, "User id of who stands in."),
        property("from", Kind::Required, "First day, or a time."),
        property("to", Kind::Required, "Last day, or a time."),
        property("user_id", Kind::Text, "Who is away; you, if empty."),
        property(
            "workflow_ids",
            Kind::Text,
            "Only for these, comma separated; empty for all.",
        ),
        property(
            "hand_over",
            Kind::Boolean(false),
            "True also hands over what they hold, once it runs.",
        ),
    ],
    output: &[
        property("absence", Kind::AnyObject, "As in absence_list."),
        property("moved", Kind::Number, "Tickets handed over."),
        property("left", Kind::AnyRows, "Tickets that were not: ticket_id, code."),
        property("has_more", Kind::Flag, "Repeat the call for more."),
    ],
    effect: Effect::Changes,
    whole: "see the tickets that are left in `ticket_list`",
    run: |context, mut arguments| {
        async move {
            let params = absence_set::Params::parse(&mut arguments)?;
            object(context, &absence_set::run(context, params).await?)
        }
        .boxed()
    },
};
