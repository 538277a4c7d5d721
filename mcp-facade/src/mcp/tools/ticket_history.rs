//! Tool `ticket_history`: who did what to a ticket.
//!
//! Not here: which fields' changes the caller sees (the engine's view).

use futures::FutureExt;

use super::{CallContext, Declaration, Effect, rows};
use crate::arguments::{Arguments, Page};
use crate::error::ApiError;
use crate::mcp::schema::{Kind, property};
use crate::wire::{self, request};

/// One page of a ticket's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The ticket's id, as sent.
    pub ticket_id: String,
    /// Only what led to this version or a later one.
    pub from_version: u64,
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
            ticket_id: arguments.required_string("ticket_id")?,
            from_version: arguments.integer("from_version", 0, 0..=i64::MAX)?.unsigned_abs(),
            reverse: arguments.reverse(false)?,
            page: arguments.page()?,
        })
    }
}

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
    ],
    output: &[
        property(
            "history",
            Kind::AnyRows,
            "One entry per call: version, created_at, operator, processor, node, action_type, action_id, comment, target, \
             field_changes, moves, act_state, app_name, token_id.",
        ),
        property("per_page", Kind::Number, "Rows of a page."),
        property("page", Kind::Number, "This page."),
        property("total", Kind::Number, "Entries on all pages."),
        property("has_more", Kind::Flag, "Whether a page follows."),
    ],
    effect: Effect::Reads,
    whole: "ask for one entry with `per_page` 1 and `from_version`; a field's present value is in `ticket_detail` with `whole_field`",
    run: |context, arguments| run(context, arguments).boxed(),
};

async fn run(context: &CallContext, mut arguments: Arguments) -> Result<serde_json::Value, ApiError> {
    let params = Params::parse(&mut arguments)?;
    let directory = context.directory()?;
    let ticket = request::ticket_id(&params.ticket_id)?;
    let page = context
        .engine()
        .history(&context.caller, ticket, request::history(&params))
        .await;
    let page = context.answered(page)?;
    Ok(wire::page::page("history", &page, |entry| {
        wire::history::entry(entry, &directory)
    }))
}
