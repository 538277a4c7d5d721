//! Tool `ticket_list`: how it is listed. What it takes and answers is `call::ticket_list`.

use futures::FutureExt;

use super::{Declaration, Effect, object, rows};
use crate::call::ticket_list::{self, CATEGORIES, ORDERS};
use crate::mcp::schema::{Kind, property};

/// The tool.
pub const DECLARATION: Declaration = Declaration {
    name: "ticket_list",
    title: "List tickets",
    description: "Use first to find tickets: by default those that wait for the caller. Filter and page; then call \
                  ticket_detail or ticket_prepare_handle with an id.",
    input: &[
        property(
            "category",
            Kind::Choice(CATEGORIES),
            "duty: wait for me; owner: I created; relation: I took part; view: workflows I may view; worked: I handled; \
             intervene: I administer; all: admins only.",
        ),
        property("search_value", Kind::Text, "Part of the title."),
        property(
            "create_start",
            Kind::Text,
            "Created from: date, time or RFC 3339. Default: three years ago.",
        ),
        property("create_end", Kind::Text, "Created until, likewise. Default: now."),
        property("workflow_ids", Kind::Text, "Workflow ids, comma separated."),
        property(
            "node_ids",
            Kind::Text,
            "Ids of nodes that are active now, comma separated.",
        ),
        property("ticket_ids", Kind::Text, "Ticket ids, comma separated."),
        property(
            "act_state",
            Kind::Text,
            "in_draft, on_going, rejected, withdrawn, finished or closed.",
        ),
        property("creator_id", Kind::Text, "User id of the creator."),
        property("parent_ticket_id", Kind::Text, "Id of the parent ticket."),
        property("overdue", Kind::Boolean(false), "Only past their deadline."),
        property("due_before", Kind::Text, "Only due before."),
        property("order_by", Kind::Choice(ORDERS), "due: first due first."),
        property(
            "reverse",
            Kind::Integer(1, Some(0), Some(1)),
            "1: newest first; 0: oldest first.",
        ),
        rows::PER_PAGE,
        rows::PAGE,
    ],
    output: &[
        property("ticket_list", Kind::Rows(rows::TICKET), "Tickets."),
        property("per_page", Kind::Number, "Per page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "In all."),
        property("has_more", Kind::Flag, "More pages follow."),
        property("notes", Kind::Texts, "Filters that name nothing."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, mut arguments| {
        async move {
            let params = ticket_list::Params::parse(&mut arguments)?;
            object(context, &ticket_list::run(context, params).await?)
        }
        .boxed()
    },
};
