//! Tool `ticket_history`: how it is listed. What it takes and answers is `call::ticket_history`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::ticket_history;
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_history",
    title: "Read a ticket's history",
    description: "Use to see who did what to a ticket, when, at which node, with which comment and which field changes, \
                  or what happened since a version.",
    input: &[
        property("ticket_id", Kind::Required, "Ticket id, from ticket_list."),
        property(
            "from_version",
            Kind::Integer(0, Some(0), None),
            "Only what led to this version or a later one.",
        ),
        rows::PAGE,
        rows::PER_PAGE,
        property(
            "reverse",
            Kind::Integer(0, Some(0), Some(1)),
            "1: newest first; 0: oldest first.",
        ),
        property(
            "with_effects",
            Kind::Boolean(false),
            "Also what became of hooks and other effects.",
        ),
    ],
    output: &[
        property(
            "history",
            Kind::AnyRows,
            "One entry per call: version, created_at, operator, processor, node, action_type, action_id, comment, target, \
             field_changes, moves, act_state, app_name, token_id, vote, decided, on_behalf_of.",
        ),
        property("per_page", Kind::Number, "Per page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "In all."),
        property("has_more", Kind::Flag, "More pages follow."),
    ],
    effect: Effect::Reads,
    whole: "ask for one entry with `per_page` 1 and `from_version`; a field's present value is in `ticket_detail` with `whole_field`",
    run: |context, mut arguments| {
        async move {
            let params = ticket_history::Params::parse(&mut arguments)?;
            object(context, &ticket_history::run(context, params).await?)
        }
        .boxed()
    },
};
