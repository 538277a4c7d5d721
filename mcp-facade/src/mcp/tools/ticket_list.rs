//! Tool `ticket_list`: the caller's tickets by category, filtered and paged.
//!
//! Not here: which tickets a category holds, and the range where no bound is sent (the engine's list).

use futures::FutureExt;

use super::{CallContext, Declaration, Effect, rows};
use crate::arguments::{Arguments, Page};
use crate::error::{ApiError, Code};
use crate::mcp::schema::{Kind, property};
use crate::wire::{self, request};

/// Words of `category`; the first is the default.
pub const CATEGORIES: &[&str] = &["duty", "owner", "relation", "view", "worked", "intervene", "all"];

/// One page of a list. Ids are as sent; `None` and an empty list filter nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// One of [`CATEGORIES`].
    pub category: String,
    /// Part of the title.
    pub search_value: Option<String>,
    /// First moment of creation, as text: `arguments::time_bound` reads it in the tenant's zone.
    pub create_start: Option<String>,
    /// Last moment of creation, likewise.
    pub create_end: Option<String>,
    /// Workflows.
    pub workflow_ids: Vec<String>,
    /// Nodes that hold a token now.
    pub node_ids: Vec<String>,
    /// Tickets.
    pub ticket_ids: Vec<String>,
    /// State.
    pub act_state: Option<String>,
    /// Creator.
    pub creator_id: Option<String>,
    /// Parent.
    pub parent_ticket_id: Option<String>,
    /// Newest first.
    pub reverse: bool,
    /// Which page.
    pub page: Page,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            category: arguments.one_of("category", "duty", CATEGORIES)?,
            search_value: arguments.optional_string("search_value")?,
            create_start: arguments.optional_string("create_start")?,
            create_end: arguments.optional_string("create_end")?,
            workflow_ids: arguments.comma_separated("workflow_ids")?,
            node_ids: arguments.comma_separated("node_ids")?,
            ticket_ids: arguments.comma_separated("ticket_ids")?,
            act_state: arguments.optional_string("act_state")?,
            creator_id: arguments.optional_string("creator_id")?,
            parent_ticket_id: arguments.optional_string("parent_ticket_id")?,
            reverse: arguments.reverse(true)?,
            page: arguments.page()?,
        })
    }
}

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
        property("per_page", Kind::Number, "Rows of a page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "Tickets on all pages."),
        property("has_more", Kind::Flag, "Whether a page follows."),
        property("notes", Kind::Texts, "Filters that name nothing."),
    ],
    effect: Effect::Reads,
    whole: "ask for fewer rows with `per_page`",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    let directory = context.directory()?;
    let query = request::list(&params, &directory, context.state.now())?;
    let page = context.answered(context.engine().list(&context.caller, query).await)?;
    let (engine, caller) = (context.engine(), &context.caller);
    let mut notes = wire::note::of_tickets(&params, engine, caller, &directory);
    if let (Some(parent), 0) = (&params.parent_ticket_id, page.total)
        && !may_view(context, parent).await?
    {
        notes.push(wire::note::of_parent(parent));
    }
    let mut answer = wire::page::page("ticket_list", &page, |row| wire::ticket::row(row, &directory));
    wire::put_notes(&mut answer, notes);
    Ok(answer)
}

/// Whether there is such a ticket that the caller may view.
async fn may_view(context: &CallContext, id: &str) -> Result<bool, ApiError> {
    let Ok(id) = request::ticket_id(id) else {
        return Ok(false);
    };
    match context.answered(context.engine().detail(&context.caller, id).await) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code, Code::Overloaded | Code::Internal) => Err(error),
        Err(_refused) => Ok(false),
    }
}
